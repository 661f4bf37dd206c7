// SPDX-License-Identifier: Apache-2.0
// Images that try to reach outside (security 4.1).
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/unit/rootfs/sandbox.h"

namespace {

using libcontainer::Rootfs;
using sandbox::build;
using sandbox::build_in_namespace;
using sandbox::Bundle;
using sandbox::in_namespace;
using sandbox::mount;
using sandbox::mounted;
using sandbox::status;

// Holds what lies outside the image against its first state.
class Canary {
  public:
    explicit Canary(const Bundle& bundle) : bundle_(bundle) {
        bundle.file("outside/ptmx", "marker");
        bundle.file("outside/null", "marker");
        bundle.fifo("outside/fifo");
        bundle.directory("outside/sub", 0711);
        before_ = bundle.snapshot("outside");
    }
    [[nodiscard]] bool intact() const { return bundle_.snapshot("outside") == before_; }

  private:
    const Bundle& bundle_;
    std::string before_;
};

std::string error_with(const Bundle& bundle, std::vector<oci::Mount> mounts) {
    oci::Spec spec = sandbox::spec();
    spec.mounts = std::move(mounts);
    return build_in_namespace(spec, bundle);
}

TEST_CASE("T-1, T-2: /proc and /sys as symlinks") {
    const std::string place = GENERATE("proc", "sys");
    const std::string type = place == "proc" ? "proc" : "sysfs";
    const Bundle bundle;
    const Canary canary(bundle);
    const std::string target = GENERATE("/tmp", "../../..", "dangling", "/proc", "loop", "OUTSIDE");
    CAPTURE(place, target);
    bundle.directory("rootfs/tmp");
    bundle.link("rootfs/loop", "loop");
    bundle.link("rootfs/" + place, target == "OUTSIDE" ? bundle.path("outside") : target);
    CHECK(error_with(bundle, {mount("/" + place, type, type)}) ==
          "mounts[0] (/" + place + "): the destination of " + type +
              " must be a directory, not reached by symlinks");
    CHECK(canary.intact());
}

TEST_CASE("T-1: /proc as something else") {
    const Bundle bundle;
    SECTION("file") {
        bundle.file("rootfs/proc");
        CHECK(error_with(bundle, {mount("/proc", "proc", "proc")}) ==
              "mounts[0] (/proc): the destination of proc must be a directory");
    }
    SECTION("a directory on the way is a link") {
        bundle.directory("rootfs/real/proc");
        bundle.link("rootfs/way", "real");
        CHECK(error_with(bundle, {mount("/way/proc", "proc", "proc")}) ==
              "mounts[0] (/way/proc): the destination of proc must be a directory, not reached by "
              "symlinks");
    }
}

TEST_CASE("M-11: a mount that symlinks lead into a procfs") {
    const Bundle bundle;
    bundle.link("rootfs/way", "/proc");
    bundle.file("outside/x", "x");
    const std::string source = bundle.path("outside/x");
    CHECK(error_with(bundle,
                     {mount("/proc", "proc", "proc"), mount("/way/uptime", "bind", source)}) ==
          "mounts[1] (/way/uptime): a mount inside a proc filesystem is not allowed here");
    CHECK(error_with(bundle, {mount("/proc", "proc", "proc"), mount("/way", "tmpfs", "tmpfs")}) ==
          "mounts[1] (/way): a mount inside a proc filesystem is not allowed here");
    CHECK(error_with(bundle, {mount("/proc", "proc", "proc"),
                              mount("/proc/uptime", "bind", source)}) == "ok");
}

TEST_CASE("M-11: a bind on /proc must be a whole procfs") {
    const Bundle bundle;
    CHECK(error_with(bundle, {mount("/proc", "bind", bundle.path("outside"), {"rbind"})}) ==
          "mounts[0] (/proc): only a proc filesystem may be mounted on /proc");
    CHECK(error_with(bundle, {mount("/proc", "bind", "/proc/sys", {"rbind"})}) ==
          "mounts[0] (/proc): only a proc filesystem may be mounted on /proc");
    CHECK(error_with(bundle, {mount("/proc", "bind", "/proc", {"rbind"})}) == "ok");
    CHECK(error_with(bundle, {mount("/proc", "proc", "proc"),
                              mount("/proc", "bind", "/proc", {"rbind"})}) == "ok");
}

TEST_CASE("T-3: /dev as a symlink stays inside the image") {
    const Bundle bundle;
    bundle.link("rootfs/dev", bundle.path("outside"));
    const Canary canary(bundle);
    const std::string text = build_in_namespace(sandbox::spec(), bundle, [&](Rootfs&) {
        return status(bundle.path("rootfs" + bundle.path("outside") + "/null"));
    });
    CHECK(text == "c 0666 0:0 1:3");
    CHECK(canary.intact());
}

TEST_CASE("T-4: names of /dev as symlinks to the host") {
    const Bundle bundle;
    const Canary canary(bundle);
    const std::string name = GENERATE("null", "zero", "full", "random", "urandom", "tty");
    const std::string target = GENERATE("absolute", "../../outside/ptmx");
    bundle.link("rootfs/dev/" + name, target == "absolute" ? bundle.path("outside/ptmx") : target);
    CHECK(build_in_namespace(sandbox::spec(), bundle) ==
          "/dev/" + name + " is there and is not this device");
    CHECK(canary.intact());
}

TEST_CASE("T-4: ptmx is replaced, the links of /dev are left alone") {
    const Bundle bundle;
    const Canary canary(bundle);
    bundle.link("rootfs/dev/ptmx", bundle.path("outside/ptmx"));
    bundle.link("rootfs/dev/fd", bundle.path("outside/sub"));
    bundle.file("rootfs/dev/stdin", "image");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc")};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/dev/ptmx")) + ", " +
                     status(bundle.path("rootfs/dev/fd")) + ", " +
                     status(bundle.path("rootfs/dev/stdin")) + ", " +
                     status(bundle.path("rootfs/dev/stdout"));
          }) == "l pts/ptmx, l " + bundle.path("outside/sub") + ", - 0644 0:0, l /proc/self/fd/1");
    CHECK(canary.intact());
}

TEST_CASE("T-5, D-06: what is at a device's name and is not that device") {
    const Bundle bundle;
    const std::string kind = GENERATE("file", "fifo", "directory", "other device");
    CAPTURE(kind);
    if (kind == "file") {
        bundle.file("rootfs/dev/null");
    } else if (kind == "fifo") {
        bundle.fifo("rootfs/dev/null");
    } else if (kind == "directory") {
        bundle.directory("rootfs/dev/null");
    } else {
        bundle.node("rootfs/dev/null", 1, 5);
    }
    CHECK(build_in_namespace(sandbox::spec(), bundle) ==
          "/dev/null is there and is not this device");
}

TEST_CASE("D-06: the very device is accepted as the image has it") {
    const Bundle bundle;
    bundle.node("rootfs/dev/null", 1, 3);
    CHECK(build_in_namespace(sandbox::spec(), bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/dev/null"));
          }) == "c 0600 0:0 1:3");
}

TEST_CASE("T-9: symlinks in destinations are resolved inside the root") {
    struct Row {
        std::string link;
        std::string destination;
        std::string expected;  // where the tmpfs is, or the error
    };
    const auto row = GENERATE(values<Row>({
        {"/etc", "/link", "etc"},
        {"../../../../etc", "/link", "etc"},
        {"/etc", "/link/new", "etc/new"},
        {"/made/up/way", "/link", "made/up/way"},  // dangling
        {"made", "/link/below", "made/below"},     // dangling, in the middle
        {"link", "/link", "too many levels of symbolic links"},
        {"/", "/link", "the destination is the root itself"},
        {"/", "/link/x", "x"},
        {"../..", "/link", "the destination is the root itself"},
    }));
    CAPTURE(row.link, row.destination);
    const Bundle bundle;
    const Canary canary(bundle);
    bundle.directory("rootfs/etc");
    bundle.link("rootfs/link", row.link);
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount(row.destination, "tmpfs", "tmpfs", {"nosuid"})};
    const std::string text = build_in_namespace(
        spec, bundle, [&](Rootfs&) { return mounted(bundle.path("rootfs/" + row.expected)); });
    CHECK((text == "tmpfs rw,nosuid,relatime" || text.ends_with(row.expected)));
    CHECK(canary.intact());
}

TEST_CASE("T-9: magic links are no way out") {
    const Bundle bundle;
    const Canary canary(bundle);
    const std::string outside = bundle.path("outside/sub");
    const std::string link = GENERATE_COPY(
        "/proc/self/root" + outside, "/proc/self/cwd" + outside, std::string("/proc/self/root"),
        std::string("/proc/1/root"), std::string("/proc/self/fd/0"));
    bundle.link("rootfs/link", link);
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc"), mount("/link", "tmpfs", "tmpfs")};
    // openat2 refuses; the walker that stands in for it finds the link's text inside the root.
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
              const bool apart = mounted(outside) == "none" && !mounted("/").starts_with("tmpfs");
              return apart ? "inside" : "escaped";
          }) != "escaped");
    CHECK(canary.intact());
}

TEST_CASE("T-10: targets that are no directories, and those that do not fit") {
    const Bundle bundle;
    bundle.file("outside/text", "hello");
    bundle.file("rootfs/file");
    bundle.fifo("rootfs/fifo");
    bundle.node("rootfs/node", 1, 3);
    bundle.directory("rootfs/closed", 0000);
    const std::string text = bundle.path("outside/text");
    const std::string directory = bundle.path("outside");
    for (const char* place : {"/file", "/fifo", "/node"}) {
        CAPTURE(place);
        oci::Spec spec = sandbox::spec();
        spec.mounts = {mount(place, "bind", text)};
        CHECK(build_in_namespace(spec, bundle, [&](Rootfs&) {
                  return sandbox::read(bundle.path("rootfs") + place);
              }) == "hello");
        const std::string refusal =
            "mounts[0] (" + std::string(place) +
            "): a directory cannot be mounted on what is none: not a directory";
        CHECK(error_with(bundle, {mount(place, "bind", directory)}) == refusal);
        CHECK(error_with(bundle, {mount(place, "tmpfs", "tmpfs")}) == refusal);
    }
    CHECK(error_with(bundle, {mount("/closed", "bind", directory)}) == "ok");
    CHECK(error_with(bundle, {mount("/closed", "bind", text)}) ==
          "mounts[0] (/closed): what is no directory cannot be mounted on one: not a directory");
}

TEST_CASE("T-11: long names") {
    const Bundle bundle;
    CHECK(error_with(bundle, {mount("/" + std::string(255, 'x'), "tmpfs", "tmpfs")}) == "ok");
    CHECK_THAT(error_with(bundle, {mount("/" + std::string(256, 'x'), "tmpfs", "tmpfs")}),
               Catch::EndsWith("file name too long"));
    std::string deep;
    while (deep.size() < 4096) {
        deep += "/directory";
    }
    const std::string text = error_with(bundle, {mount(deep, "tmpfs", "tmpfs")});
    CHECK((text == "ok" || text.ends_with("file name too long")));
}

// Exchanges two names until its parent is gone.
[[noreturn]] void swap_for_ever(const std::string& one, const std::string& other) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
        ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    }
}

TEST_CASE("T-20, T-22: names exchanged for symlinks while the root is built") {
    struct Row {
        std::string name;   // swapped with a symlink to outside
        std::string place;  // below it the mount goes
        std::string type;
    };
    const auto row = GENERATE(values<Row>({
        {"data", "/data", "tmpfs"},
        {"data", "/data/below", "tmpfs"},
        {"proc", "/proc", "proc"},
        {"dev", "/dev/shm", "tmpfs"},
    }));
    CAPTURE(row.place);
    const Bundle bundle;
    bundle.directory("outside/below");
    bundle.directory("outside/shm");
    const Canary canary(bundle);
    const std::string name = "rootfs/" + row.name;
    bundle.directory(name + "/below");
    bundle.directory(name + "/shm");
    bundle.link("rootfs/link", bundle.path("outside"));
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount(row.place, row.type, row.type)};
    CHECK(in_namespace([&] {
              const pid_t swapper = ::fork();
              if (swapper == 0) {
                  swap_for_ever(bundle.path(name), bundle.path("rootfs/link"));
              }
              std::string verdict = "inside";
              int built = 0;
              const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
              while (verdict == "inside" &&
                     (built == 0 || std::chrono::steady_clock::now() < end)) {
                  const pid_t child = ::fork();
                  if (child == 0) {
                      const std::string text = build(spec, bundle, [&](Rootfs&) {
                          const std::string outside = bundle.path("outside");
                          const bool apart = mounted(outside) == "none" &&
                                             mounted(outside + "/below") == "none" &&
                                             mounted(outside + "/shm") == "none";
                          return apart ? "inside" : "escaped";
                      });
                      ::_exit(text == "escaped" ? 2 : text == "inside" ? 1 : 0);
                  }
                  int status = 0;
                  ::waitpid(child, &status, 0);
                  built += WEXITSTATUS(status) == 1 ? 1 : 0;
                  verdict = WEXITSTATUS(status) == 2 ? "escaped" : verdict;
              }
              ::kill(swapper, SIGKILL);
              ::waitpid(swapper, nullptr, 0);
              return verdict + (built > 0 ? " and built" : " and never built");
          }) == "inside and built");
    CHECK(canary.intact());
}

oci::Device device(const std::string& path, oci::DeviceType type, int major, int minor) {
    oci::Device entry;
    entry.path = path;
    entry.type = type;
    entry.major = major;
    entry.minor = minor;
    return entry;
}

TEST_CASE("T-12: device paths stay inside and off the kernel's filesystems") {
    const Bundle bundle;
    const Canary canary(bundle);
    bundle.link("rootfs/dev/sub", bundle.path("outside/sub"));
    oci::Spec spec = sandbox::spec();
    const auto make = [&](const std::string& path) {
        spec.linux.devices = {device(path, oci::DeviceType::character, 1, 5)};
        return build_in_namespace(spec, bundle, [&](Rootfs&) { return std::string("ok"); });
    };
    CHECK(make("/dev/../../../" + bundle.path("outside/x")) == "ok");
    CHECK(status(bundle.path("rootfs" + bundle.path("outside/x"))) == "c 0666 0:0 1:5");
    CHECK(make("/dev/sub/x") == "ok");
    CHECK(status(bundle.path("rootfs" + bundle.path("outside/sub/x"))) == "c 0666 0:0 1:5");
    CHECK(make("/x") == "ok");
    CHECK(status(bundle.path("rootfs/x")) == "c 0666 0:0 1:5");
    spec.mounts = {mount("/proc", "proc", "proc"), mount("/sys", "sysfs", "sysfs")};
    CHECK(make("/proc/x") ==
          "linux.devices[0] (/proc/x): no device can be made in the kernel's own /proc");
    CHECK(make("/sys/kernel/x") ==
          "linux.devices[0] (/sys/kernel/x): no device can be made in the kernel's own "
          "/sys/kernel");
    CHECK(canary.intact());
}

TEST_CASE("T-16: roots that cannot be") {
    const Bundle bundle;
    bundle.file("file");
    bundle.fifo("fifo");
    bundle.link("link", "rootfs");
    oci::Spec spec = sandbox::spec();
    const auto with = [&](const std::string& path) {
        spec.root->path = path;
        return build_in_namespace(spec, bundle);
    };
    const std::string here = bundle.path("./");
    CHECK(with("missing") ==
          "root.path: open_tree(\"" + here + "missing/\"): no such file or directory");
    CHECK(with("file") == "root.path: open_tree(\"" + here + "file/\"): not a directory");
    CHECK(with("fifo") == "root.path: open_tree(\"" + here + "fifo/\"): not a directory");
    CHECK(with("link") == "ok");
    CHECK(with(bundle.path("rootfs/")) == "ok");
    CHECK(with("") == "root.path: a container needs a root");
}

TEST_CASE(
    "N-03: without a mount namespace only what is asked for is mounted, and can be taken away") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.linux.namespaces.clear();
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs& rootfs) {
              const int before = sandbox::mount_count();
              const auto switched = switch_root(rootfs, libcontainer::RootSwitch::chroot_only);
              return sandbox::text_of(switched) + " " + status("/dev/null") + " " +
                     (before > 0 && rootfs.mounts.empty() ? "no mounts" : "mounts");
          }) == "ok c 0666 0:0 1:3 no mounts");
    spec.mounts = {mount("/x", "tmpfs", "tmpfs")};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs& rootfs) {
              const int with = sandbox::mount_count(bundle.path("rootfs"));
              const auto unmounted = libcontainer::unmount_shared_root(*rootfs.shared_root);
              return sandbox::text_of(unmounted) + " " +
                     std::to_string(with - sandbox::mount_count(bundle.path("rootfs")));
          }) == "ok 2");
    spec.linux.masked_paths = {"/x"};
    CHECK(build_in_namespace(spec, bundle) ==
          "linux.maskedPaths: needs a mount namespace: it would change the host's mounts");
}

}  // namespace
