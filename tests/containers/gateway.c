/* Stands in for the gateway in the tests of images and pods: static, no file but itself.
 *
 *   gateway          states its process, serves /health, and ends with 42 on SIGTERM
 *   gateway exit N   states its process and ends with N
 *
 * The statement holds names and lengths, never a value. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static void terminated(int signal) {
    (void)signal;
    _exit(42);
}

static void state(void) {
    printf("pid=%d uid=%d gid=%d no_new_privs=%d\n", getpid(), getuid(), getgid(),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    for (char **entry = environ; *entry; entry++) {
        const char *value = strchr(*entry, '=');
        if (value)
            printf("env %.*s %zu\n", (int)(value - *entry), *entry, strlen(value + 1));
    }
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "CapEff:", 7) || !strncmp(line, "CapPrm:", 7))
            fputs(line, stdout);
    int file = open("/written", O_CREAT | O_WRONLY, 0600);
    puts(file < 0 ? "root=read-only" : "root=writable");
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, terminated);
    state();
    if (count > 2 && !strcmp(arguments[1], "exit"))
        return atoi(arguments[2]);
    const char *bind_address = getenv("NEXIS_BIND_ADDR");
    const char *port = bind_address ? strrchr(bind_address, ':') : NULL;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port ? atoi(port + 1) : 8080)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) {
        perror("gateway: bind");
        return 1;
    }
    puts("READY");
    for (;;) {
        int stream = accept(listener, NULL, NULL);
        char request[1024];
        if (stream < 0)
            continue;
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                     "Connection: close\r\n\r\nok";
        if (read(stream, request, sizeof request) < 0 ||
            write(stream, answer, sizeof answer - 1) < 0)
            puts("lost a request");
        close(stream);
    }
}
