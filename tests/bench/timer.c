/* What programs cost that start another one, measured side by side.
 *
 *   timer ROUNDS FILE [wall]
 *
 * A line of FILE is one program, its fields separated by tabs: a name, the number of variables,
 * the variables, the program's absolute path, its arguments. The first line is the bare child,
 * which the others start in the end. It has to exit with EXPECTED; anything else stops the run.
 *
 * Standard output: the method for instructions (`counters` or `steps`), then a line for each
 * program, separated by tabs: name, wall time in µs (median, 10th and 90th percentile), user
 * instructions, kernel instructions, page faults (minor, major), peak memory in kB, processor time
 * in µs (median). All but the
 * memory are net of the bare child; `-` stands for what this machine cannot tell, and after `wall`
 * for instructions and memory. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* MOST_STEPS: what takes more is not stepped to its end. */
enum { EXPECTED = 42, PROGRAMS = 64, WARM_UP = 5, COUNTED = 15, MOST_STEPS = 3000000 };

struct program {
    char *name, **variables, **arguments;
    double *wall, *processor, *minor, *major;
    double user, kernel, peak;
};

static struct program programs[PROGRAMS];
static int count;
static int null_device;

static void fail(const char *what, const char *name) {
    fprintf(stderr, "timer: %s: %s%s%s\n", what, name, errno ? ": " : "",
            errno ? strerror(errno) : "");
    exit(1);
}

static void *allocate(size_t number, size_t size) {
    void *memory = calloc(number, size);
    if (!memory)
        fail("allocate", "memory");
    return memory;
}

/* Programs ------------------------------------------------------------------------------- */

static void read_programs(const char *path, int rounds) {
    FILE *file = fopen(path, "re");
    if (!file)
        fail("open", path);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0) {
        if (count == PROGRAMS)
            fail("read", "too many programs");
        line[strcspn(line, "\n")] = '\0';
        struct program *it = &programs[count++];
        char *rest = line, *field;
        it->name = strsep(&rest, "\t");
        field = strsep(&rest, "\t");
        int variables = field ? atoi(field) : 0;
        it->variables = allocate((size_t)variables + 1, sizeof(char *));
        for (int i = 0; i < variables; i++)
            it->variables[i] = strsep(&rest, "\t");
        it->arguments = allocate(64, sizeof(char *));
        for (int i = 0; i < 63 && (field = strsep(&rest, "\t")); i++)
            it->arguments[i] = field;
        if (!it->arguments[0])
            fail("read a program without a path", it->name);
        it->wall = allocate((size_t)rounds, sizeof(double));
        it->processor = allocate((size_t)rounds, sizeof(double));
        it->minor = allocate((size_t)rounds, sizeof(double));
        it->major = allocate((size_t)rounds, sizeof(double));
        line = NULL; /* the fields stay in it */
        size = 0;
    }
    fclose(file);
    if (!count)
        fail("read", "no program");
}

/* In the new process: become the program. Dies with the timer, so that nothing is left behind. */
static void become(const struct program *it) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd = 0; fd < 3; fd++)
        dup2(null_device, fd);
    execve(it->arguments[0], it->arguments, it->variables);
    _exit(127);
}

static void demand(const struct program *it, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXPECTED)
        return;
    errno = 0;
    fprintf(stderr, "timer: the child was not started: %s: %s %d\n", it->name,
            WIFEXITED(status) ? "status" : "signal",
            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    exit(1);
}

/* Wall time and page faults -------------------------------------------------------------- */

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* vfork: no copy of the timer's page tables, whose faults would drown those of the program. */
static void time_once(struct program *it, int round) {
    struct rusage use;
    int status;
    double start = microseconds();
    pid_t pid = vfork();
    if (pid == 0)
        become(it);
    if (pid < 0 || wait4(pid, &status, 0, &use) != pid)
        fail("run", it->name);
    double end = microseconds();
    demand(it, status);
    if (round >= 0) {
        it->wall[round] = end - start;
        it->processor[round] = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
                               (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
        it->minor[round] = (double)use.ru_minflt;
        it->major[round] = (double)use.ru_majflt;
    }
}

/* Instructions by hardware counters ------------------------------------------------------ */

static int counter(pid_t pid, int kernel) {
    struct perf_event_attr wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.size = sizeof wanted;
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
    wanted.disabled = 1;
    wanted.enable_on_exec = 1;
    wanted.inherit = 1;
    wanted.exclude_user = kernel ? 1 : 0;
    wanted.exclude_kernel = kernel ? 0 : 1;
    wanted.exclude_hv = 1;
    return (int)syscall(SYS_perf_event_open, &wanted, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* One run; a count that is not to be had is negative. */
static void counted_run(const struct program *it, double *user, double *kernel) {
    int gate[2], status;
    char go = 1;
    if (pipe2(gate, O_CLOEXEC))
        fail("open", "a pipe");
    pid_t pid = fork();
    if (pid == 0) {
        /* The counters have to be open before the exec that switches them on. */
        close(gate[1]);
        if (read(gate[0], &go, 1) != 1)
            _exit(127);
        become(it);
    }
    int fds[2] = {counter(pid, 0), counter(pid, 1)};
    if (write(gate[1], &go, 1) != 1 || waitpid(pid, &status, 0) != pid)
        fail("run", it->name);
    demand(it, status);
    for (int i = 0; i < 2; i++) {
        uint64_t value;
        double *to = i ? kernel : user;
        *to = fds[i] >= 0 && read(fds[i], &value, sizeof value) == sizeof value ? (double)value : -1;
        if (fds[i] >= 0)
            close(fds[i]);
    }
    close(gate[0]);
    close(gate[1]);
}

/* Under ptrace: instructions by single steps, and memory --------------------------------- */

/* Whether a step went on to another instruction: one with a `rep` prefix traps once for every
 * repetition, and counts once, as hardware counters have it. */
static int moved(pid_t pid) {
#if defined(__x86_64__)
    static uint64_t last;
    uint64_t now =
        (uint64_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0);
    int yes = now != last;
    last = now;
    return yes;
#else
    (void)pid;
    return 1;
#endif
}

static double field_of(pid_t pid, const char *name, const char *field) {
    char path[64], line[256];
    double kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, field, strlen(field)))
            kilobytes = strtod(line + strlen(field), NULL);
    fclose(file);
    return kilobytes;
}

/* Follows the program with all its threads from its own exec to that of the child. With `step`
 * the user instructions in between, negative for a program with threads: what they do goes by
 * the clock, and a program that is stepped has thousands of times the time. Else its peak memory
 * in kB. */
static double traced_run(const struct program *it, int step, int is_child) {
    double result = 0;
    int status, threads = 0, execs = 0, ends = is_child ? 1 : 2;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        become(it);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        fail("trace", it->name);
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, options) || ptrace(PTRACE_CONT, pid, 0, 0))
        fail("trace", it->name);
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            fail("wait for", it->name);
        if (!WIFSTOPPED(status)) {
            if (thread != pid)
                continue; /* a thread that ended */
            demand(it, status);
            return threads ? -1 : result;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_EXEC && ++execs == ends) {
            if (is_child && !step)
                result = field_of(thread, "status", "VmHWM:");
            ptrace(PTRACE_DETACH, thread, 0, 0);
            continue;
        }
        if (event == PTRACE_EVENT_CLONE && step)
            threads = 1;
        if (signal == SIGTRAP && !event && step && execs == 1) {
            result += moved(thread);
            if (result > MOST_STEPS) {
                kill(pid, SIGKILL);
                while (waitpid(-1, &status, __WALL) > 0)
                    ;
                return -1;
            }
        } else if (signal == (SIGTRAP | 0x80) && execs == 1) {
            /* The high-water mark is settled late on some kernels; what is mapped now is exact. */
            double mark = field_of(pid, "status", "VmHWM:");
            double now = field_of(pid, "smaps_rollup", "Rss:");
            result = mark > result ? mark : result;
            result = now > result ? now : result;
        }
        int deliver = signal == SIGTRAP || signal == (SIGTRAP | 0x80) || signal == SIGSTOP ? 0 : signal;
        long how = execs == 0 || threads ? PTRACE_CONT : step ? PTRACE_SINGLESTEP : PTRACE_SYSCALL;
        if (ptrace(how, thread, 0, deliver) && errno != ESRCH)
            fail("trace", it->name);
    }
}

/* Figures -------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(const double *values, int number, double part) {
    double *sorted = allocate((size_t)number, sizeof *sorted);
    memcpy(sorted, values, (size_t)number * sizeof *sorted);
    qsort(sorted, (size_t)number, sizeof *sorted, ascending);
    double at = part * (number - 1);
    int low = (int)at;
    double found = sorted[low];
    if (low + 1 < number)
        found += (at - low) * (sorted[low + 1] - found);
    free(sorted);
    return found;
}

static void show(double value) {
    if (value < 0)
        printf("\t-");
    else
        printf("\t%.0f", value);
}

int main(int argc, char **argv) {
    int wall_only = argc == 4 && !strcmp(argv[3], "wall");
    int rounds = argc == 3 || wall_only ? atoi(argv[1]) : 0;
    if (rounds < 1) {
        fprintf(stderr, "usage: timer ROUNDS FILE [wall]\n");
        return 64;
    }
    null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_device < 0)
        fail("open", "/dev/null");
    read_programs(argv[2], rounds);
    struct program *child = &programs[0];

    /* Every program once a round, each round beginning with another one, so that a busy moment
     * of the machine falls on all alike. */
    for (int round = -WARM_UP; round < rounds; round++)
        for (int i = 0; i < count; i++)
            time_once(&programs[(i + round + WARM_UP) % count], round);

    int probe = counter(0, 0), counters = probe >= 0;
    if (counters)
        close(probe);
    printf("%s\n", counters ? "counters" : "steps");

    for (int i = 0; i < count; i++) {
        struct program *it = &programs[i];
        it->user = it->kernel = it->peak = -1;
        if (wall_only)
            continue;
        if (counters) {
            double user[COUNTED], kernel[COUNTED];
            for (int run = 0; run < COUNTED; run++)
                counted_run(it, &user[run], &kernel[run]);
            it->user = quantile(user, COUNTED, 0.5);
            it->kernel = quantile(kernel, COUNTED, 0.5);
        } else {
            it->user = traced_run(it, 1, i == 0);
        }
        it->peak = traced_run(it, 0, i == 0);
    }

    for (int i = 0; i < count; i++) {
        struct program *it = &programs[i];
        double *net = allocate((size_t)rounds, sizeof *net);
        for (int round = 0; round < rounds; round++)
            net[round] = it->wall[round] - (i ? child->wall[round] : 0);
        printf("%s\t%.0f\t%.0f\t%.0f", it->name, quantile(net, rounds, 0.5),
               quantile(net, rounds, 0.1), quantile(net, rounds, 0.9));
        show(i && it->user >= 0 ? it->user - (counters ? child->user : 0) : it->user);
        show(i && it->kernel >= 0 ? it->kernel - child->kernel : it->kernel);
        show(quantile(it->minor, rounds, 0.5) - (i ? quantile(child->minor, rounds, 0.5) : 0));
        show(quantile(it->major, rounds, 0.5) - (i ? quantile(child->major, rounds, 0.5) : 0));
        show(it->peak);
        double before = i ? quantile(child->processor, rounds, 0.5) : 0;
        printf("\t%.0f\n", quantile(it->processor, rounds, 0.5) - before);
        free(net);
    }
    return 0;
}
