// SPDX-License-Identifier: Apache-2.0
// The same filter in fewer instructions.
//
// A filter is a function of architecture, number and arguments. As long as it does not look at
// arguments it only compares the other two with constants, so its outcome can change only at those
// constants: to run it once between each two of them is to know it whole.
#include "libcontainer/security/seccomp_optimizer.h"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <optional>

namespace libcontainer {
namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kJump = BPF_JMP | BPF_JA;
constexpr std::uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kJumpIfGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr std::uint16_t kJumpIfNotLess = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint16_t kUnlinkedJump = 0xffff;  // no instruction of BPF
constexpr std::size_t kMaxShortJump = 255;

// How a run ends that knows no arguments: with a verdict, or where it loads the first of them.
struct Outcome {
    bool is_verdict = true;
    std::uint32_t value = 0;  // SECCOMP_RET_*, or the index of the instruction

    bool operator==(const Outcome&) const = default;
};

// Numbers from `first` to the next range's.
struct Range {
    std::uint32_t first = 0;
    Outcome outcome;
};

// Runs a program on an architecture and a number. Nothing if it meets what the argument above does
// not cover: another instruction, or an architecture compared in another way than for equality
// with one of the list.
class Tracer {
  public:
    Tracer(const Program& program, std::span<const std::uint32_t> architectures)
        : program_(program), architectures_(architectures) {}

    [[nodiscard]] std::optional<Outcome> trace(std::uint32_t arch, std::uint32_t number) const {
        std::uint32_t accumulator = 0;
        bool holds_arch = false;
        for (std::size_t pc = 0; pc < program_.size(); ++pc) {
            const sock_filter& instruction = program_[pc];
            switch (instruction.code) {
                case kLoad:
                    holds_arch = instruction.k == offsetof(seccomp_data, arch);
                    if (!holds_arch && instruction.k != offsetof(seccomp_data, nr)) {
                        return Outcome{false, static_cast<std::uint32_t>(pc)};
                    }
                    accumulator = holds_arch ? arch : number;
                    break;
                case kReturn:
                    return Outcome{true, instruction.k};
                case kJump:
                    pc += instruction.k;
                    break;
                case kJumpIfEqual:
                case kJumpIfGreater:
                case kJumpIfNotLess:
                    if (holds_arch && !is_arch_test(instruction)) {
                        return std::nullopt;
                    }
                    pc += holds(instruction, accumulator) ? instruction.jt : instruction.jf;
                    break;
                default:
                    return std::nullopt;
            }
        }
        return std::nullopt;
    }

  private:
    [[nodiscard]] bool is_arch_test(const sock_filter& instruction) const {
        return instruction.code == kJumpIfEqual &&
               std::ranges::find(architectures_, instruction.k) != architectures_.end();
    }

    [[nodiscard]] static bool holds(const sock_filter& instruction, std::uint32_t accumulator) {
        switch (instruction.code) {
            case kJumpIfEqual:
                return accumulator == instruction.k;
            case kJumpIfGreater:
                return accumulator > instruction.k;
            default:
                return accumulator >= instruction.k;
        }
    }

    const Program& program_;
    std::span<const std::uint32_t> architectures_;
};

// Every number at which an outcome may differ from that of the number before.
[[nodiscard]] std::vector<std::uint32_t> possible_borders(const Program& program) {
    std::vector<std::uint32_t> borders = {0};
    for (const sock_filter& instruction : program) {
        if (BPF_CLASS(instruction.code) == BPF_JMP && instruction.code != kJump) {
            borders.push_back(instruction.k);
            borders.push_back(instruction.k + 1);  // 0 after the last number: harmless
        }
    }
    std::ranges::sort(borders);
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    return borders;
}

[[nodiscard]] std::optional<std::vector<Range>> ranges_of(
    const Tracer& tracer, std::uint32_t arch, const std::vector<std::uint32_t>& borders) {
    std::vector<Range> ranges;
    for (const std::uint32_t border : borders) {
        const std::optional<Outcome> outcome = tracer.trace(arch, border);
        if (!outcome) {
            return std::nullopt;
        }
        if (ranges.empty() || ranges.back().outcome != *outcome) {
            ranges.push_back({border, *outcome});
        }
    }
    return ranges;
}

void append(Program& program, const Program& more) {
    program.insert(program.end(), more.begin(), more.end());
}

// A search for the accumulator's range as a tree of comparisons, laid out in the order in which
// they are added, with one instruction per outcome behind them. A leaf that goes on to arguments
// holds the index of its target in the old program until link().
class SearchTree {
  public:
    explicit SearchTree(std::span<const Range> ranges) { add(ranges); }

    // Nothing if an outcome is too far for a conditional jump.
    [[nodiscard]] std::optional<Program> lay_out() const {
        if (branches_.size() + outcomes_.size() > kMaxShortJump) {
            return std::nullopt;
        }
        Program program;
        for (std::size_t i = 0; i < branches_.size(); ++i) {
            const Branch& branch = branches_[i];
            program.push_back(
                {branch.code, distance(i, branch.yes), distance(i, branch.no), branch.value});
        }
        for (const Outcome& outcome : outcomes_) {
            program.push_back({outcome.is_verdict ? kReturn : kUnlinkedJump, 0, 0, outcome.value});
        }
        return program;
    }

  private:
    struct Target {
        bool is_outcome = false;
        std::size_t index = 0;  // of outcomes_ or branches_
    };
    struct Branch {
        std::uint16_t code = 0;
        std::uint32_t value = 0;
        Target yes;
        Target no;
    };

    [[nodiscard]] std::uint8_t distance(std::size_t from, const Target& to) const {
        const std::size_t place = to.is_outcome ? branches_.size() + to.index : to.index;
        return static_cast<std::uint8_t>(place - from - 1);
    }

    [[nodiscard]] Target target(const Outcome& outcome) {
        const auto known = std::ranges::find(outcomes_, outcome);
        const auto index = static_cast<std::size_t>(known - outcomes_.begin());
        if (known == outcomes_.end()) {
            outcomes_.push_back(outcome);
        }
        return {true, index};
    }

    Target add(std::span<const Range> ranges) {
        if (ranges.size() == 1) {
            return target(ranges[0].outcome);
        }
        const std::size_t place = branches_.size();
        branches_.emplace_back();
        Branch branch;
        if (is_exception(ranges)) {
            branch = {kJumpIfEqual, ranges[1].first, target(ranges[1].outcome),
                      target(ranges[0].outcome)};
        } else {
            // Odd on the left, so that exceptions are found: ranges mostly alternate.
            const std::size_t middle = ranges.size() / 2 | 1U;
            const Target below = add(ranges.first(middle));
            branch = {kJumpIfNotLess, ranges[middle].first, add(ranges.subspan(middle)), below};
        }
        branches_[place] = branch;
        return {false, place};
    }

    // One number that stands out among others.
    [[nodiscard]] static bool is_exception(std::span<const Range> ranges) {
        return ranges.size() == 3 && ranges[0].outcome == ranges[2].outcome &&
               ranges[1].first + 1 == ranges[2].first;
    }

    std::vector<Branch> branches_;
    std::vector<Outcome> outcomes_;
};

// One tree, or as many as the reach of conditional jumps demands, below comparisons of their own.
[[nodiscard]] Program search_of(std::span<const Range> ranges) {
    if (auto program = SearchTree(ranges).lay_out()) {
        return *std::move(program);
    }
    const std::size_t middle = ranges.size() / 2;
    const Program below = search_of(ranges.first(middle));
    Program program = {{kJumpIfNotLess, 0, 1, ranges[middle].first},
                       {kJump, 0, 0, static_cast<std::uint32_t>(below.size())}};
    append(program, below);
    append(program, search_of(ranges.subspan(middle)));
    return program;
}

// Instructions that can be reached from those marked, as marks.
void mark_reachable(const Program& program, std::vector<bool>& marks) {
    for (std::size_t i = 0; i < program.size(); ++i) {  // BPF jumps forward only
        if (!marks[i] || BPF_CLASS(program[i].code) == BPF_RET) {
            continue;
        }
        if (program[i].code == kJump) {
            marks[i + 1 + program[i].k] = true;
        } else if (BPF_CLASS(program[i].code) == BPF_JMP) {
            marks[i + 1 + program[i].jt] = true;
            marks[i + 1 + program[i].jf] = true;
        } else {
            marks[i + 1] = true;
        }
    }
}

// The marked instructions alone, and where each of the old ones is now. Distances only shrink.
struct Excerpt {
    Program program;
    std::vector<std::size_t> place;
};

[[nodiscard]] Excerpt excerpt_of(const Program& program, const std::vector<bool>& marks) {
    Excerpt excerpt;
    for (std::size_t i = 0, next = 0; i < program.size(); ++i) {
        excerpt.place.push_back(next);
        next += marks[i] ? 1U : 0U;
    }
    const auto distance = [&](std::size_t from, std::size_t old_distance) {
        return excerpt.place[from + 1 + old_distance] - excerpt.place[from] - 1;
    };
    for (std::size_t i = 0; i < program.size(); ++i) {
        if (!marks[i]) {
            continue;
        }
        sock_filter instruction = program[i];
        if (instruction.code == kJump) {
            instruction.k = static_cast<std::uint32_t>(distance(i, instruction.k));
        } else if (BPF_CLASS(instruction.code) == BPF_JMP) {
            instruction.jt = static_cast<std::uint8_t>(distance(i, instruction.jt));
            instruction.jf = static_cast<std::uint8_t>(distance(i, instruction.jf));
        }
        excerpt.program.push_back(instruction);
    }
    return excerpt;
}

// What is not on the list behaves as any other that is not.
[[nodiscard]] std::uint32_t foreign_architecture(std::span<const std::uint32_t> architectures) {
    std::uint32_t foreign = 0;
    while (std::ranges::find(architectures, foreign) != architectures.end()) {
        ++foreign;
    }
    return foreign;
}

// Loads the number and searches for it; a single range needs neither.
[[nodiscard]] Program block_of(std::span<const Range> ranges) {
    Program block;
    if (ranges.size() > 1) {
        block.push_back({kLoad, 0, 0, offsetof(seccomp_data, nr)});
    }
    append(block, search_of(ranges));
    return block;
}

// Appends what the leaves jump to and lets them do so.
void link(Program& searches, const Program& old) {
    std::vector<bool> marks(old.size(), false);
    for (const sock_filter& instruction : searches) {
        if (instruction.code == kUnlinkedJump) {
            marks[instruction.k] = true;
        }
    }
    mark_reachable(old, marks);
    const Excerpt excerpt = excerpt_of(old, marks);
    const std::size_t size = searches.size();
    for (std::size_t i = 0; i < size; ++i) {
        if (searches[i].code == kUnlinkedJump) {
            const std::size_t target = size + excerpt.place[searches[i].k];
            searches[i] = {kJump, 0, 0, static_cast<std::uint32_t>(target - i - 1)};
        }
    }
    append(searches, excerpt.program);
}

}  // namespace

std::vector<sock_filter> optimize_seccomp_program(const std::vector<sock_filter>& program,
                                                  std::span<const std::uint32_t> architectures) {
    const Tracer tracer(program, architectures);
    const std::vector<std::uint32_t> borders = possible_borders(program);
    Program searches = {{kLoad, 0, 0, offsetof(seccomp_data, arch)}};
    for (const std::uint32_t arch : architectures) {
        const auto ranges = ranges_of(tracer, arch, borders);
        if (!ranges) {
            return program;
        }
        const Program block = block_of(*ranges);
        searches.push_back({kJumpIfEqual, 1, 0, arch});
        searches.push_back({kJump, 0, 0, static_cast<std::uint32_t>(block.size())});
        append(searches, block);
    }
    const auto ranges = ranges_of(tracer, foreign_architecture(architectures), borders);
    if (!ranges) {
        return program;
    }
    append(searches, block_of(*ranges));
    link(searches, program);
    // A search that is a little longer than a list is still walked faster.
    return searches.size() <= program.size() + program.size() / 8 ? searches : program;
}

}  // namespace libcontainer
