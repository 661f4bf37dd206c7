// SPDX-License-Identifier: Apache-2.0
// Reading and writing the files of one cgroup directory.
#include "libcontainer/cgroup/attribute.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

// 0 or errno.
int write_once(int fd, std::string_view value) {
    ssize_t written = -1;
    do {
        written = ::write(fd, value.data(), value.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return errno;
    }
    return static_cast<std::size_t>(written) == value.size() ? 0 : EIO;
}

}  // namespace

Result<sys::UniqueFd> AttributeDirectory::open(std::string_view file, int flags) const {
    auto fd = sys::open_at(AT_FDCWD, path_ + "/" + std::string(file), flags | O_NOFOLLOW);
    if (!fd && fd.error().code == ENOENT) {
        sys::Error error{sys::ErrorKind::unsupported, ENOENT, {}, "this kernel offers no "};
        error.message.append(file).append(" in ").append(path_);
        return std::unexpected(std::move(error));
    }
    return fd;
}

Result<void> AttributeDirectory::write(std::string_view file, std::string_view value,
                                       std::string_view config_path) const {
    const AttributeLine line = {std::string(value), std::string(config_path)};
    return write_each(file, {&line, 1});
}

Result<void> AttributeDirectory::write_each(std::string_view file,
                                            std::span<const AttributeLine> lines) const {
    if (lines.empty()) {
        return {};
    }
    auto fd = open(file, O_WRONLY);
    if (!fd) {
        return std::unexpected(std::move(fd).error().at(lines.front().config_path));
    }
    const Result<std::string> before =
        undos_ != nullptr ? read_before(file) : Result<std::string>(std::string());
    for (const auto& [value, config_path] : lines) {
        if (const int code = write_once(fd->get(), value + "\n"); code != 0) {
            std::string what = "write(\"" + path_ + "/";
            what.append(file).append("\", \"").append(value).append("\")");
            return std::unexpected(sys::errno_error(what, code).at(config_path));
        }
        remember(file, value, before);
    }
    return {};
}

// These of a cpuset that has processes cannot be emptied again (ENOSPC, v2 as well): what it
// inherited until then has the same effect, but follows its parent no longer.
Result<std::string> AttributeDirectory::read_before(std::string_view file) const {
    std::string before = TRY(read(file));
    const bool is_inherited = before.empty() && (file == "cpuset.cpus" || file == "cpuset.mems");
    return is_inherited ? read(std::string(file) + ".effective") : Result<std::string>(before);
}

void AttributeDirectory::remember(std::string_view file, const std::string& written,
                                  const Result<std::string>& before) const {
    if (undos_ != nullptr && before) {
        undos_->on_failure([path = path_, name = std::string(file),
                            value = undoing_value(file, written, *before)] {
            static_cast<void>(AttributeDirectory(path).write(name, value, ""));
        });
    }
}

Result<std::string> AttributeDirectory::read(std::string_view file) const {
    const sys::UniqueFd fd = TRY(open(file, O_RDONLY));
    std::string content = TRY(sys::read_all(fd.get(), path_ + "/" + std::string(file)));
    if (content.ends_with('\n')) {
        content.pop_back();
    }
    return content;
}

bool AttributeDirectory::has(std::string_view file) const {
    const std::string path = path_ + "/" + std::string(file);
    return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace libcontainer
