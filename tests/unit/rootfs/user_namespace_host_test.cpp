// SPDX-License-Identifier: Apache-2.0
// User namespaces: idmapped mounts, bound devices, roots assembled by ordinary users.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "libcontainer/rootfs/idmap.h"
#include "tests/unit/rootfs/sandbox.h"

namespace {

using libcontainer::Rootfs;
using sandbox::build;
using sandbox::build_in_namespace;
using sandbox::build_in_user_namespace;
using sandbox::Bundle;
using sandbox::in_namespace;
using sandbox::mount;
using sandbox::mounted;
using sandbox::status;

oci::Spec spec_with_user_namespace() {
    oci::Spec spec = sandbox::spec();
    spec.linux.namespaces.push_back({oci::NamespaceType::user, std::nullopt});
    spec.linux.uid_mappings = {{0, 100000, 65536}};
    spec.linux.gid_mappings = {{0, 200000, 65536}};
    return spec;
}

// Owner of a file that belongs to 3:4 on the host, seen through a bind with these options.
std::string owner_through(oci::Spec spec, oci::Mount entry) {
    const Bundle bundle;
    entry.source = bundle.path("outside");
    spec.mounts = {std::move(entry)};
    return in_namespace([&] {
        // tmpfs takes idmaps since Linux 6.3; the temporary folder's filesystem is not known.
        ::mount("tmpfs", bundle.path("outside").c_str(), "tmpfs", 0, "");
        bundle.file("outside/file");
        bundle.directory("outside/below");
        ::mount("tmpfs", bundle.path("outside/below").c_str(), "tmpfs", 0, "");
        bundle.file("outside/below/file");
        for (const char* name : {"outside/file", "outside/below/file"}) {
            if (::chown(bundle.path(name).c_str(), 3, 4) != 0) {
                return std::string("no chown");
            }
        }
        return build(spec, bundle, [&](Rootfs&) {
            return status(bundle.path("rootfs/d/file")) + ", " +
                   status(bundle.path("rootfs/d/below/file"));
        });
    });
}

TEST_CASE("M-06: idmapped binds") {
    const std::string plain = "- 0666 3:4";
    oci::Mount entry = mount("/d", "bind", "", {"rbind"});
    SECTION("mappings of the mount, of this mount only") {
        entry.uid_mappings = {{0, 1000, 10}};
        entry.gid_mappings = {{0, 2000, 10}};
        CHECK(owner_through(spec_with_user_namespace(), entry) == "- 0666 1003:2004, " + plain);
    }
    SECTION("of the whole tree") {
        entry.uid_mappings = {{0, 1000, 10}};
        entry.gid_mappings = {{0, 2000, 10}};
        entry.options.push_back("ridmap");
        CHECK(owner_through(spec_with_user_namespace(), entry) ==
              "- 0666 1003:2004, - 0666 1003:2004");
    }
    SECTION("those of the container") {
        entry.options.push_back("idmap");
        CHECK(owner_through(spec_with_user_namespace(), entry) == "- 0666 100003:200004, " + plain);
    }
    SECTION("those in the option") {
        entry.options.push_back("idmap=uids=0-1-1#3-50-1;gids=4-60-1");
        CHECK(owner_through(spec_with_user_namespace(), entry) == "- 0666 50:60, " + plain);
    }
    SECTION("an id without a place in the map is nobody's") {
        entry.options.push_back("idmap=uids=0-1-1;gids=4-60-1");
        CHECK(owner_through(spec_with_user_namespace(), entry) == "- 0666 65534:60, " + plain);
    }
}

TEST_CASE("M-06: idmaps that cannot be") {
    const Bundle bundle;
    const auto error = [&](oci::Spec spec, oci::Mount entry) {
        spec.mounts = {std::move(entry)};
        return build_in_namespace(spec, bundle);
    };
    const std::string outside = bundle.path("outside");
    oci::Mount half = mount("/d", "bind", outside);
    half.uid_mappings = {{0, 1000, 10}};
    CHECK(error(sandbox::spec(), half) ==
          "mounts[0] (/d): uidMappings and gidMappings come together");
    CHECK(error(sandbox::spec(), mount("/d", "bind", outside, {"idmap"})) ==
          "mounts[0] (/d): idmap needs mappings or a user namespace");
    CHECK(error(sandbox::spec(), mount("/d", "tmpfs", "tmpfs", {"idmap"})) ==
          "mounts[0] (/d): idmapped mounts are binds of a path of the host");
}

TEST_CASE("M-06: the maps in an option") {
    const oci::Linux container = spec_with_user_namespace().linux;
    using Maps = std::vector<oci::IdMapping>;
    const auto plain =
        libcontainer::parse_id_maps("uids=0-1000-10#20-2000-1;gids=5-6-7", container);
    REQUIRE(plain);
    CHECK(plain->uids == Maps{{0, 1000, 10}, {20, 2000, 1}});
    CHECK(plain->gids == Maps{{5, 6, 7}});
    const auto relative = libcontainer::parse_id_maps("uids=@0-5-10;gids=@0-6-1", container);
    REQUIRE(relative);
    CHECK(relative->uids == Maps{{0, 100005, 10}});
    CHECK(relative->gids == Maps{{0, 200006, 1}});
    for (const char* text :
         {"uids=0-1-1", "gids=0-1-1", "uids=0-1;gids=0-1-1", "x=0-1-1", "uids=a-1-1;gids=0-1-1",
          "uids=0-1-1-1;gids=0-1-1", "uids=;gids=", "uids=-1-1-1;gids=0-1-1",
          "uids=4294967296-1-1;gids=0-1-1", "uids=@70000-70000-1;gids=0-1-1"}) {
        CAPTURE(text);
        CHECK_FALSE(libcontainer::parse_id_maps(text, container));
    }
}

TEST_CASE("D-08: with a user namespace the host's devices are bound") {
    const Bundle bundle;
    oci::Spec spec = spec_with_user_namespace();
    spec.mounts = {mount("/dev", "tmpfs", "tmpfs", {"mode=755"})};
    CHECK(in_namespace([&] {
              return build_in_user_namespace(spec, bundle, 0, [&](Rootfs&) {
                  const std::string null = bundle.path("rootfs/dev/null");
                  return status(null) + " " + mounted(null).substr(0, mounted(null).find(' ')) +
                         " " + status(bundle.path("rootfs/dev/ptmx"));
              });
          }) == "c 0666 0:0 1:3 devtmpfs l pts/ptmx");
}

TEST_CASE("T-12: a host node with another number is not bound") {
    const Bundle bundle;
    oci::Spec spec = spec_with_user_namespace();
    oci::Device device;
    device.path = "/dev/zero";
    device.major = 1;
    device.minor = 3;
    spec.linux.devices = {device};
    CHECK(build_in_namespace(spec, bundle) ==
          "linux.devices[0] (/dev/zero): the host's /dev/zero is not the device 1:3");
    device.path = "/dev/no-such-node";
    spec.linux.devices = {device};
    CHECK(build_in_namespace(spec, bundle) ==
          "linux.devices[0] (/dev/no-such-node): open_tree(\"/dev/no-such-node\"): no such file or "
          "directory");
}

TEST_CASE("M-08: sysfs without a network namespace of its own is the host's, with the flags") {
    const Bundle bundle;
    oci::Spec spec = spec_with_user_namespace();
    spec.mounts = {mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"})};
    CHECK(in_namespace([&] {
              const std::string below = "/sys/kernel";
              ::mount("sysfs", "/sys", "sysfs", 0, "");
              ::mount("tmpfs", below.c_str(), "tmpfs", 0, "");
              return build_in_user_namespace(spec, bundle, 0, [&](Rootfs&) {
                  const std::string place = bundle.path("rootfs/sys");
                  return mounted(place).substr(0, 39) + ", " +
                         (sandbox::has_flag(place + "/kernel", "ro") ? "ro below" : "rw below");
              });
          }) == "sysfs ro,nosuid,nodev,noexec,relatime, ro below");
}

TEST_CASE("R-3: an ordinary user's container opens the host's side in its own namespaces") {
    const Bundle bundle;
    bundle.file("outside/text", "hello");
    oci::Spec spec = spec_with_user_namespace();
    spec.mounts = {mount("/dev", "tmpfs", "tmpfs", {"mode=755"}),
                   mount("/data", "bind", bundle.path("outside"), {"rbind", "ro"})};
    spec.linux.masked_paths = {"/etc/secret"};
    bundle.file("rootfs/etc/secret", "secret");
    constexpr unsigned kUser = 12345;
    for (const char* name : {"rootfs", "rootfs/etc", "rootfs/etc/secret"}) {
        REQUIRE(::chown(bundle.path(name).c_str(), kUser, kUser) == 0);
    }
    CHECK(in_namespace([&] {
              return build_in_user_namespace(spec, bundle, kUser, [&](Rootfs& rootfs) {
                  const std::string data = bundle.path("rootfs/data");
                  const auto masked = apply_masked_paths(rootfs);
                  return sandbox::text_of(masked) + " " + sandbox::read(data + "/text") +
                         (sandbox::has_flag(data, "ro") ? " read-only " : " writable ") +
                         status(bundle.path("rootfs/dev/zero")) + " <" +
                         sandbox::read(bundle.path("rootfs/etc/secret")) + ">";
              });
          }) == "ok hello read-only c 0666 65534:65534 1:5 <>");
}

}  // namespace
