// SPDX-License-Identifier: Apache-2.0
// The loader's way through its own filter, and nobody else's.
#include "libcontainer/security/seccomp_pass.h"

#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "libcontainer/security/seccomp_filter.h"
#include "tests/unit/security/bpf_machine.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;

namespace {

oci::Seccomp notify_all() {
    oci::Seccomp profile;
    profile.default_action = oci::SeccompAction::notify;
    profile.listener_path = "/run/supervisor";
    return profile;
}

std::uint32_t verdict(const SeccompProgram& program, long number,
                      const sys::UnusedArguments& unused, std::uint32_t arch = AUDIT_ARCH_X86_64) {
    seccomp_data data = {};
    data.nr = static_cast<int>(number);
    data.arch = arch;
    for (std::size_t i = 0; i < unused.size(); ++i) {
        data.args[3 + i] = unused[i];
    }
    return bpf::run(program.instructions, data);
}

SeccompProgram compiled(const oci::Seccomp& profile) {
    auto program = compile_seccomp(profile, "");
    INFO(forked::text_of(program));
    REQUIRE(program);
    return *std::move(program);
}

}  // namespace

TEST_CASE("SC-05 only a call with the whole pass goes by the profile", "[seccomp]") {
    const SeccompProgram program = compiled(notify_all());
    REQUIRE(program.pass);
    for (const long call : {SYS_sendmsg, SYS_recvmsg, SYS_capset, SYS_exit_group}) {
        CAPTURE(call);
        CHECK(verdict(program, call, *program.pass) == SECCOMP_RET_ALLOW);
        CHECK(verdict(program, call, {}) == SECCOMP_RET_USER_NOTIF);
        for (std::size_t i = 0; i < 3 * sizeof(unsigned long) * 8; ++i) {
            sys::UnusedArguments forged = *program.pass;
            forged[i / 64] ^= 1UL << (i % 64);
            CHECK(verdict(program, call, forged) == SECCOMP_RET_USER_NOTIF);
        }
        CHECK(verdict(program, call, *program.pass, SCMP_ARCH_X86) != SECCOMP_RET_ALLOW);
        CHECK(verdict(program, call | 0x40000000, *program.pass) != SECCOMP_RET_ALLOW);
    }
    for (long call = 0; call < 600; ++call) {
        if (call != SYS_sendmsg && call != SYS_recvmsg && call != SYS_capset &&
            call != SYS_exit_group) {
            CHECK(verdict(program, call, *program.pass) == SECCOMP_RET_USER_NOTIF);
        }
    }
}

TEST_CASE("SC-05 each program has a pass of its own, and only one that notifies", "[seccomp]") {
    CHECK(compiled(notify_all()).pass != compiled(notify_all()).pass);
    oci::Seccomp silent = notify_all();
    silent.default_action = oci::SeccompAction::allow;
    CHECK_FALSE(compiled(silent).pass);
}

TEST_CASE("SC-04 flags beside the listener", "[seccomp]") {
    const auto flags_of = [](std::optional<std::vector<oci::SeccompFlag>> flags) {
        oci::Seccomp profile = notify_all();
        profile.flags = std::move(flags);
        return compiled(profile).flags;
    };
    using enum oci::SeccompFlag;
    constexpr unsigned kListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    CHECK(flags_of({}) == (kListener | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
    CHECK(flags_of({{wait_killable_recv}}) ==
          (kListener | static_cast<unsigned>(wait_killable_recv)));
    CHECK(flags_of({{tsync}}) ==
          (kListener | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
}

TEST_CASE("SC-05 the kernel lets the pass through and gives the listener", "[seccomp]") {
    const SeccompProgram program = compiled(notify_all());
    CHECK(forked::run([&]() -> std::string {
              auto listener = load_seccomp(program);
              if (!listener || !*listener) {
                  ::_exit(1);
              }
              static_cast<void>(listener->release());
              const auto& pass = *program.pass;
              // A bad descriptor, said by the kernel: the filter did not ask anybody.
              const bool passed =
                  ::syscall(SYS_sendmsg, -1, nullptr, 0, pass[0], pass[1], pass[2]) < 0 &&
                  errno == EBADF;
              ::syscall(SYS_exit_group, passed ? 0 : 1, 0, 0, pass[0], pass[1], pass[2]);
              ::abort();
          }) == "");
}
