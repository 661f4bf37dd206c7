// SPDX-License-Identifier: Apache-2.0
// Namespaces and stdio that a checkpointed container has from outside.
#include "libcontainer/checkpoint/outside.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "libcontainer/process/namespace_files.h"
#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"
#include "oci/json.h"

namespace libcontainer {
namespace {

using oci::NamespaceType;

constexpr int kStdio = 3;

// The namespaces that CRIU leaves alone, by the keys that the peers use.
struct OutsideNamespace {
    NamespaceType type;
    const char* kind;
    const char* key;
};
constexpr std::array kOutsideNamespaces = {
    OutsideNamespace{NamespaceType::network, "net", "extRootNetNS"},
    OutsideNamespace{NamespaceType::pid, "pid", "extRootPidNS"},
};

const OutsideNamespace* outside_namespace(NamespaceType type) {
    for (const OutsideNamespace& outside : kOutsideNamespaces) {
        if (outside.type == type) {
            return &outside;
        }
    }
    return nullptr;
}

// How often the pipe is open in the process, by the right that the link of each descriptor shows.
struct PipeEnds {
    unsigned readers = 0;
    unsigned writers = 0;
};

void count_ends(pid_t pid, const std::string& pipe, PipeEnds& ends) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    auto descriptors = sys::Directory::open(AT_FDCWD, path);
    while (const dirent* const entry =
               descriptors ? descriptors->next().value_or(nullptr) : nullptr) {
        const auto target = sys::read_link(descriptors->fd(), entry->d_name);
        struct stat info = {};
        if (!target || *target != pipe ||
            ::fstatat(descriptors->fd(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        ends.readers += (info.st_mode & S_IRUSR) != 0 ? 1 : 0;
        ends.writers += (info.st_mode & S_IWUSR) != 0 ? 1 : 0;
    }
}

bool is_pipe_within(const std::string& pipe, const std::vector<pid_t>& processes) {
    PipeEnds ends;
    for (const pid_t pid : processes) {
        count_ends(pid, pipe, ends);
    }
    return ends.readers > 0 && ends.writers > 0;
}

// An image may come from anywhere: no link out, no FIFO that nobody writes to (T-105).
Result<std::string> read_descriptors(int image) {
    const sys::UniqueFd file =
        TRY(sys::open_at(image, kDescriptorsFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    struct stat info = {};
    if (::fstat(file.get(), &info) != 0) {
        return sys::fail_errno(sys::call("stat", kDescriptorsFile));
    }
    if (!S_ISREG(info.st_mode)) {
        return sys::fail(sys::ErrorKind::invalid,
                         std::string(kDescriptorsFile) + ": not a regular file");
    }
    return sys::read_all(file.get(), kDescriptorsFile);
}

}  // namespace

Result<void> describe_namespaces(CriuRequest& request, const NamespacePlan& plan) {
    for (const OutsideNamespace& outside : kOutsideNamespaces) {
        const NamespacePlan::Join* join = plan.joined(outside.type);
        if (join == nullptr) {
            continue;
        }
        struct stat info = {};
        if (::stat(join->path.c_str(), &info) != 0) {
            return sys::fail_errno(sys::call("stat", join->path));
        }
        request.set(CriuField::external, std::string(outside.kind) + "[" +
                                             std::to_string(info.st_ino) + "]:" + outside.key);
    }
    return {};
}

Result<std::vector<sys::UniqueFd>> provide_namespaces(CriuRequest& request,
                                                      const NamespacePlan& plan, int first_fd) {
    std::vector<sys::UniqueFd> opened = TRY(open_namespaces(plan));
    std::vector<sys::UniqueFd> passed;
    for (std::size_t i = 0; i < plan.joins.size(); ++i) {
        const NamespacePlan::Join& join = plan.joins[i];
        if (const OutsideNamespace* outside = outside_namespace(join.type)) {
            request.add_pair(CriuField::inherit_fd, outside->key,
                             first_fd + static_cast<std::int64_t>(passed.size()));
            passed.push_back(std::move(opened[i]));
        } else if (join.type == NamespaceType::cgroup) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::unsupported, 0,
                           "linux.namespaces[" + std::to_string(join.index) + "]",
                           "a container that joined a cgroup namespace cannot be restored"});
        } else {
            request.add_pair(CriuField::join_ns, proc_name(join.type), join.path);
        }
    }
    return passed;
}

std::string describe_stdio(pid_t init, const std::vector<pid_t>& processes) {
    std::vector<std::string> names;
    for (int fd = 0; fd < kStdio; ++fd) {
        const auto target =
            sys::read_link(AT_FDCWD, "/proc/" + std::to_string(init) + "/fd/" + std::to_string(fd));
        const bool is_outside =
            target && !(target->starts_with("pipe:") && is_pipe_within(*target, processes));
        names.push_back(is_outside ? *target : "");
    }
    return oci::write_json(oci::kType<std::vector<std::string>>, &names, oci::Layout::compact);
}

Result<void> provide_stdio(CriuRequest& request, int image) {
    const std::string json = TRY(read_descriptors(image));
    std::vector<std::string> names;
    if (!oci::read_json(oci::kType<std::vector<std::string>>, &names, json, nullptr).empty()) {
        return sys::fail(sys::ErrorKind::invalid, std::string(kDescriptorsFile) + ": malformed");
    }
    for (std::size_t fd = 0; fd < names.size() && fd < kStdio; ++fd) {
        if (names[fd].starts_with("pipe:")) {
            request.add_pair(CriuField::inherit_fd, names[fd], static_cast<std::int64_t>(fd));
        }
    }
    return {};
}

}  // namespace libcontainer
