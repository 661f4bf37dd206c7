// SPDX-License-Identifier: Apache-2.0
// linux.cgroupsPath, component by component.
#include "libcontainer/cgroup/cgroups_path.h"

#include <algorithm>

namespace libcontainer {
namespace {

constexpr std::size_t kLongestComponent = 255;  // NAME_MAX

sys::Error refusal(std::string_view why) {
    return sys::Error{sys::ErrorKind::invalid, 0, {}, "cgroup path " + std::string(why)};
}

// The components of `text` joined by single slashes.
Result<std::string> join_components(std::string_view text) {
    // The kernel refuses newlines itself, /proc/PID/cgroup and logs suffer from the other ones.
    if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
        return std::unexpected(refusal("holds a control character"));
    }
    std::string joined;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('/'), text.size());
        const std::string_view component = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (component == "..") {
            return std::unexpected(refusal("holds \"..\""));
        }
        if (component.size() > kLongestComponent) {
            return std::unexpected(refusal("holds a component of more than 255 bytes"));
        }
        if (!component.empty() && component != ".") {
            joined.append(joined.empty() ? "" : "/").append(component);
        }
    }
    return joined;
}

}  // namespace

Result<CgroupsPath> parse_cgroups_path(const std::optional<std::string>& text,
                                       std::string_view id) {
    constexpr std::string_view kConfigPath = "linux.cgroupsPath";
    if (!text || text->empty()) {
        return CgroupsPath{PathBase::hierarchy_root, std::string(id)};
    }
    auto joined = join_components(*text);
    if (!joined) {
        return std::unexpected(std::move(joined).error().at(kConfigPath));
    }
    if (joined->empty()) {
        return std::unexpected(refusal("names no group of its own").at(kConfigPath));
    }
    return CgroupsPath{text->starts_with('/') ? PathBase::hierarchy_root : PathBase::own_cgroup,
                       std::move(*joined)};
}

Result<std::string> parse_sub_cgroup(std::string_view text) {
    if (text.starts_with('/')) {
        return std::unexpected(refusal("is absolute: it has to be below the container's own"));
    }
    return join_components(text);
}

Result<std::vector<SubCgroup>> parse_sub_cgroups(const std::vector<std::string>& texts) {
    std::vector<SubCgroup> all;
    const auto refuse = [](const std::string& text, const std::string& why) {
        return sys::fail(sys::ErrorKind::invalid, "--cgroup \"" + text + "\": " + why);
    };
    for (const std::string& text : texts) {
        const std::size_t colon = text.find(':');
        if (colon == std::string::npos) {
            if (texts.size() > 1) {
                return refuse(text, "needs a controller, as there are several");
            }
            all.push_back({"", TRY(parse_sub_cgroup(text))});
            continue;
        }
        const std::string path = TRY(parse_sub_cgroup(text.substr(colon + 1)));
        std::string names = text.substr(0, colon) + ",";
        while (!names.empty()) {
            const std::string name = names.substr(0, names.find(','));
            names.erase(0, name.size() + 1);
            if (name.empty()) {
                return refuse(text, "a controller has no name");
            }
            if (std::ranges::find(all, name, &SubCgroup::controller) != all.end()) {
                return refuse(text, "names the controller " + name + " again");
            }
            all.push_back({name, path});
        }
    }
    return all;
}

}  // namespace libcontainer
