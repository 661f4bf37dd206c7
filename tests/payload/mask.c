// SPDX-License-Identifier: Apache-2.0
// Runs a program to which some system calls are not there (H-8), as on an older kernel or under the
// filter of an outer container.
// usage: mask ERRNO NUMBER[,NUMBER...] PROGRAM [ARG...]
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 4) {
        return 2;
    }
    struct sock_filter code[128];
    unsigned short size = 0;
    const unsigned answer = SECCOMP_RET_ERRNO | (unsigned)atoi(argv[1]);
    code[size++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (char* rest = argv[2]; rest != NULL && size < 120;) {
        const unsigned number = (unsigned)atoi(strsep(&rest, ","));
        code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
        code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
    }
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {size, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("mask");
        return 2;
    }
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
