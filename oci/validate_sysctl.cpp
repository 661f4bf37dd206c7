// SPDX-License-Identifier: Apache-2.0
// linux.sysctl: only parameters that a namespace of the container's own holds (SY-02, R-11).
#include <algorithm>
#include <array>

#include "oci/sysctl_key.h"
#include "oci/validate_checks.h"

namespace oci {
namespace {

constexpr std::size_t kMaxValue = 4096;  // one page, proc_dostring's buffer

struct Rule {
    std::string_view path;  // a trailing slash: everything below
    NamespaceType holder;
};

constexpr Rule kNamespaced[] = {
    {"kernel/msgmax", NamespaceType::ipc},     {"kernel/msgmnb", NamespaceType::ipc},
    {"kernel/msgmni", NamespaceType::ipc},     {"kernel/sem", NamespaceType::ipc},
    {"kernel/shmall", NamespaceType::ipc},     {"kernel/shmmax", NamespaceType::ipc},
    {"kernel/shmmni", NamespaceType::ipc},     {"kernel/shm_rmid_forced", NamespaceType::ipc},
    {"fs/mqueue/", NamespaceType::ipc},        {"net/", NamespaceType::network},
    {"kernel/domainname", NamespaceType::uts}, {"user/", NamespaceType::user},
};

const Rule* find_rule(std::string_view path) {
    const auto* const found = std::ranges::find_if(kNamespaced, [&](const Rule& rule) {
        return rule.path.ends_with('/') ? path.starts_with(rule.path) : path == rule.path;
    });
    return found == std::end(kNamespaced) ? nullptr : found;
}

bool is_component_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_:@-.").find(c) != std::string_view::npos;
}

std::string problem_of(const Spec& spec, std::string_view key, std::string_view value) {
    const std::optional<std::string> path = sysctl_path(key);
    if (!path) {
        return "not the name of a kernel parameter";
    }
    if (*path == "kernel/hostname") {
        return "not allowed: use hostname";
    }
    const Rule* const rule = find_rule(*path);
    if (rule == nullptr) {
        return "would change the host: no namespace holds this parameter";
    }
    if (check::find_namespace(spec, rule->holder) == nullptr) {
        return "would change the host: linux.namespaces has no " +
               std::string(to_name(rule->holder)) + " namespace";
    }
    if (value.size() >= kMaxValue) {
        return "a value must be shorter than 4096 bytes";
    }
    return {};
}

}  // namespace

std::optional<NamespaceType> sysctl_holder(std::string_view path) {
    const Rule* const rule = find_rule(path);
    return rule == nullptr ? std::nullopt : std::optional(rule->holder);
}

std::optional<std::string> sysctl_path(std::string_view key) {
    const std::size_t first = key.find_first_of("./");
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    std::string path(key);
    if (key[first] == '.') {
        for (char& c : path) {
            c = c == '.' ? '/' : c == '/' ? '.' : c;
        }
    }
    std::string_view rest = path;
    while (true) {
        const std::size_t end = rest.find('/');
        const std::string_view component = rest.substr(0, end);
        if (component.empty() || component == "." || component == ".." ||
            !std::ranges::all_of(component, is_component_character)) {
            return std::nullopt;
        }
        if (end == std::string_view::npos) {
            return path;
        }
        rest.remove_prefix(end + 1);
    }
}

void check::sysctl(const Spec& spec, Problems& problems) {
    for (const auto& [key, value] : spec.linux.sysctl) {
        std::string problem = problem_of(spec, key, value);
        if (!problem.empty()) {
            problems.add(std::move(problem), "linux", "sysctl", key);
        }
    }
}

}  // namespace oci
