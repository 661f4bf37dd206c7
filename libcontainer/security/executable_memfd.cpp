// SPDX-License-Identifier: Apache-2.0
// An unnamed file in memory that may be executed.
#include "libcontainer/security/executable_memfd.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3; glibc names it since 2.38
#endif

namespace libcontainer {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<sys::UniqueFd> make_executable_memfd() {
    constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    sys::UniqueFd fd(::memfd_create("brig", kFlags | MFD_EXEC));
    if (!fd && errno == EINVAL) {
        fd = sys::UniqueFd(::memfd_create("brig", kFlags));
    }
    if (!fd) {
        return sys::fail_errno("memfd_create");
    }
    return fd;
}

Result<void> seal(int memfd) {
    if (::fcntl(memfd, F_ADD_SEALS, kSeals) != 0) {
        return sys::fail_errno("fcntl(F_ADD_SEALS)");
    }
    return {};
}

bool is_sealed(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & kSeals) == kSeals;
}

}  // namespace libcontainer
