// SPDX-License-Identifier: Apache-2.0
// Error texts.
#include "libcontainer/sys/error.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace sys {
namespace {

struct ErrnoText {
    int code;
    std::string_view text;
};

// Go's texts (syscall/zerrors_linux_*.go): containerd, docker and podman compare with these.
constexpr auto kErrnoTexts = std::to_array<ErrnoText>({
    {EPERM, "operation not permitted"},
    {ENOENT, "no such file or directory"},
    {ESRCH, "no such process"},
    {EINTR, "interrupted system call"},
    {EIO, "input/output error"},
    {ENXIO, "no such device or address"},
    {E2BIG, "argument list too long"},
    {ENOEXEC, "exec format error"},
    {EBADF, "bad file descriptor"},
    {ECHILD, "no child processes"},
    {EAGAIN, "resource temporarily unavailable"},
    {ENOMEM, "cannot allocate memory"},
    {EACCES, "permission denied"},
    {EFAULT, "bad address"},
    {ENOTBLK, "block device required"},
    {EBUSY, "device or resource busy"},
    {EEXIST, "file exists"},
    {EXDEV, "invalid cross-device link"},
    {ENODEV, "no such device"},
    {ENOTDIR, "not a directory"},
    {EISDIR, "is a directory"},
    {EINVAL, "invalid argument"},
    {ENFILE, "too many open files in system"},
    {EMFILE, "too many open files"},
    {ENOTTY, "inappropriate ioctl for device"},
    {ETXTBSY, "text file busy"},
    {EFBIG, "file too large"},
    {ENOSPC, "no space left on device"},
    {ESPIPE, "illegal seek"},
    {EROFS, "read-only file system"},
    {EMLINK, "too many links"},
    {EPIPE, "broken pipe"},
    {EDOM, "numerical argument out of domain"},
    {ERANGE, "numerical result out of range"},
    {EDEADLK, "resource deadlock avoided"},
    {ENAMETOOLONG, "file name too long"},
    {ENOLCK, "no locks available"},
    {ENOSYS, "function not implemented"},
    {ENOTEMPTY, "directory not empty"},
    {ELOOP, "too many levels of symbolic links"},
    {ENODATA, "no data available"},
    {ETIME, "timer expired"},
    {EPROTO, "protocol error"},
    {EOVERFLOW, "value too large for defined data type"},
    {ELIBBAD, "accessing a corrupted shared library"},
    {EUSERS, "too many users"},
    {ENOTSOCK, "socket operation on non-socket"},
    {EMSGSIZE, "message too long"},
    {EPROTOTYPE, "protocol wrong type for socket"},
    {EOPNOTSUPP, "operation not supported"},
    {EADDRINUSE, "address already in use"},
    {ENETDOWN, "network is down"},
    {ECONNRESET, "connection reset by peer"},
    {ENOBUFS, "no buffer space available"},
    {ENOTCONN, "transport endpoint is not connected"},
    {ETIMEDOUT, "connection timed out"},
    {ECONNREFUSED, "connection refused"},
    {EALREADY, "operation already in progress"},
    {ESTALE, "stale file handle"},
    {EDQUOT, "disk quota exceeded"},
    {ECANCELED, "operation canceled"},
    {ENOKEY, "required key not available"},
});

}  // namespace

std::string_view errno_text(int code) {
    const auto* const entry = std::ranges::find(kErrnoTexts, code, &ErrnoText::code);
    return entry != kErrnoTexts.end() ? entry->text : std::string_view("unknown error");
}

Error errno_error(std::string_view what, int code) {
    std::string message(what);
    message += ": ";
    message += errno_text(code);
    return Error{ErrorKind::system, code, {}, std::move(message)};
}

Error last_error(std::string_view what) {
    return errno_error(what, errno);
}

std::string call(std::string_view operation, std::string_view object) {
    std::string text(operation);
    text += "(\"";
    text += object;
    text += "\")";
    return text;
}

Error Error::wrap(std::string_view text) && {
    message.insert(0, ": ");
    message.insert(0, text);
    return std::move(*this);
}

Error Error::at(std::string_view path) && {
    if (config_path.empty()) {
        config_path = path;
    }
    return std::move(*this);
}

std::string Error::text() const {
    return config_path.empty() ? message : config_path + ": " + message;
}

}  // namespace sys
