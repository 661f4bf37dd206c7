// SPDX-License-Identifier: Apache-2.0
// What is valid and yet likely a mistake: warnings (§26).
#include <algorithm>
#include <map>
#include <tuple>

#include "oci/capability_names.h"
#include "oci/make_features.h"
#include "oci/validate_checks.h"

namespace oci {
namespace {

// The minor number of "1.4.0", as text to compare with: both sides are valid and of one major.
bool is_newer_minor(std::string_view version) {
    const auto minor = [](std::string_view text) {
        text.remove_prefix(text.find('.') + 1);
        return text.substr(0, text.find('.'));
    };
    const std::string_view theirs = minor(version);
    const std::string_view ours = minor(kOciVersionMax);
    return theirs.size() != ours.size() ? theirs.size() > ours.size() : theirs > ours;
}

void unknown_capabilities(const std::vector<std::string>& set, Problems& problems,
                          std::string_view name) {
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (!capability_number(set[i])) {
            problems.add("unknown capability, ignored: " + quoted(set[i]), "capabilities", name, i);
        }
    }
}

void doubt_capabilities(const Process& process, Problems& problems) {
    if (!process.capabilities) {
        return;
    }
    const Capabilities& sets = *process.capabilities;
    unknown_capabilities(sets.bounding, problems, "bounding");
    unknown_capabilities(sets.effective, problems, "effective");
    unknown_capabilities(sets.inheritable, problems, "inheritable");
    unknown_capabilities(sets.permitted, problems, "permitted");
    unknown_capabilities(sets.ambient, problems, "ambient");
    const std::uint64_t raisable =
        capability_mask(sets.permitted) & capability_mask(sets.inheritable);
    const auto cannot_be_raised = [&](const std::string& name) {
        const std::optional<int> number = capability_number(name);
        return number && (raisable >> *number & 1) == 0;
    };
    const auto lost = std::ranges::count_if(sets.ambient, cannot_be_raised);
    if (lost != 0) {
        problems.add(std::to_string(lost) +
                         " cannot be raised: not in both the permitted and the inheritable set",
                     "capabilities", "ambient");
    }
}

void doubt_devices(const Spec& spec, Problems& problems) {
    std::map<std::tuple<DeviceType, std::optional<std::int64_t>, std::optional<std::int64_t>>,
             std::string_view>
        paths;
    const std::vector<Device>& devices = spec.linux.devices;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const Device& device = devices[i];
        const auto [first, is_new] =
            paths.try_emplace({device.type, device.major, device.minor}, device.path);
        if (!is_new && device.type != DeviceType::fifo) {
            problems.add("the same device as " + quoted(first->second), "linux", "devices", i);
        }
    }
}

}  // namespace

std::vector<Problem> find_doubtful(const Spec& spec) {
    Problems problems("");
    if (is_newer_minor(spec.oci_version)) {
        problems.add("newer than " + std::string(kOciVersionMax) + ": what it added is ignored",
                     "ociVersion");
    }
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        if (!check::is_absolute(spec.mounts[i].destination)) {
            problems.add("a relative path is taken from /", "mounts", i, "destination");
        }
    }
    doubt_devices(spec, problems);
    std::vector<Problem> all = std::move(problems).take();
    if (spec.process) {
        Problems of_process("process");
        doubt_capabilities(*spec.process, of_process);
        std::ranges::move(std::move(of_process).take(), std::back_inserter(all));
    }
    return all;
}

std::vector<Problem> find_doubtful(const Process& process) {
    Problems problems("");
    doubt_capabilities(process, problems);
    return std::move(problems).take();
}

}  // namespace oci
