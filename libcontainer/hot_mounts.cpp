// SPDX-License-Identifier: Apache-2.0
// The verbs mounts add and mounts remove: sources are opened outside, a child enters the
// container's mount namespace, and the parent, which alone knows the state, has the last word.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>

#include "libcontainer/bundle.h"
#include "libcontainer/container.h"
#include "libcontainer/mount_guest.h"
#include "libcontainer/process/namespace_plan.h"
#include "libcontainer/rootfs/host_mounts.h"
#include "libcontainer/rootfs/long_data_mount.h"
#include "libcontainer/rootfs/mount_label.h"
#include "libcontainer/security/self_protection.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/open_in_root.h"
#include "libcontainer/sys/process.h"
#include "libcontainer/sys/socket.h"
#include "oci/parse.h"
#include "oci/validate.h"

namespace libcontainer {
namespace {

using sys::ErrorKind;
using sys::fail;
using sys::UniqueFd;

// What both verbs need of the container.
struct Place {
    FoundContainer found;
    oci::Spec spec;  // with the given mounts in the place of its own
    sys::Pid init;
    bool own_user_namespace = false;
};

Result<std::vector<oci::Mount>> read_mounts(const std::string& file) {
    const std::string json =
        file == "-" ? TRY(sys::read_all(STDIN_FILENO, "standard input", oci::kMaxJsonSize + 1))
                    : TRY(sys::read_file(AT_FDCWD, file, oci::kMaxJsonSize + 1));
    auto mounts = oci::parse_mounts(json);
    if (!mounts) {
        return refuse_document(mounts.error(), file);
    }
    if (mounts->size() > sys::kMaxMessageFds) {
        return fail(ErrorKind::invalid,
                    "more than " + std::to_string(sys::kMaxMessageFds) + " mounts at once");
    }
    return *std::move(mounts);
}

Result<Place> open_place(const std::string& root, const std::string& id, const std::string& file) {
    std::vector<oci::Mount> mounts = TRY(read_mounts(file));
    FoundContainer found = TRY(lock_container(root, id));
    std::optional<sys::Pid> init = TRY(open_init(found.record));
    if (!init) {
        return fail(ErrorKind::wrong_state, "container not running");
    }
    Place place = {std::move(found), {}, *std::move(init), false};
    place.spec = TRY(read_kept_spec(place.found.directory, place.found.record));
    const NamespacePlan namespaces = plan_namespaces(place.spec.linux);
    if (!namespaces.own(oci::NamespaceType::mount)) {
        return fail(ErrorKind::invalid, "the container has no mount namespace of its own");
    }
    place.own_user_namespace = namespaces.own(oci::NamespaceType::user);
    place.spec.mounts = std::move(mounts);
    return place;
}

// Only what has no ties to namespaces that the container is in, or to paths of the host that could
// be looked up only there.
Result<void> check_kind(MountPlan& plan) {
    const bool is_tmpfs = plan.kind == MountKind::filesystem && plan.type == "tmpfs";
    if (!is_tmpfs && plan.kind != MountKind::bind && plan.kind != MountKind::bind_inside) {
        return fail(ErrorKind::unsupported,
                    "only a bind or a tmpfs can be added to a running container");
    }
    if (plan.target == "proc" || plan.target == "sys") {
        return fail(ErrorKind::invalid, "a mount on /" + plan.target + " is not allowed here");
    }
    if (plan.options_later || has_long_data(plan.options)) {
        return fail(ErrorKind::unsupported, "needs mount calls that this kernel hides");
    }
    if (plan.readonly_later) {
        // Here is nobody who would fill it first.
        if (plan.options.copy_up) {
            return fail(ErrorKind::unsupported, "tmpcopyup cannot fill a read-only tmpfs here");
        }
        plan.options.attributes.set |= MOUNT_ATTR_RDONLY;
        plan.readonly_later.reset();
    }
    return {};
}

// All that can be done outside: the sources as detached mounts with their attributes.
Result<Rootfs> prepare_mounts(const Place& place) {
    if (auto problems = oci::validate(place.spec); !problems.empty()) {
        return std::unexpected(
            sys::Error{ErrorKind::invalid, 0, problems.front().path, problems.front().message});
    }
    const ContainerRecord& record = place.found.record;
    Rootfs rootfs;
    rootfs.spec = &place.spec;
    rootfs.own_user_namespace = place.own_user_namespace;
    rootfs.is_live = true;
    rootfs.mounts = TRY(plan_mounts(place.spec, record.state.bundle,
                                    "/" + normalize(record.state.rootfs.value_or(""))));
    rootfs.has_shared_mounts = true;  // whatever the container has made of its places since
    for (MountPlan& plan : rootfs.mounts) {
        if (auto checked = check_kind(plan); !checked) {
            return std::unexpected(std::move(checked).error().at(plan.config_path));
        }
    }
    TRY_VOID(label_mounts(rootfs.mounts, place.spec));
    TRY_VOID(open_binds(rootfs));
    for (MountPlan& plan : rootfs.mounts) {
        if (auto checked = check_kind(plan); !checked) {  // what opening has found out
            return std::unexpected(std::move(checked).error().at(plan.config_path));
        }
    }
    return rootfs;
}

Result<void> add_inside(MountGuest& guest, const Place& place, Rootfs& rootfs) {
    rootfs.root = TRY(guest.enter(place.init, place.own_user_namespace));
    rootfs.before_attach = [&guest](const UniqueFd& mount) { return guest.announce(mount); };
    auto applied = apply_mounts(rootfs);
    if (!applied || !guest.ask(guest.announced())) {
        guest.undo();
    }
    return applied;
}

std::string mount_path(std::size_t index, const std::string& destination) {
    return "mounts[" + std::to_string(index) + "] (" + destination + ")";
}

Result<void> remove_inside(MountGuest& guest, const Place& place) {
    const UniqueFd root = TRY(guest.enter(place.init, place.own_user_namespace));
    std::vector<UniqueFd> mounts;
    for (const oci::Mount& mount : place.spec.mounts) {
        auto opened = sys::open_in_root(root.get(), sys::ContainerPath(mount.destination));
        if (!opened) {
            return std::unexpected(
                std::move(opened).error().at(mount_path(mounts.size(), mount.destination)));
        }
        mounts.push_back(*std::move(opened));
    }
    if (!guest.ask(mounts)) {
        return {};
    }
    // As they came, those that lie in others first; what is gone with another is no error.
    while (!mounts.empty()) {
        TRY_VOID(guest.unmount(mounts.back()));
        guest.report();
        mounts.pop_back();
    }
    return {};
}

// Entries of the record that are not there any more do no harm: no other mount is like them.
Result<void> remember(Place& place, const std::vector<UniqueFd>& mounts) {
    for (const UniqueFd& mount : mounts) {
        MountIdentity identity = TRY(identify_mount(mount.get()));
        identity.mount_namespace = 0;  // not the caller's, and the container's goes without saying
        place.found.record.added_mounts.push_back(identity);
    }
    return place.found.directory.write_record(place.found.record);
}

// Only what `add` has made: the other mounts are what confines the container, and the container may
// have moved them to where the caller wants something else removed.
Result<std::vector<MountIdentity>> find_added(const ContainerRecord& record,
                                              const std::vector<oci::Mount>& asked,
                                              const std::vector<UniqueFd>& mounts) {
    if (mounts.size() != asked.size()) {
        return sys::fail_code("mounts", EPROTO);
    }
    std::vector<MountIdentity> found;
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        const MountIdentity there = TRY(identify_mount(mounts[i].get()));
        const char* problem = nullptr;
        if (std::ranges::find(found, there) != found.end()) {
            problem = "the same mount a second time: a call removes only the topmost of a place";
        } else if (std::ranges::find(record.added_mounts, there) == record.added_mounts.end()) {
            problem = "there is no mount that was added to the running container";
        }
        if (problem != nullptr) {
            return std::unexpected(
                sys::Error{ErrorKind::invalid, 0, mount_path(i, asked[i].destination), problem});
        }
        found.push_back(there);
    }
    return found;
}

}  // namespace

Result<void> add_mounts(const GlobalOptions& global, const std::string& id,
                        const std::string& file) {
    const UniqueFd binary = TRY(protect_binary());  // may begin anew from main
    Place place = TRY(open_place(global.root, id, file));
    Rootfs rootfs = TRY(prepare_mounts(place));
    return visit({place.init, place.own_user_namespace, place.found.directory.descriptors(),
                  [&](MountGuest& guest) { return add_inside(guest, place, rootfs); },
                  [&](const std::vector<UniqueFd>& mounts) { return remember(place, mounts); }});
}

Result<void> remove_mounts(const GlobalOptions& global, const std::string& id,
                           const std::string& file) {
    const UniqueFd binary = TRY(protect_binary());
    Place place = TRY(open_place(global.root, id, file));
    ContainerRecord& record = place.found.record;
    std::vector<MountIdentity> going;
    auto removed = visit({place.init, place.own_user_namespace, place.found.directory.descriptors(),
                          [&](MountGuest& guest) { return remove_inside(guest, place); },
                          [&](const std::vector<UniqueFd>& mounts) -> Result<void> {
                              going = TRY(find_added(record, place.spec.mounts, mounts));
                              return {};
                          },
                          [&] {
                              std::erase(record.added_mounts, going.back());
                              going.pop_back();
                          }});
    // Also of a part of them.
    auto written = place.found.directory.write_record(record);
    return removed ? written : removed;
}

}  // namespace libcontainer
