// SPDX-License-Identifier: Apache-2.0
// linux.mountLabel on its way to the kernel. One without SELinux says what it was asked for.
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "libcontainer/rootfs/mount_label.h"
#include "tests/unit/rootfs/sandbox.h"

namespace {

using sandbox::Bundle;
using sandbox::mount;

constexpr const char* kLabel = "system_u:object_r:container_file_t:s0:c1,c2";

bool has_selinux() {
    return ::access("/sys/fs/selinux", F_OK) == 0;
}

oci::Spec labelled() {
    oci::Spec spec = sandbox::spec();
    spec.linux.mount_label = kLabel;
    return spec;
}

TEST_CASE("RF-04 M-12: the root of a filesystem gets the label as an attribute") {
    CHECK(sandbox::in_namespace([] {
              auto context = sys::FilesystemContext::open("tmpfs");
              const auto made = context->mount(0);
              if (const auto done = libcontainer::label_root(made->get(), kLabel); !done) {
                  return done.error().text();
              }
              std::string value(256, '\0');
              const std::string root = "/proc/self/fd/" + std::to_string(made->get());
              const ssize_t size =
                  ::getxattr(root.c_str(), "security.selinux", value.data(), value.size());
              return value.substr(0, size < 1 ? 0 : static_cast<std::size_t>(size) - 1);
          }) == kLabel);
}

TEST_CASE("RF-04 M-12: every filesystem is asked for the context, proc and sysfs are not") {
    if (has_selinux()) {
        return;  // shown by the containers of integration/labels.t
    }
    const Bundle bundle;
    for (const char* type : {"tmpfs", "devpts"}) {
        oci::Spec spec = labelled();
        spec.mounts = {mount("/place", type, type)};
        CAPTURE(type);
        CHECK_THAT(sandbox::build_in_namespace(spec, bundle), Catch::Contains("context"));
    }
    oci::Spec spec = labelled();
    spec.mounts = {mount("/place", "mqueue", "mqueue")};
    CHECK_THAT(sandbox::build_in_namespace(spec, bundle), Catch::Contains("security.selinux"));
    spec.mounts = {mount("/proc", "proc", "proc"), mount("/sys", "sysfs", "sysfs"),
                   mount("/etc", "bind", bundle.path("outside"), {"bind"})};
    CHECK(sandbox::build_in_namespace(spec, bundle) == "ok");
}

TEST_CASE("RF-04: the tmpfs of masks is asked for the context, too") {
    if (has_selinux()) {
        return;
    }
    const Bundle bundle;
    bundle.directory("rootfs/secret");
    oci::Spec spec = labelled();
    spec.linux.masked_paths = {"/secret"};
    CHECK_THAT(sandbox::build_in_namespace(spec, bundle,
                                           [](libcontainer::Rootfs& rootfs) {
                                               return sandbox::text_of(
                                                   libcontainer::apply_masked_paths(rootfs));
                                           }),
               Catch::Contains("context"));
}

}  // namespace
