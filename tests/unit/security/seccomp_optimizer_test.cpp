// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/security/seccomp_optimizer.h"

#include <linux/audit.h>
#include <linux/bpf_common.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <random>

#include "tests/unit/security/bpf_machine.h"

using namespace libcontainer;

namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint32_t kNumber = offsetof(seccomp_data, nr);
constexpr std::uint32_t kArch = offsetof(seccomp_data, arch);
constexpr std::uint32_t kFirstArgument = offsetof(seccomp_data, args);

const std::vector<std::uint32_t> kNative = {AUDIT_ARCH_X86_64};

// One comparison per number, as a linear filter has it; what `arguments` names looks at the first
// argument.
Program linear(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& verdicts,
               std::uint32_t otherwise, const std::vector<std::uint32_t>& arguments = {}) {
    Program program = {{kLoad, 0, 0, kArch},
                       {kEqual, 1, 0, AUDIT_ARCH_X86_64},
                       {kReturn, 0, 0, SECCOMP_RET_KILL_THREAD},
                       {kLoad, 0, 0, kNumber}};
    for (const auto& [number, verdict] : verdicts) {
        program.push_back({kEqual, 0, 1, number});
        program.push_back({kReturn, 0, 0, verdict});
    }
    for (const std::uint32_t number : arguments) {
        program.insert(program.end(), {{kEqual, 0, 4, number},
                                       {kLoad, 0, 0, kFirstArgument},
                                       {kEqual, 0, 1, number + 7},
                                       {kReturn, 0, 0, SECCOMP_RET_TRAP},
                                       {kReturn, 0, 0, SECCOMP_RET_LOG}});
    }
    program.push_back({kReturn, 0, 0, otherwise});
    return program;
}

// Numbers where something may change, and others.
bool are_equal(const Program& one, const Program& other) {
    const std::vector<std::uint32_t> architectures = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 0,
                                                      UINT32_MAX};
    for (const std::uint32_t arch : architectures) {
        for (std::uint32_t i = 0; i < 2400; ++i) {
            seccomp_data data = {};
            data.arch = arch;
            data.nr = static_cast<int>(i < 2300 ? i : i * 1789569U);
            for (const std::uint32_t argument : {0U, i + 7, i}) {
                data.args[0] = argument;
                if (bpf::run(one, data) != bpf::run(other, data)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool same_instructions(const Program& one, const Program& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](const sock_filter& a, const sock_filter& b) {
                          return a.code == b.code && a.jt == b.jt && a.jf == b.jf && a.k == b.k;
                      });
}

}  // namespace

TEST_CASE("SC-13 neighbours with one verdict become one range", "[seccomp_optimizer]") {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> verdicts;
    for (std::uint32_t number = 0; number < 300; ++number) {
        if (number != 150) {
            verdicts.emplace_back(number, SECCOMP_RET_ALLOW);
        }
    }
    const Program program = linear(verdicts, SECCOMP_RET_ERRNO | 1);
    const Program small = optimize_seccomp_program(program, kNative);
    CHECK(small.size() <= 10);
    CHECK(are_equal(program, small));
}

TEST_CASE("SC-13 more ranges than conditional jumps reach", "[seccomp_optimizer]") {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> verdicts;
    const std::uint32_t kinds = GENERATE(2U, 3U, 20U);
    for (std::uint32_t number = 0; number < 1000; ++number) {
        verdicts.emplace_back(2 * number, SECCOMP_RET_ERRNO | (1 + number % kinds));
    }
    const Program program = linear(verdicts, SECCOMP_RET_ALLOW, {2101, 2103, 2200});
    const Program small = optimize_seccomp_program(program, kNative);
    CHECK_FALSE(same_instructions(small, program));
    CHECK(are_equal(program, small));
}

TEST_CASE("SC-13 random filters stay what they are", "[seccomp_optimizer]") {
    std::mt19937 random(GENERATE(range(1U, 40U)));
    const std::uint32_t density = 1 + random() % 8;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> verdicts;
    std::vector<std::uint32_t> arguments;
    for (std::uint32_t number = 0; number < 600; ++number) {
        if (random() % density == 0) {
            verdicts.emplace_back(number, SECCOMP_RET_ERRNO | (random() % 3));
        } else if (random() % 20 == 0) {
            arguments.push_back(number);
        }
    }
    std::ranges::shuffle(verdicts, random);
    const Program program = linear(verdicts, SECCOMP_RET_ALLOW, arguments);
    const Program small = optimize_seccomp_program(program, kNative);
    CHECK_FALSE(same_instructions(small, program));
    CHECK(are_equal(program, small));
}

TEST_CASE("SC-13 a filter that is not understood is left alone", "[seccomp_optimizer]") {
    Program program = linear({{1, SECCOMP_RET_LOG},
                              {2, SECCOMP_RET_LOG},
                              {3, SECCOMP_RET_LOG},
                              {4, SECCOMP_RET_LOG},
                              {5, SECCOMP_RET_LOG}},
                             SECCOMP_RET_ALLOW);
    REQUIRE_FALSE(same_instructions(optimize_seccomp_program(program, kNative), program));
    SECTION("arithmetic on the number") {
        program.insert(program.begin() + 4, {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff});
    }
    SECTION("scratch memory") {
        program.insert(program.begin() + 4, {BPF_ST, 0, 0, 0});
    }
    SECTION("an architecture that is not on the list") {
        program[1].k = AUDIT_ARCH_I386;
    }
    SECTION("architectures by order") {
        program[1].code = kGreater;
    }
    SECTION("no end") {
        program.pop_back();
    }
    CHECK(same_instructions(optimize_seccomp_program(program, kNative), program));
}
