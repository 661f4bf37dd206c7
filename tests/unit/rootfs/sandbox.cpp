// SPDX-License-Identifier: Apache-2.0
// Bundles and namespaces for the tests.
#include "tests/unit/rootfs/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "libcontainer/sys/file.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

struct MountLine {
    std::string options;
    std::string propagation;
    std::string type;
    std::string source;
    std::string superblock;
};

std::vector<std::pair<std::string, MountLine>> read_mountinfo(const std::string& process = "self") {
    std::vector<std::pair<std::string, MountLine>> result;
    std::ifstream file("/proc/" + process + "/mountinfo");
    for (std::string text; std::getline(file, text);) {
        std::istringstream line(text);
        std::string skipped;
        std::string place;
        MountLine entry;
        line >> skipped >> skipped >> skipped >> skipped >> place >> entry.options;
        for (std::string field; line >> field && field != "-";) {
            entry.propagation += " " + field;
        }
        line >> entry.type >> entry.source >> entry.superblock;
        result.emplace_back(place, entry);
    }
    return result;
}

const MountLine* uppermost(const std::vector<std::pair<std::string, MountLine>>& mounts,
                           const std::string& path) {
    const MountLine* found = nullptr;
    for (const auto& [place, entry] : mounts) {
        found = place == path ? &entry : found;
    }
    return found;
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> part = {};
    for (ssize_t length = 0; (length = ::read(fd, part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(length));
    }
    return text;
}

[[noreturn]] void run_child(int out, const std::function<std::string()>& work) {
    std::string text;
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0) {
        text = "no namespace";
    } else {
        ::umask(0);
        const pid_t first = ::fork();  // its parent keeps the host's namespace
        if (first == 0) {
            ::alarm(20);
            text = work();
            const ssize_t written = ::write(out, text.data(), text.size());
            ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
        }
        int status = 0;
        ::waitpid(first, &status, 0);
        text = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "";
    }
    [[maybe_unused]] const ssize_t written = ::write(out, text.data(), text.size());
    ::_exit(0);
}

std::string assemble(libcontainer::Rootfs& rootfs, const Look& look) {
    using namespace libcontainer;
    for (const auto& step : {attach_root, apply_mounts, make_devices}) {
        if (const auto done = step(rootfs); !done) {
            return done.error().text();
        }
    }
    return look(rootfs);
}

}  // namespace

Bundle::Bundle() {
    std::string name = (fs::temp_directory_path() / "brig-rootfs-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    REQUIRE(::chmod(path_.c_str(), 0755) == 0);
    directory("rootfs");
    directory("outside");
}

Bundle::~Bundle() {
    fs::remove_all(path_);
}

void Bundle::directory(const std::string& name, unsigned mode) const {
    fs::create_directories(path(name));
    REQUIRE(::chmod(path(name).c_str(), mode) == 0);
}

void Bundle::file(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
}

void Bundle::link(const std::string& name, const std::string& target) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    REQUIRE(::symlink(target.c_str(), path(name).c_str()) == 0);
}

void Bundle::fifo(const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    REQUIRE(::mkfifo(path(name).c_str(), 0644) == 0);
}

void Bundle::node(const std::string& name, unsigned major, unsigned minor) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    REQUIRE(::mknod(path(name).c_str(), S_IFCHR | 0600, makedev(major, minor)) == 0);
}

std::string Bundle::snapshot(const std::string& name) const {
    std::set<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(path(name))) {
        const std::string line = entry.path().string() + " " + status(entry.path().string());
        lines.insert(entry.is_regular_file() && !entry.is_symlink()
                         ? line + " " + read(entry.path().string())
                         : line);
    }
    std::string text;
    for (const std::string& line : lines) {
        text += line + "\n";
    }
    return text;
}

oci::Spec spec() {
    oci::Spec result;
    result.root = oci::Root{"rootfs", false};
    result.linux.namespaces = {{oci::NamespaceType::mount, std::nullopt}};
    return result;
}

oci::Mount mount(std::string destination, std::string type, std::string source,
                 std::vector<std::string> options) {
    oci::Mount entry;
    entry.destination = std::move(destination);
    entry.type = std::move(type);
    entry.source = std::move(source);
    entry.options = std::move(options);
    return entry;
}

std::vector<oci::Mount> default_mounts() {
    return {
        mount("/proc", "proc", "proc"),
        mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
        mount("/dev/pts", "devpts", "devpts",
              {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
        mount("/dev/shm", "tmpfs", "shm",
              {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
        mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
        mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
    };
}

std::string in_namespace(const std::function<std::string()>& work) {
    std::array<int, 2> ends = {};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        run_child(ends[1], work);
    }
    ::close(ends[1]);
    std::string text = read_all(ends[0]);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

std::string build(const oci::Spec& spec, const Bundle& bundle, const Look& look,
                  std::vector<libcontainer::CgroupMountSource> cgroups) {
    auto rootfs = libcontainer::prepare_rootfs(spec, bundle.path("."), std::move(cgroups));
    if (!rootfs) {
        return rootfs.error().text();
    }
    if (::unshare(CLONE_NEWNS) != 0) {
        return "no namespace";
    }
    return assemble(*rootfs, look);
}

std::string build_in_user_namespace(const oci::Spec& spec, const Bundle& bundle, unsigned uid,
                                    const Look& look) {
    if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) {
        return "no such user";
    }
    auto rootfs = libcontainer::prepare_rootfs(spec, bundle.path("."), {});
    if (!rootfs) {
        return rootfs.error().text();
    }
    ::prctl(PR_SET_DUMPABLE, 1);  // an ordinary user writes its maps only if it is
    const std::string map = "0 " + std::to_string(uid) + " 1";
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        !sys::write_attribute(AT_FDCWD, "/proc/self/setgroups", "deny") ||
        !sys::write_attribute(AT_FDCWD, "/proc/self/uid_map", map) ||
        !sys::write_attribute(AT_FDCWD, "/proc/self/gid_map", map)) {
        return "no user namespace";
    }
    return assemble(*rootfs, look);
}

std::string build_in_namespace(const oci::Spec& spec, const Bundle& bundle, const Look& look) {
    return in_namespace([&] { return build(spec, bundle, look); });
}

std::string mounted(const std::string& path) {
    const auto mounts = read_mountinfo();
    const MountLine* const line = uppermost(mounts, path);
    return line == nullptr ? "none" : line->type + " " + line->options + line->propagation;
}

bool has_flag(const std::string& path, const std::string& flag) {
    const auto mounts = read_mountinfo();
    const MountLine* const line = uppermost(mounts, path);
    return line != nullptr &&
           ("," + line->options + ",").find("," + flag + ",") != std::string::npos;
}

std::string mounted_on_host(const std::string& path) {
    const auto mounts = read_mountinfo(std::to_string(::getppid()));
    const MountLine* const line = uppermost(mounts, path);
    return line == nullptr ? "none" : line->type + " " + line->options + line->propagation;
}

std::string mounted_source(const std::string& path) {
    const auto mounts = read_mountinfo();
    const MountLine* const line = uppermost(mounts, path);
    return line == nullptr ? "none" : line->source;
}

std::string superblock_options(const std::string& path) {
    const auto mounts = read_mountinfo();
    const MountLine* const line = uppermost(mounts, path);
    return line == nullptr ? "none" : line->superblock;
}

int mount_count(const std::string& top) {
    const std::string below = top.ends_with('/') ? top : top + "/";
    int count = 0;
    for (const auto& [place, entry] : read_mountinfo()) {
        count += place == top || place.starts_with(below) ? 1 : 0;
    }
    return count;
}

std::string read(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return std::strerror(errno);
    }
    std::string text = read_all(fd);
    ::close(fd);
    return text;
}

std::string status(const std::string& path) {
    struct stat info = {};
    if (::lstat(path.c_str(), &info) != 0) {
        return "missing";
    }
    if (S_ISLNK(info.st_mode)) {
        return "l " + fs::read_symlink(path).string();
    }
    const std::string types = "?pc?d?b?-?l?s???";
    std::array<char, 128> text = {};
    std::snprintf(text.data(), text.size(), "%c %04o %u:%u",
                  types.at((info.st_mode & S_IFMT) >> 12U), info.st_mode & 07777U, info.st_uid,
                  info.st_gid);
    std::string result = text.data();
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
        result +=
            " " + std::to_string(major(info.st_rdev)) + ":" + std::to_string(minor(info.st_rdev));
    }
    return result;
}

}  // namespace sandbox
