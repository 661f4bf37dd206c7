// SPDX-License-Identifier: Apache-2.0
// Compiled programs against the profile's own words, system call by system call.
#include <fcntl.h>
#include <seccomp.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "libcontainer/security/seccomp_compiler.h"
#include "libcontainer/sys/file.h"
#include "oci/parse.h"
#include "tests/unit/security/bpf_machine.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;
using oci::SeccompAction;
using oci::SeccompArch;
using oci::SeccompOperator;

namespace {

constexpr int kX32Bit = 0x40000000;

oci::Seccomp profile_of(const std::string& file) {
    const auto text = sys::read_file(AT_FDCWD, BRIG_TEST_DATA "/configs/" + file);
    REQUIRE(text);
    const auto spec = oci::parse_spec(*text);
    REQUIRE(spec);
    REQUIRE(spec->linux.seccomp);
    return *spec->linux.seccomp;
}

std::vector<sock_filter> compiled(const oci::Seccomp& profile) {
    const auto program = compile_seccomp_program(profile);
    INFO(forked::text_of(program));
    REQUIRE(program);
    return *program;
}

// The multiplexers of i386: a rule on socket(2) or shmget(2) also makes one on them.
bool is_multiplexer(std::uint32_t token, int number) {
    return token == SCMP_ARCH_X86 && (number == 102 || number == 117);
}

// How many system calls and arguments the program judges otherwise than the profile.
struct Comparison {
    int compared = 0;
    int ambiguous = 0;
    std::string first_difference;
};

Comparison compare(const oci::Seccomp& profile, const std::vector<sock_filter>& program,
                   std::uint32_t token) {
    Comparison result;
    const int base = token == SCMP_ARCH_X32 ? kX32Bit : 0;
    for (int number = 0; number <= 600; ++number) {
        if (is_multiplexer(token, number)) {
            continue;
        }
        for (const seccomp_data& data : bpf::border_cases(profile, token, base + number)) {
            const auto expected = bpf::verdicts(profile, token, data);
            const std::uint32_t verdict = bpf::run(program, data);
            ++result.compared;
            result.ambiguous += expected.size() > 1 ? 1 : 0;
            if (!expected.contains(verdict) && result.first_difference.empty()) {
                result.first_difference =
                    "number " + std::to_string(number) + " of " + std::to_string(token) + " arg0 " +
                    std::to_string(data.args[0]) + ": " + std::to_string(verdict) + ", not " +
                    std::to_string(*expected.begin());
            }
        }
    }
    return result;
}

void check_program(const oci::Seccomp& profile, const std::vector<std::uint32_t>& tokens) {
    const auto program = compiled(profile);
    for (const std::uint32_t token : tokens) {
        const Comparison result = compare(profile, program, token);
        CHECK(result.first_difference == "");
        CHECK(result.compared > 590);
        CHECK(result.ambiguous <= 1);  // podman's profile both allows and denies setns
    }
}

oci::SeccompSyscall rule(std::vector<std::string> names, SeccompAction action,
                         std::vector<oci::SeccompArg> args = {},
                         std::optional<std::uint32_t> errno_ret = {}) {
    oci::SeccompSyscall rule;
    rule.names = std::move(names);
    rule.action = action;
    rule.args = std::move(args);
    rule.errno_ret = errno_ret;
    return rule;
}

oci::Seccomp profile(SeccompAction default_action, std::vector<oci::SeccompSyscall> rules) {
    oci::Seccomp profile;
    profile.default_action = default_action;
    profile.syscalls = std::move(rules);
    return profile;
}

std::uint32_t native_verdict(const std::vector<sock_filter>& program, int number,
                             std::uint64_t arg0 = 0, std::uint64_t arg1 = 0) {
    seccomp_data data = {};
    data.nr = number;
    data.arch = ::seccomp_arch_native();
    data.args[0] = arg0;
    data.args[1] = arg1;
    return bpf::run(program, data);
}

const std::vector<std::uint32_t> kAll = {SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_X86};

}  // namespace

TEST_CASE("T-56 engines' profiles: every number of every architecture as the profile says",
          "[seccomp]") {
    const std::string file =
        GENERATE(as<std::string>(), "docker-plain.json", "docker-cap-add.json", "podman-plain.json",
                 "podman-cap-add.json", "containerd-seccomp.json", "buildah-plain.json");
    CAPTURE(file);
    check_program(profile_of(file), kAll);
}

TEST_CASE("SC-11 every operator, at its borders", "[seccomp]") {
    const auto op =
        GENERATE(SeccompOperator::ne, SeccompOperator::lt, SeccompOperator::le, SeccompOperator::eq,
                 SeccompOperator::ge, SeccompOperator::gt, SeccompOperator::masked_eq);
    const auto value = GENERATE(std::uint64_t{40}, std::uint64_t{0x100000028}, UINT64_MAX - 1);
    const std::uint32_t index = GENERATE(0U, 5U);
    check_program(profile(SeccompAction::error,
                          {rule({"read"}, SeccompAction::allow, {{index, value, 8, op}}),
                           rule({"write"}, SeccompAction::allow)}),
                  {SCMP_ARCH_X86_64});
}

TEST_CASE("SC-11 conditions on several arguments are AND-ed", "[seccomp]") {
    check_program(profile(SeccompAction::error, {rule({"ioctl"}, SeccompAction::allow,
                                                      {{0, 5, {}, SeccompOperator::eq},
                                                       {1, 0xff, 0x12, SeccompOperator::masked_eq},
                                                       {2, 7, {}, SeccompOperator::gt}})}),
                  {SCMP_ARCH_X86_64});
}

TEST_CASE("SC-11 conditions on the same argument are OR-ed", "[seccomp]") {
    const auto program =
        compiled(profile(SeccompAction::error, {rule({"personality"}, SeccompAction::allow,
                                                     {{0, 0, {}, SeccompOperator::eq},
                                                      {0, 8, {}, SeccompOperator::eq},
                                                      {1, 3, {}, SeccompOperator::eq}})}));
    CHECK(native_verdict(program, 135, 0) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 135, 8) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 135, 5, 3) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 135, 5) == (SECCOMP_RET_ERRNO | EPERM));
}

TEST_CASE("SC-09 every action, and its errno", "[seccomp]") {
    const auto program = compiled(profile(
        SeccompAction::allow,
        {rule({"read"}, SeccompAction::kill), rule({"write"}, SeccompAction::kill_thread),
         rule({"open"}, SeccompAction::kill_process), rule({"close"}, SeccompAction::trap),
         rule({"stat"}, SeccompAction::error), rule({"fstat"}, SeccompAction::error, {}, 4094),
         rule({"lstat"}, SeccompAction::error, {}, 0), rule({"poll"}, SeccompAction::trace, {}, 7),
         rule({"lseek"}, SeccompAction::log), rule({"mmap"}, SeccompAction::allow)}));
    const std::vector<std::uint32_t> expected = {
        SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_THREAD,   SECCOMP_RET_KILL_PROCESS,
        SECCOMP_RET_TRAP,        SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | 4094,
        SECCOMP_RET_ERRNO | 0,   SECCOMP_RET_TRACE | 7,     SECCOMP_RET_LOG,
        SECCOMP_RET_ALLOW,       SECCOMP_RET_ALLOW};
    for (std::size_t number = 0; number < expected.size(); ++number) {
        CHECK(native_verdict(program, static_cast<int>(number)) == expected[number]);
    }
}

TEST_CASE("SC-02 SC-10 a value on an action that takes none, or out of range, is an error",
          "[seccomp]") {
    const auto error_of = [](oci::Seccomp broken) {
        return forked::text_of(compile_seccomp_program(broken));
    };
    oci::Seccomp broken = profile(SeccompAction::allow, {});
    broken.default_errno_ret = 1;
    CHECK(error_of(broken) ==
          "linux.seccomp.defaultErrnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a value, "
          "not SCMP_ACT_ALLOW");
    CHECK(error_of(
              profile(SeccompAction::allow, {rule({"read"}, SeccompAction::error, {}, 70000)})) ==
          "linux.seccomp.syscalls[0].errnoRet: 70000 is beyond 4094");
    CHECK(error_of(
              profile(SeccompAction::allow, {rule({"read"}, SeccompAction::trace, {}, 70000)})) ==
          "linux.seccomp.syscalls[0].errnoRet: 70000 is beyond 65535");
    CHECK(error_of(profile(SeccompAction::allow, {rule({"read"}, SeccompAction::kill, {}, 1)})) ==
          "linux.seccomp.syscalls[0].errnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a "
          "value, not SCMP_ACT_KILL");
}

TEST_CASE("SC-11 an argument index beyond 5 is an error", "[seccomp]") {
    const std::uint32_t index = GENERATE(6U, UINT32_MAX);
    CHECK(forked::text_of(compile_seccomp_program(profile(
              SeccompAction::allow,
              {rule({"write"}, SeccompAction::kill),
               rule({"read"}, SeccompAction::kill,
                    {{1, 0, {}, SeccompOperator::eq}, {index, 0, {}, SeccompOperator::eq}})}))) ==
          "linux.seccomp.syscalls[1].args[1].index: " + std::to_string(index) + " is beyond 5");
}

TEST_CASE("SC-05 NOTIFY as the action of a rule, and as the default", "[seccomp]") {
    const auto by_rule =
        compiled(profile(SeccompAction::error, {rule({"mkdir"}, SeccompAction::notify)}));
    CHECK(native_verdict(by_rule, 83) == SECCOMP_RET_USER_NOTIF);
    CHECK(native_verdict(by_rule, 0) == (SECCOMP_RET_ERRNO | EPERM));
    const auto by_default =
        compiled(profile(SeccompAction::notify, {rule({"mkdir"}, SeccompAction::allow)}));
    CHECK(native_verdict(by_default, 83) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(by_default, 0) == SECCOMP_RET_USER_NOTIF);
    CHECK(native_verdict(by_default, 5000) == SECCOMP_RET_USER_NOTIF);
}

TEST_CASE("SC-03 the native architecture is always in the filter, others die", "[seccomp]") {
    oci::Seccomp only_x86 = profile(SeccompAction::error, {rule({"read"}, SeccompAction::allow)});
    only_x86.architectures = {SeccompArch::x86, SeccompArch::x86};
    const auto program = compiled(only_x86);
    CHECK(native_verdict(program, 0) == SECCOMP_RET_ALLOW);
    seccomp_data data = {};
    data.nr = 3;  // read on i386
    data.arch = SCMP_ARCH_X86;
    CHECK(bpf::run(program, data) == SECCOMP_RET_ALLOW);
    data.arch = SCMP_ARCH_AARCH64;
    CHECK(bpf::run(program, data) == SECCOMP_RET_KILL_THREAD);
    data.arch = SCMP_ARCH_X86_64;
    data.nr = kX32Bit;
    CHECK(bpf::run(program, data) == SECCOMP_RET_KILL_THREAD);
}

TEST_CASE("SC-03 architectures that are not this machine's are in the filter too", "[seccomp]") {
    oci::Seccomp many = profile_of("docker-plain.json");
    many.syscalls.resize(1);  // the long list of allowed calls
    many.architectures = {SeccompArch::arm,     SeccompArch::aarch64,  SeccompArch::riscv64,
                          SeccompArch::ppc64le, SeccompArch::mipsel64, SeccompArch::x86_64};
    check_program(many, {SCMP_ARCH_X86_64, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, SCMP_ARCH_RISCV64,
                         SCMP_ARCH_MIPSEL64});
}

TEST_CASE("SC-03 an architecture of another byte order is named", "[seccomp]") {
    oci::Seccomp big = profile(SeccompAction::allow, {});
    big.architectures = {SeccompArch::x86_64, SeccompArch::s390x};
    CHECK(forked::text_of(compile_seccomp_program(big)) ==
          "linux.seccomp.architectures[1]: SCMP_ARCH_S390X has another byte order than this "
          "machine");
}

TEST_CASE("SC-08 names that libseccomp does not know are skipped", "[seccomp]") {
    const auto program = compiled(profile(
        SeccompAction::error, {rule({"read", "no_such_call", "", "write"}, SeccompAction::allow)}));
    CHECK(native_verdict(program, 0) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 1) == SECCOMP_RET_ALLOW);
}

TEST_CASE("SC-09 the same rule twice and rules that repeat the default are no error", "[seccomp]") {
    const auto program = compiled(
        profile(SeccompAction::error,
                {rule({"read", "read"}, SeccompAction::allow), rule({"read"}, SeccompAction::allow),
                 rule({"write"}, SeccompAction::error), rule({"open"}, SeccompAction::error, {}, 1),
                 rule({"stat"}, SeccompAction::error, {}, 2)}));
    CHECK(native_verdict(program, 0) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 1) == (SECCOMP_RET_ERRNO | EPERM));
    CHECK(native_verdict(program, 2) == (SECCOMP_RET_ERRNO | EPERM));
    CHECK(native_verdict(program, 4) == (SECCOMP_RET_ERRNO | ENOENT));
}

TEST_CASE("SC-09 T-73 a rule that is repeated 100,000 times costs no more than its reading",
          "[seccomp]") {
    const std::vector<oci::SeccompArg> first = {{0, 5, {}, SeccompOperator::eq}};
    const std::vector<oci::SeccompArg> narrower = {{0, 5, {}, SeccompOperator::eq},
                                                   {1, 7, {}, SeccompOperator::gt}};
    const std::vector<oci::SeccompSyscall> once = {
        rule({"read", "write"}, SeccompAction::allow, first),
        rule({"read"}, SeccompAction::trap, narrower),
        rule({"write"}, SeccompAction::allow, {{2, 1, {}, SeccompOperator::eq}})};
    std::vector<oci::SeccompSyscall> repeated;
    constexpr std::size_t kTimes = 100'000;
    for (std::size_t i = 0; i < kTimes; ++i) {
        repeated.push_back(once[i % once.size()]);
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto program = compiled(profile(SeccompAction::error, std::move(repeated)));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
    const auto wanted = compiled(profile(SeccompAction::error, once));
    REQUIRE(program.size() == wanted.size());
    CHECK(std::memcmp(program.data(), wanted.data(), program.size() * sizeof(sock_filter)) == 0);
}

TEST_CASE("R-32b above the profile's largest number ENOSYS, below it the default", "[seccomp]") {
    const auto action = GENERATE(SeccompAction::error, SeccompAction::kill_process);
    const auto program =
        compiled(profile(action, {rule({"read", "statx"}, SeccompAction::allow)}));  // statx: 332
    const std::uint32_t otherwise =
        action == SeccompAction::error ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS;
    CHECK(native_verdict(program, 331) == otherwise);
    CHECK(native_verdict(program, 332) == SECCOMP_RET_ALLOW);
    CHECK(native_verdict(program, 333) == (SECCOMP_RET_ERRNO | ENOSYS));
    CHECK(native_verdict(program, 5000) == (SECCOMP_RET_ERRNO | ENOSYS));
    // Not in the list of architectures: not asked.
    CHECK(native_verdict(program, kX32Bit + 5) == SECCOMP_RET_KILL_THREAD);
}

TEST_CASE("R-32b a permissive default, or one that is ENOSYS already, gets no stub", "[seccomp]") {
    const auto beyond = [](oci::Seccomp given) { return native_verdict(compiled(given), 5000); };
    const std::vector<oci::SeccompSyscall> rules = {rule({"statx"}, SeccompAction::kill)};
    CHECK(beyond(profile(SeccompAction::allow, rules)) == SECCOMP_RET_ALLOW);
    CHECK(beyond(profile(SeccompAction::log, rules)) == SECCOMP_RET_LOG);
    CHECK(beyond(profile(SeccompAction::trap, rules)) == SECCOMP_RET_TRAP);
    CHECK(beyond(profile(SeccompAction::error, {})) == (SECCOMP_RET_ERRNO | EPERM));
    oci::Seccomp enosys = profile(SeccompAction::error, rules);
    const std::size_t with_stub = compiled(enosys).size();
    enosys.default_errno_ret = ENOSYS;
    CHECK(compiled(enosys).size() < with_stub);
}

TEST_CASE("SC-13 a filter beyond the kernel's limit is a clear error", "[seccomp]") {
    oci::Seccomp large = profile(SeccompAction::allow, {});
    for (std::uint64_t value = 0; value < 600; ++value) {
        const std::uint64_t wide = value << 32U | value;
        large.syscalls.push_back(
            rule({"ioctl"}, SeccompAction::error,
                 {{1, wide, {}, SeccompOperator::eq}, {2, wide, {}, SeccompOperator::eq}}));
    }
    const auto result = compile_seccomp_program(large);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == sys::ErrorKind::unsupported);
    CHECK(result.error().text().starts_with("linux.seccomp: the filter has "));
    CHECK(result.error().text().ends_with(" instructions, the kernel takes 4096"));
}
