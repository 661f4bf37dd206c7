// SPDX-License-Identifier: Apache-2.0
// The compiled device filter, run by a small interpreter beside the rules' plain meaning.
#include "libcontainer/cgroup/v2/device_filter.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

using libcontainer::DevicePattern;
using libcontainer::DeviceRule;
using libcontainer::kAllAccess;
using libcontainer::kAnyNumber;
using libcontainer::kMknod;
using libcontainer::kRead;
using libcontainer::kWrite;
using libcontainer::v2::compile_device_filter;

namespace {

struct Access {
    char type;
    std::uint32_t major;
    std::uint32_t minor;
    unsigned access;
};

unsigned kernel_mask(unsigned access) {
    return ((access & kMknod) != 0 ? 1U : 0U) | ((access & kRead) != 0 ? 2U : 0U) |
           ((access & kWrite) != 0 ? 4U : 0U);
}

// Runs the instructions that compile_device_filter uses, with the verifier's rule that a jump leads
// forward and into the program.
bool run(const std::vector<bpf_insn>& program, const Access& asked) {
    const bpf_cgroup_dev_ctx context = {
        (kernel_mask(asked.access) << 16U) | (asked.type == 'b' ? 1U : 2U), asked.major,
        asked.minor};
    std::array<std::uint32_t, 11> reg = {};
    for (std::size_t at = 0; at < program.size(); ++at) {
        const bpf_insn& now = program[at];
        const auto value = static_cast<std::uint32_t>(now.imm);
        const std::uint32_t operand = BPF_SRC(now.code) == BPF_X ? reg.at(now.src_reg) : value;
        std::uint32_t& to = reg.at(now.dst_reg);
        bool jumps = false;
        switch (now.code) {
            case BPF_LDX | BPF_W | BPF_MEM:
                std::memcpy(&to, reinterpret_cast<const char*>(&context) + now.off, sizeof to);
                break;
            case BPF_ALU | BPF_MOV | BPF_X:
            case BPF_ALU | BPF_MOV | BPF_K:
                to = operand;
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                to &= operand;
                break;
            case BPF_ALU | BPF_RSH | BPF_K:
                to >>= operand;
                break;
            case BPF_JMP32 | BPF_JNE | BPF_K:
                jumps = to != operand;
                break;
            case BPF_JMP32 | BPF_JEQ | BPF_K:
                jumps = to == operand;
                break;
            case BPF_JMP | BPF_EXIT:
                return reg[0] != 0;
            default:
                FAIL("instruction " << int{now.code} << " at " << at);
        }
        if (jumps) {
            REQUIRE(now.off >= 0);
            at += static_cast<std::size_t>(now.off);
        }
    }
    FAIL("ran over the end");
    return false;
}

bool matches(const DeviceRule& rule, const Access& asked) {
    return !rule.pattern ||
           (rule.pattern->type == asked.type &&
            (rule.pattern->major == kAnyNumber || rule.pattern->major == asked.major) &&
            (rule.pattern->minor == kAnyNumber || rule.pattern->minor == asked.minor));
}

// The meaning: for each kind of access asked for, the last rule that speaks of it.
bool is_allowed(const std::vector<DeviceRule>& rules, const Access& asked) {
    for (const unsigned bit : {kRead, kWrite, kMknod}) {
        bool allowed = false;
        for (const DeviceRule& rule : rules) {
            if ((rule.access & bit) != 0 && matches(rule, asked)) {
                allowed = rule.allow;
            }
        }
        if ((asked.access & bit) != 0 && !allowed) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("R-35: no rules deny everything") {
    CHECK_FALSE(run(compile_device_filter({}), {'c', 1, 3, kRead}));
}

TEST_CASE("RD-01: the filter does what the rules say, for every access to many devices") {
    const std::vector<DeviceRule> sets[] = {
        {{true, kAllAccess, {}}},
        {{true, kAllAccess, {}}, {false, kAllAccess, {}}},
        {{false, kAllAccess, {}}, {true, kRead, {}}},
        {{true, kAllAccess, {}}, {false, kMknod, {}}},
        {{false, kAllAccess, {}}, {true, kAllAccess, DevicePattern{'c', 1, 3}}},
        {{true, kAllAccess, DevicePattern{'b', 8, kAnyNumber}},
         {false, kWrite, DevicePattern{'b', 8, 1}}},
        {{true, kRead, DevicePattern{'c', 1, 3}}, {true, kWrite, DevicePattern{'c', 1, 3}}},
        {{true, kAllAccess, {}}, {false, kRead | kMknod, DevicePattern{'c', kAnyNumber, 3}}},
        {{true, kAllAccess, DevicePattern{'c', 4294967295, 4294967295}}},
        {libcontainer::default_device_rules().begin(), libcontainer::default_device_rules().end()},
    };
    for (const auto& rules : sets) {
        const auto program = compile_device_filter(rules);
        for (const char type : {'b', 'c'}) {
            for (const std::uint32_t major : {0U, 1U, 5U, 8U, 136U, 4294967295U}) {
                for (const std::uint32_t minor : {0U, 1U, 3U, 4294967295U}) {
                    for (unsigned access = 1; access <= kAllAccess; ++access) {
                        const Access asked = {type, major, minor, access};
                        CAPTURE(&rules - sets, type, major, minor, access);
                        REQUIRE(run(program, asked) == is_allowed(rules, asked));
                    }
                }
            }
        }
    }
}

TEST_CASE("nothing follows a rule that decides everything: the verifier refuses dead code") {
    const std::vector<DeviceRule> rules = {{true, kAllAccess, DevicePattern{'c', 1, 3}},
                                           {false, kAllAccess, {}}};
    const std::vector<DeviceRule> last(rules.begin() + 1, rules.end());
    CHECK(compile_device_filter(rules).size() == compile_device_filter(last).size());
}
