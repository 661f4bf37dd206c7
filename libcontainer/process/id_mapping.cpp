// SPDX-License-Identifier: Apache-2.0
// uid_map and gid_map of a new user namespace.
#include "libcontainer/process/id_mapping.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "libcontainer/process/program.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {
namespace {

struct MapKind {
    const char* file;
    const char* config_path;
    const char* helper_name;
    std::array<const char*, 3>
        helpers;  // setuid programs of shadow-utils, where distributions put them
};

constexpr MapKind kUid = {"uid_map",
                          "linux.uidMappings",
                          "newuidmap",
                          {"/usr/bin/newuidmap", "/bin/newuidmap", "/usr/local/bin/newuidmap"}};
constexpr MapKind kGid = {"gid_map",
                          "linux.gidMappings",
                          "newgidmap",
                          {"/usr/bin/newgidmap", "/bin/newgidmap", "/usr/local/bin/newgidmap"}};

[[nodiscard]] bool maps_only(const std::vector<oci::IdMapping>& mappings, unsigned host_id) {
    return mappings.size() == 1 && mappings.front().size == 1 &&
           mappings.front().host_id == host_id;
}

Result<void> run_helper(const MapKind& kind, pid_t pid,
                        const std::vector<oci::IdMapping>& mappings) {
    std::vector<std::string> words = {kind.helper_name, std::to_string(pid)};
    for (const oci::IdMapping& mapping : mappings) {
        words.push_back(std::to_string(mapping.container_id));
        words.push_back(std::to_string(mapping.host_id));
        words.push_back(std::to_string(mapping.size));
    }
    const std::vector<char*> argv = as_argv(words);
    const std::optional<sys::Pid> child = TRY(sys::clone_process({}));
    if (!child) {
        std::array<char*, 1> environment = {nullptr};
        for (const char* const helper : kind.helpers) {
            ::execve(helper, argv.data(), environment.data());
        }
        ::_exit(127);
    }
    const int status = sys::exit_status(TRY(sys::wait_for(*child)));
    if (status != 0) {
        return sys::fail(sys::ErrorKind::system, std::string(kind.helper_name) + ": exit status " +
                                                     std::to_string(status) +
                                                     (status == 127 ? " (not installed)" : ""));
    }
    return {};
}

Result<void> write_map(const MapKind& kind, int proc, pid_t pid,
                       const std::vector<oci::IdMapping>& mappings, unsigned own_id) {
    if (mappings.empty()) {
        return {};
    }
    auto written = sys::write_attribute(proc, kind.file, format_id_map(mappings));
    if (!written && written.error().code == EPERM && ::geteuid() != 0 &&
        !maps_only(mappings, own_id)) {
        written = run_helper(kind, pid, mappings);
    }
    if (!written) {
        sys::Error error = std::move(written).error();
        if (error.code == EPERM) {
            error.message += " (an id that is not the runtime's to give)";
        }
        return std::unexpected(std::move(error).at(kind.config_path));
    }
    return {};
}

}  // namespace

std::string format_id_map(const std::vector<oci::IdMapping>& mappings) {
    std::string text;
    for (const oci::IdMapping& mapping : mappings) {
        text += std::to_string(mapping.container_id);
        text += ' ';
        text += std::to_string(mapping.host_id);
        text += ' ';
        text += std::to_string(mapping.size);
        text += '\n';
    }
    return text;
}

Result<void> write_id_maps(pid_t pid, const oci::Linux& linux) {
    const sys::UniqueFd proc =
        TRY(sys::open_at(AT_FDCWD, "/proc/" + std::to_string(pid), O_PATH | O_DIRECTORY));
    // Without CAP_SETGID over the host's ids the kernel takes a gid_map only after setgroups is
    // denied for good.
    if (::geteuid() != 0 && maps_only(linux.gid_mappings, ::getegid())) {
        TRY_VOID(sys::write_attribute(proc.get(), "setgroups", "deny"));
    }
    TRY_VOID(write_map(kUid, proc.get(), pid, linux.uid_mappings, ::geteuid()));
    return write_map(kGid, proc.get(), pid, linux.gid_mappings, ::getegid());
}

std::vector<oci::IdMapping> parse_id_map(std::string_view text) {
    std::vector<oci::IdMapping> mappings;
    const auto number = [&text](std::uint32_t& value) {
        text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        return error == std::errc{};
    };
    oci::IdMapping one;
    while (number(one.container_id) && number(one.host_id) && number(one.size)) {
        mappings.push_back(one);
    }
    std::ranges::sort(mappings, {}, &oci::IdMapping::container_id);
    return mappings;
}

Result<void> check_joined_id_maps(pid_t pid, const oci::Linux& linux) {
    const auto check = [pid](const MapKind& kind,
                             std::vector<oci::IdMapping> mappings) -> Result<void> {
        if (mappings.empty()) {
            return {};
        }
        const std::string file = "/proc/" + std::to_string(pid) + "/" + kind.file;
        std::ranges::sort(mappings, {}, &oci::IdMapping::container_id);
        if (parse_id_map(TRY(sys::read_file(AT_FDCWD, file))) != mappings) {
            return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, kind.config_path,
                                              "not the mapping of the user namespace that "
                                              "linux.namespaces joins"});
        }
        return {};
    };
    const bool joins = std::ranges::any_of(linux.namespaces, [](const oci::Namespace& one) {
        return one.type == oci::NamespaceType::user && one.path && !one.path->empty();
    });
    if (!joins) {
        return {};
    }
    TRY_VOID(check(kUid, linux.uid_mappings));
    return check(kGid, linux.gid_mappings);
}

}  // namespace libcontainer
