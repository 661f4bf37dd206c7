// SPDX-License-Identifier: Apache-2.0
// The end of the assembly: the switch of the root, masked and read-only paths, the console.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/unit/rootfs/sandbox.h"

namespace {

using libcontainer::BindConsole;
using libcontainer::Rootfs;
using libcontainer::RootSwitch;
using sandbox::build;
using sandbox::build_in_namespace;
using sandbox::Bundle;
using sandbox::in_namespace;
using sandbox::mount;
using sandbox::mounted;
using sandbox::status;
using sandbox::text_of;

// Everything, in the order of the init steps.
std::string finish(const oci::Spec& spec, const Bundle& bundle, const sandbox::Look& look) {
    return build_in_namespace(spec, bundle, [&](Rootfs& rootfs) -> std::string {
        if (const auto done = switch_root(rootfs, RootSwitch::pivot_root); !done) {
            return done.error().text();
        }
        for (const auto& step :
             {libcontainer::apply_root_propagation, libcontainer::apply_readonly_paths,
              libcontainer::apply_masked_paths, libcontainer::apply_root_readonly}) {
            if (const auto done = step(rootfs); !done) {
                return done.error().text();
            }
        }
        return look(rootfs);
    });
}

std::string working_directory() {
    std::string text(4096, '\0');
    return ::getcwd(text.data(), text.size()) == nullptr ? "?" : text.c_str();
}

TEST_CASE("R-01: after the switch only the container's mounts are left") {
    const Bundle bundle;
    bundle.file("rootfs/etc/name", "inside");
    oci::Spec spec = sandbox::spec();
    spec.mounts = sandbox::default_mounts();
    CHECK(finish(spec, bundle, [&](Rootfs&) {
              return sandbox::read("/etc/name") + " " + working_directory() + " " +
                     status(bundle.path("rootfs")) + " " + std::to_string(sandbox::mount_count());
          }) == "inside / missing 7");
}

TEST_CASE("R-01: --no-pivot moves the root and leaves no host proc or sysfs behind") {
    const Bundle bundle;
    bundle.file("rootfs/etc/name", "inside");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc")};
    CHECK(build_in_namespace(spec, bundle, [&](Rootfs& rootfs) {
              const auto switched = switch_root(rootfs, RootSwitch::move_root);
              return text_of(switched) + " " + sandbox::read("/etc/name") + " " +
                     working_directory() + " " + mounted("/proc") + " " + mounted("/sys");
          }) == "ok inside / proc rw,relatime none");
}

TEST_CASE("R-02: a read-only root, with what is mounted in it still writable") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.root->readonly = true;
    spec.mounts = sandbox::default_mounts();
    CHECK(finish(spec, bundle, [&](Rootfs&) {
              const bool root = ::mkdir("/new", 0755) != 0 && errno == EROFS;
              const bool shm = ::mkdir("/dev/shm/new", 0755) != 0;
              return std::string(root ? "read-only" : "writable") + " " +
                     (shm ? "read-only" : "writable");
          }) == "read-only writable");
}

TEST_CASE("RF-02, R-16: masked files read as empty, masked directories are empty") {
    const Bundle bundle;
    bundle.file("rootfs/secret/file", "secret");
    bundle.file("rootfs/other/file", "secret");
    bundle.file("rootfs/one", "secret");
    bundle.file("rootfs/two", "secret");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc")};
    spec.linux.masked_paths = {"/secret", "/other", "/one", "/two", "/missing", "/one/below"};
    CHECK(finish(spec, bundle,
                 [&](Rootfs&) {
                     struct stat first = {};
                     struct stat second = {};
                     ::stat("/secret", &first);
                     ::stat("/other", &second);
                     return "<" + sandbox::read("/one") + sandbox::read("/two") + "> " +
                            status("/two") + ", " + status("/secret/file") + " " +
                            status("/other/file") + ", " +
                            mounted("/one").substr(mounted("/one").find(' ') + 1) + ", " +
                            mounted("/secret") + ", " +
                            (first.st_dev == second.st_dev ? "one superblock" : "two superblocks");
                 }) ==
          "<> c 0666 0:0 1:3, missing missing, ro,nosuid,noexec,relatime, tmpfs "
          "ro,nosuid,nodev,noexec,relatime, one superblock");
}

TEST_CASE("T-14: masked and read-only paths that are odd") {
    const Bundle bundle;
    bundle.file("rootfs/etc/passwd", "text");
    bundle.link("rootfs/way", "/etc/passwd");
    bundle.link("rootfs/out", bundle.path("outside"));
    bundle.link("rootfs/loop", "loop");
    bundle.file("outside/text", "text");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc")};
    const auto look = [&](Rootfs&) {
        return std::to_string(sandbox::mount_count()) + " <" + sandbox::read("/etc/passwd") + ">";
    };
    SECTION("a symlink is resolved inside the root") {
        spec.linux.masked_paths = {"/way"};
        CHECK(finish(spec, bundle, look) == "3 <>");
    }
    SECTION("one that points outside names nothing") {
        spec.linux.masked_paths = {"/out/text"};
        spec.linux.readonly_paths = {"/out"};
        CHECK(finish(spec, bundle, look) == "2 <text>");
    }
    SECTION("the same path twice is masked once") {
        spec.linux.masked_paths = {"/etc/passwd", "/etc//passwd", "/etc/../etc/passwd"};
        CHECK(finish(spec, bundle, look) == "3 <>");
    }
    SECTION("below a masked directory") {
        spec.linux.masked_paths = {"/etc", "/etc/passwd"};
        CHECK(finish(spec, bundle, look) == "3 <No such file or directory>");
    }
    SECTION("a loop is an error") {
        spec.linux.masked_paths = {"/etc", "/loop"};
        CHECK_THAT(finish(spec, bundle, look),
                   Catch::StartsWith("linux.maskedPaths[1] (/loop): ") &&
                       Catch::EndsWith("too many levels of symbolic links"));
    }
    SECTION("relative paths and the root are errors") {
        const std::string path = GENERATE("etc", "", "/", "/..");
        const std::string expected = "[0] (" + path + "): must be an absolute path below the root";
        spec.linux.masked_paths = {path};
        CHECK(finish(spec, bundle, look) == "linux.maskedPaths" + expected);
        spec.linux.masked_paths.clear();
        spec.linux.readonly_paths = {path};
        CHECK(finish(spec, bundle, look) == "linux.readonlyPaths" + expected);
    }
}

TEST_CASE("RF-03, R-17: read-only paths, with everything mounted below") {
    const Bundle bundle;
    bundle.directory("rootfs/etc/inner");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/proc", "proc", "proc", {"nosuid", "noexec"}),
                   mount("/etc/inner", "tmpfs", "tmpfs", {"nodev"})};
    spec.linux.readonly_paths = {"/proc/sys", "/etc", "/missing", "/proc/version/below"};
    CHECK(finish(spec, bundle, [&](Rootfs&) {
              return mounted("/proc/sys") + ", " + (sandbox::has_flag("/etc", "ro") ? "ro" : "rw") +
                     ", " + mounted("/etc/inner") + ", " +
                     (::mkdir("/etc/new", 0755) != 0 && errno == EROFS ? "read-only" : "writable");
          }) == "proc ro,nosuid,noexec,relatime, ro, tmpfs ro,nodev,relatime, read-only");
}

TEST_CASE("E-01, E-03, E-04: /dev as every program expects it") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = sandbox::default_mounts();
    oci::Device own;
    own.path = "/dev/deep/own";
    own.type = oci::DeviceType::block;
    own.major = 7;
    own.minor = 300;
    own.file_mode = 0640;
    own.uid = 5;
    own.gid = 6;
    oci::Device pipe;
    pipe.path = "/dev/pipe";
    pipe.type = oci::DeviceType::fifo;
    spec.linux.devices = {own, pipe};
    CHECK(finish(spec, bundle,
                 [&](Rootfs&) {
                     std::string all;
                     for (const char* name :
                          {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd",
                           "stdin", "stdout", "stderr", "deep/own", "pipe"}) {
                         all += status(std::string("/dev/") + name) + "\n";
                     }
                     return all;
                 }) ==
          "c 0666 0:0 1:3\nc 0666 0:0 1:5\nc 0666 0:0 1:7\nc 0666 0:0 1:8\nc 0666 0:0 1:9\n"
          "c 0666 0:0 5:0\nl pts/ptmx\nl /proc/self/fd\nl /proc/self/fd/0\nl /proc/self/fd/1\n"
          "l /proc/self/fd/2\nb 0640 5:6 7:300\np 0666 0:0\n");
}

TEST_CASE("E-04: without a /proc there is nothing to link to") {
    const Bundle bundle;
    CHECK(build_in_namespace(sandbox::spec(), bundle, [&](Rootfs&) {
              return status(bundle.path("rootfs/dev/fd")) + " " +
                     status(bundle.path("rootfs/dev/ptmx"));
          }) == "missing l pts/ptmx");
}

TEST_CASE("E-01: a /dev that the engine binds is left alone") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/dev", "bind", bundle.path("outside"))};
    const std::string before = bundle.snapshot("outside");
    CHECK(build_in_namespace(spec, bundle) == "ok");
    CHECK(bundle.snapshot("outside") == before);
}

std::string console_facts(Rootfs& rootfs) {
    auto console = open_console(rootfs, oci::ConsoleSize{33, 77}, BindConsole::yes);
    if (!console) {
        return console.error().text();
    }
    winsize size = {};
    ::ioctl(console->peer.get(), TIOCGWINSZ, &size);
    struct stat peer = {};
    ::fstat(console->peer.get(), &peer);
    const bool wrote = ::write(console->peer.get(), "x", 1) == 1;
    char read = '\0';
    const bool same = ::read(console->master.get(), &read, 1) == 1 && read == 'x';
    return std::to_string(size.ws_row) + "x" + std::to_string(size.ws_col) +
           (wrote && same ? " connected " : " apart ") + status("/dev/console") + ", " +
           status("/dev/pts/0");
}

TEST_CASE("E-02, R-14: the console is a pty of the container's devpts") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = sandbox::default_mounts();
    CHECK(finish(spec, bundle, console_facts) ==
          "33x77 connected c 0620 0:5 136:0, c 0620 0:5 136:0");
}

TEST_CASE("T-8: /dev/console as a symlink makes nothing") {
    const Bundle bundle;
    bundle.link("rootfs/dev/console", bundle.path("outside/pwn"));
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/dev/pts", "devpts", "devpts", {"newinstance", "ptmxmode=0666"})};
    CHECK(build_in_namespace(spec, bundle, console_facts) ==
          "open(\"/dev/console\"): too many levels of symbolic links");
    CHECK(status(bundle.path("outside/pwn")) == "missing");
    CHECK(status(bundle.path("rootfs" + bundle.path("outside/pwn"))) == "missing");
}

TEST_CASE("T-23: exec takes its terminal from a real devpts only") {
    const Bundle bundle;
    const auto terminal = [&](std::vector<oci::Mount> mounts) {
        oci::Spec spec = sandbox::spec();
        spec.mounts = std::move(mounts);
        return build_in_namespace(spec, bundle, [&](Rootfs& rootfs) {
            return text_of(libcontainer::open_console(rootfs.root.get(), std::nullopt));
        });
    };
    const oci::Mount devpts =
        mount("/dev/pts", "devpts", "devpts", {"newinstance", "ptmxmode=0666"});
    SECTION("the default mounts") {
        CHECK(terminal(sandbox::default_mounts()) == "ok");
    }
    SECTION("a directory with a ptmx") {
        bundle.node("rootfs/dev/pts/ptmx", 5, 2);
        CHECK(terminal({}) == "a terminal needs a devpts on /dev/pts");
    }
    SECTION("something mounted on ptmx") {
        bundle.node("outside/ptmx", 5, 2);
        CHECK(terminal({devpts, mount("/dev/pts/ptmx", "bind", bundle.path("outside/ptmx"))}) !=
              "ok");
    }
    SECTION("a symlink on the way") {
        bundle.link("rootfs/dev", "real");
        bundle.directory("rootfs/real");
        CHECK_THAT(terminal({devpts}), Catch::EndsWith("too many levels of symbolic links"));
    }
}

}  // namespace
