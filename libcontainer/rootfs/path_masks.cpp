// SPDX-License-Identifier: Apache-2.0
// linux.maskedPaths and linux.readonlyPaths.
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

#include "libcontainer/rootfs/mount_label.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/open_in_root.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::ContainerPath;
using sys::ErrorKind;
using sys::fail;
using sys::fail_errno;
using sys::MountAttributes;
using sys::Recursion;
using sys::UniqueFd;

// A mount to attach many times: itself first, then copies of what is attached. Before Linux 6.15
// the kernel copies only attached mounts.
class Stamp {
  public:
    explicit Stamp(int mount) : mount_(mount) {}

    Result<void> put(int target) {
        if (!used_) {
            used_ = true;
            return sys::attach_mount(mount_, target);
        }
        const UniqueFd copy = TRY(sys::clone_mount(mount_, "", Recursion::this_mount));
        return sys::attach_mount(copy.get(), target);
    }

  private:
    int mount_;
    bool used_ = false;
};

Result<UniqueFd> make_empty_directory(const oci::Spec& spec) {
    sys::FilesystemContext context = TRY(sys::FilesystemContext::open("tmpfs"));
    TRY_VOID(context.set_string("source", "tmpfs"));
    TRY_VOID(context.set_string("mode", "755"));
    TRY_VOID(context.set_flag("ro"));
    TRY_VOID(label_filesystem(context, spec));
    return context.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                         MOUNT_ATTR_NOEXEC);
}

// Nothing there, so nothing to hide. Any other failure would leave the path open.
bool is_missing(const sys::Error& error) {
    return error.code == ENOENT || error.code == ENOTDIR;
}

Result<void> check_path(const std::string& path) {
    if (!path.starts_with('/') || normalize(path).empty()) {
        return fail(ErrorKind::invalid, "must be an absolute path below the root");
    }
    return {};
}

std::string place(const char* list, std::size_t index, const std::string& path) {
    return std::string("linux.") + list + "[" + std::to_string(index) + "] (" + path + ")";
}

class Masks {
  public:
    explicit Masks(const Rootfs& rootfs)
        : spec_(*rootfs.spec), root_(rootfs.root.get()), file_(rootfs.null_device.get()) {}

    Result<void> apply(const std::string& path) {
        TRY_VOID(check_path(path));
        if (!seen_.insert(normalize(path)).second) {
            return {};
        }
        auto target = sys::open_in_root(root_, ContainerPath(path));
        if (!target) {
            return is_missing(target.error()) ? Result<void>{}
                                              : std::unexpected(std::move(target).error());
        }
        struct stat info = {};
        if (::fstat(target->get(), &info) != 0) {
            return fail_errno(call("fstat", path));
        }
        if (!S_ISDIR(info.st_mode)) {
            return file_.put(target->get());
        }
        if (!empty_) {
            empty_ = TRY(make_empty_directory(spec_));
            directory_ = Stamp(empty_.get());
        }
        return directory_.put(target->get());
    }

  private:
    const oci::Spec& spec_;
    int root_;
    Stamp file_;
    UniqueFd empty_;
    Stamp directory_ = Stamp(-1);
    std::set<std::string> seen_;
};

Result<void> make_readonly(int root, const std::string& path) {
    TRY_VOID(check_path(path));
    auto target = sys::open_in_root(root, ContainerPath(path));
    if (!target) {
        return is_missing(target.error()) ? Result<void>{}
                                          : std::unexpected(std::move(target).error());
    }
    const UniqueFd tree = TRY(sys::clone_mount(target->get(), "", Recursion::whole_tree));
    MountAttributes attributes;
    attributes.set = MOUNT_ATTR_RDONLY;
    const auto set = sys::set_mount_attributes(tree.get(), attributes, Recursion::whole_tree);
    if (!set && set.error().code != ENOSYS) {
        return set;
    }
    TRY_VOID(sys::attach_mount(tree.get(), target->get()));
    // Without mount_setattr the mount on the path alone, as the peers do.
    return set ? Result<void>()
               : sys::set_mount_attributes(tree.get(), attributes, Recursion::this_mount);
}

}  // namespace

Result<void> apply_masked_paths(Rootfs& rootfs) {
    Masks masks(rootfs);
    const std::vector<std::string>& paths = rootfs.spec->linux.masked_paths;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (auto masked = masks.apply(paths[i]); !masked) {
            return std::unexpected(std::move(masked).error().at(place("maskedPaths", i, paths[i])));
        }
    }
    rootfs.null_device.reset();
    return {};
}

Result<void> apply_readonly_paths(Rootfs& rootfs) {
    const std::vector<std::string>& paths = rootfs.spec->linux.readonly_paths;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (auto done = make_readonly(rootfs.root.get(), paths[i]); !done) {
            return std::unexpected(std::move(done).error().at(place("readonlyPaths", i, paths[i])));
        }
    }
    return {};
}

}  // namespace libcontainer
