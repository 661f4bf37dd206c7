// SPDX-License-Identifier: Apache-2.0
// Exchanges two names over and over until its parent ends it (H-5).
// usage: swapper A B [A B]...
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Two exchanges close together, then a breath: the machine's other CPU has work to do, and a
    // name that is one thing most of the time is the harder target.
    const struct timespec breath = {0, 20000};
    for (;;) {
        for (int i = 1; i + 1 < argc; i += 2) {
            renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE);
        }
        nanosleep(&breath, NULL);
    }
}
