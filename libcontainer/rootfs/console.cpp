// SPDX-License-Identifier: Apache-2.0
// A terminal from the container's own devpts.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/rootfs/mount_target.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/open_beneath.h"
#include "libcontainer/sys/open_in_root.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::ContainerPath;
using sys::ErrorKind;
using sys::fail;
using sys::fail_errno;
using sys::UniqueFd;

constexpr ino_t kDevptsRootInode = 1;
constexpr ino_t kPtmxInode = 2;

// The root of a devpts: a directory that the container put there instead would let it choose which
// terminal the engine talks to (CVE-2025-52565).
Result<void> check_devpts(int directory) {
    struct statfs filesystem = {};
    struct stat info = {};
    if (::fstatfs(directory, &filesystem) != 0 || ::fstat(directory, &info) != 0) {
        return fail_errno(call("fstat", "/dev/pts"));
    }
    if (filesystem.f_type != DEVPTS_SUPER_MAGIC || info.st_ino != kDevptsRootInode) {
        return fail(ErrorKind::invalid, "a terminal needs a devpts on /dev/pts");
    }
    return {};
}

// NO_XDEV: nothing may be mounted on ptmx.
Result<UniqueFd> open_ptmx(int devpts) {
    UniqueFd master = TRY(sys::open_beneath(devpts, "ptmx", O_RDWR | O_NOCTTY));
    struct stat info = {};
    if (::fstat(master.get(), &info) != 0) {
        return fail_errno(call("fstat", "/dev/pts/ptmx"));
    }
    if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(5, 2) || info.st_ino != kPtmxInode) {
        return fail(ErrorKind::invalid, "/dev/pts/ptmx is not the terminal multiplexer");
    }
    return master;
}

Result<Console> open_pty(int devpts, const std::optional<oci::ConsoleSize>& size) {
    Console console;
    console.master = TRY(open_ptmx(devpts));
    const int unlocked = 0;
    if (::ioctl(console.master.get(), TIOCSPTLCK, &unlocked) != 0) {
        return fail_errno("ioctl(TIOCSPTLCK)");
    }
    // By the master, never by the path /dev/pts/N.
    console.peer =
        UniqueFd(::ioctl(console.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!console.peer) {
        return fail_errno("ioctl(TIOCGPTPEER)");
    }
    if (size && (size->height != 0 || size->width != 0)) {
        winsize window = {};
        window.ws_row = static_cast<unsigned short>(size->height);
        window.ws_col = static_cast<unsigned short>(size->width);
        if (::ioctl(console.master.get(), TIOCSWINSZ, &window) != 0) {
            return fail_errno("ioctl(TIOCSWINSZ)");
        }
    }
    return console;
}

// E-02.
Result<void> bind_on_console(int root, int peer) {
    const UniqueFd dev = TRY(sys::make_directory_in_root(root, ContainerPath("dev")));
    const UniqueFd place = TRY(open_file_target(dev.get(), "console", "/dev/console"));
    const UniqueFd tree =
        TRY_WRAP("the terminal", sys::clone_mount(peer, "", sys::Recursion::this_mount));
    if (auto attached = sys::attach_mount(tree.get(), place.get()); !attached) {
        return std::unexpected(std::move(attached).error().wrap("/dev/console"));
    }
    return {};
}

}  // namespace

Result<Console> open_console(int root, const std::optional<oci::ConsoleSize>& size) {
    const UniqueFd devpts =
        TRY(sys::open_in_root(root, ContainerPath("dev/pts"), sys::Symlinks::refuse));
    TRY_VOID(check_devpts(devpts.get()));
    return open_pty(devpts.get(), size);
}

Result<Console> open_console(const Rootfs& rootfs, const std::optional<oci::ConsoleSize>& size,
                             BindConsole bind_console) {
    Console console = TRY(rootfs.devpts ? open_pty(rootfs.devpts.get(), size)
                                        : open_console(rootfs.root.get(), size));
    if (bind_console == BindConsole::yes) {
        TRY_VOID(bind_on_console(rootfs.root.get(), console.peer.get()));
    }
    return console;
}

}  // namespace libcontainer
