// SPDX-License-Identifier: Apache-2.0
// The way of a seccomp filter: flags, cache, compiler, kernel.
#include "libcontainer/security/seccomp_filter.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/security/seccomp_cache.h"
#include "libcontainer/security/seccomp_compiler.h"
#include "libcontainer/security/seccomp_pass.h"

namespace libcontainer {
namespace {

// A null program is a fault, but only after the kernel has accepted the flags.
[[nodiscard]] bool kernel_has_flag(unsigned flag) {
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, nullptr) != 0 && errno == EFAULT;
}

// The flag with those that the kernel demands beside it. With a listener seccomp(2) returns it, so
// a thread that TSYNC cannot reach has to be an error (Linux 5.7).
[[nodiscard]] unsigned bits_of(oci::SeccompFlag flag, unsigned listener) {
    const auto bit = static_cast<unsigned>(flag);
    return flag == oci::SeccompFlag::tsync && listener != 0 ? bit | SECCOMP_FILTER_FLAG_TSYNC_ESRCH
                                                            : bit;
}

Result<unsigned> flags_of(const oci::Seccomp& seccomp) {
    const unsigned listener = oci::notifies(seccomp) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0U;
    unsigned flags = listener;
    if (!seccomp.flags) {
        // As the peers do (SC-04): the speculation barrier would cost every program of the
        // container dearly, and since Linux 5.16 it is off by default anyway.
        return kernel_has_flag(SECCOMP_FILTER_FLAG_SPEC_ALLOW)
                   ? flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW
                   : flags;
    }
    for (std::size_t i = 0; i < seccomp.flags->size(); ++i) {
        const oci::SeccompFlag flag = (*seccomp.flags)[i];
        if (flag == oci::SeccompFlag::wait_killable_recv && listener == 0) {
            continue;  // speaks of the listener of SCMP_ACT_NOTIFY; the kernel takes it only there
        }
        const unsigned bits = bits_of(flag, listener);
        if (!kernel_has_flag(bits | listener)) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::unsupported, EINVAL,
                           "linux.seccomp.flags[" + std::to_string(i) + "]",
                           "the kernel does not know " + std::string(oci::to_name(flag))});
        }
        flags |= bits;
    }
    return flags;
}

Result<std::vector<sock_filter>> find_or_compile(const oci::Seccomp& seccomp,
                                                 const std::string& cache_directory,
                                                 std::vector<std::string>* skipped) {
    const SeccompCache cache(cache_directory);
    const std::string key = cache_directory.empty() ? std::string() : seccomp_cache_key(seccomp);
    if (auto cached = cache.find(key)) {
        return *std::move(cached);
    }
    std::vector<sock_filter> instructions = TRY(compile_seccomp_program(seccomp, skipped));
    cache.store(key, instructions);
    return instructions;
}

// The pass is new each time, and never in the cache.
Result<void> add_pass(SeccompProgram& program) {
    program.pass = TRY(make_seccomp_pass());
    std::vector<sock_filter> gate = plan_seccomp_pass(*program.pass);
    program.instructions.insert(program.instructions.begin(), gate.begin(), gate.end());
    return check_program_size(program.instructions.size());
}

}  // namespace

Result<SeccompProgram> compile_seccomp(const oci::Seccomp& seccomp,
                                       const std::string& cache_directory,
                                       std::vector<std::string>* skipped) {
    SeccompProgram program;
    program.flags = TRY(flags_of(seccomp));
    program.instructions = TRY(find_or_compile(seccomp, cache_directory, skipped));
    if (oci::notifies(seccomp)) {
        TRY_VOID(add_pass(program));
    }
    return program;
}

Result<sys::UniqueFd> load_seccomp(const SeccompProgram& program) {
    sock_fprog filter = {};
    filter.len = static_cast<unsigned short>(program.instructions.size());
    filter.filter = const_cast<sock_filter*>(program.instructions.data());
    const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &filter);
    if (result < 0) {
        return std::unexpected(sys::last_error("seccomp").at("linux.seccomp"));
    }
    if ((program.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
        return sys::UniqueFd(static_cast<int>(result));
    }
    // Not 0: the id of a thread that SECCOMP_FILTER_FLAG_TSYNC could not reach.
    if (result > 0) {
        return std::unexpected(sys::errno_error("seccomp: thread " + std::to_string(result), ESRCH)
                                   .at("linux.seccomp.flags"));
    }
    return sys::UniqueFd();
}

}  // namespace libcontainer
