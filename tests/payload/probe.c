// SPDX-License-Identifier: Apache-2.0
// Prints as one JSON object everything a process can learn about itself (H-1). Static, needs
// nothing in its root file system; what needs /proc is null without it.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static void print_string(const char* text) {
    putchar('"');
    for (const unsigned char* c = (const unsigned char*)text; *c != '\0'; ++c) {
        if (*c == '"' || *c == '\\') {
            printf("\\%c", *c);
        } else if (*c < 0x20 || *c >= 0x7f) {
            printf("\\u%04x", *c);  // bytes as Latin-1: the reader encodes them back
        } else {
            putchar(*c);
        }
    }
    putchar('"');
}

static void key(const char* name) {
    static bool later = false;
    printf(later ? ",\n" : "\n");
    later = true;
    print_string(name);
    printf(": ");
}

static void number(const char* name, long long value) {
    key(name);
    printf("%lld", value);
}

static void text(const char* name, const char* value) {
    key(name);
    value == NULL ? (void)printf("null") : print_string(value);
}

// The file's content, null when it cannot be read.
static char* slurp(const char* path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    size_t size = 0, room = 1 << 16;
    char* data = malloc(room + 1);
    ssize_t count = 0;
    while ((count = read(fd, data + size, room - size)) > 0) {
        size += (size_t)count;
        if (size == room) {
            room *= 2;
            data = realloc(data, room + 1);
        }
    }
    close(fd);
    data[size] = '\0';
    return data;
}

static void file(const char* name, const char* path) {
    char* content = slurp(path);
    text(name, content);
    free(content);
}

static void strings(const char* name, char** list) {
    key(name);
    putchar('[');
    for (size_t i = 0; list[i] != NULL; ++i) {
        printf(i ? ", " : "");
        print_string(list[i]);
    }
    putchar(']');
}

static void identity(void) {
    number("pid", getpid());
    number("ppid", getppid());
    number("sid", getsid(0));
    number("pgid", getpgid(0));
    unsigned r = 0, e = 0, s = 0;
    syscall(SYS_getresuid, &r, &e, &s);
    key("uids");
    printf("[%u, %u, %u, %u]", r, e, s, (unsigned)setfsuid((uid_t)-1));
    syscall(SYS_getresgid, &r, &e, &s);
    key("gids");
    printf("[%u, %u, %u, %u]", r, e, s, (unsigned)setfsgid((gid_t)-1));
    int count = getgroups(0, NULL);
    gid_t* groups = calloc((size_t)count + 1, sizeof *groups);
    getgroups(count, groups);
    key("groups");
    putchar('[');
    for (int i = 0; i < count; ++i) {
        printf("%s%u", i ? ", " : "", groups[i]);
    }
    putchar(']');
    free(groups);
}

static void set_of(const char* name, uint64_t bits) {
    key(name);
    printf("\"%016llx\"", (unsigned long long)bits);
}

static void capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    syscall(SYS_capget, &header, data);
    set_of("cap_effective", data[0].effective | (uint64_t)data[1].effective << 32);
    set_of("cap_permitted", data[0].permitted | (uint64_t)data[1].permitted << 32);
    set_of("cap_inheritable", data[0].inheritable | (uint64_t)data[1].inheritable << 32);
    uint64_t bounding = 0, ambient = 0;
    int last = 0;
    for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap) >= 0; ++cap) {
        bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, cap) == 1) << cap;
        ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) << cap;
        last = cap;
    }
    set_of("cap_bounding", bounding);
    set_of("cap_ambient", ambient);
    number("cap_last", last);
    number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    number("securebits", prctl(PR_GET_SECUREBITS));
    number("keepcaps", prctl(PR_GET_KEEPCAPS));
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    number("pdeathsig", death);
}

static const char* type_name(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "file";
        case S_IFDIR:
            return "dir";
        case S_IFCHR:
            return "char";
        case S_IFBLK:
            return "block";
        case S_IFIFO:
            return "fifo";
        case S_IFSOCK:
            return "socket";
        case S_IFLNK:
            return "link";
        default:
            return "other";
    }
}

static void descriptors(void) {
    key("fds");
    putchar('{');
    bool later = false;
    for (int fd = 0; fd < 4096; ++fd) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0) {
            continue;
        }
        struct stat st = {0};
        fstat(fd, &st);
        char link[32], target[4097] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        printf(
            "%s\"%d\": {\"type\": \"%s\", \"flags\": %d, \"rdev\": [%u, %u], \"uid\": %u, "
            "\"link\": ",
            later ? ", " : "", fd, type_name(st.st_mode), flags, major(st.st_rdev),
            minor(st.st_rdev), st.st_uid);
        print_string(target);
        putchar('}');
        later = true;
    }
    putchar('}');
}

static void limits(void) {
    static const char* const kNames[] = {
        "CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
        "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};
    key("rlimits");
    putchar('{');
    for (unsigned i = 0; i < 16; ++i) {
        struct rlimit limit = {0};
        syscall(SYS_prlimit64, 0, i, NULL, &limit);
        printf("%s\"RLIMIT_%s\": [%llu, %llu]", i ? ", " : "", kNames[i],
               (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    }
    putchar('}');
}

static void signals(void) {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    key("signals_blocked");
    putchar('[');
    bool later = false;
    for (int number = 1; number <= 64; ++number) {
        if (sigismember(&blocked, number) == 1) {
            printf("%s%d", later ? ", " : "", number);
            later = true;
        }
    }
    putchar(']');
    key("signals_ignored");
    putchar('[');
    later = false;
    for (int number = 1; number <= 64; ++number) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            printf("%s%d", later ? ", " : "", number);
            later = true;
        }
    }
    putchar(']');
}

static void scheduling(void) {
    number("scheduler", sched_getscheduler(0));
    errno = 0;
    number("nice", getpriority(PRIO_PROCESS, 0));
    // struct sched_attr of Linux 3.14.
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } sched = {0};
    syscall(SYS_sched_getattr, 0, &sched, sizeof sched, 0);
    key("sched");
    printf(
        "{\"policy\": %u, \"flags\": %llu, \"nice\": %d, \"priority\": %u, \"runtime\": %llu, "
        "\"deadline\": %llu, \"period\": %llu}",
        sched.policy, (unsigned long long)sched.flags, sched.nice, sched.priority,
        (unsigned long long)sched.runtime, (unsigned long long)sched.deadline,
        (unsigned long long)sched.period);
    number("ioprio", syscall(SYS_ioprio_get, 1, 0));
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof cpus, &cpus);
    number("cpus", CPU_COUNT(&cpus));
    int mode = 0;
    unsigned long nodes[16] = {0};
    long done = syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0);
    number("mempolicy", done < 0 ? -1 : mode);
    number("mempolicy_nodes", (long long)nodes[0]);
}

static void terminal(void) {
    key("tty");
    char* name = ttyname(0);
    name == NULL ? (void)printf("null") : print_string(name);
    number("tty_pgrp", tcgetpgrp(0));
    struct winsize size = {0};
    ioctl(0, TIOCGWINSZ, &size);
    key("winsize");
    printf("[%u, %u]", size.ws_row, size.ws_col);
    int control = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    number("controlling_tty", control >= 0);
    close(control);
}

static void namespaces(void) {
    static const char* const kTypes[] = {"cgroup", "ipc",  "mnt",  "net",
                                         "pid",    "time", "user", "uts"};
    key("namespaces");
    putchar('{');
    for (size_t i = 0; i < sizeof kTypes / sizeof *kTypes; ++i) {
        char path[32], link[64] = "";
        snprintf(path, sizeof path, "/proc/self/ns/%s", kTypes[i]);
        ssize_t length = readlink(path, link, sizeof link - 1);
        link[length < 0 ? 0 : length] = '\0';
        printf("%s\"%s\": ", i ? ", " : "", kTypes[i]);
        print_string(link);
    }
    putchar('}');
    struct utsname names;
    uname(&names);
    text("hostname", names.nodename);
    text("domainname", names.domainname);
    text("machine", names.machine);
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    number("boottime", now.tv_sec);
    clock_gettime(CLOCK_MONOTONIC, &now);
    number("monotonic", now.tv_sec);
}

static void keyring(void) {
    long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    number("keyring", id);
    char description[512] = "";
    syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, description,
            sizeof description - 1);
    text("keyring_description", description);
}

int main(int argc, char** argv) {
    (void)argc;
    putchar('{');
    strings("args", argv);
    strings("env", environ);
    identity();
    capabilities();
    descriptors();
    limits();
    signals();
    scheduling();
    terminal();
    namespaces();
    keyring();
    char cwd[8192] = "";
    // Raw: glibc hides the kernel's "(unreachable)" prefix.
    text("cwd", syscall(SYS_getcwd, cwd, sizeof cwd) < 0 ? NULL : cwd);
    mode_t mask = umask(0);
    umask(mask);
    number("umask", mask);
    number("personality", personality(0xffffffff));
    number("dumpable", prctl(PR_GET_DUMPABLE));
    file("mountinfo", "/proc/self/mountinfo");
    file("cgroup", "/proc/self/cgroup");
    file("status", "/proc/self/status");
    file("oom_score_adj", "/proc/self/oom_score_adj");
    file("loginuid", "/proc/self/loginuid");
    file("timens_offsets", "/proc/self/timens_offsets");
    file("uid_map", "/proc/self/uid_map");
    file("gid_map", "/proc/self/gid_map");
    file("setgroups", "/proc/self/setgroups");
    printf("\n}\n");
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
