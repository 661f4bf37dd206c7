// SPDX-License-Identifier: Apache-2.0
// Propagation between host and container (T-104, RF-01).
#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/unit/rootfs/sandbox.h"

namespace {

using libcontainer::Rootfs;
using sandbox::build;
using sandbox::Bundle;
using sandbox::in_namespace;
using sandbox::mount;
using sandbox::mounted;

// The bundle's folder as a shared mount, as systemd leaves a host's disks.
void share(const Bundle& bundle) {
    const std::string top = bundle.path(".");
    ::mount(top.c_str(), top.c_str(), nullptr, MS_BIND, nullptr);
    ::mount(nullptr, top.c_str(), nullptr, MS_SHARED, nullptr);
}

// The propagation fields of the mount at `place` without the numbers of the groups.
std::string propagation(const std::string& place) {
    const std::string line = mounted(place);
    std::string kinds;
    for (const char* kind : {"shared", "master", "unbindable"}) {
        if (line.find(std::string(" ") + kind) != std::string::npos) {
            kinds += (kinds.empty() ? "" : " ") + std::string(kind);
        }
    }
    return kinds;
}

TEST_CASE("T-104: a container's mounts do not reach a shared host") {
    const Bundle bundle;
    bundle.directory("rootfs/data");
    bundle.directory("outside/inner");
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/data", "tmpfs", "tmpfs"),
                   mount("/vol", "bind", bundle.path("outside"), {"rbind"}),
                   mount("/vol/inner", "tmpfs", "tmpfs")};
    const auto value =
        GENERATE(as<std::optional<oci::Propagation>>(), std::nullopt, oci::Propagation::rslave,
                 oci::Propagation::private_, oci::Propagation::shared);
    spec.linux.rootfs_propagation = value;
    // Shared is what an engine asks for when a volume shall carry mounts out.
    const std::string outward = value == oci::Propagation::shared ? "tmpfs" : "none";
    CHECK(in_namespace([&] {
              share(bundle);
              return build(spec, bundle, [&](Rootfs&) {
                  return mounted(bundle.path("rootfs/data")).substr(0, 5) + " " +
                         sandbox::mounted_on_host(bundle.path("rootfs/data")) + " " +
                         sandbox::mounted_on_host(bundle.path("outside/inner")).substr(0, 5);
              });
          }) == "tmpfs none " + outward.substr(0, 5));
}

TEST_CASE("M-05: the propagation of a bind from a shared source") {
    struct Row {
        std::optional<oci::Propagation> root;
        std::vector<std::string> options;
        std::string expected;
    };
    const auto row = GENERATE(values<Row>({
        {std::nullopt, {"rbind"}, "master"},
        {std::nullopt, {"rbind", "rprivate"}, ""},
        {std::nullopt, {"rbind", "private"}, ""},
        {std::nullopt, {"rbind", "rslave"}, "master"},
        {std::nullopt, {"rbind", "rshared"}, "shared master"},
        {std::nullopt, {"bind", "unbindable"}, "unbindable"},
        {oci::Propagation::shared, {"rbind", "rshared"}, "shared"},
        {oci::Propagation::shared, {"rbind", "rprivate"}, ""},
        {oci::Propagation::shared, {"rbind", "rslave"}, "master"},
        {oci::Propagation::private_, {"rbind"}, ""},
    }));
    CAPTURE(row.options);
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.linux.rootfs_propagation = row.root;
    spec.mounts = {mount("/vol", "bind", bundle.path("outside"), row.options)};
    CHECK(in_namespace([&] {
              share(bundle);
              return "<" +
                     build(spec, bundle,
                           [&](Rootfs&) { return propagation(bundle.path("rootfs/vol")); }) +
                     ">";
          }) == "<" + row.expected + ">");
}

TEST_CASE("M-05: a new filesystem takes the propagation it asks for, even on a shared place") {
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.mounts = {mount("/a", "tmpfs", "tmpfs", {"shared"}),
                   mount("/a/b", "tmpfs", "tmpfs", {"private"}), mount("/a/c", "tmpfs", "tmpfs"),
                   mount("/d", "tmpfs", "tmpfs", {"rprivate"})};
    CHECK(in_namespace([&] {
              return build(spec, bundle, [&](Rootfs&) {
                  std::string all;
                  for (const char* place : {"/a", "/a/b", "/a/c", "/d"}) {
                      all += "<" + propagation(bundle.path("rootfs") + place) + ">";
                  }
                  return all;
              });
          }) == "<shared><><shared><>");
}

TEST_CASE("RF-01: rootfsPropagation of the finished root") {
    struct Row {
        std::optional<oci::Propagation> value;
        std::string expected;
    };
    const auto row = GENERATE(values<Row>({
        {std::nullopt, "master"},
        {oci::Propagation::slave, "master"},
        {oci::Propagation::rslave, "master"},
        {oci::Propagation::private_, ""},
        {oci::Propagation::rprivate, ""},
        {oci::Propagation::shared, "shared"},
        {oci::Propagation::rshared, "shared"},
        {oci::Propagation::unbindable, "unbindable"},
    }));
    const Bundle bundle;
    oci::Spec spec = sandbox::spec();
    spec.linux.rootfs_propagation = row.value;
    spec.mounts = {mount("/proc", "proc", "proc")};
    CHECK(in_namespace([&] {
              share(bundle);
              return "<" +
                     build(spec, bundle,
                           [&](Rootfs& rootfs) {
                               const auto switched =
                                   switch_root(rootfs, libcontainer::RootSwitch::pivot_root);
                               const auto applied = apply_root_propagation(rootfs);
                               return switched && applied ? propagation("/")
                                                          : sandbox::text_of(switched);
                           }) +
                     ">";
          }) == "<" + row.expected + ">");
}

}  // namespace
