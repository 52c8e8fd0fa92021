/* The user instructions and system calls of one program, by single steps: the same numbers on every
 * run and on every machine whose C library takes the same paths.
 *
 *   steps [--addresses FILE] PROGRAM [ARG]...
 *
 * Counted is from the program's main to the exec of another program or its own end, with the
 * environment and the standard streams as they are here. What the C library does before main
 * depends on the make of the processor, so those instructions are told apart; so does which memcpy
 * or strlen it takes, so one of these is counted as the jump to it. System calls are counted from
 * the exec on, without it, and with the exec of the other program.
 *
 * Standard output: instructions from main on, instructions before main, system calls, and the
 * status (`exec` where another program was started), separated by tabs. FILE gets every address
 * that was executed, in hexadecimal, once, in the order of the first time. */

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "single steps are counted on x86_64 only"
#endif

/* What stands at an address that was executed. The code does not change, so it is looked at once. */
enum kind { PLAIN, CALL, AWAY };
enum { SEEN = 1 << 20 };
static struct {
    uint64_t address;
    enum kind kind;
} seen[SEEN];

static void fail(const char *what) {
    fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t word(pid_t pid, uint64_t address) {
    return (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, address, 0);
}

/* The address of main, which the C library's start code gets as its first argument:
 * mov $main,%rdi as glibc has it, lea main(%rip),%rdi where the program can stand anywhere. 0 where
 * it is not seen (musl calls it from C). */
static uint64_t find_main(pid_t pid, uint64_t entry) {
    for (uint64_t at = entry; at < entry + 64; at++) {
        uint64_t code = word(pid, at), after = word(pid, at + 3);
        if ((code & 0xffffff) == 0xc7c748)
            return after & 0xffffffff;
        if ((code & 0xffffff) == 0x3d8d48)
            return at + 7 + (uint64_t)(int64_t)(int32_t)after;
    }
    return 0;
}

static enum kind look(pid_t pid, uint64_t address, FILE *addresses) {
    uint64_t i = address * 0x9e3779b97f4a7c15u >> 44;
    while (seen[i % SEEN].address && seen[i % SEEN].address != address)
        i++;
    if (!seen[i % SEEN].address) {
        uint64_t code = word(pid, address) & 0xffff;
        seen[i % SEEN].address = address;
        /* jmp *slot(%rip) is a way out of the table of indirect functions. */
        seen[i % SEEN].kind = code == 0x050f ? CALL : code == 0x25ff ? AWAY : PLAIN;
        if (addresses)
            fprintf(addresses, "%lx\n", address);
    }
    return seen[i % SEEN].kind;
}

int main(int argc, char **argv) {
    FILE *addresses = NULL;
    char **program = argv + 1;
    if (argc > 3 && !strcmp(argv[1], "--addresses")) {
        if (!(addresses = fopen(argv[2], "we")))
            fail(argv[2]);
        program += 2;
    }
    if (!program[0]) {
        fprintf(stderr, "usage: steps [--addresses FILE] PROGRAM [ARG]...\n");
        return 64;
    }
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(program[0], program);
        _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        fail("start");
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) ||
        ptrace(PTRACE_CONT, pid, 0, 0))
        fail("trace");
    uint64_t before = 0, after = 0, calls = 0, last = 0, start = 0, away = 0;
    int started = 0, in_main = 0;
    for (;;) {
        if (waitpid(pid, &status, 0) != pid)
            fail("wait");
        if (!WIFSTOPPED(status))
            break;
        int signal = WSTOPSIG(status), deliver = signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
        if (status >> 16 == PTRACE_EVENT_EXEC) {
            if (started++) {
                ptrace(PTRACE_DETACH, pid, 0, 0);
                waitpid(pid, NULL, 0);
                printf("%lu\t%lu\t%lu\texec\n", after, before, calls);
                return 0;
            }
            uint64_t entry = (uint64_t)ptrace(
                PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0);
            start = find_main(pid, entry);
            in_main = !start;
        } else if (started && signal == SIGTRAP) {
            uint64_t at = (uint64_t)ptrace(
                PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), 0);
            /* An instruction with a `rep` prefix traps once for every repetition and counts once. */
            if (at != last) {
                enum kind kind = look(pid, at, addresses);
                in_main |= at == start;
                if (away == at)
                    away = 0;
                if (!away)
                    *(in_main ? &after : &before) += 1;
                calls += kind == CALL;
                /* The address to return to is on the stack. */
                if (!away && in_main && kind == AWAY)
                    away = word(pid, (uint64_t)ptrace(PTRACE_PEEKUSER, pid,
                                                      offsetof(struct user_regs_struct, rsp), 0));
            }
            last = at;
        }
        if (ptrace(started ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, 0, deliver))
            fail("step");
    }
    if (!started) {
        fprintf(stderr, "steps: cannot start %s\n", program[0]);
        return 127;
    }
    printf("%lu\t%lu\t%lu\t%d\n", after, before, calls,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
