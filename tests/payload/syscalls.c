// SPDX-License-Identifier: Apache-2.0
// Makes the system calls named by its arguments and prints for each what came back.
// usage: syscalls NUMBER[:ARG[:ARG...]]...   prints "NUMBER RESULT ERRNO" per line
//   a NUMBER written 0x40000000+N is an x32 call; ARGs are integers, or @TEXT for a string
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; ++i) {
        long words[7] = {0};
        int count = 0;
        char* rest = argv[i];
        for (char* word = NULL; count < 7 && (word = strsep(&rest, ":")) != NULL; ++count) {
            words[count] = *word == '@' ? (long)(word + 1) : (long)strtoull(word, NULL, 0);
        }
        errno = 0;
        long result = syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
        int error = errno;
        printf("%ld %ld %d\n", words[0], result, result < 0 ? error : 0);
    }
    return 0;
}
