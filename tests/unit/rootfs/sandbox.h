// SPDX-License-Identifier: Apache-2.0
// A bundle in a temporary folder, and a child with a mount namespace of its own to build it in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libcontainer/rootfs/rootfs.h"
#include "oci/spec.h"

namespace sandbox {

// BUNDLE/rootfs is the image, BUNDLE/outside what it must not reach. Names are relative to BUNDLE.
class Bundle {
  public:
    Bundle();
    ~Bundle();
    Bundle(const Bundle&) = delete;
    Bundle& operator=(const Bundle&) = delete;

    [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
    void directory(const std::string& name, unsigned mode = 0755) const;
    void file(const std::string& name, const std::string& text = "") const;
    void link(const std::string& name, const std::string& target) const;
    void fifo(const std::string& name) const;
    void node(const std::string& name, unsigned major, unsigned minor) const;

    // Every name below `name` with type, mode, owner, device and content, for before and after.
    [[nodiscard]] std::string snapshot(const std::string& name) const;

  private:
    std::string path_;
};

// A spec with the root "rootfs" and a mount namespace.
[[nodiscard]] oci::Spec spec();
[[nodiscard]] oci::Mount mount(std::string destination, std::string type, std::string source,
                               std::vector<std::string> options = {});
// What `runc spec` and every engine ask for, without the cgroup mount.
[[nodiscard]] std::vector<oci::Mount> default_mounts();

// What `work` returns, run in a forked child with umask 0 in mount, network, ipc and uts namespaces
// apart from the machine's, with private mounts: the host of a test. A child that hangs for 20
// seconds gives "signal 14".
[[nodiscard]] std::string in_namespace(const std::function<std::string()>& work);

// Prepares, leaves the host's mount namespace, attaches, mounts and makes devices, then `look`.
// "ok" or the first error's text.
using Look = std::function<std::string(libcontainer::Rootfs&)>;
[[nodiscard]] std::string build(
    const oci::Spec& spec, const Bundle& bundle,
    const Look& look = [](libcontainer::Rootfs&) { return "ok"; },
    std::vector<libcontainer::CgroupMountSource> cgroups = {});
// The same with the container in a user namespace of its own that maps 0 to `uid`; prepared by
// `uid`, so by an ordinary user unless that is 0.
[[nodiscard]] std::string build_in_user_namespace(const oci::Spec& spec, const Bundle& bundle,
                                                  unsigned uid, const Look& look);
// Both in one.
[[nodiscard]] std::string build_in_namespace(
    const oci::Spec& spec, const Bundle& bundle,
    const Look& look = [](libcontainer::Rootfs&) { return "ok"; });

// The uppermost mount on `path` by /proc/self/mountinfo, as `TYPE OPTIONS`; with its propagation
// fields where it has some: `TYPE OPTIONS master:1`. "none" if nothing is mounted there.
[[nodiscard]] std::string mounted(const std::string& path);
// Whether that mount has the flag: "ro", "nosuid", ...
[[nodiscard]] bool has_flag(const std::string& path, const std::string& flag);
// mounted() as the host sees it, whom the container has left.
[[nodiscard]] std::string mounted_on_host(const std::string& path);
// The source that mountinfo shows for it, and the superblock's options.
[[nodiscard]] std::string mounted_source(const std::string& path);
[[nodiscard]] std::string superblock_options(const std::string& path);
// How many mounts there are on `top` and beneath it. Those of the machine may go at any time, even
// from a copy of its mount namespace: the kernel detaches what lies on a folder that is removed.
[[nodiscard]] int mount_count(const std::string& top = "/");

// Content of a file, or the errno's text.
[[nodiscard]] std::string read(const std::string& path);
// `d 0755 0:0`, `c 0666 0:0 1:3`, `l TARGET`, `missing`; symlinks are not followed.
[[nodiscard]] std::string status(const std::string& path);

// "ok" or the error's text.
template <typename Result>
[[nodiscard]] std::string text_of(const Result& result) {
    return result ? std::string("ok") : result.error().text();
}

}  // namespace sandbox
