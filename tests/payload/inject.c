// SPDX-License-Identifier: Apache-2.0
// Puts input into the terminals that it has, and takes them over, if it can (T-98).
// Says per terminal which calls succeeded: "0 TIOCSTI".
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void say(const char* terminal, const char* call) {
    dprintf(3, "%s %s\n", terminal, call);
}

static void attack(const char* terminal, int fd) {
    char paste[2] = {3, 0};  // TIOCLINUX: paste the selection
    if (ioctl(fd, TIOCSTI, "x") == 0) {
        say(terminal, "TIOCSTI");
    }
    if (ioctl(fd, TIOCLINUX, paste) == 0) {
        say(terminal, "TIOCLINUX");
    }
    if (ioctl(fd, TIOCSCTTY, 1) == 0) {
        say(terminal, "TIOCSCTTY");
        if (ioctl(fd, TIOCSTI, "x") == 0) {
            say(terminal, "TIOCSTI after TIOCSCTTY");
        }
    }
}

int main(void) {
    static const char* const kNames[] = {"0", "1", "2", "/dev/tty", "/dev/console", "/dev/pts/0"};
    dup2(open("/told", O_WRONLY | O_CREAT | O_APPEND, 0644), 3);
    for (int i = 0; i < 6; ++i) {
        const int fd = i < 3 ? i : open(kNames[i], O_RDWR | O_NOCTTY);
        if (fd >= 0 && isatty(fd)) {
            attack(kNames[i], fd);
        }
    }
    say("done", strerror(0));
}
