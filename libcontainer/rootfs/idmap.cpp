// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts.
#include "libcontainer/rootfs/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {
namespace {

using sys::ErrorKind;
using sys::fail;
using sys::UniqueFd;

std::unexpected<sys::Error> malformed(std::string_view text) {
    return fail(ErrorKind::invalid, "idmap=" + std::string(text) +
                                        ": expected uids=FROM-TO-SIZE#...;gids=FROM-TO-SIZE#...");
}

// Cuts the part before `separator` off `text`.
std::string_view cut(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

bool parse_number(std::string_view text, std::uint32_t& number) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && stop == end;
}

// The id outside of `id` in the container's user namespace.
Result<std::uint32_t> outside(std::uint32_t id, const std::vector<oci::IdMapping>& mappings) {
    for (const oci::IdMapping& entry : mappings) {
        if (id >= entry.container_id && id - entry.container_id < entry.size) {
            return entry.host_id + (id - entry.container_id);
        }
    }
    return fail(ErrorKind::invalid,
                "idmap: the container's user namespace does not map " + std::to_string(id));
}

Result<std::vector<oci::IdMapping>> parse_triples(std::string_view text,
                                                  const std::vector<oci::IdMapping>& container) {
    const bool relative = text.starts_with('@');
    std::string_view rest = text.substr(relative ? 1 : 0);
    std::vector<oci::IdMapping> mappings;
    while (!rest.empty()) {
        std::string_view triple = cut(rest, '#');
        oci::IdMapping mapping;
        if (!parse_number(cut(triple, '-'), mapping.container_id) ||
            !parse_number(cut(triple, '-'), mapping.host_id) ||
            !parse_number(triple, mapping.size)) {
            return malformed(text);
        }
        if (relative) {
            mapping.host_id = TRY(outside(mapping.host_id, container));
        }
        mappings.push_back(mapping);
    }
    return mappings;
}

// As the kernel reads it from uid_map and gid_map.
std::string map_text(const std::vector<oci::IdMapping>& mappings) {
    std::string text;
    for (const oci::IdMapping& entry : mappings) {
        text += std::to_string(entry.container_id) + " " + std::to_string(entry.host_id) + " " +
                std::to_string(entry.size) + "\n";
    }
    return text;
}

Result<UniqueFd> map_process(const sys::Pid& process, const IdMaps& maps) {
    const std::string folder = "/proc/" + std::to_string(process.number);
    TRY_VOID(sys::write_attribute(AT_FDCWD, folder + "/uid_map", map_text(maps.uids)));
    TRY_VOID(sys::write_attribute(AT_FDCWD, folder + "/gid_map", map_text(maps.gids)));
    return sys::open_at(AT_FDCWD, folder + "/ns/user", O_RDONLY);
}

// A namespace begins with a process; it lives on by its descriptor.
Result<UniqueFd> make_user_namespace(const IdMaps& maps) {
    const pid_t parent = ::getpid();
    sys::CloneRequest request;
    request.flags = CLONE_NEWUSER;
    auto process = TRY(sys::clone_process(request));
    if (!process) {
        sys::die_with_parent(parent);
        while (true) {
            ::pause();
        }
    }
    auto user_namespace = map_process(*process, maps);
    const auto killed = sys::send_signal(*process, SIGKILL);
    const auto ended = sys::wait_for(*process);
    if (user_namespace && !killed) {
        return std::unexpected(killed.error());
    }
    if (user_namespace && !ended) {
        return std::unexpected(ended.error());
    }
    return user_namespace;
}

// mount_setattr's refusals, said for people.
sys::Error explain(sys::Error error, const std::string& source) {
    if (error.code == EINVAL) {
        return std::move(error).wrap("idmap: the filesystem of \"" + source +
                                     "\" cannot be id-mapped");
    }
    if (error.code == EPERM) {
        return std::move(error).wrap("idmap: \"" + source +
                                     "\" is id-mapped already, or on a filesystem that is not the "
                                     "caller's to map");
    }
    return std::move(error).wrap("idmap");
}

}  // namespace

Result<IdMaps> parse_id_maps(std::string_view text, const oci::Linux& container) {
    IdMaps maps;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string_view value = cut(rest, ';');
        const std::string_view key = cut(value, '=');
        if (key == "uids") {
            maps.uids = TRY(parse_triples(value, container.uid_mappings));
        } else if (key == "gids") {
            maps.gids = TRY(parse_triples(value, container.gid_mappings));
        } else {
            return malformed(text);
        }
    }
    if (maps.uids.empty() || maps.gids.empty()) {
        return malformed(text);
    }
    return maps;
}

Result<int> Idmaps::user_namespace(const oci::Mount& mount, const IdmapOption& option) {
    IdMaps maps = {mount.uid_mappings, mount.gid_mappings};
    if (maps.uids.empty() != maps.gids.empty()) {
        return fail(ErrorKind::invalid, "uidMappings and gidMappings come together");
    }
    std::string name;
    if (maps.uids.empty() && !option.mappings.empty()) {
        maps = TRY(parse_id_maps(option.mappings, spec_.linux));
    } else if (maps.uids.empty()) {
        const auto own = std::ranges::find(spec_.linux.namespaces, oci::NamespaceType::user,
                                           &oci::Namespace::type);
        if (own == spec_.linux.namespaces.end()) {
            return fail(ErrorKind::invalid, "idmap needs mappings or a user namespace");
        }
        name = own->path.value_or("");
        maps = {spec_.linux.uid_mappings, spec_.linux.gid_mappings};
    }
    const bool joined = !name.empty();
    if (!joined) {
        name = map_text(maps.uids) + "/" + map_text(maps.gids);
    }
    UniqueFd& kept = namespaces_[name];
    if (!kept) {
        kept = TRY(joined ? sys::open_at(AT_FDCWD, name, O_RDONLY) : make_user_namespace(maps));
    }
    return kept.get();
}

Result<void> Idmaps::apply(int tree, const oci::Mount& mount, const MountOptions& options) {
    if (!options.idmap && mount.uid_mappings.empty() && mount.gid_mappings.empty()) {
        return {};
    }
    const IdmapOption option = options.idmap.value_or(IdmapOption{});
    sys::MountAttributes attributes;
    attributes.set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = TRY(user_namespace(mount, option));
    auto set = sys::set_mount_attributes(tree, attributes, option.recursion);
    if (!set) {
        return std::unexpected(explain(std::move(set).error(), mount.source.value_or("")));
    }
    return set;
}

}  // namespace libcontainer
