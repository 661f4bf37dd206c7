// SPDX-License-Identifier: Apache-2.0
// Namespaces as files.
#include "libcontainer/process/namespace_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr const char* kTimeOffsets = "/proc/self/timens_offsets";

std::string own_file(oci::NamespaceType type) {
    return std::string("/proc/self/ns/") + proc_name(type);
}

std::string place_of(const NamespacePlan::Join& join) {
    return "linux.namespaces[" + std::to_string(join.index) + "].path";
}

Result<sys::UniqueFd> open_namespace(const NamespacePlan::Join& join) {
    sys::UniqueFd fd = TRY(sys::open_at(AT_FDCWD, join.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    struct statfs filesystem = {};
    const auto refuse = [&join](const std::string& why) {
        return std::unexpected(sys::Error{sys::ErrorKind::invalid, EINVAL, place_of(join),
                                          "\"" + join.path + "\" is " + why});
    };
    if (::fstatfs(fd.get(), &filesystem) != 0 || filesystem.f_type != NSFS_MAGIC ||
        ::ioctl(fd.get(), NS_GET_NSTYPE) != static_cast<int>(clone_flag(join.type))) {
        return refuse("not a " + std::string(oci::to_name(join.type)) + " namespace");
    }
    if (join.type == oci::NamespaceType::user && is_own_namespace(join.type, fd.get())) {
        return refuse("the runtime's own user namespace: leave the entry out to stay in it");
    }
    return fd;
}

}  // namespace

Result<std::vector<sys::UniqueFd>> open_namespaces(const NamespacePlan& plan) {
    std::vector<sys::UniqueFd> namespaces;
    for (const NamespacePlan::Join& join : plan.joins) {
        auto fd = open_namespace(join);
        if (!fd) {
            return std::unexpected(std::move(fd).error().at(place_of(join)));
        }
        namespaces.push_back(*std::move(fd));
    }
    return namespaces;
}

bool is_own_namespace(oci::NamespaceType type, int fd) {
    struct stat own = {};
    struct stat joined = {};
    return ::stat(own_file(type).c_str(), &own) != 0 || ::fstat(fd, &joined) != 0 ||
           (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino);
}

Result<void> join_namespace(const NamespacePlan::Join& join, int fd) {
    if (::setns(fd, static_cast<int>(clone_flag(join.type))) != 0) {
        return std::unexpected(sys::last_error(sys::call("setns", join.path)).at(place_of(join)));
    }
    return {};
}

Result<sys::UniqueFd> open_time_offsets() {
    auto file = sys::open_at(AT_FDCWD, kTimeOffsets, O_WRONLY);
    if (!file) {
        return std::unexpected(explain_no_namespace(std::move(file).error(), CLONE_NEWTIME));
    }
    return file;
}

Result<void> make_time_namespace(const std::map<oci::Clock, oci::TimeOffset>& offsets,
                                 int offsets_file) {
    if (::unshare(CLONE_NEWTIME) != 0) {
        return std::unexpected(explain_no_namespace(sys::last_error("unshare"), CLONE_NEWTIME));
    }
    for (const auto& [clock, offset] : offsets) {
        const std::string line = std::string(oci::to_name(clock)) + " " +
                                 std::to_string(offset.secs.value_or(0)) + " " +
                                 std::to_string(offset.nanosecs.value_or(0));
        // The kernel takes what stands at the file's start.
        if (::lseek(offsets_file, 0, SEEK_SET) != 0 ||
            ::write(offsets_file, line.data(), line.size()) < 0) {
            return std::unexpected(
                sys::last_error(sys::call("write", kTimeOffsets))
                    .at("linux.timeOffsets." + std::string(oci::to_name(clock))));
        }
    }
    return {};
}

sys::Error explain_no_namespace(sys::Error error, std::uint64_t flags) {
    if (error.code == ENOSPC) {
        error.message += " (a limit of /proc/sys/user/max_*_namespaces is reached)";
    }
    for (const auto& type : oci::names_of<oci::NamespaceType>()) {
        if ((error.code == EINVAL || error.code == ENOENT) &&
            (flags & clone_flag(type.value)) != 0 &&
            ::access(own_file(type.value).c_str(), F_OK) != 0) {
            error.kind = sys::ErrorKind::unsupported;
            error.message += " (this kernel has no " + std::string(type.name) + " namespaces)";
        }
    }
    return std::move(error).at("linux.namespaces");
}

}  // namespace libcontainer
