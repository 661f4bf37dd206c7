// SPDX-License-Identifier: Apache-2.0
// mounts[] and linux.devices as plans.
#include "libcontainer/rootfs/mount_plan.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "libcontainer/rootfs/device_plan.h"
#include "oci/parse.h"

namespace libcontainer {
namespace {

oci::Mount mount(std::string destination, std::string type, std::string source,
                 std::vector<std::string> options = {}) {
    oci::Mount entry;
    entry.destination = std::move(destination);
    entry.type = std::move(type);
    entry.source = std::move(source);
    entry.options = std::move(options);
    return entry;
}

Result<std::vector<MountPlan>> plan(std::vector<oci::Mount> mounts) {
    oci::Spec spec;
    spec.mounts = std::move(mounts);
    return plan_mounts(spec, "/bundle", "/bundle/rootfs");
}

MountPlan plan_one(oci::Mount entry) {
    auto plans = plan({std::move(entry)});
    REQUIRE(plans);
    return std::move(plans->front());
}

std::string error_of(oci::Mount entry) {
    const auto plans = plan({mount("/ok", "tmpfs", "tmpfs"), std::move(entry)});
    return plans ? "" : plans.error().text();
}

TEST_CASE("T-11: destinations are normalized") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"/data", "data"},
        {"data", "data"},  // relative: taken from the root (M-02)
        {"//a///b/", "a/b"},
        {"/a/./b", "a/b"},
        {"/a/../b", "b"},
        {"/../../x", "x"},
        {"/a\nb", "a\nb"},
        {"/a,b:c\\d", "a,b:c\\d"},
        {"", ""},
        {"/", ""},
        {"..", ""},
    }));
    CHECK(normalize(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("M-02, T-11: a destination that is missing or the root is refused") {
    CHECK(error_of(mount("", "tmpfs", "tmpfs")) == "mounts[1] (): a mount needs a destination");
    for (const char* root : {"/", ".", "..", "/../", "/a/.."}) {
        CAPTURE(root);
        CHECK(error_of(mount(root, "tmpfs", "tmpfs")) ==
              "mounts[1] (" + std::string(root) + "): the destination is the root itself");
    }
}

TEST_CASE("M-03: sources of binds") {
    CHECK(plan_one(mount("/d", "none", "/srv/x", {"rbind"})).source == "/srv/x");
    CHECK(plan_one(mount("/d", "bind", "vol/x")).source == "/bundle/vol/x");
    CHECK(plan_one(mount("/d", "bind", "vol/x")).options.bind == sys::Recursion::this_mount);
    oci::Mount without = mount("/d", "bind", "");
    without.source.reset();
    CHECK(error_of(without) == "mounts[1] (/d): a bind mount needs a source");
    CHECK(plan_one(mount("/d", "none", "/srv/x", {"bind"})).kind == MountKind::bind);
}

TEST_CASE("R-3: a source below the root is taken inside it, in its turn") {
    const auto row = GENERATE(table<std::string, MountKind, std::string>({
        {"/bundle/rootfs/a/b", MountKind::bind_inside, "a/b"},
        {"/bundle/rootfs", MountKind::bind_inside, ""},
        {"rootfs/a", MountKind::bind_inside, "a"},
        {"/bundle/x/../rootfs/a", MountKind::bind_inside, "a"},
        {"/bundle/rootfs2/a", MountKind::bind, "/bundle/rootfs2/a"},
        {"/bundle", MountKind::bind, "/bundle"},
    }));
    CAPTURE(std::get<0>(row));
    const MountPlan planned = plan_one(mount("/d", "bind", std::get<0>(row), {"rbind"}));
    CHECK(planned.kind == std::get<1>(row));
    CHECK(planned.source == std::get<2>(row));
}

TEST_CASE("M-04: a mount without a type") {
    oci::Mount entry = mount("/d", "", "x");
    entry.type.reset();
    CHECK(error_of(entry) == "mounts[1] (/d): a mount needs a type, or the option bind");
    entry.type = "tmpfs";
    entry.source.reset();
    CHECK(plan_one(entry).source == "tmpfs");
}

TEST_CASE(
    "M-05: filesystem data on a bind is ignored as by mount(2), an unknown word is an error that "
    "names it") {
    CHECK(
        plan_one(mount("/d", "bind", "/x", {"rbind", "size=1m", "mode=755"})).options.data.empty());
    CHECK(error_of(mount("/d", "bind", "/x", {"rbind", "noexce"})) ==
          "mounts[1] (/d): \"noexce\" is no option of a bind mount");
    CHECK(error_of(mount("/d", "proc", "proc", {"tmpcopyup"})) ==
          "mounts[1] (/d): tmpcopyup needs a tmpfs");
}

TEST_CASE("M-11: what may stand on /proc and below it") {
    CHECK(error_of(mount("/proc", "proc", "proc")).empty());
    CHECK(error_of(mount("/proc", "tmpfs", "tmpfs")) ==
          "mounts[1] (/proc): only a proc filesystem may be mounted on /proc");
    for (const char* allowed :
         {"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
          "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid",
          "/proc/sys/crypto/fips_enabled", "/x/../proc//uptime"}) {
        CAPTURE(allowed);
        CHECK(error_of(mount(allowed, "bind", "/x", {"bind"})).empty());
    }
    for (const char* refused : {"/proc/self", "/proc/sys", "/proc/sys/kernel", "/proc/1/attr",
                                "/proc/uptime2", "/a/../proc/sysrq-trigger"}) {
        CAPTURE(refused);
        CHECK(error_of(mount(refused, "bind", "/x", {"bind"})) ==
              "mounts[1] (" + std::string(refused) + "): a mount inside /proc is not allowed here");
    }
    CHECK(error_of(mount("/procfs", "tmpfs", "tmpfs")).empty());
}

TEST_CASE("R-02: a read-only tmpfs or /dev turns read-only last") {
    const MountPlan tmpfs = plan_one(mount("/run", "tmpfs", "tmpfs", {"ro", "nosuid"}));
    CHECK(tmpfs.readonly_later == sys::Recursion::this_mount);
    CHECK(tmpfs.options.attributes.set == MOUNT_ATTR_NOSUID);
    CHECK(tmpfs.options.superblock == 0);
    const MountPlan dev = plan_one(mount("/dev", "bind", "/dev", {"rbind", "rro"}));
    CHECK(dev.readonly_later == sys::Recursion::whole_tree);
    const MountPlan sysfs = plan_one(mount("/sys", "sysfs", "sysfs", {"ro"}));
    CHECK_FALSE(sysfs.readonly_later);
    CHECK(sysfs.options.attributes.set == MOUNT_ATTR_RDONLY);
}

TEST_CASE("M-02: a read-only bind waits for the places of later mounts below it") {
    oci::Spec spec;
    spec.mounts = {mount("/run/secrets", "bind", "/run/1f/userdata/a", {"bind", "ro"}),
                   mount("/run/secrets2", "bind", "/run/1f/userdata/b", {"bind", "ro"}),
                   mount("/deep", "bind", "/lib/1f/userdata/c", {"rbind", "rro"}),
                   mount("/deep/file", "bind", "/d", {"bind"}),
                   mount("/run/secrets/word", "bind", "/e", {"bind", "ro"}),
                   mount("/host", "bind", "/lib/1f/userdata/../host", {"bind", "ro"}),
                   mount("/host/word", "bind", "/e", {"bind", "ro"})};
    const auto plans = plan_mounts(spec, "/lib/1f/userdata", "/lib/1f/userdata/rootfs");
    REQUIRE(plans);
    CHECK(plans->at(0).readonly_later == sys::Recursion::this_mount);
    CHECK(plans->at(0).options.attributes.set == 0);
    for (const std::size_t other : {1U, 2U, 4U, 5U}) {
        CAPTURE(other);
        CHECK_FALSE(plans->at(other).readonly_later);
    }
    CHECK(plans->at(1).options.attributes.set == MOUNT_ATTR_RDONLY);
}

TEST_CASE("M-05: the mounts of real engines are all understood") {
    int seen = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(BRIG_TEST_DATA) + "/configs")) {
        if (entry.path().extension() != ".json") {
            continue;
        }
        CAPTURE(entry.path().string());
        std::ifstream file(entry.path());
        const auto spec = oci::parse_spec(std::string(std::istreambuf_iterator<char>(file), {}));
        REQUIRE(spec);
        const auto plans = plan_mounts(*spec, "/bundle", "/bundle/rootfs");
        REQUIRE(plans);
        CHECK(plans->size() == spec->mounts.size());
        CHECK(plan_devices(*spec));
        for (const MountPlan& planned : *plans) {
            // What goes to a kernel filesystem as data is known to it: nothing fell through.
            for (const DataOption& option : planned.options.data) {
                CAPTURE(planned.config_path, option.key);
                CHECK((planned.type == "tmpfs" || planned.type == "devpts"));
            }
        }
        ++seen;
    }
    CHECK(seen > 40);
}

TEST_CASE("RF-01: what bind sources inherit from rootfsPropagation") {
    oci::Spec spec;
    CHECK(source_propagation(spec) == MS_SLAVE);
    spec.linux.rootfs_propagation = oci::Propagation::shared;
    CHECK(source_propagation(spec) == 0);
    spec.linux.rootfs_propagation = oci::Propagation::rslave;
    CHECK(source_propagation(spec) == MS_SLAVE);
    spec.linux.rootfs_propagation = oci::Propagation::private_;
    CHECK(source_propagation(spec) == MS_PRIVATE);
}

std::vector<std::string> paths(const std::vector<DevicePlan>& plans) {
    std::vector<std::string> result;
    for (const DevicePlan& device : plans) {
        result.push_back(device.path);
    }
    return result;
}

oci::Device device(std::string path, oci::DeviceType type, std::int64_t major, std::int64_t minor) {
    oci::Device entry;
    entry.path = std::move(path);
    entry.type = type;
    entry.major = major;
    entry.minor = minor;
    return entry;
}

TEST_CASE("E-01: the default devices") {
    const auto plans = plan_devices({});
    REQUIRE(plans);
    CHECK(paths(*plans) == std::vector<std::string>{"dev/null", "dev/zero", "dev/full",
                                                    "dev/random", "dev/urandom", "dev/tty"});
    CHECK(plans->at(0).number == makedev(1, 3));
    CHECK(plans->at(5).number == makedev(5, 0));
    CHECK(std::ranges::all_of(*plans, [](const DevicePlan& plan) {
        return plan.mode == 0666 && plan.uid == 0 && plan.gid == 0 && plan.type == S_IFCHR;
    }));
}

TEST_CASE("D-04: a device of the config wins over the default one of its name") {
    oci::Spec spec;
    spec.linux.devices = {device("/dev/null", oci::DeviceType::character, 1, 3)};
    spec.linux.devices[0].file_mode = 0600;
    spec.linux.devices[0].uid = 7;
    const auto plans = plan_devices(spec);
    REQUIRE(plans);
    CHECK(plans->size() == 6);
    CHECK(plans->at(0).path == "dev/null");
    CHECK(plans->at(0).mode == 0600);
    CHECK(plans->at(0).uid == 7);
}

TEST_CASE("D-03, T-12: devices that cannot be are named") {
    const auto error = [](const oci::Device& entry) {
        oci::Spec spec;
        spec.linux.devices = {entry};
        const auto plans = plan_devices(spec);
        return plans ? "" : plans.error().config_path;
    };
    CHECK(error(device("/dev/x", oci::DeviceType::character, -5, 3)) ==
          "linux.devices[0] (/dev/x)");
    CHECK(error(device("/dev/x", oci::DeviceType::block, 1 << 12, 3)) ==
          "linux.devices[0] (/dev/x)");
    oci::Device without = device("/dev/x", oci::DeviceType::block, 8, 0);
    without.minor.reset();
    CHECK(error(without) == "linux.devices[0] (/dev/x)");
    without.type = oci::DeviceType::fifo;
    CHECK(error(without).empty());
    CHECK(error(device("/..", oci::DeviceType::character, 1, 3)) == "linux.devices[0] (/..)");
}

TEST_CASE("E-01: with /dev bound by the engine nothing below it is made") {
    oci::Spec spec;
    spec.mounts = {mount("/dev/", "bind", "/dev", {"rbind"})};
    spec.linux.devices = {device("/dev/x", oci::DeviceType::character, 1, 3),
                          device("/srv/y", oci::DeviceType::character, 1, 3)};
    CHECK(dev_is_bound(spec));
    const auto plans = plan_devices(spec);
    REQUIRE(plans);
    CHECK(paths(*plans) == std::vector<std::string>{"srv/y"});
    spec.mounts = {mount("/dev", "tmpfs", "tmpfs")};
    CHECK_FALSE(dev_is_bound(spec));
}

}  // namespace
}  // namespace libcontainer
