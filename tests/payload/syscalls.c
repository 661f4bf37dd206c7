// SPDX-License-Identifier: Apache-2.0
// Makes the system calls named by its arguments and prints for each what came back.
// usage: syscalls [i386:|thread:]NUMBER[:ARG[:ARG...]]...   prints "NUMBER RESULT ERRNO" per line
//   a NUMBER written 0x40000000+N is an x32 call; ARGs are integers, or @TEXT for a string
//   i386: by int $0x80, with i386's number; thread: by a second thread, "NUMBER died" if it does
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long words[7];
static long result;
static volatile int alive = 1;  // the kernel clears it at the thread's end

static long call_i386(void) {
#ifdef __x86_64__
    long value = 0;
    __asm__ volatile("int $0x80"
                     : "=a"(value)
                     : "a"(words[0]), "b"(words[1]), "c"(words[2]), "d"(words[3])
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)value;
#else
    return -ENOSYS;
#endif
}

static int call_in_thread(void* unused) {
    (void)unused;
    result = syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    result = result < 0 ? -errno : result;
    syscall(SYS_exit, 0);
    return 0;
}

// -errno on failure; nothing if the thread that called is gone.
static const char* call_elsewhere(void) {
    static char stack[65536] __attribute__((aligned(16)));
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
    alive = 1;
    result = 1L << 40;
    if (clone(call_in_thread, stack + sizeof stack, flags, NULL, NULL, NULL, &alive) < 0) {
        return "no thread";
    }
    while (alive) {
        syscall(SYS_futex, &alive, FUTEX_WAIT, 1, NULL, NULL, 0);
    }
    return result == 1L << 40 ? "died" : NULL;
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; ++i) {
        const int i386 = strncmp(argv[i], "i386:", 5) == 0;
        const int thread = strncmp(argv[i], "thread:", 7) == 0;
        char* rest = argv[i] + (i386 ? 5 : thread ? 7 : 0);
        memset(words, 0, sizeof words);
        int count = 0;
        for (char* word = NULL; count < 7 && (word = strsep(&rest, ":")) != NULL; ++count) {
            words[count] = *word == '@' ? (long)(word + 1) : (long)strtoull(word, NULL, 0);
        }
        const char* fate = NULL;
        if (thread) {
            fate = call_elsewhere();
        } else if (i386) {
            result = call_i386();
        } else {
            result = syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
            result = result < 0 ? -errno : result;
        }
        if (fate != NULL) {
            printf("%ld %s\n", words[0], fate);
        } else {
            int failed = result < 0 && result >= -4095;
            printf("%ld %ld %ld\n", words[0], failed ? -1 : result, failed ? -result : 0);
        }
    }
    return 0;
}
