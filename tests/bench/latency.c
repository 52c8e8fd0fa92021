/* How long a line takes through a filter: from the write of its newline to the filter's input
 * until the whole line has come out. usage: latency LINES FILTER [ARG]...
 * Prints, in microseconds: the median, the 99th percentile, the longest. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    int lines = argc > 2 ? atoi(argv[1]) : 0, in[2], out[2];
    if (lines < 1) {
        fprintf(stderr, "usage: latency LINES FILTER [ARG]...\n");
        return 64;
    }
    if (pipe(in) || pipe(out)) die("pipe");
    pid_t filter = fork();
    if (filter < 0) die("fork");
    if (filter == 0) {
        if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0) die("dup2");
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execvp(argv[2], argv + 2);
        die(argv[2]);
    }
    close(in[0]), close(out[1]);
    double *took = calloc((size_t)lines, sizeof *took);
    if (!took) die("calloc");
    const int warm = 100;
    for (int at = -warm; at < lines; at++) {
        char line[256], back[4096];
        int length = snprintf(line, sizeof line,
            "2026-11-25T19:00:00.%06dZ  INFO gateway::http: request method=GET path=/api/v1/models "
            "status=200 latency_ms=%d request_id=%08x\n", at + warm, at & 63, at * 2654435761u);
        /* The line without its newline first: what is timed is what the newline sets off. */
        if (write(in[1], line, (size_t)length - 1) != length - 1) die("write");
        int seen = 0;
        struct pollfd ready = { out[0], POLLIN, 0 };
        while (poll(&ready, 1, 1) > 0) {
            ssize_t got = read(out[0], back, sizeof back);
            if (got <= 0) die("read");
            seen += (int)got;
        }
        double start = now();
        if (write(in[1], "\n", 1) != 1) die("write");
        while (seen < length) {
            ssize_t got = read(out[0], back, sizeof back);
            if (got <= 0) die("read");
            seen += (int)got;
        }
        if (at >= 0) took[at] = now() - start;
    }
    close(in[1]);
    int status;
    if (waitpid(filter, &status, 0) < 0 || status) die("the filter failed");
    qsort(took, (size_t)lines, sizeof *took, ascending);
    printf("%.1f %.1f %.1f\n", took[lines / 2], took[lines * 99 / 100], took[lines - 1]);
    return 0;
}
