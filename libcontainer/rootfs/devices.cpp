// SPDX-License-Identifier: Apache-2.0
// Device nodes and the links of /dev.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "libcontainer/rootfs/host_mounts.h"
#include "libcontainer/rootfs/mount_target.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/open_in_root.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace libcontainer {
namespace {

using sys::call;
using sys::ContainerPath;
using sys::ErrorKind;
using sys::fail;
using sys::fail_errno;
using sys::UniqueFd;

// A directory that nodes are made in. Devices come in runs of the same one, so it stays open.
struct OpenDirectory {
    std::string path;
    UniqueFd fd;
};

Result<void> enter_directory(int root, const std::string& path, OpenDirectory& directory) {
    if (directory.fd && directory.path == path) {
        return {};
    }
    directory.fd = TRY(sys::make_directory_in_root(root, ContainerPath(path)));
    directory.path = path;
    struct statfs info = {};
    if (::fstatfs(directory.fd.get(), &info) != 0) {
        return fail_errno(call("fstatfs", path));
    }
    if (info.f_type == PROC_SUPER_MAGIC || info.f_type == SYSFS_MAGIC) {
        return fail(ErrorKind::invalid, "no device can be made in the kernel's own /" + path);
    }
    return {};
}

// What is there now, by descriptor; a symlink is not followed.
Result<UniqueFd> open_node(int directory, const std::string& name, const DevicePlan& device) {
    UniqueFd node = TRY(sys::open_at(directory, name, O_PATH | O_NOFOLLOW));
    struct stat info = {};
    if (::fstat(node.get(), &info) != 0) {
        return fail_errno(call("fstat", name));
    }
    const bool same = (info.st_mode & S_IFMT) == device.type &&
                      (device.type == S_IFIFO || info.st_rdev == device.number);
    if (!same) {
        return fail(ErrorKind::invalid, "/" + device.path + " is there and is not this device");
    }
    return node;
}

Result<void> set_mode(int node, const DevicePlan& device) {
    if (::syscall(SYS_fchmodat2, node, "", device.mode, AT_EMPTY_PATH) == 0) {
        return {};
    }
    // Linux < 6.6 and seccomp filters that do not know the call yet.
    if (errno != ENOSYS && errno != EPERM) {
        return fail_errno(call("fchmodat2", device.path));
    }
    const std::string link = "/proc/self/fd/" + std::to_string(node);
    if (::chmod(link.c_str(), device.mode) != 0) {
        return fail_errno(call("chmod", device.path));
    }
    return {};
}

// The new node already has its mode (umask is 0) and belongs to root; only another owner, and the
// mode that a change of owner may alter, need more.
Result<void> set_owner(int directory, const std::string& name, const DevicePlan& device) {
    if (device.uid == 0 && device.gid == 0) {
        return {};
    }
    const UniqueFd node = TRY(open_node(directory, name, device));
    if (::fchownat(node.get(), "", device.uid, device.gid, AT_EMPTY_PATH) != 0) {
        return fail_errno(call("fchownat", device.path));
    }
    return set_mode(node.get(), device);
}

Result<void> bind_node(int directory, const std::string& name, const DevicePlan& device,
                       int source) {
    const UniqueFd place = TRY(open_file_target(directory, name, "/" + device.path));
    return sys::attach_mount(source, place.get());
}

// Without a mount namespace, and without a mount of the root that takes it away again, a bind would
// stay on the host.
bool may_bind(const Rootfs& rootfs) {
    return rootfs.own_mount_namespace || rootfs.shared_root.has_value();
}

Result<void> make_node(const Rootfs& rootfs, int directory, const std::string& name,
                       const DevicePlan& device) {
    if (device.source) {
        return bind_node(directory, name, device, device.source.get());
    }
    if (::mknodat(directory, name.c_str(), device.type | device.mode, device.number) == 0) {
        return set_owner(directory, name, device);
    }
    if (errno == EEXIST) {
        // The very device may be there, with the mode and owner that the image gave it (D-06).
        TRY(open_node(directory, name, device));
        return {};
    }
    if (errno == EPERM && device.type != S_IFIFO && may_bind(rootfs)) {
        // brig itself runs in a user namespace (rootless engines).
        const UniqueFd source = TRY(clone_device("/" + device.path, device.type, device.number));
        return bind_node(directory, name, device, source.get());
    }
    return fail_errno(call("mknod", "/" + device.path));
}

// /dev/ptmx is the container's own devpts' whatever the image had there; a link that is right
// stays.
Result<void> link_ptmx(int dev) {
    constexpr const char* kTarget = "pts/ptmx";
    if (::symlinkat(kTarget, dev, "ptmx") == 0) {
        return {};
    }
    if (errno != EEXIST) {
        return fail_errno(call("symlink", "/dev/ptmx"));
    }
    if (::unlinkat(dev, "ptmx", 0) != 0) {
        return fail_errno(call("unlink", "/dev/ptmx"));
    }
    if (::symlinkat(kTarget, dev, "ptmx") != 0) {
        return fail_errno(call("symlink", "/dev/ptmx"));
    }
    return {};
}

struct Link {
    const char* name;
    const char* target;
};
constexpr auto kLinks = std::to_array<Link>({
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
});

// What the image has under these names stays as it is: removing it is no business of brig.
Result<void> link_once(int dev, const Link& link) {
    if (::symlinkat(link.target, dev, link.name) != 0 && errno != EEXIST) {
        return fail_errno(call("symlink", link.name));
    }
    return {};
}

// E-04: the links are for a container that has a /proc.
bool has_proc(const Rootfs& rootfs) {
    const bool mounted = std::ranges::any_of(
        rootfs.mounts, [](const MountPlan& plan) { return plan.target == "proc"; });
    return mounted ||
           sys::open_in_root(rootfs.root.get(), ContainerPath("proc/self/fd")).has_value();
}

Result<void> make_links(const Rootfs& rootfs, int dev) {
    TRY_VOID(link_ptmx(dev));
    if (!has_proc(rootfs)) {
        return {};
    }
    for (const Link& link : kLinks) {
        TRY_VOID(link_once(dev, link));
    }
    if (::access("/proc/kcore", F_OK) == 0) {
        TRY_VOID(link_once(dev, {"core", "/proc/kcore"}));
    }
    return {};
}

Result<void> make_device(const Rootfs& rootfs, const DevicePlan& device, OpenDirectory& directory) {
    const std::size_t slash = device.path.rfind('/');
    TRY_VOID(enter_directory(
        rootfs.root.get(),
        slash == std::string::npos ? std::string() : device.path.substr(0, slash), directory));
    return make_node(rootfs, directory.fd.get(),
                     slash == std::string::npos ? device.path : device.path.substr(slash + 1),
                     device);
}

}  // namespace

Result<void> make_devices(Rootfs& rootfs) {
    OpenDirectory directory;
    for (const DevicePlan& device : rootfs.devices) {
        if (auto made = make_device(rootfs, device, directory); !made) {
            return std::unexpected(std::move(made).error().at(device.config_path));
        }
    }
    if (dev_is_bound(*rootfs.spec)) {
        return {};
    }
    TRY_VOID(enter_directory(rootfs.root.get(), "dev", directory));
    return make_links(rootfs, directory.fd.get());
}

}  // namespace libcontainer
