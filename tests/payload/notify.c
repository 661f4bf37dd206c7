// SPDX-License-Identifier: Apache-2.0
// Sends each argument as a message to $NOTIFY_SOCKET, as sd_notify(3) does. `-` waits for a line on
// standard input first, `+PATH` sends a descriptor of that file along with all that follows, `*`
// sends what follows without end.
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int attached = -1;

static ssize_t say(int socket, struct sockaddr_un* address, char* text) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {text, strlen(text)};
    struct msghdr message = {
        .msg_name = address, .msg_namelen = sizeof *address, .msg_iov = &part, .msg_iovlen = 1};
    if (attached >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &attached, sizeof(int));
    }
    return sendmsg(socket, &message, 0);
}

int main(int argc, char** argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path) {
        return 2;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    bool without_end = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0) {
            getchar();
        } else if (strcmp(argv[i], "*") == 0) {
            without_end = true;
        } else if (argv[i][0] == '+') {
            attached = open(argv[i] + 1, O_RDONLY);
        } else {
            do {
                if (say(fd, &address, argv[i]) < 0) {
                    perror(path);
                    return 1;
                }
            } while (without_end);
        }
    }
    return 0;
}
