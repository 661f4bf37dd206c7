// SPDX-License-Identifier: Apache-2.0
// The order of the two protections, and the second: a sealed copy.
#include "libcontainer/security/self_protection.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "libcontainer/security/executable_memfd.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {
namespace {

#if defined(__has_feature)  // clang's way to tell; gcc defines macros
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define BRIG_IS_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BRIG_IS_SANITIZED
#endif

#ifdef BRIG_IS_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr const char* kOwnExecutable = "/proc/self/exe";
constexpr mode_t kOthersWrite = 0022;  // with a POSIX access control list the group's is its mask
constexpr const char* kLoopGuard = "_BRIG_SEALED";

Result<void> copy_file(int from, int to) {
    struct stat info = {};
    if (::fstat(from, &info) != 0) {
        return sys::fail_errno(sys::call("fstat", kOwnExecutable));
    }
    for (off_t left = info.st_size; left > 0;) {
        const ssize_t copied = ::sendfile(to, from, nullptr, static_cast<std::size_t>(left));
        if (copied < 0 && errno == EINTR) {
            continue;
        }
        if (copied <= 0) {
            return sys::fail_code(sys::call("sendfile", kOwnExecutable), copied == 0 ? EIO : errno);
        }
        left -= copied;
    }
    return {};
}

// The words of /proc/self/cmdline.
Result<std::vector<char*>> own_arguments(std::string& storage) {
    storage = TRY(sys::read_file(AT_FDCWD, "/proc/self/cmdline"));
    std::vector<char*> arguments;
    for (std::size_t begin = 0; begin < storage.size(); begin = storage.find('\0', begin) + 1) {
        arguments.push_back(storage.data() + begin);
    }
    arguments.push_back(nullptr);
    return arguments;
}

bool has_capabilities() {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    return ::syscall(SYS_capget, &header, sets) != 0 || sets[0].permitted != 0 ||
           sets[1].permitted != 0;
}

// Where owner and mode tell who may write. Others ask a server, a daemon or lists of their own
// (NFS, CIFS, FUSE, ZFS).
bool is_on_local_filesystem() {
    constexpr std::array<decltype(statfs::f_type), 8> kLocal = {
        EXT4_SUPER_MAGIC,      BTRFS_SUPER_MAGIC, XFS_SUPER_MAGIC,      F2FS_SUPER_MAGIC,
        OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC,       EROFS_SUPER_MAGIC_V1, SQUASHFS_MAGIC};
    struct statfs own = {};
    return ::statfs(kOwnExecutable, &own) == 0 &&
           std::ranges::find(kLocal, own.f_type) != kLocal.end();
}

// The containers of an ordinary user have his ids and those that root has handed out to him, none
// of which is root's own (who is given that by /etc/subuid is root): they cannot write what root
// alone can, whatever leads them to it.
bool is_out_of_reach() {
    struct stat own = {};
    return ::geteuid() != 0 && ::getuid() != 0 && ::stat(kOwnExecutable, &own) == 0 &&
           own.st_uid == 0 && own.st_gid == 0 && (own.st_mode & kOthersWrite) == 0 &&
           is_on_local_filesystem() && !has_capabilities();
}

}  // namespace

Result<void> re_execute_sealed() {
    const sys::UniqueFd own = TRY(sys::open_at(AT_FDCWD, kOwnExecutable, O_RDONLY));
    if (is_sealed(own.get())) {
        // The kernel has named the process after the descriptor it was executed by.
        (void)::prctl(PR_SET_NAME, program_invocation_short_name, 0, 0, 0);
        ::unsetenv(kLoopGuard);
        return {};
    }
    if (::getenv(kLoopGuard) != nullptr) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "cannot protect the host's binary: the sealed copy is not what runs");
    }
    const sys::UniqueFd copy = TRY(make_executable_memfd());
    TRY_VOID(copy_file(own.get(), copy.get()));
    TRY_VOID(seal(copy.get()));
    std::string storage;
    std::vector<char*> arguments = TRY(own_arguments(storage));
    if (::setenv(kLoopGuard, "1", 1) != 0) {
        return sys::fail_errno("setenv");
    }
    ::execveat(copy.get(), "", arguments.data(), environ, AT_EMPTY_PATH);
    return sys::fail_errno(sys::call("execveat", "sealed copy"));
}

Result<sys::UniqueFd> protect_binary() {
    if (kSanitized || is_out_of_reach()) {
        return sys::UniqueFd();
    }
    if (auto mount = detach_from_binary(Replacement::mount)) {
        return mount;
    }
    if (auto nothing = detach_from_binary(Replacement::copy)) {
        return nothing;
    }
    if (auto sealed = re_execute_sealed(); !sealed) {
        return std::unexpected(std::move(sealed).error().wrap("protect the host's binary"));
    }
    return sys::UniqueFd();
}

}  // namespace libcontainer
