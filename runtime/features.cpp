// SPDX-License-Identifier: Apache-2.0
// brig features: what this runtime can do, whatever host it is on.
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/rootfs/mount_options.h"
#include "oci/make_features.h"
#include "oci/parse.h"
#include "runtime/verbs.h"
#include "runtime/version.h"

namespace runtime {

namespace {

std::string libseccomp_version() {
    const scmp_version* version = seccomp_version();
    return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->micro);
}

// Flags that this kernel takes: a null program is a fault, but only after they were accepted.
std::vector<oci::SeccompFlag> usable_seccomp_flags() {
    std::vector<oci::SeccompFlag> usable;
    for (const auto& flag : oci::names_of<oci::SeccompFlag>()) {
        auto bit = static_cast<unsigned>(flag.value);
        if (flag.value == oci::SeccompFlag::wait_killable_recv) {
            bit |= SECCOMP_FILTER_FLAG_NEW_LISTENER;  // taken with a listener only
        }
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, bit, nullptr) != 0 && errno == EFAULT) {
            usable.push_back(flag.value);
        }
    }
    return usable;
}

oci::FeatureSources feature_sources() {
    oci::FeatureSources sources;
    for (const std::string_view option : libcontainer::mount_option_names()) {
        sources.mount_options.emplace_back(option);
    }
    sources.usable_seccomp_flags = usable_seccomp_flags();
    // The keys that runc publishes and engines' tools look up.
    sources.annotations = {{"org.opencontainers.runc.checkpoint.enabled", "true"},
                           {"io.github.seccomp.libseccomp.version", libseccomp_version()},
                           {"brig.version", std::string(brig_version())},
                           {"brig.commit", std::string(brig_commit())}};
    return sources;
}

}  // namespace

Result<int> run_features(const Context& /*context*/, const Line& /*line*/) {
    return print(oci::write_features(oci::make_features(feature_sources())));
}

}  // namespace runtime
