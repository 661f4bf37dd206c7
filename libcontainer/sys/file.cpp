// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes relative to a directory descriptor.
#include "libcontainer/sys/file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sys {

Result<UniqueFd> open_at(int dir, std::string_view path, int flags, mode_t mode) {
    const std::string name(path);
    int fd = -1;
    do {
        fd = ::openat(dir, name.c_str(), flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return fail_errno(call("open", path));
    }
    return UniqueFd(fd);
}

Result<std::string> read_all(int fd, std::string_view name, std::size_t limit) {
    std::string content;
    // Attribute files report size 0 or 4096; one page serves them in a single read.
    struct stat info = {};
    std::size_t chunk = 4096;
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        chunk = static_cast<std::size_t>(info.st_size) + 1;
    }
    while (content.size() <= limit) {
        const std::size_t filled = content.size();
        content.resize(filled + std::min(chunk, limit + 1 - filled));
        const ssize_t got = ::read(fd, content.data() + filled, content.size() - filled);
        if (got < 0) {
            if (errno == EINTR) {
                content.resize(filled);
                continue;
            }
            return fail_errno(call("read", name));
        }
        content.resize(filled + static_cast<std::size_t>(got));
        if (got == 0) {
            return content;
        }
        chunk = std::max<std::size_t>(chunk, 16384);
    }
    return fail_code(call("read", name), EFBIG);
}

Result<std::string> read_file(int dir, std::string_view path, std::size_t limit) {
    const UniqueFd fd = TRY(open_at(dir, path, O_RDONLY));
    return read_all(fd.get(), path, limit);
}

Result<void> write_all(int fd, std::string_view data, std::string_view name) {
    while (!data.empty()) {
        const ssize_t written = ::write(fd, data.data(), data.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno(call("write", name));
        }
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> write_attribute(int dir, std::string_view path, std::string_view data) {
    const UniqueFd fd = TRY(open_at(dir, path, O_WRONLY | O_NOFOLLOW));
    ssize_t written = -1;
    do {
        written = ::write(fd.get(), data.data(), data.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return fail_errno(call("write", path));
    }
    if (static_cast<std::size_t>(written) != data.size()) {
        return fail_code(call("write", path), EIO);
    }
    return {};
}

Result<void> write_file_atomically(int dir, const std::string& name, std::string_view data,
                                   mode_t mode) {
    std::uint64_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) {
        return fail_errno("getrandom");
    }
    const std::string temporary = "." + name.substr(0, 200) + "." + std::to_string(random);
    {
        const UniqueFd fd =
            TRY(open_at(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
        if (auto written = write_all(fd.get(), data, name); !written) {
            ::unlinkat(dir, temporary.c_str(), 0);
            return written;
        }
    }
    if (::renameat(dir, temporary.c_str(), dir, name.c_str()) != 0) {
        const int code = errno;
        ::unlinkat(dir, temporary.c_str(), 0);
        return fail_code(call("rename", name), code);
    }
    return {};
}

Result<void> write_new_file(int dir, std::string_view name, std::string_view data, mode_t mode) {
    const UniqueFd fd = TRY(open_at(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    return write_all(fd.get(), data, name);
}

Result<void> make_directories(const std::string& path, mode_t mode) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string prefix = path.substr(0, end);
        if (::mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST) {
            const int code = errno;
            struct stat info = {};
            // EROFS or EACCES on a prefix that is there already is no obstacle.
            if (::stat(prefix.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
                return fail_code(call("mkdir", prefix), code);
            }
        }
        if (end == std::string::npos) {
            return {};
        }
    }
}

Result<std::string> read_link(int dir, const std::string& path) {
    std::array<char, PATH_MAX> buffer = {};
    const ssize_t length = ::readlinkat(dir, path.c_str(), buffer.data(), buffer.size());
    if (length < 0) {
        return fail_errno(call("readlink", path));
    }
    return std::string(buffer.data(), static_cast<std::size_t>(length));
}

Result<std::string> absolute_path(std::string_view path) {
    if (path.starts_with('/')) {
        return std::string(path);
    }
    std::array<char, PATH_MAX> cwd = {};
    if (::getcwd(cwd.data(), cwd.size()) == nullptr) {
        return fail_errno("getcwd");
    }
    std::string absolute(cwd.data());
    if (path.empty() || path == ".") {
        return absolute;
    }
    if (absolute != "/") {
        absolute += '/';
    }
    absolute += path.starts_with("./") ? path.substr(2) : path;
    return absolute;
}

Result<std::string> real_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
    return real ? Result<std::string>(real.get()) : fail_errno(call("realpath", path));
}

std::string directory_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return ".";
    }
    return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string base_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace sys
