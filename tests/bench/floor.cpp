// SPDX-License-Identifier: Apache-2.0
// What the kernel alone costs: the work of default.json, hard-coded, with no config and no checks.
// usage: floor run ROOTFS | floor exec PID (which the benchmarks measure beside the runtimes).
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

namespace {

constexpr const char* kCgroupRoot = "/sys/fs/cgroup";
constexpr const char* kGroup = "floor";
constexpr int kMaxHierarchies = 16;

struct Hierarchy {
    char name[64];
    char group[320];
    int tasks;
};

Hierarchy hierarchies[kMaxHierarchies];
int hierarchy_count = 0;

void must(bool done, const char* what) {
    if (!done) {
        perror(what);
        _exit(1);
    }
}

void write_text(int dir, const char* path, const char* text) {
    const int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
    must(fd >= 0, path);
    must(write(fd, text, strlen(text)) > 0, path);
    close(fd);
}

// The cpuset hierarchy takes no task before its group has CPUs and memory nodes.
void copy_cpuset(int parent, int group) {
    for (const char* name : {"cpuset.cpus", "cpuset.mems"}) {
        char text[256] = {};
        const int fd = openat(parent, name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0) {
            write_text(group, name, text);
        }
        close(fd);
    }
}

void limit_devices(int group) {
    write_text(group, "devices.deny", "a");
    for (const char* rule : {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
                             "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 136:* rwm", "c 5:2 rwm"}) {
        write_text(group, "devices.allow", rule);
    }
}

void find_hierarchies() {
    DIR* dir = opendir(kCgroupRoot);
    must(dir != nullptr, kCgroupRoot);
    while (const dirent* entry = readdir(dir)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            hierarchy_count < kMaxHierarchies) {
            Hierarchy& hierarchy = hierarchies[hierarchy_count++];
            snprintf(hierarchy.name, sizeof(hierarchy.name), "%.63s", entry->d_name);
            snprintf(hierarchy.group, sizeof(hierarchy.group), "%s/%s/%s", kCgroupRoot,
                     entry->d_name, kGroup);
        }
    }
    closedir(dir);
}

void make_groups() {
    for (int i = 0; i < hierarchy_count; ++i) {
        Hierarchy& hierarchy = hierarchies[i];
        must(mkdir(hierarchy.group, 0755) == 0, hierarchy.group);
        const int group = open(hierarchy.group, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (strcmp(hierarchy.name, "cpuset") == 0) {
            const int parent = openat(group, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
            copy_cpuset(parent, group);
            close(parent);
        }
        if (strcmp(hierarchy.name, "devices") == 0) {
            limit_devices(group);
        }
        hierarchy.tasks = openat(group, "tasks", O_WRONLY | O_CLOEXEC);
        must(hierarchy.tasks >= 0, "tasks");
        close(group);
    }
}

void enter_groups() {
    for (int i = 0; i < hierarchy_count; ++i) {
        must(write(hierarchies[i].tasks, "0", 1) == 1, "tasks");
    }
}

void remove_groups() {
    for (int i = 0; i < hierarchy_count; ++i) {
        must(rmdir(hierarchies[i].group) == 0, hierarchies[i].group);
    }
}

void mount_one(const char* source, const char* target, const char* type, unsigned long flags,
               const char* data) {
    must(mount(source, target, type, flags, data) == 0, target);
}

void make_devices() {
    static const struct {
        const char* path;
        unsigned minor, major;
    } devices[] = {{"dev/null", 3, 1},   {"dev/zero", 5, 1},    {"dev/full", 7, 1},
                   {"dev/random", 8, 1}, {"dev/urandom", 9, 1}, {"dev/tty", 0, 5}};
    const mode_t mask = umask(0);
    for (const auto& device : devices) {
        must(mknod(device.path, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0,
             device.path);
    }
    umask(mask);
    static const char* const links[][2] = {{"/proc/self/fd", "dev/fd"},
                                           {"/proc/self/fd/0", "dev/stdin"},
                                           {"/proc/self/fd/1", "dev/stdout"},
                                           {"/proc/self/fd/2", "dev/stderr"},
                                           {"pts/ptmx", "dev/ptmx"}};
    for (const auto& link : links) {
        must(symlink(link[0], link[1]) == 0, link[1]);
    }
}

void mount_cgroups() {
    mount_one("tmpfs", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
    for (int i = 0; i < hierarchy_count; ++i) {
        char target[128];
        snprintf(target, sizeof(target), "sys/fs/cgroup/%.63s", hierarchies[i].name);
        must(mkdir(target, 0755) == 0, target);
        mount_one(hierarchies[i].group, target, nullptr, MS_BIND, nullptr);
        mount_one(nullptr, target, nullptr,
                  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    }
    mount_one(nullptr, "sys/fs/cgroup", nullptr,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

void mask_paths() {
    for (const char* path : {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                             "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                             "/proc/sched_debug", "/sys/firmware", "/proc/scsi"}) {
        if (mount("/dev/null", path, nullptr, MS_BIND, nullptr) != 0) {
            mount("tmpfs", path, "tmpfs", MS_RDONLY, nullptr);
        }
    }
    for (const char* path :
         {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}) {
        if (mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) == 0) {
            mount_one(path, path, nullptr,
                      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
        }
    }
}

void make_root(const char* rootfs) {
    mount_one(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr);
    mount_one(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr);
    must(chdir(rootfs) == 0, rootfs);
    mount_one("proc", "proc", "proc", 0, nullptr);
    mount_one("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
    for (const char* path : {"dev/pts", "dev/shm", "dev/mqueue"}) {
        must(mkdir(path, 0755) == 0, path);
    }
    constexpr unsigned long kQuiet = MS_NOSUID | MS_NOEXEC;
    mount_one("devpts", "dev/pts", "devpts", kQuiet, "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_one("shm", "dev/shm", "tmpfs", kQuiet | MS_NODEV, "mode=1777,size=65536k");
    mount_one("mqueue", "dev/mqueue", "mqueue", kQuiet | MS_NODEV, nullptr);
    mount_one("sysfs", "sys", "sysfs", kQuiet | MS_NODEV | MS_RDONLY, nullptr);
    mount_cgroups();
    make_devices();
    must(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
    must(umount2(".", MNT_DETACH) == 0, "umount");
    must(chdir("/") == 0, "/");
    mask_paths();
    mount_one(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
}

void drop_capabilities() {
    constexpr unsigned kKept =
        (1U << CAP_AUDIT_WRITE) | (1U << CAP_KILL) | (1U << CAP_NET_BIND_SERVICE);
    for (unsigned long number = 0; number <= CAP_LAST_CAP; ++number) {
        if (number >= 32 || (kKept & (1U << number)) == 0) {
            prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
        }
    }
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {{kKept, kKept, 0}, {0, 0, 0}};
    must(syscall(SYS_capset, &header, data) == 0, "capset");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
}

[[noreturn]] void execute_true() {
    const rlimit files = {1024, 1024};
    must(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
    drop_capabilities();
    char name[] = "/bin/true";
    char* const arguments[] = {name, nullptr};
    char* const environment[] = {nullptr};
    execve(name, arguments, environment);
    must(false, name);
    _exit(1);
}

int wait_for(pid_t pid) {
    int status = 0;
    must(waitpid(pid, &status, 0) == pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int run(const char* rootfs) {
    find_hierarchies();
    make_groups();
    clone_args args = {};
    args.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
    args.exit_signal = SIGCHLD;
    const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
    must(pid >= 0, "clone3");
    if (pid == 0) {
        enter_groups();
        setsid();
        must(sethostname("bench", 5) == 0, "sethostname");
        make_root(rootfs);
        execute_true();
    }
    const int status = wait_for(pid);
    remove_groups();
    return status;
}

int execute_in(pid_t target) {
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, target, 0));
    must(pidfd >= 0, "pidfd_open");
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/cgroup", target);
    FILE* file = fopen(path, "re");
    must(file != nullptr, path);
    char line[512];
    while (fgets(line, sizeof(line), file) != nullptr && hierarchy_count < kMaxHierarchies) {
        char* name = strchr(line, ':') + 1;
        char* group = strchr(name, ':');
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        name = strncmp(name, "name=", 5) == 0 ? name + 5 : name;
        snprintf(path, sizeof(path), "%s", name);
        char tasks[768];
        snprintf(tasks, sizeof(tasks), "%s/%s%s/tasks", kCgroupRoot, path, group);
        const int fd = open(tasks, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            hierarchies[hierarchy_count++].tasks = fd;
        }
    }
    fclose(file);
    enter_groups();
    must(setns(pidfd, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS) == 0,
         "setns");
    const pid_t pid = fork();
    if (pid == 0) {
        setsid();
        execute_true();
    }
    return wait_for(pid);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "run") == 0) {
        return run(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "exec") == 0) {
        return execute_in(atoi(argv[2]));
    }
    fputs("usage: floor run ROOTFS | floor exec PID\n", stderr);
    return 2;
}
