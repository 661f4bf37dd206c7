// SPDX-License-Identifier: Apache-2.0
// mounts[] on a real kernel: what stands where, with which attributes.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/rootfs/sandbox.h"

namespace {

using libcontainer::Rootfs;
using sandbox::build;
using sandbox::build_in_namespace;
using sandbox::Bundle;
using sandbox::in_namespace;
using sandbox::mount;
using sandbox::mounted;
using sandbox::read;
using sandbox::status;

// The mount line of `place` inside the root after building with `mounts`.
std::string mounted_with(const Bundle& bundle, std::vector<oci::Mount> mounts,
                         const std::string& place) {
    oci::Spec spec = sandbox::spec();
    spec.mounts = std::move(mounts);
    return build_in_namespace(spec, bundle,
                              [&](Rootfs&) { return mounted(bundle.path("rootfs" + place)); });
}

std::string error_with(const Bundle& bundle, std::vector<oci::Mount> mounts) {
    oci::Spec spec = sandbox::spec();
    spec.mounts = std::move(mounts);
    return build_in_namespace(spec, bundle);
}

TEST_CASE("M-01: the default mounts have the type and flags they ask for") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"/proc", "proc rw,relatime"},
        {"/dev", "tmpfs rw,nosuid"},
        {"/dev/pts", "devpts rw,nosuid,noexec,relatime"},
        {"/dev/shm", "tmpfs rw,nosuid,nodev,noexec,relatime"},
        {"/dev/mqueue", "mqueue rw,nosuid,nodev,noexec,relatime"},
        {"/sys", "sysfs ro,nosuid,nodev,noexec,relatime"},
    }));
    const Bundle bundle;
    CHECK(mounted_with(bundle, sandbox::default_mounts(), std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("M-03: mountinfo shows source and data") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = sandbox::default_mounts();
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              const std::string shm = bundle.path("rootfs/dev/shm");
              const std::string pts = bundle.path("rootfs/dev/pts");
              return sandbox::mounted_source(shm) + " " + sandbox::superblock_options(shm) + " " +
                     sandbox::superblock_options(pts);
          }) == "shm rw,size=65536k rw,gid=5,mode=620,ptmxmode=666");
}

TEST_CASE("M-07: a bind takes its flags and keeps those it is not asked about") {
    const auto row = GENERATE(table<std::vector<std::string>, std::string>({
        {{"bind"}, "tmpfs rw,nosuid,noexec,noatime"},
        {{"bind", "ro"}, "tmpfs ro,nosuid,noexec,noatime"},
        {{"bind", "nodev"}, "tmpfs rw,nosuid,nodev,noexec,noatime"},
        {{"bind", "exec", "suid"}, "tmpfs rw,noatime"},
        {{"bind", "relatime"}, "tmpfs rw,nosuid,noexec,relatime"},
        {{"bind", "strictatime"}, "tmpfs rw,nosuid,noexec"},
        {{"bind", "nodiratime"}, "tmpfs rw,nosuid,noexec,noatime,nodiratime"},
        {{"bind", "nosymfollow"}, "tmpfs rw,nosuid,noexec,noatime,nosymfollow"},
        {{"bind", "rro"}, "tmpfs ro,nosuid,noexec,noatime"},
        {{"bind", "defaults", "sync"}, "tmpfs rw,nosuid,noexec,noatime"},
    }));
    CAPTURE(std::get<0>(row));
    const Bundle bundle;
    const std::string source = bundle.path("outside");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/data", "none", source, std::get<0>(row))};
    CHECK(in_namespace([&] {
              ::mount("tmpfs", source.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NOATIME, "");
              return build(spec, bundle,
                           [&](Rootfs&) { return mounted(bundle.path("rootfs/data")); });
          }) == std::get<1>(row));
}

TEST_CASE("M-07, T-103: what reaches the mounts below a bind") {
    struct Row {
        std::vector<std::string> options;
        std::string top;
        std::string below;
    };
    const auto row = GENERATE(values<Row>({
        {{"rbind"}, "tmpfs rw,relatime", "tmpfs rw,relatime"},
        {{"rbind", "ro"}, "tmpfs ro,relatime", "tmpfs rw,relatime"},
        {{"rbind", "rro"}, "tmpfs ro,relatime", "tmpfs ro,relatime"},
        {{"rbind", "rnosuid", "nodev"},
         "tmpfs rw,nosuid,nodev,relatime",
         "tmpfs rw,nosuid,relatime"},
        {{"bind"}, "tmpfs rw,relatime", "none"},
    }));
    CAPTURE(row.options);
    const Bundle bundle;
    const std::string source = bundle.path("outside");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/data", "none", source, row.options)};
    CHECK(in_namespace([&] {
              ::mount("tmpfs", source.c_str(), "tmpfs", 0, "");
              bundle.directory("outside/below");
              ::mount("tmpfs", (source + "/below").c_str(), "tmpfs", 0, "");
              return build(spec, bundle, [&](Rootfs&) {
                  return mounted(bundle.path("rootfs/data")) + " | " +
                         mounted(bundle.path("rootfs/data/below"));
              });
          }) == row.top + " | " + row.below);
}

TEST_CASE("M-03: a bind that is no directory gets a file to stand on") {
    const Bundle bundle;
    bundle.file("outside/text", "hello");
    bundle.fifo("outside/fifo");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/etc/new/text", "bind", bundle.path("outside/text")),
                   mount("/run/fifo", "bind", bundle.path("outside/fifo")),
                   mount("/rel", "bind", "outside", {"bind"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return read(bundle.path("rootfs/etc/new/text")) + " " +
                     status(bundle.path("rootfs/run/fifo")) + " " +
                     read(bundle.path("rootfs/rel/text"));
          }) == "hello p 0644 0:0 hello");
}

TEST_CASE("M-03: a source that is not there is named") {
    const Bundle bundle;
    CHECK(error_with(bundle, {mount("/data", "bind", "/no/such/place")}) ==
          "mounts[0] (/data): open_tree(\"/no/such/place\"): no such file or directory");
}

TEST_CASE("M-04, T-18: what the kernel refuses is named, with its reason") {
    const Bundle bundle;
    CHECK(error_with(bundle, {mount("/d", "nosuchfs", "x")}) ==
          "mounts[0] (/d): fsopen(\"nosuchfs\"): no such device");
    CHECK_THAT(error_with(bundle, {mount("/d", "tmpfs", "x", {"size=banana"})}),
               Catch::StartsWith("mounts[0] (/d): tmpfs: fsconfig(\"size=banana\"): invalid "
                                 "argument (tmpfs: Bad value for 'size')"));
    // A comma adds no option.
    CHECK_THAT(error_with(bundle, {mount("/d", "tmpfs", "x", {"size=1m,mode=777"})}),
               Catch::StartsWith("mounts[0] (/d): tmpfs: fsconfig(\"size=1m,mode=777\")"));
}

TEST_CASE("M-05: data longer than fsconfig takes") {
    const Bundle bundle;
    const std::string upper = "outside/" + std::string(200, 'u');
    const std::string lower = "outside/" + std::string(250, 'l');
    bundle.directory("outside/work");
    bundle.directory(upper);
    bundle.file(lower + "/text", "hello");
    const auto overlay = [&](const std::string& more) {
        return mount(
            "/merged", "overlay", "overlay",
            {"nosuid", "lowerdir=" + bundle.path(lower) + more, "upperdir=" + bundle.path(upper),
             "workdir=" + bundle.path("outside/work"), "rprivate"});
    };
    oci::Spec spec = sandbox::spec();
    spec.mounts = {overlay("")};
    CHECK(in_namespace([&] {
              // Overlays on the machine's own filesystems may not be possible.
              const std::string outside = bundle.path("outside");
              ::mount("tmpfs", outside.c_str(), "tmpfs", 0, "");
              bundle.directory("outside/work");
              bundle.directory(upper);
              bundle.file(lower + "/text", "hello");
              return build(spec, bundle, [&](Rootfs&) {
                  return read(bundle.path("rootfs/merged/text")) + " " +
                         mounted(bundle.path("rootfs/merged"));
              });
          }) == "hello overlay rw,nosuid,relatime");
    CHECK(error_with(bundle, {overlay(",userxattr")}) ==
          "mounts[0] (/merged): \"lowerdir\": a comma is not possible in data this long");
}

TEST_CASE("M-01: mounts are made in order") {
    const Bundle bundle;
    bundle.file("outside/a/x", "first");
    bundle.file("outside/b/x", "second");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/d", "bind", bundle.path("outside/a")),
                   mount("/d", "bind", bundle.path("outside/b"))};
    CHECK(build_in_namespace(spec, bundle,
                             [&](Rootfs&) { return read(bundle.path("rootfs/d/x")); }) == "second");
}

TEST_CASE("R-3: a source inside the root may lie on an earlier mount") {
    const Bundle bundle;
    bundle.file("outside/sub/x", "from the volume");
    bundle.file("rootfs/vol/sub/x", "from the image");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/vol", "bind", bundle.path("outside")),
                   mount("/d", "bind", bundle.path("rootfs/vol/sub"), {"bind", "ro"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return read(bundle.path("rootfs/d/x")) +
                     (sandbox::has_flag(bundle.path("rootfs/d"), "ro") ? " read-only"
                                                                       : " writable");
          }) == "from the volume read-only");
}

TEST_CASE("M-10: a tmpfs takes over the mode of what it covers") {
    const Bundle bundle;
    bundle.directory("rootfs/secret", 0700);
    bundle.directory("rootfs/tmp", 01777);
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/secret", "tmpfs", "tmpfs"), mount("/tmp", "tmpfs", "tmpfs"),
                   mount("/new", "tmpfs", "tmpfs"),
                   mount("/said", "tmpfs", "tmpfs", {"mode=0711"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/secret")) + ", " +
                     status(bundle.path("rootfs/tmp")) + ", " + status(bundle.path("rootfs/new")) +
                     ", " + status(bundle.path("rootfs/said"));
          }) == "d 0700 0:0, d 1777 0:0, d 1777 0:0, d 0711 0:0");
}

TEST_CASE("M-10: tmpcopyup brings everything along") {
    const Bundle bundle;
    bundle.file("rootfs/run/a/text", "hello");
    bundle.link("rootfs/run/link", "/etc/passwd");
    bundle.fifo("rootfs/run/fifo");
    bundle.directory("rootfs/run/a/private", 0700);
    REQUIRE(::chown(bundle.path("rootfs/run/a/text").c_str(), 7, 8) == 0);
    REQUIRE(::chmod(bundle.path("rootfs/run/a/text").c_str(), 04751) == 0);
    const bool has_attributes =
        ::setxattr(bundle.path("rootfs/run/a/text").c_str(), "trusted.colour", "red", 3, 0) == 0;
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/run", "tmpfs", "tmpfs", {"rw", "nosuid", "tmpcopyup"})};
    CHECK(build_in_namespace(
              spec, bundle,
              [&](Rootfs&) {
                  const std::string run = bundle.path("rootfs/run");
                  std::string colour(3, '?');
                  ::getxattr((run + "/a/text").c_str(), "trusted.colour", colour.data(), 3);
                  return mounted(run) + ", " + read(run + "/a/text") + " " +
                         status(run + "/a/text") + ", " + status(run + "/link") + ", " +
                         status(run + "/fifo") + ", " + status(run + "/a/private") + ", " +
                         (has_attributes ? colour : "red");
              }) ==
          "tmpfs rw,nosuid,relatime, hello - 4751 7:8, l /etc/passwd, p 0644 0:0, "
          "d 0700 0:0, red");
    CHECK(read(bundle.path("rootfs/run/a/text")) == "hello");
}

TEST_CASE("R-02: a read-only tmpfs still takes later mounts, and is read-only at last") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/run", "tmpfs", "tmpfs", {"ro", "nosuid"}),
                   mount("/run/inner", "tmpfs", "tmpfs")};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs& rootfs) {
              const std::string before = mounted(bundle.path("rootfs/run"));
              const std::string done = sandbox::text_of(apply_root_readonly(rootfs));
              return before + ", " + done + ", " + mounted(bundle.path("rootfs/run")) + ", " +
                     mounted(bundle.path("rootfs/run/inner"));
          }) == "tmpfs rw,nosuid,relatime, ok, tmpfs ro,nosuid,relatime, tmpfs rw,relatime");
}

TEST_CASE("M-05: remount changes what is there") {
    const Bundle bundle;
    CHECK(mounted_with(bundle,
                       {mount("/t", "tmpfs", "tmpfs", {"nosuid"}),
                        mount("/t", "tmpfs", "tmpfs", {"remount", "ro", "noexec", "suid"})},
                       "/t") == "tmpfs ro,noexec,relatime");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/t", "tmpfs", "tmpfs", {"size=4k"}),
                   mount("/t", "tmpfs", "tmpfs", {"remount", "size=8k"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return sandbox::superblock_options(bundle.path("rootfs/t"));
          }) == "rw,size=8k");
    CHECK_THAT(
        error_with(bundle, {mount("/plain", "tmpfs", "tmpfs", {"remount", "ro"})}),
        Catch::StartsWith("mounts[0] (/plain): ") && Catch::EndsWith("no such file or directory"));
}

TEST_CASE("M-05: symlinks as source and destination") {
    const Bundle bundle;
    bundle.link("outside/link", "text");
    bundle.file("outside/text", "hello");
    bundle.link("rootfs/place", "/nowhere");
    oci::Spec spec = sandbox::spec();
    const std::string link = bundle.path("outside/link");
    spec.mounts = {mount("/copied", "bind", link, {"bind", "copy-symlink"}),
                   mount("/followed", "bind", link, {"bind"}),
                   mount("/plain", "bind", bundle.path("outside/text"), {"bind", "copy-symlink"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/copied")) + ", " +
                     read(bundle.path("rootfs/followed")) + ", " +
                     read(bundle.path("rootfs/plain"));
          }) == "l text, hello, hello");
    spec.mounts = {mount("/place", "bind", link, {"bind", "src-nofollow", "dest-nofollow"})};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/place"));
          }) == "l text");
}

TEST_CASE("M-09: cgroups on v1 are a tmpfs with the container's own directories") {
    const Bundle bundle;
    bundle.file("outside/cpu,cpuacct/tasks", "7");
    bundle.file("outside/memory/tasks", "8");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/sys/fs/cgroup", "cgroup", "cgroup",
                         {"nosuid", "noexec", "nodev", "relatime", "ro"})};
    CHECK(in_namespace([&] {
              return build(
                  spec, bundle,
                  [&](Rootfs&) {
                      const std::string top = bundle.path("rootfs/sys/fs/cgroup");
                      const bool readonly = sandbox::has_flag(top + "/memory", "ro") &&
                                            sandbox::has_flag(top + "/memory", "noexec");
                      return mounted(top) + ", " + (readonly ? "ro, " : "rw, ") +
                             read(top + "/memory/tasks") + read(top + "/cpuacct/tasks") + ", " +
                             status(top + "/cpu");
                  },
                  {{"cpu,cpuacct", bundle.path("outside/cpu,cpuacct"), {"cpu", "cpuacct"}, ""},
                   {"memory", bundle.path("outside/memory"), {}, ""}});
          }) ==
          "tmpfs ro,nosuid,nodev,noexec,relatime, ro, 87, "
          "l cpu,cpuacct");
}

TEST_CASE("M-09: cgroups on v2 are one mount") {
    const Bundle bundle;
    bundle.file("outside/cgroup.procs", "7");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "ro"})};
    CHECK(in_namespace([&] {
              return build(spec, bundle,
                           [&](Rootfs&) {
                               const std::string top = bundle.path("rootfs/sys/fs/cgroup");
                               return (sandbox::has_flag(top, "ro") ? "ro, " : "rw, ") +
                                      read(top + "/cgroup.procs");
                           },
                           {{"", bundle.path("outside"), {}, ""}});
          }) == "ro, 7");
}

}  // namespace
