// SPDX-License-Identifier: Apache-2.0
// The way of a seccomp filter: flags, cache, compiler, kernel.
#include "libcontainer/security/seccomp_filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/security/seccomp_cache.h"
#include "libcontainer/security/seccomp_compiler.h"

namespace libcontainer {
namespace {

// A null program is a fault, but only after the kernel has accepted the flags.
[[nodiscard]] bool kernel_has_flag(unsigned flag) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, nullptr) != 0 && errno == EFAULT;
}

Result<unsigned> flags_of(const oci::Seccomp& seccomp) {
    if (!seccomp.flags) {
        // As the peers do (SC-04): the speculation barrier would cost every program of the
        // container dearly, and since Linux 5.16 it is off by default anyway.
        return kernel_has_flag(SECCOMP_FILTER_FLAG_SPEC_ALLOW) ? SECCOMP_FILTER_FLAG_SPEC_ALLOW
                                                               : 0U;
    }
    unsigned flags = 0;
    for (std::size_t i = 0; i < seccomp.flags->size(); ++i) {
        const oci::SeccompFlag flag = (*seccomp.flags)[i];
        if (flag == oci::SeccompFlag::wait_killable_recv) {
            continue;  // speaks of the listener of SCMP_ACT_NOTIFY; the kernel takes it only there
        }
        if (!kernel_has_flag(static_cast<unsigned>(flag))) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::unsupported, EINVAL,
                           "linux.seccomp.flags[" + std::to_string(i) + "]",
                           "the kernel does not know " + std::string(oci::to_name(flag))});
        }
        flags |= static_cast<unsigned>(flag);
    }
    return flags;
}

}  // namespace

Result<SeccompProgram> compile_seccomp(const oci::Seccomp& seccomp,
                                       const std::string& cache_directory) {
    SeccompProgram program;
    program.flags = TRY(flags_of(seccomp));
    const SeccompCache cache(cache_directory);
    const std::string key = cache_directory.empty() ? std::string() : seccomp_cache_key(seccomp);
    if (auto cached = cache.find(key)) {
        program.instructions = *std::move(cached);
        return program;
    }
    program.instructions = TRY(compile_seccomp_program(seccomp));
    cache.store(key, program.instructions);
    return program;
}

Result<void> load_seccomp(const SeccompProgram& program) {
    sock_fprog filter = {};
    filter.len = static_cast<unsigned short>(program.instructions.size());
    filter.filter = const_cast<sock_filter*>(program.instructions.data());
    // Not 0 and not -1: the id of a thread that SECCOMP_FILTER_FLAG_TSYNC could not reach.
    const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &filter);
    if (result < 0) {
        return std::unexpected(sys::last_error("seccomp").at("linux.seccomp"));
    }
    if (result > 0) {
        return std::unexpected(sys::errno_error("seccomp: thread " + std::to_string(result), ESRCH)
                                   .at("linux.seccomp.flags"));
    }
    return {};
}

}  // namespace libcontainer
