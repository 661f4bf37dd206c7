// SPDX-License-Identifier: Apache-2.0
#include "oci/spec_edit.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "oci/capability_names.h"
#include "oci/default_spec.h"
#include "oci/validate.h"

using namespace oci;

namespace {

using Strings = std::vector<std::string>;

Process bare_process() {
    Process process;
    process.capabilities = Capabilities{.bounding = {"CAP_KILL"},
                                        .effective = {"CAP_KILL"},
                                        .inheritable = {"CAP_KILL"},
                                        .permitted = {"CAP_KILL"},
                                        .ambient = {"CAP_KILL"}};
    return process;
}

bool contains(const Strings& list, std::string_view text) {
    return std::ranges::find(list, text) != list.end();
}

}  // namespace

TEST_CASE("a capability has its name with and without CAP_, in any letter case", "[spec_edit]") {
    for (const char* name :
         {"CAP_NET_ADMIN", "NET_ADMIN", "net_admin", "cap_net_admin", "Net_Admin"}) {
        CAPTURE(name);
        CHECK(find_capability(name) == "CAP_NET_ADMIN");
    }
    for (const char* name : {"", "ALL", "CAP_", "NET", "CAP_CAP_KILL"}) {
        CAPTURE(name);
        CHECK_FALSE(find_capability(name));
    }
}

TEST_CASE("adding a capability fills three sets, once", "[spec_edit]") {
    Process process = bare_process();
    REQUIRE(add_capability(process, "net_admin"));
    REQUIRE(add_capability(process, "CAP_KILL"));
    const Strings both = {"CAP_KILL", "CAP_NET_ADMIN"};
    CHECK(process.capabilities->bounding == both);
    CHECK(process.capabilities->effective == both);
    CHECK(process.capabilities->permitted == both);
    CHECK(process.capabilities->inheritable == Strings{"CAP_KILL"});
    CHECK(process.capabilities->ambient == Strings{"CAP_KILL"});
    REQUIRE(add_capability(process, "all"));
    CHECK(process.capabilities->bounding.size() == kCapabilities.size());
}

TEST_CASE("dropping a capability empties it from all five sets", "[spec_edit]") {
    Process process = bare_process();
    REQUIRE(drop_capability(process, "kill"));
    CHECK(process.capabilities == Capabilities{});
    REQUIRE(add_capability(process, "ALL"));
    REQUIRE(drop_capability(process, "SYS_ADMIN"));
    CHECK(process.capabilities->effective.size() == kCapabilities.size() - 1);
    CHECK_FALSE(contains(process.capabilities->bounding, "CAP_SYS_ADMIN"));
    REQUIRE(drop_capability(process, "ALL"));
    CHECK(process.capabilities == Capabilities{});
}

TEST_CASE("an unknown capability is an error that names it", "[spec_edit]") {
    Process process = bare_process();
    const Edited edited = add_capability(process, "FLY");
    REQUIRE_FALSE(edited);
    CHECK(edited.error() == "unknown capability \"FLY\"");
    CHECK_FALSE(drop_capability(process, ""));
    CHECK(process == bare_process());
}

TEST_CASE("a user is UID or UID:GID", "[spec_edit]") {
    Process process;
    process.user.gid = 5;
    REQUIRE(set_user(process, "1000"));
    CHECK(process.user.uid == 1000);
    CHECK(process.user.gid == 5);
    REQUIRE(set_user(process, "0:4294967294"));
    CHECK(process.user.uid == 0);
    CHECK(process.user.gid == 4294967294);
    for (const char* bad : {"", ":", "1:", ":1", "root", "1:2:3", "-1", "4294967295", "1 "}) {
        CAPTURE(bad);
        CHECK_FALSE(set_user(process, bad));
    }
}

TEST_CASE("privileged is everything, and still a valid spec", "[spec_edit]") {
    Spec spec = default_spec();
    make_privileged(spec);
    CHECK(spec.process->capabilities->effective.size() == kCapabilities.size());
    CHECK_FALSE(spec.process->no_new_privileges);
    CHECK(spec.linux.masked_paths.empty());
    CHECK(spec.linux.readonly_paths.empty());
    CHECK_FALSE(spec.linux.seccomp);
    CHECK(spec.linux.resources.devices ==
          std::vector<DeviceRule>{{.allow = true, .access = "rwm"}});
    for (const Mount& mount : spec.mounts) {
        CAPTURE(mount.destination);
        CHECK_FALSE(contains(mount.options, "ro"));
    }
    CHECK(validate(spec).empty());
}

TEST_CASE("the default spec is the template all runtimes share", "[spec_edit]") {
    const Spec spec = default_spec();
    CHECK(spec.hostname == "brig");
    CHECK(spec.process->args == Strings{"sh"});
    CHECK(spec.process->capabilities->bounding ==
          Strings{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"});
    CHECK(spec.process->capabilities->inheritable.empty());
    CHECK(spec.process->no_new_privileges);
    CHECK(spec.root->readonly);
    CHECK(spec.mounts.size() == 7);
    CHECK(contains(spec.linux.masked_paths, "/proc/kcore"));
    CHECK(spec.linux.resources.devices ==
          std::vector<DeviceRule>{{.allow = false, .access = "rwm"}});
}

TEST_CASE("the rootless spec asks for nothing that needs privileges", "[spec_edit]") {
    const Spec spec = rootless_spec(1000, 1001);
    const auto has = [&](NamespaceType type) {
        return std::ranges::find(spec.linux.namespaces, type, &Namespace::type) !=
               spec.linux.namespaces.end();
    };
    CHECK(has(NamespaceType::user));
    CHECK_FALSE(has(NamespaceType::network));
    CHECK(spec.linux.uid_mappings == std::vector<IdMapping>{{0, 1000, 1}});
    CHECK(spec.linux.gid_mappings == std::vector<IdMapping>{{0, 1001, 1}});
    CHECK(spec.linux.resources == Resources{});
    for (const Mount& mount : spec.mounts) {
        CHECK_FALSE(contains(mount.options, "gid=5"));
        if (mount.destination == "/sys") {
            CHECK(mount.source == "/sys");
            CHECK(contains(mount.options, "rbind"));
        }
    }
}
