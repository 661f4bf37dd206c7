// SPDX-License-Identifier: Apache-2.0
// The names of cgroups below a unit's own.
#include "libcontainer/cgroup/systemd/subgroups.h"

#include <utility>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/systemd/unit.h"
#include "oci/annotations.h"

namespace libcontainer::systemd {
namespace {

std::unexpected<sys::Error> refuse(std::string_view annotation, sys::ErrorKind kind,
                                   std::string why) {
    return std::unexpected(sys::Error{kind, 0, oci::annotation_path(annotation), std::move(why)});
}

Result<void> check_name(std::string_view annotation, const std::string& name) {
    return is_cgroup_name(name) ? Result<void>()
                                : refuse(annotation, sys::ErrorKind::invalid,
                                         "\"" + name + "\" is not the name of a cgroup");
}

}  // namespace

bool is_cgroup_name(std::string_view name) {
    const auto path = parse_sub_cgroup(name);
    return path && !path->empty() && *path == name && name.find('/') == std::string_view::npos;
}

Result<void> name_subgroups(const std::map<std::string, std::string>& annotations,
                            SystemdUnit& unit) {
    const std::string* const own = oci::find_annotation(annotations, oci::kSystemdSubgroup);
    if (own != nullptr && !own->empty()) {
        if (is_slice(unit.name)) {
            return refuse(oci::kSystemdSubgroup, sys::ErrorKind::unsupported,
                          "the cgroups in a slice are systemd's; take a scope");
        }
        TRY_VOID(check_name(oci::kSystemdSubgroup, *own));
        unit.subgroup = *own;
    }
    if (const auto* const delegated = oci::find_annotation(annotations, oci::kDelegateCgroup)) {
        TRY_VOID(check_name(oci::kDelegateCgroup, *delegated));
        if (!unit.subgroup) {
            return refuse(oci::kDelegateCgroup, sys::ErrorKind::invalid,
                          "needs " + std::string(oci::kSystemdSubgroup) +
                              ", the name of the cgroup that it is in");
        }
        unit.delegated = *delegated;
    }
    return {};
}

Result<void> refuse_delegation(const std::map<std::string, std::string>& annotations) {
    return oci::find_annotation(annotations, oci::kDelegateCgroup) == nullptr
               ? Result<void>()
               : refuse(oci::kDelegateCgroup, sys::ErrorKind::unsupported,
                        "needs the systemd cgroup driver");
}

}  // namespace libcontainer::systemd
