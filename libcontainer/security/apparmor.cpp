// SPDX-License-Identifier: Apache-2.0
// process.apparmorProfile.
#include "libcontainer/security/apparmor.h"

#include <fcntl.h>

#include <cerrno>

#include "libcontainer/security/thread_attribute.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr const char* kPlace = "process.apparmorProfile";
constexpr const char* kOwnFile = "apparmor/exec";
constexpr const char* kSharedFile = "exec";

bool is_enabled() {
    const auto answer = sys::read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled");
    return answer && answer->starts_with('Y');
}

}  // namespace

Result<bool> plan_apparmor(const std::optional<std::string>& profile) {
    if (!profile || profile->empty()) {
        return false;
    }
    if (is_enabled()) {
        return true;
    }
    if (*profile == "unconfined") {
        return false;
    }
    return std::unexpected(sys::Error{sys::ErrorKind::unsupported, 0, kPlace,
                                      "apparmor: cannot write \"exec " + *profile + "\" to " +
                                          quoted_attribute(kOwnFile) +
                                          ": config provided but apparmor not supported (AppArmor "
                                          "is not enabled in the kernel)"});
}

Result<ApparmorFile> open_apparmor(int proc) {
    ApparmorFile attribute{{}, kOwnFile};
    auto file = open_thread_attribute(proc, attribute.name);
    if (!file && file.error().code == ENOENT) {
        attribute.name = kSharedFile;
        file = open_thread_attribute(proc, attribute.name);
    }
    if (!file) {
        return std::unexpected(std::move(file).error().at(kPlace));
    }
    attribute.file = *std::move(file);
    return attribute;
}

Result<void> apply_apparmor(const ApparmorFile& attribute, const std::string& profile) {
    auto written = write_thread_attribute(attribute.file.get(), attribute.name, "exec " + profile);
    if (!written) {
        const bool is_missing = written.error().code == ENOENT;
        return std::unexpected(
            std::move(written)
                .error()
                .wrap("apparmor profile \"" + profile + (is_missing ? "\" is not loaded" : "\""))
                .at(kPlace));
    }
    return {};
}

}  // namespace libcontainer
