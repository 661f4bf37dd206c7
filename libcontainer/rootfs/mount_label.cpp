// SPDX-License-Identifier: Apache-2.0
// linux.mountLabel.
#include "libcontainer/rootfs/mount_label.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "libcontainer/sys/file.h"
#include "oci/annotations.h"

namespace libcontainer {
namespace {

// SELinux' mount options; the first is the default.
constexpr auto kContextOptions =
    std::to_array<std::string_view>({"context", "fscontext", "defcontext", "rootcontext"});
constexpr auto kUnlabelled = std::to_array<std::string_view>({"proc", "sysfs", "cgroup2"});

bool is_context_option(std::string_view key) {
    return std::ranges::find(kContextOptions, key) != kContextOptions.end();
}

Result<std::string> context_option(const oci::Spec& spec) {
    const auto given = spec.annotations.find(std::string(oci::kMountContextType));
    if (given == spec.annotations.end()) {
        return std::string(kContextOptions.front());
    }
    if (!is_context_option(given->second)) {
        return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0,
                                          oci::annotation_path(given->first),
                                          "\"" + given->second +
                                              "\" is none of context, fscontext, defcontext, "
                                              "rootcontext"});
    }
    return given->second;
}

}  // namespace

Result<void> label_mounts(std::vector<MountPlan>& mounts, const oci::Spec& spec) {
    const std::string label = spec.linux.mount_label.value_or("");
    if (label.empty()) {
        return {};
    }
    const std::string option = TRY(context_option(spec));
    for (MountPlan& mount : mounts) {
        if (mount.kind != MountKind::filesystem ||
            std::ranges::find(kUnlabelled, mount.type) != kUnlabelled.end() ||
            std::ranges::any_of(mount.options.data, is_context_option, &DataOption::key)) {
            continue;
        }
        if (mount.type == "mqueue") {
            mount.root_label = label;
        } else {
            mount.options.data.push_back({option, label});
        }
    }
    return {};
}

Result<void> label_filesystem(sys::FilesystemContext& context, const oci::Spec& spec) {
    const std::string label = spec.linux.mount_label.value_or("");
    return label.empty() ? Result<void>() : context.set_string(TRY(context_option(spec)), label);
}

Result<void> label_root(int mount, const std::string& label) {
    const sys::UniqueFd root = TRY(sys::open_at(mount, ".", O_RDONLY | O_DIRECTORY));
    if (::fsetxattr(root.get(), "security.selinux", label.c_str(), label.size() + 1, 0) != 0) {
        return std::unexpected(
            sys::last_error(sys::call("setxattr", "security.selinux")).at("linux.mountLabel"));
    }
    return {};
}

}  // namespace libcontainer
