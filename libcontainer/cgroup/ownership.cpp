// SPDX-License-Identifier: Apache-2.0
// Whose processes are in a cgroup that two containers were configured for.
#include "libcontainer/cgroup/ownership.h"

#include <sys/random.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr const char* kOwner = "trusted.brig.owner";
constexpr const char* kLeft = "trusted.brig.left";
constexpr std::size_t kMaxMark = PATH_MAX + 32;

// No extended attributes, or none of this kind for us.
bool has_none(int code) {
    return code == EOPNOTSUPP || code == ENOSYS || code == EPERM || code == EACCES || code == EROFS;
}

}  // namespace

Result<std::string> make_mark(const std::string& folder) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) {
        return sys::fail_errno("getrandom");
    }
    return std::to_string(random) + " " + TRY(sys::real_path(folder));
}

std::string folder_of_mark(const std::string& mark) {
    const std::size_t blank = mark.find(' ');
    return blank == std::string::npos ? "" : mark.substr(blank + 1);
}

Result<void> mark_directory(const std::string& directory, const std::string& mark) {
    if (::setxattr(directory.c_str(), kOwner, mark.data(), mark.size(), 0) == 0 ||
        has_none(errno)) {
        return {};
    }
    return sys::fail_errno(sys::call("setxattr", directory));
}

void unmark_directory(const std::string& directory) {
    ::removexattr(directory.c_str(), kOwner);
}

Result<std::optional<std::string>> read_mark(const std::string& directory) {
    std::array<char, kMaxMark> found = {};
    const ssize_t size = ::getxattr(directory.c_str(), kOwner, found.data(), found.size());
    if (size >= 0) {
        return std::string(found.data(), static_cast<std::size_t>(size));
    }
    if (errno == ENODATA || errno == ENOENT || errno == ENODEV || errno == ERANGE ||
        has_none(errno)) {
        return std::nullopt;
    }
    return sys::fail_errno(sys::call("getxattr", directory));
}

void leave_directory(const std::string& directory) {
    ::setxattr(directory.c_str(), kLeft, "", 0, 0);
}

bool is_left(const std::string& directory) {
    return ::getxattr(directory.c_str(), kLeft, nullptr, 0) >= 0;
}

}  // namespace libcontainer
