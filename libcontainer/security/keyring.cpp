// SPDX-License-Identifier: Apache-2.0
// The kernel session keyring.
#include "libcontainer/security/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace libcontainer {
namespace {

// KEY_POS_ALL of the kernel's include/linux/key.h: view, read, write, search, link, setattr for who
// possesses the key; nothing for its user, its group and others.
constexpr unsigned kPossessorOnly = 0x3f000000;

}  // namespace

Result<void> apply_session_keyring() {
    const long keyring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
    if (keyring < 0) {
        if (errno == ENOSYS) {
            return {};
        }
        sys::Error error = sys::last_error("keyctl(KEYCTL_JOIN_SESSION_KEYRING)");
        if (error.code == EDQUOT) {
            error.message +=
                " (the user's limit is kernel.keys.maxkeys; --no-new-keyring keeps the caller's "
                "keyring)";
        }
        return std::unexpected(std::move(error));
    }
    if (::syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, kPossessorOnly) != 0) {
        return sys::fail_errno("keyctl(KEYCTL_SETPERM)");
    }
    return {};
}

}  // namespace libcontainer
