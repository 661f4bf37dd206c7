// SPDX-License-Identifier: Apache-2.0
// Checks of the top level, root, mounts, hooks and annotations (§3–§5, §7–§9).
#include <algorithm>

#include "oci/validate_checks.h"

namespace oci::check {
namespace {

constexpr std::size_t kMaxHostName = 64;  // __NEW_UTS_LEN

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_identifier_character(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit) &&
           (text == "0" || text.front() != '0');
}

// Takes the text before `separator`, or all of it, and the separator off the front.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t at = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return taken;
}

// The dot-separated identifiers of a pre-release or a build. The first has no leading zeros.
enum class Numbers { without_leading_zeros, any };
bool are_identifiers(std::string_view text, Numbers numbers) {
    if (text.empty() || text.ends_with('.')) {
        return false;
    }
    while (!text.empty()) {
        const std::string_view one = take_until(text, '.');
        const bool number = std::ranges::all_of(one, is_digit);
        if (one.empty() || !std::ranges::all_of(one, is_identifier_character) ||
            (number && numbers == Numbers::without_leading_zeros && !is_number(one))) {
            return false;
        }
    }
    return true;
}

// Semantic Versioning 2.0.0: 1.2.3, 1.2.3-rc.1, 1.2.3+dev.
bool is_semantic_version(std::string_view text) {
    const std::size_t plus = text.find('+');
    if (plus != std::string_view::npos) {
        if (!are_identifiers(text.substr(plus + 1), Numbers::any)) {
            return false;
        }
        text = text.substr(0, plus);
    }
    const std::size_t dash = text.find('-');
    if (dash != std::string_view::npos) {
        if (!are_identifiers(text.substr(dash + 1), Numbers::without_leading_zeros)) {
            return false;
        }
        text = text.substr(0, dash);
    }
    if (std::ranges::count(text, '.') != 2) {
        return false;
    }
    const std::string_view major = take_until(text, '.');
    const std::string_view minor = take_until(text, '.');
    return is_number(major) && is_number(minor) && is_number(text);
}

void check_host_name(const std::optional<std::string>& name, bool own_uts, Problems& problems,
                     std::string_view key) {
    if (!name || name->empty()) {
        return;
    }
    if (!own_uts) {
        problems.add("would change the host: linux.namespaces has no uts namespace", key);
    }
    if (name->size() > kMaxHostName) {
        problems.add("longer than 64 bytes", key);
    }
}

bool has_option(const Mount& mount, std::string_view name) {
    return std::ranges::find(mount.options, name) != mount.options.end();
}

// A remount changes what is there, and needs no source.
bool makes_bind(const Mount& mount) {
    return (mount.type == "bind" || has_option(mount, "bind") || has_option(mount, "rbind")) &&
           !has_option(mount, "remount");
}

bool asks_for_id_map(const Mount& mount) {
    return has_option(mount, "idmap") || has_option(mount, "ridmap");
}

void check_hook(const Hook& hook, Problems& problems, std::string_view kind, std::size_t i) {
    if (!is_absolute(hook.path)) {
        problems.add("must be an absolute path", "hooks", kind, i, "path");
    }
    if (hook.timeout && *hook.timeout <= 0) {
        problems.add("must be greater than 0", "hooks", kind, i, "timeout");
    }
}

}  // namespace

// C-01. A newer minor is accepted: what it adds is unknown here and unknown names are ignored.
void oci_version(const Spec& spec, Problems& problems) {
    if (!is_semantic_version(spec.oci_version)) {
        problems.add("not a semantic version such as 1.0.0: " + quoted(spec.oci_version),
                     "ociVersion");
    } else if (!spec.oci_version.starts_with("1.")) {
        problems.add(
            "only version 1 of the runtime spec is understood, not " + quoted(spec.oci_version),
            "ociVersion");
    }
}

// C-02, R-01.
void root(const Spec& spec, Problems& problems) {
    if (!spec.root) {
        problems.add("required but missing", "root");
    } else if (spec.root->path.empty()) {
        problems.add("must not be empty", "root", "path");
    }
}

// U-01, U-02.
void host_names(const Spec& spec, Problems& problems) {
    const bool own_uts = find_namespace(spec, NamespaceType::uts) != nullptr;
    check_host_name(spec.hostname, own_uts, problems, "hostname");
    check_host_name(spec.domainname, own_uts, problems, "domainname");
}

// M-02, M-03.
void mounts(const Spec& spec, Problems& problems) {
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const Mount& mount = spec.mounts[i];
        if (mount.destination.empty()) {
            problems.add("must not be empty", "mounts", i, "destination");
        }
        if (makes_bind(mount) && mount.source.value_or("").empty()) {
            problems.add("a bind mount needs a source", "mounts", i, "source");
        }
    }
}

// M-06.
void mount_id_maps(const Spec& spec, Problems& problems) {
    const bool own_users = find_namespace(spec, NamespaceType::user) != nullptr;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const Mount& mount = spec.mounts[i];
        if (mount.uid_mappings.empty() != mount.gid_mappings.empty()) {
            problems.add("uidMappings and gidMappings must be given together", "mounts", i,
                         mount.uid_mappings.empty() ? "gidMappings" : "uidMappings");
        }
        if (asks_for_id_map(mount) && mount.uid_mappings.empty() && !own_users) {
            problems.add("idmap needs uidMappings and gidMappings, or a user namespace", "mounts",
                         i, "options");
        }
        if (mount.uid_mappings.empty() && mount.gid_mappings.empty()) {
            continue;
        }
        const std::string path = "mounts[" + std::to_string(i) + "].";
        id_map(mount.uid_mappings, problems, path + "uidMappings");
        id_map(mount.gid_mappings, problems, path + "gidMappings");
    }
}

// H-12, H-15.
void hooks(const Spec& spec, Problems& problems) {
    for (const auto& [name, kind] : names_of<HookKind>()) {
        const std::vector<Hook>& list = spec.hooks.of(kind);
        for (std::size_t i = 0; i < list.size(); ++i) {
            check_hook(list[i], problems, name, i);
        }
    }
}

// P-12: the kernel refuses every fork of a SCHED_DEADLINE task that does not say how (sched(7)),
// and startContainer hooks are children of the container's process.
void deadline_hooks(const Spec& spec, Problems& problems) {
    if (spec.hooks.start_container.empty() || !spec.process || !spec.process->scheduler) {
        return;
    }
    const Scheduler& scheduler = *spec.process->scheduler;
    if (scheduler.policy == SchedulerPolicy::deadline &&
        std::ranges::find(scheduler.flags, SchedulerFlag::reset_on_fork) == scheduler.flags.end()) {
        problems.add("SCHED_DEADLINE with startContainer hooks needs SCHED_FLAG_RESET_ON_FORK",
                     "process", "scheduler", "flags");
    }
}

//
void annotations(const Spec& spec, Problems& problems) {
    if (spec.annotations.contains("")) {
        problems.add("a key must not be empty", "annotations", "");
    }
}

}  // namespace oci::check
