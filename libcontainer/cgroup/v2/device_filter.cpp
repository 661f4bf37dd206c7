// SPDX-License-Identifier: Apache-2.0
// Compiling, loading and attaching the device filter.
#include "libcontainer/cgroup/v2/device_filter.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "libcontainer/sys/file.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kConfigPath = "linux.resources.devices";

// Registers: what is asked for, taken apart once at the start.
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kType = BPF_REG_2;
constexpr std::uint8_t kAsked = BPF_REG_3;  // access not yet allowed by a rule seen so far
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;
constexpr std::uint8_t kResult = BPF_REG_0;

bpf_insn instruction(unsigned code, std::uint8_t to, std::uint8_t from, std::int16_t jump,
                     std::int32_t value) {
    bpf_insn made = {};
    made.code = static_cast<__u8>(code);
    made.dst_reg = to & 0xfU;
    made.src_reg = from & 0xfU;
    made.off = jump;
    made.imm = value;
    return made;
}

bpf_insn load(std::uint8_t to, std::size_t offset) {
    return instruction(BPF_LDX | BPF_W | BPF_MEM, to, kContext, static_cast<std::int16_t>(offset),
                       0);
}

bpf_insn compute(unsigned operation, std::uint8_t to, std::int32_t value) {
    return instruction(BPF_ALU | operation | BPF_K, to, 0, 0, value);
}

bpf_insn copy(std::uint8_t to, std::uint8_t from) {
    return instruction(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0);
}

bpf_insn skip_unless_equal(std::uint8_t reg, std::int32_t value) {
    return instruction(BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, value);
}

bpf_insn leave() {
    return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

std::int32_t access_mask(unsigned access) {
    unsigned mask = 0;
    mask |= (access & kRead) != 0 ? unsigned{BPF_DEVCG_ACC_READ} : 0U;
    mask |= (access & kWrite) != 0 ? unsigned{BPF_DEVCG_ACC_WRITE} : 0U;
    mask |= (access & kMknod) != 0 ? unsigned{BPF_DEVCG_ACC_MKNOD} : 0U;
    return static_cast<std::int32_t>(mask);
}

bool decides_everything(const DeviceRule& rule) {
    return !rule.pattern && rule.access == kAllAccess;
}

void append_verdict(std::vector<bpf_insn>& program, bool allow) {
    program.push_back(compute(BPF_MOV, kResult, allow ? 1 : 0));
    program.push_back(leave());
}

// The instructions of one rule; its conditional jumps lead behind it.
std::vector<bpf_insn> compile_rule(const DeviceRule& rule) {
    std::vector<bpf_insn> part;
    if (rule.pattern) {
        const DevicePattern& pattern = *rule.pattern;
        part.push_back(skip_unless_equal(
            kType, pattern.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
        if (pattern.major != kAnyNumber) {
            part.push_back(skip_unless_equal(kMajor, static_cast<std::int32_t>(pattern.major)));
        }
        if (pattern.minor != kAnyNumber) {
            part.push_back(skip_unless_equal(kMinor, static_cast<std::int32_t>(pattern.minor)));
        }
    }
    if (rule.allow) {
        part.push_back(compute(BPF_AND, kAsked, ~access_mask(rule.access)));
        part.push_back(skip_unless_equal(kAsked, 0));
    } else {
        part.push_back(copy(kResult, kAsked));
        part.push_back(compute(BPF_AND, kResult, access_mask(rule.access)));
        part.push_back(instruction(BPF_JMP32 | BPF_JEQ | BPF_K, kResult, 0, 0, 0));
    }
    append_verdict(part, rule.allow);
    for (std::size_t i = 0; i < part.size(); ++i) {
        const bool is_jump = BPF_CLASS(part[i].code) == BPF_JMP32;
        part[i].off = static_cast<std::int16_t>(is_jump ? part.size() - i - 1 : 0);
    }
    return part;
}

// bpf(2) with the largest attr any kernel writes back: newer ones have overrun short ones.
union Attributes {
    bpf_attr attr;
    std::array<char, 256> room;
};

int bpf(bpf_cmd command, Attributes& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

Result<sys::UniqueFd> load_program(const std::vector<bpf_insn>& program) {
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.attr.insns = address(program.data());
    attributes.attr.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.attr.license = address("Apache");
    const int fd = bpf(BPF_PROG_LOAD, attributes);
    if (fd < 0) {
        return std::unexpected(sys::last_error("bpf(\"BPF_PROG_LOAD\")").at(kConfigPath));
    }
    return sys::UniqueFd(fd);
}

// What is attached to a cgroup itself, and whether others may be beside it.
struct Attached {
    std::vector<std::uint32_t> ids;
    std::uint32_t flags = 0;
};

Result<Attached> query(int cgroup) {
    std::array<std::uint32_t, 64> ids = {};  // the kernel's own limit
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.query.target_fd = static_cast<std::uint32_t>(cgroup);
    attributes.attr.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.attr.query.prog_ids = address(ids.data());
    attributes.attr.query.prog_cnt = static_cast<std::uint32_t>(ids.size());
    if (bpf(BPF_PROG_QUERY, attributes) != 0) {
        return std::unexpected(sys::last_error("bpf(\"BPF_PROG_QUERY\")").at(kConfigPath));
    }
    return Attached{{ids.begin(), ids.begin() + attributes.attr.query.prog_cnt},
                    attributes.attr.query.attach_flags};
}

Result<sys::UniqueFd> open_program(std::uint32_t id) {
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.prog_id = id;
    const int fd = bpf(BPF_PROG_GET_FD_BY_ID, attributes);
    if (fd < 0) {
        return std::unexpected(sys::last_error("bpf(\"BPF_PROG_GET_FD_BY_ID\")").at(kConfigPath));
    }
    return sys::UniqueFd(fd);
}

Result<std::uint32_t> id_of(int program) {
    bpf_prog_info info = {};
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.info.bpf_fd = static_cast<std::uint32_t>(program);
    attributes.attr.info.info_len = sizeof info;
    attributes.attr.info.info = address(&info);
    if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) != 0) {
        return std::unexpected(sys::last_error("bpf(\"BPF_OBJ_GET_INFO_BY_FD\")").at(kConfigPath));
    }
    return info.id;
}

// `replaced` is the program whose place it takes, or -1.
Result<void> attach(int cgroup, int program, std::uint32_t flags, int replaced) {
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.target_fd = static_cast<std::uint32_t>(cgroup);
    attributes.attr.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attributes.attr.attach_type = BPF_CGROUP_DEVICE;
    attributes.attr.attach_flags = flags;
    if (replaced >= 0) {
        attributes.attr.attach_flags |= BPF_F_REPLACE;
        attributes.attr.replace_bpf_fd = static_cast<std::uint32_t>(replaced);
    }
    if (bpf(BPF_PROG_ATTACH, attributes) != 0) {
        return std::unexpected(sys::last_error("bpf(\"BPF_PROG_ATTACH\")").at(kConfigPath));
    }
    return {};
}

// One that has gone meanwhile is no error.
Result<void> detach(int cgroup, std::uint32_t id) {
    const auto program = open_program(id);
    if (!program) {
        return program.error().code == ENOENT ? Result<void>() : std::unexpected(program.error());
    }
    Attributes attributes = {};
    attributes.room.fill(0);
    attributes.attr.target_fd = static_cast<std::uint32_t>(cgroup);
    attributes.attr.attach_bpf_fd = static_cast<std::uint32_t>(program->get());
    attributes.attr.attach_type = BPF_CGROUP_DEVICE;
    if (bpf(BPF_PROG_DETACH, attributes) != 0 && errno != ENOENT) {
        return std::unexpected(sys::last_error("bpf(\"BPF_PROG_DETACH\")").at(kConfigPath));
    }
    return {};
}

// So that at no moment there is no filter: in one step where the kernel can, else the new one
// first.
Result<void> replace(int cgroup, int program) {
    const Attached before = TRY(query(cgroup));
    if (before.ids.empty()) {
        return attach(cgroup, program, BPF_F_ALLOW_MULTI, -1);
    }
    if ((before.flags & BPF_F_ALLOW_MULTI) == 0) {
        // Whoever attached it allowed one alone, whose place the next one takes.
        return attach(cgroup, program, before.flags, -1);
    }
    if (before.ids.size() == 1) {
        const sys::UniqueFd old = TRY(open_program(before.ids.front()));
        const auto replaced = attach(cgroup, program, BPF_F_ALLOW_MULTI, old.get());
        if (replaced || replaced.error().code != EINVAL) {  // Linux 5.6 has it
            return replaced;
        }
    }
    TRY_VOID(attach(cgroup, program, BPF_F_ALLOW_MULTI, -1));
    for (const std::uint32_t id : before.ids) {
        TRY_VOID(detach(cgroup, id));
    }
    return {};
}

// The kernel refuses with EPERM what a cgroup above does not allow.
sys::Error explain_refusal(sys::Error error, const std::string& directory) {
    if (error.code != EPERM) {
        return error;
    }
    for (std::string above = sys::directory_of(directory); above.size() > 1;
         above = sys::directory_of(above)) {
        const auto cgroup = sys::open_at(AT_FDCWD, above, O_RDONLY | O_DIRECTORY);
        const auto attached = cgroup ? query(cgroup->get()) : Result<Attached>();
        if (attached && !attached->ids.empty()) {
            if (attached->flags == 0) {
                error.message += " (" + above + " has a device program that allows no other below)";
            }
            break;
        }
    }
    return error;
}

// What counts is what the kernel says is in force. Others (systemd) may add theirs meanwhile.
Result<void> verify(int cgroup, int program) {
    const std::uint32_t own = TRY(id_of(program));
    const Attached now = TRY(query(cgroup));
    return std::ranges::find(now.ids, own) != now.ids.end()
               ? Result<void>()
               : std::unexpected(sys::Error{sys::ErrorKind::system, 0, std::string(kConfigPath),
                                            "the kernel does not have the device filter that it "
                                            "took"});
}

}  // namespace

std::vector<bpf_insn> compile_device_filter(std::span<const DeviceRule> rules) {
    constexpr std::int32_t kTypeMask = 0xffff;
    constexpr std::int32_t kAccessShift = 16;
    std::vector<bpf_insn> program = {
        load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
        load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
        load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
        copy(kAsked, kType),
        compute(BPF_AND, kType, kTypeMask),
        compute(BPF_RSH, kAsked, kAccessShift),
    };
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        if (decides_everything(*rule)) {
            // The verifier refuses instructions that nothing reaches.
            append_verdict(program, rule->allow);
            return program;
        }
        const auto part = compile_rule(*rule);
        program.insert(program.end(), part.begin(), part.end());
    }
    append_verdict(program, false);
    return program;
}

Result<void> apply_device_filter(const std::string& directory,
                                 const std::vector<oci::DeviceRule>& rules) {
    std::vector<DeviceRule> checked;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        checked.push_back(TRY(check_device_rule(rules[i], i)));
    }
    const auto defaults = default_device_rules();
    checked.insert(checked.end(), defaults.begin(), defaults.end());
    const sys::UniqueFd program = TRY(load_program(compile_device_filter(checked)));
    const sys::UniqueFd cgroup = TRY(sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
    auto replaced = replace(cgroup.get(), program.get());
    if (!replaced && replaced.error().code == ENOENT) {
        // The one to be replaced has gone since it was asked for: systemd renews its own.
        replaced = replace(cgroup.get(), program.get());
    }
    if (!replaced) {
        return std::unexpected(explain_refusal(std::move(replaced).error(), directory));
    }
    return verify(cgroup.get(), program.get());
}

}  // namespace libcontainer::v2
