// SPDX-License-Identifier: Apache-2.0
// linux.mountLabel as options of new filesystems.
#include "libcontainer/rootfs/mount_label.h"

#include <catch2/catch.hpp>

using namespace libcontainer;

namespace {

constexpr const char* kLabel = "system_u:object_r:container_file_t:s0:c1,c2";

oci::Mount mount(const std::string& type, std::vector<std::string> options = {}) {
    oci::Mount entry;
    entry.destination = "/" + type;
    entry.type = type;
    entry.source = type == "bind" ? "/srv" : type;
    entry.options = std::move(options);
    return entry;
}

oci::Spec spec_of(std::vector<oci::Mount> mounts) {
    oci::Spec spec;
    spec.linux.mount_label = kLabel;
    spec.mounts = std::move(mounts);
    return spec;
}

std::vector<MountPlan> labelled(const oci::Spec& spec) {
    auto plans = plan_mounts(spec, "/bundle", "/bundle/rootfs");
    REQUIRE(plans);
    REQUIRE(label_mounts(*plans, spec));
    return *std::move(plans);
}

const DataOption kContext = {"context", kLabel};

}  // namespace

TEST_CASE("M-12 RF-04 what is the container's own gets the context", "[mount_label]") {
    for (const char* type : {"tmpfs", "devpts", "overlay", "ext4"}) {
        CAPTURE(type);
        const auto plans = labelled(spec_of({mount(type)}));
        CHECK(plans[0].options.data == std::vector<DataOption>{kContext});
        CHECK(plans[0].root_label.empty());
    }
    const auto plans = labelled(spec_of({mount("tmpfs", {"size=64k", "nosuid"})}));
    CHECK(plans[0].options.data == std::vector<DataOption>{{"size", "64k"}, kContext});
}

TEST_CASE("M-12 proc, sysfs, cgroups and binds get none", "[mount_label]") {
    oci::Mount again = mount("tmpfs", {"remount", "size=1m"});
    for (const oci::Mount& entry : {mount("proc"), mount("sysfs"), mount("cgroup"),
                                    mount("cgroup2"), mount("bind", {"rbind"})}) {
        CAPTURE(*entry.type);
        const auto plans = labelled(spec_of({entry}));
        CHECK(plans[0].options.data.empty());
        CHECK(plans[0].root_label.empty());
    }
    CHECK(labelled(spec_of({again}))[0].options.data == std::vector<DataOption>{{"size", "1m"}});
}

TEST_CASE("M-12 mqueue has no such option: its root is labelled", "[mount_label]") {
    const auto plans = labelled(spec_of({mount("mqueue")}));
    CHECK(plans[0].options.data.empty());
    CHECK(plans[0].root_label == kLabel);
}

TEST_CASE("M-12 an entry's own context is kept", "[mount_label]") {
    for (const char* option : {"context=a:b:c:s0", "rootcontext=a:b:c:s0"}) {
        const auto plans = labelled(spec_of({mount("tmpfs", {option})}));
        REQUIRE(plans[0].options.data.size() == 1);
        CHECK(plans[0].options.data[0].value == "a:b:c:s0");
    }
}

TEST_CASE("M-12 the annotation names the option", "[mount_label]") {
    oci::Spec spec = spec_of({mount("tmpfs")});
    for (const char* option : {"context", "fscontext", "defcontext", "rootcontext"}) {
        spec.annotations["run.oci.mount_context_type"] = option;
        CHECK(labelled(spec)[0].options.data == std::vector<DataOption>{{option, kLabel}});
    }
    for (const char* wrong : {"", "seclabel", "context "}) {
        spec.annotations["run.oci.mount_context_type"] = wrong;
        auto plans = plan_mounts(spec, "/bundle", "/bundle/rootfs");
        const auto done = label_mounts(*plans, spec);
        REQUIRE_FALSE(done);
        CHECK(done.error().config_path == "annotations[\"run.oci.mount_context_type\"]");
    }
    spec.linux.mount_label.reset();  // nothing to label: the annotation is not looked at
    auto plans = plan_mounts(spec, "/bundle", "/bundle/rootfs");
    CHECK(label_mounts(*plans, spec));
}

TEST_CASE("RF-04 no label, no option", "[mount_label]") {
    oci::Spec spec = spec_of({mount("tmpfs"), mount("mqueue")});
    for (const auto& label : {std::optional<std::string>(), std::optional<std::string>("")}) {
        spec.linux.mount_label = label;
        for (const MountPlan& plan : labelled(spec)) {
            CHECK(plan.options.data.empty());
            CHECK(plan.root_label.empty());
        }
    }
}
