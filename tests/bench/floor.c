/* The floor: the least a C program can do for the launcher's job.
 *
 *   floor DIRECTORY PROGRAM [ARG]...
 *
 * Four secrets from a directory, each checked to be a regular file without NUL and freed of one
 * final newline, into the environment after the inherited variables; one manifest to standard
 * error in one write; exec. There is no validation, no search for other sources and no check for
 * a name that is inherited as well: what a launcher costs above this is the price of those. */

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNMET = 78, NOT_EXECUTABLE = 126, LIMIT = 65536 };

static const char *const secrets[] = {"JWT_SECRET", "DATABASE_URL", "REDIS_URL", "OPENAI_API_KEY"};
enum { COUNT = sizeof secrets / sizeof secrets[0] };

/* Untouched pages of these are never mapped, so their size costs nothing. */
static char values[COUNT * (LIMIT + 64)];
static char manifest[8192];

static char *append(char *to, const char *text) {
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

int main(int argc, char **argv, char **inherited) {
    char path[4096];
    if (argc < 3 || strlen(argv[1]) > 2048)
        return UNMET;
    char *file = append(append(path, argv[1]), "/");

    size_t present = 0;
    while (inherited[present])
        present++;
    char *environment[present + COUNT + 1];
    memcpy(environment, inherited, present * sizeof *environment);

    char *value = values, *said = manifest;
    for (int i = 0; i < COUNT; i++) {
        *append(file, secrets[i]) = '\0';
        struct stat about;
        /* musl's open() would set the close-on-exec flag a second time, by a call of its own. */
        int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &about) || !S_ISREG(about.st_mode))
            return UNMET;

        environment[present + i] = value;
        value = append(append(value, secrets[i]), "=");
        ssize_t length = read(fd, value, LIMIT);
        if (length <= 0 || length == LIMIT || memchr(value, '\0', (size_t)length))
            return UNMET;
        if (value[length - 1] == '\n')
            length--;
        value[length] = '\0';
        value += length + 1;

        said = append(append(said, secrets[i]), " delivered from ");
        said = append(append(said, path), "\n");
    }
    environment[present + COUNT] = NULL;

    /* Best effort, as the launcher's own. */
    if (write(STDERR_FILENO, manifest, (size_t)(said - manifest)) < 0)
        said = manifest;
    execve(argv[2], argv + 2, environment);
    return NOT_EXECUTABLE;
}
