// SPDX-License-Identifier: Apache-2.0
// From rules to a policy.
#include "libcontainer/cgroup/device_rules.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

// Whether every device of `inner` is one of `outer`.
bool covers(const DevicePattern& outer, const DevicePattern& inner) {
    const auto number_covers = [](std::int64_t wide, std::int64_t narrow) {
        return wide == kAnyNumber || wide == narrow;
    };
    return outer.type == inner.type && number_covers(outer.major, inner.major) &&
           number_covers(outer.minor, inner.minor);
}

bool overlaps(const DevicePattern& a, const DevicePattern& b) {
    const auto number_overlaps = [](std::int64_t x, std::int64_t y) {
        return x == y || x == kAnyNumber || y == kAnyNumber;
    };
    return a.type == b.type && number_overlaps(a.major, b.major) &&
           number_overlaps(a.minor, b.minor);
}

void add_exception(DevicePolicy& policy, const DevicePolicy::Exception& added) {
    const auto same =
        std::ranges::find(policy.exceptions, added.pattern, &DevicePolicy::Exception::pattern);
    if (same == policy.exceptions.end()) {
        policy.exceptions.push_back(added);
    } else {
        same->access |= added.access;
        same->is_own = same->is_own || added.is_own;
    }
}

// False: an exception covers more than what is to be taken from it.
bool remove_exception(DevicePolicy& policy, const DevicePattern& pattern, unsigned access) {
    for (DevicePolicy::Exception& exception : policy.exceptions) {
        if ((exception.access & access) == 0 || !overlaps(exception.pattern, pattern)) {
            continue;
        }
        if (!covers(pattern, exception.pattern)) {
            return false;
        }
        exception.access &= ~access;
    }
    std::erase_if(policy.exceptions, [](const auto& exception) { return exception.access == 0; });
    return true;
}

enum class Origin : unsigned char { config, defaults };

bool add_rule(DevicePolicy& policy, const DeviceRule& rule, Origin origin) {
    if (!rule.pattern && rule.access == kAllAccess) {
        policy = {rule.allow, {}};
        return true;
    }
    if (!rule.pattern) {
        // Part of the access to every device: the kernel's word for "every device" knows no parts.
        return add_rule(policy, {rule.allow, rule.access, DevicePattern{'b'}}, origin) &&
               add_rule(policy, {rule.allow, rule.access, DevicePattern{'c'}}, origin);
    }
    if (rule.allow == policy.allow_by_default) {
        return remove_exception(policy, *rule.pattern, rule.access);
    }
    add_exception(policy, {*rule.pattern, rule.access, origin == Origin::config});
    return true;
}

std::string path_of(std::size_t index) {
    return "linux.resources.devices[" + std::to_string(index) + "]";
}

std::unexpected<sys::Error> invalid(std::size_t index, const char* field, std::string why) {
    return std::unexpected(
        sys::Error{sys::ErrorKind::invalid, 0, path_of(index) + field, std::move(why)});
}

unsigned access_of(char letter) {
    switch (letter) {
        case 'r':
            return kRead;
        case 'w':
            return kWrite;
        case 'm':
            return kMknod;
        default:
            return 0;
    }
}

}  // namespace

Result<DeviceRule> check_device_rule(const oci::DeviceRule& rule, std::size_t index) {
    constexpr std::int64_t kHighestNumber = 0xffffffff;
    DeviceRule checked = {rule.allow, 0, std::nullopt};
    for (const char letter : rule.access.value_or("")) {
        if (access_of(letter) == 0) {
            return invalid(index, ".access", "\"" + *rule.access + "\" is not of r, w and m");
        }
        checked.access |= access_of(letter);
    }
    if (checked.access == 0) {
        checked.access = kAllAccess;
    }
    const std::int64_t major = rule.major.value_or(kAnyNumber);
    const std::int64_t minor = rule.minor.value_or(kAnyNumber);
    if (std::min(major, minor) < kAnyNumber || std::max(major, minor) > kHighestNumber) {
        return invalid(index, "", "major and minor are 0..4294967295, or -1 for any");
    }
    const auto type = rule.type.value_or(oci::DeviceRuleType::all);
    if (type != oci::DeviceRuleType::all) {
        checked.pattern = DevicePattern{static_cast<char>(type), major, minor};
    } else if (major != kAnyNumber || minor != kAnyNumber) {
        // Passing over the numbers would allow (or deny) far more than was meant.
        return invalid(index, "", "major and minor need a type, \"c\" or \"b\"");
    }
    return checked;
}

std::span<const DeviceRule> default_device_rules() {
    static constexpr DeviceRule kRules[] = {
        {true, kMknod, DevicePattern{'c', kAnyNumber, kAnyNumber}},
        {true, kMknod, DevicePattern{'b', kAnyNumber, kAnyNumber}},
        {true, kAllAccess, DevicePattern{'c', 1, 3}},             // null
        {true, kAllAccess, DevicePattern{'c', 1, 5}},             // zero
        {true, kAllAccess, DevicePattern{'c', 1, 7}},             // full
        {true, kAllAccess, DevicePattern{'c', 1, 8}},             // random
        {true, kAllAccess, DevicePattern{'c', 1, 9}},             // urandom
        {true, kAllAccess, DevicePattern{'c', 5, 0}},             // tty
        {true, kAllAccess, DevicePattern{'c', 5, 2}},             // ptmx
        {true, kAllAccess, DevicePattern{'c', 136, kAnyNumber}},  // pts
    };
    return kRules;
}

Result<DevicePolicy> plan_device_policy(const std::vector<oci::DeviceRule>& rules) {
    DevicePolicy policy;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (!add_rule(policy, TRY(check_device_rule(rules[i], i)), Origin::config)) {
            return std::unexpected(sys::Error{
                sys::ErrorKind::unsupported, 0, path_of(i),
                "takes a part out of an earlier, wider rule, which cgroup v1 cannot do"});
        }
    }
    for (const DeviceRule& rule : default_device_rules()) {
        // Only below an allow-all with a wide denial this can be impossible; the denial stays.
        (void)add_rule(policy, rule, Origin::defaults);
    }
    return policy;
}

std::string device_line(const DevicePattern& pattern, unsigned access) {
    const auto number = [](std::int64_t value) {
        return value == kAnyNumber ? std::string("*") : std::to_string(value);
    };
    std::string line(1, pattern.type);
    line += " " + number(pattern.major) + ":" + number(pattern.minor) + " ";
    line.append((access & kRead) != 0 ? "r" : "").append((access & kWrite) != 0 ? "w" : "");
    return line.append((access & kMknod) != 0 ? "m" : "");
}

bool is_host_root() {
    if (::geteuid() != 0) {
        return false;
    }
    const auto map = sys::read_file(AT_FDCWD, "/proc/self/uid_map");
    return !map || map->find("4294967295") != std::string::npos;
}

bool may_go_without_device_policy(const sys::Error& error) {
    return error.code == EPERM && !is_host_root();
}

}  // namespace libcontainer
