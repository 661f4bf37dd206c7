// SPDX-License-Identifier: Apache-2.0
// The five capability sets of a process.
#include "libcontainer/security/capabilities.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "oci/capability_names.h"

namespace libcontainer {
namespace {

constexpr unsigned kMaxCapabilities = 64;  // of the kernel's interface; it uses 41 so far

[[nodiscard]] std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

[[nodiscard]] std::string name_of(unsigned number) {
    return number < oci::kCapabilities.size() ? std::string(oci::kCapabilities[number])
                                              : "capability " + std::to_string(number);
}

// Names of all bits, for errors.
[[nodiscard]] std::string names_of(std::uint64_t set) {
    std::string names;
    for (; set != 0; set &= set - 1) {
        names += (names.empty() ? "" : ", ");
        names += name_of(static_cast<unsigned>(std::countr_zero(set)));
    }
    return names;
}

// A hostile config may name any number of unknown ones.
constexpr std::size_t kMostTold = 100;

void ignore(std::vector<std::string>* ignored, std::string name) {
    if (ignored != nullptr && ignored->size() < kMostTold &&
        std::ranges::find(*ignored, name) == ignored->end()) {
        ignored->push_back(std::move(name));
    }
}

// Turns names into bits and asks the kernel once per capability whether it can be had.
class Grants {
  public:
    Grants(CapabilitySource source, std::vector<std::string>* ignored)
        : source_(source), ignored_(ignored) {}

    [[nodiscard]] std::uint64_t set_of(const std::vector<std::string>& names) {
        std::uint64_t set = 0;
        for (const std::string& name : names) {
            const auto number = oci::capability_number(name);
            if (number && can_be_had(static_cast<unsigned>(*number))) {
                set |= bit(static_cast<unsigned>(*number));
            } else {
                ignore(ignored_, name);
            }
        }
        return set;
    }

  private:
    [[nodiscard]] bool can_be_had(unsigned number) {
        if ((asked_ & bit(number)) == 0) {
            asked_ |= bit(number);
            // 1: in the bounding set, 0: not, -1: unknown to the kernel.
            const int bound = ::cap_get_bound(static_cast<cap_value_t>(number));
            if (bound == 1 || (bound == 0 && source_ == CapabilitySource::user_namespace)) {
                granted_ |= bit(number);
            }
        }
        return (granted_ & bit(number)) != 0;
    }

    CapabilitySource source_;
    std::vector<std::string>* ignored_;
    std::uint64_t asked_ = 0;
    std::uint64_t granted_ = 0;
};

using SetWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

[[nodiscard]] std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return low | std::uint64_t{high} << 32U;
}

// libcap's cap_set_proc would allocate and translate; the bits are here already.
Result<void> set_process_sets(const CapabilitySets& sets, const sys::UnusedArguments& unused = {}) {
    SetWords words = {};
    for (unsigned i = 0; i < words.size(); ++i) {
        words[i].effective = static_cast<std::uint32_t>(sets.effective >> (32 * i));
        words[i].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * i));
        words[i].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * i));
    }
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    if (::syscall(SYS_capset, &header, words.data(), 0, unused[0], unused[1], unused[2]) != 0) {
        return sys::fail_errno("capset");
    }
    return {};
}

Result<void> set_ambient(std::uint64_t ambient) {
    // One call; libcap's cap_reset_ambient asks for every capability first. EINVAL: a kernel before
    // 4.3 has no ambient set, which is the empty one.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 &&
        (errno != EINVAL || ambient != 0)) {
        return sys::fail_errno("prctl(PR_CAP_AMBIENT_CLEAR_ALL)");
    }
    for (std::uint64_t rest = ambient; rest != 0; rest &= rest - 1) {
        const auto number = static_cast<unsigned>(std::countr_zero(rest));
        if (::cap_set_ambient(static_cast<cap_value_t>(number), CAP_SET) != 0) {
            return sys::fail_errno("prctl(PR_CAP_AMBIENT_RAISE, " + name_of(number) + ")");
        }
    }
    return {};
}

Result<void> expect_set(std::string_view name, std::uint64_t wanted, std::uint64_t found) {
    if (wanted == found) {
        return {};
    }
    std::string text = "the kernel holds another set";
    if (const std::uint64_t missing = wanted & ~found; missing != 0) {
        text += ", without " + names_of(missing);
    }
    if (const std::uint64_t surplus = found & ~wanted; surplus != 0) {
        text += ", with " + names_of(surplus);
    }
    return std::unexpected(sys::Error{sys::ErrorKind::system, EPERM,
                                      "process.capabilities." + std::string(name),
                                      std::move(text)});
}

}  // namespace

CapabilitySets plan_capabilities(const oci::Capabilities& capabilities,
                                 std::vector<std::string>* ignored, CapabilitySource source) {
    Grants grants(source, ignored);
    CapabilitySets sets;
    sets.bounding = grants.set_of(capabilities.bounding);
    sets.effective = grants.set_of(capabilities.effective);
    sets.permitted = grants.set_of(capabilities.permitted);
    sets.inheritable = grants.set_of(capabilities.inheritable);
    sets.ambient = grants.set_of(capabilities.ambient);
    // buildah writes ambient sets without inheritable ones; the kernel cannot hold such a pair.
    const std::uint64_t possible = sets.permitted & sets.inheritable;
    for (std::uint64_t rest = sets.ambient & ~possible; rest != 0; rest &= rest - 1) {
        ignore(ignored, name_of(static_cast<unsigned>(std::countr_zero(rest))) + " (ambient)");
    }
    sets.ambient &= possible;
    return sets;
}

Result<void> apply_bounding_set(const CapabilitySets& sets) {
    // Without it setuid to another user than 0 would clear the sets before they are chosen.
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_KEEPCAPS, 1)");
    }
    for (unsigned number = 0; number < kMaxCapabilities; ++number) {
        if ((sets.bounding & bit(number)) != 0) {
            continue;
        }
        const auto value = static_cast<cap_value_t>(number);
        if (::cap_drop_bound(value) == 0) {
            continue;
        }
        const int code = errno;
        // Dropping needs CAP_SETPCAP, but what is gone already need not be dropped.
        const int bound = ::cap_get_bound(value);
        if (bound < 0) {
            break;  // beyond the last capability that the kernel has
        }
        if (bound == 1) {
            return std::unexpected(
                sys::errno_error("prctl(PR_CAPBSET_DROP, " + name_of(number) + ")", code)
                    .at("process.capabilities.bounding"));
        }
    }
    return {};
}

Result<void> apply_capability_sets(const CapabilitySets& sets) {
    if (const std::uint64_t surplus = sets.effective & ~sets.permitted; surplus != 0) {
        return std::unexpected(sys::Error{sys::ErrorKind::invalid, EPERM,
                                          "process.capabilities.effective",
                                          names_of(surplus) + " not in permitted"});
    }
    if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_KEEPCAPS, 0)");
    }
    TRY_VOID(set_process_sets(sets));
    TRY_VOID(set_ambient(sets.ambient));

    const CapabilitySets found = TRY(read_capability_sets());
    TRY_VOID(expect_set("bounding", sets.bounding, found.bounding));
    TRY_VOID(expect_set("effective", sets.effective, found.effective));
    TRY_VOID(expect_set("permitted", sets.permitted, found.permitted));
    TRY_VOID(expect_set("inheritable", sets.inheritable, found.inheritable));
    return expect_set("ambient", sets.ambient, found.ambient);
}

Result<void> lower_capability_sets(const CapabilitySets& sets, const sys::UnusedArguments& unused) {
    return set_process_sets(sets, unused);
}

Result<CapabilitySets> read_capability_sets() {
    SetWords words = {};
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    if (::capget(&header, words.data()) != 0) {
        return sys::fail_errno("capget");
    }
    CapabilitySets sets;
    sets.effective = join(words[0].effective, words[1].effective);
    sets.permitted = join(words[0].permitted, words[1].permitted);
    sets.inheritable = join(words[0].inheritable, words[1].inheritable);
    for (unsigned number = 0; number < kMaxCapabilities; ++number) {
        const int bound = ::cap_get_bound(static_cast<cap_value_t>(number));
        if (bound < 0) {
            break;
        }
        if (bound == 1) {
            sets.bounding |= bit(number);
        }
    }
    // The kernel keeps ambient within permitted and inheritable: nothing else need be asked.
    for (std::uint64_t rest = sets.permitted & sets.inheritable; rest != 0; rest &= rest - 1) {
        const auto number = static_cast<unsigned>(std::countr_zero(rest));
        if (::cap_get_ambient(static_cast<cap_value_t>(number)) == 1) {
            sets.ambient |= bit(number);
        }
    }
    return sets;
}

}  // namespace libcontainer
