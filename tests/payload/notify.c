// SPDX-License-Identifier: Apache-2.0
// Sends each argument as a message to $NOTIFY_SOCKET, as sd_notify(3) does. `-` waits for a line on
// standard input first.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char** argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path) {
        return 2;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-") == 0) {
            getchar();
        } else if (sendto(fd, argv[i], strlen(argv[i]), 0, (struct sockaddr*)&address,
                          sizeof address) < 0) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
