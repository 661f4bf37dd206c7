// SPDX-License-Identifier: Apache-2.0
// /proc/thread-self/attr: opened safely, written once, read back.
#include "libcontainer/security/thread_attribute.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr ino_t kProcRoot = 1;  // PROC_ROOT_INO of the kernel's include/linux/proc_fs.h

std::string path_of(std::string_view name) {
    return "thread-self/attr/" + std::string(name);
}

}  // namespace

Result<sys::UniqueFd> open_host_proc() {
    sys::UniqueFd proc = TRY(sys::open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW));
    struct statfs filesystem = {};
    struct stat root = {};
    if (::fstatfs(proc.get(), &filesystem) != 0 || ::fstat(proc.get(), &root) != 0) {
        return sys::fail_errno(sys::call("stat", "/proc"));
    }
    if (filesystem.f_type != PROC_SUPER_MAGIC || root.st_ino != kProcRoot) {
        return sys::fail(sys::ErrorKind::unsupported, "\"/proc\" is not the root of a procfs");
    }
    return proc;
}

Result<sys::UniqueFd> open_thread_attribute(int proc, std::string_view name) {
    open_how how = {};
    how.flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    sys::UniqueFd file(
        static_cast<int>(::syscall(SYS_openat2, proc, path_of(name).c_str(), &how, sizeof how)));
    if (!file) {
        return sys::fail_errno("open(" + quoted_attribute(name) + ")");
    }
    return file;
}

Result<void> write_thread_attribute(int file, std::string_view name, std::string_view text) {
    const ssize_t written = ::pwrite(file, text.data(), text.size(), 0);
    if (written < 0) {
        return sys::fail_errno("write(" + quoted_attribute(name) + ")");
    }
    char first = 0;
    const bool taken = static_cast<std::size_t>(written) == text.size() &&
                       (text.empty() || ::pread(file, &first, 1, 0) == 1);
    return taken ? Result<void>()
                 : sys::fail_code("read back(" + quoted_attribute(name) + ")", EIO);
}

std::string quoted_attribute(std::string_view name) {
    return "`/proc/" + path_of(name) + "`";
}

}  // namespace libcontainer
