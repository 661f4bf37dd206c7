// SPDX-License-Identifier: Apache-2.0
// /etc/passwd without NSS.
#include "libcontainer/passwd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <string_view>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr std::size_t kMaxPasswd = 1U << 20U;

// name:password:uid:gid:gecos:home:shell
std::array<std::string_view, 7> split(std::string_view line) {
    std::array<std::string_view, 7> fields;
    for (std::string_view& field : fields) {
        const std::size_t colon = line.find(':');
        field = line.substr(0, colon);
        line.remove_prefix(colon == std::string_view::npos ? line.size() : colon + 1);
    }
    return fields;
}

}  // namespace

std::optional<PasswdEntry> find_passwd_entry(const char* path, unsigned uid) {
    // O_NONBLOCK: the image may have put a FIFO there (T-15).
    const auto file = sys::open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat info = {};
    if (!file || ::fstat(file->get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    const auto text = sys::read_all(file->get(), path, kMaxPasswd);
    if (!text) {
        return std::nullopt;
    }
    const std::string wanted = std::to_string(uid);
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const auto fields = split(rest.substr(0, end));
        if (fields[2] == wanted) {
            return PasswdEntry{std::string(fields[0]), std::string(fields[5])};
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return std::nullopt;
}

}  // namespace libcontainer
