// SPDX-License-Identifier: Apache-2.0
#include "runtime/global_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>

#include "oci/annotations.h"

namespace runtime {

namespace {

using libcontainer::CgroupDriver;

constexpr std::string_view kDefaultRoot = "/run/brig";

sys::Error bad_choice(const std::string& value, std::string_view choices) {
    return {sys::ErrorKind::invalid,
            0,
            {},
            "unknown value \"" + value + "\" (want " + std::string(choices) + ")"};
}

Result<void> apply_log(GlobalSettings& settings, const std::string& value) {
    settings.log.target = TRY(parse_log_target(value));
    return {};
}

Result<void> apply_log_format(GlobalSettings& settings, const std::string& value) {
    if (value == "json") {
        settings.log.format = LogFormat::json;
    } else if (value == "text" || value.empty()) {
        settings.log.format = LogFormat::text;
    } else {
        return std::unexpected(bad_choice(value, "text or json"));
    }
    return {};
}

Result<void> apply_log_level(GlobalSettings& settings, const std::string& value) {
    if (value == "error") {
        settings.log.level = LogLevel::error;
    } else if (value == "warning" || value == "warn") {
        settings.log.level = LogLevel::warning;
    } else if (value == "info") {
        settings.log.level = LogLevel::info;
    } else if (value == "debug") {
        settings.log.level = LogLevel::debug;
    } else {
        return std::unexpected(bad_choice(value, "error, warning, info or debug"));
    }
    return {};
}

Result<void> apply_debug(GlobalSettings& settings, const std::string& value) {
    bool debug = false;
    TRY_VOID(assign(debug, value));
    settings.log.level = debug ? LogLevel::debug : LogLevel::error;
    return {};
}

Result<void> apply_systemd_cgroup(GlobalSettings& settings, const std::string& value) {
    bool systemd = false;
    TRY_VOID(assign(systemd, value));
    settings.cgroup_driver = systemd ? CgroupDriver::systemd : CgroupDriver::cgroupfs;
    return {};
}

Result<void> apply_cgroup_manager(GlobalSettings& settings, const std::string& value) {
    if (value == "cgroupfs") {
        settings.cgroup_driver = CgroupDriver::cgroupfs;
    } else if (value == "systemd") {
        settings.cgroup_driver = CgroupDriver::systemd;
    } else if (value == "disabled") {
        settings.cgroup_driver = CgroupDriver::disabled;
    } else {
        return std::unexpected(bad_choice(value, "cgroupfs, systemd or disabled"));
    }
    return {};
}

// Names of annotations that reach the host, separated by commas, or `all` of them.
Result<void> apply_allow_annotations(GlobalSettings& settings, const std::string& value) {
    settings.allowed_annotations.clear();
    if (value == "all") {
        settings.allowed_annotations.assign(std::begin(oci::kGuardedAnnotations),
                                            std::end(oci::kGuardedAnnotations));
        return {};
    }
    std::string_view rest = value;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find(','));
        if (std::ranges::find(oci::kGuardedAnnotations, name) ==
            std::end(oci::kGuardedAnnotations)) {
            return std::unexpected(
                bad_choice(std::string(name), "all, or names that need it, see brig(1)"));
        }
        settings.allowed_annotations.emplace_back(name);
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    return {};
}

// brig finds out by itself what it may do, so the value only has to be a legal one.
Result<void> check_rootless(GlobalSettings& /*settings*/, const std::string& value) {
    bool rootless = false;
    if (value != "auto" && !assign(rootless, value)) {
        return std::unexpected(bad_choice(value, "true, false or auto"));
    }
    return {};
}

constexpr std::array kOptions = {
    Option<GlobalSettings>{{"root", 0, "DIR", "folder that holds the containers' state"},
                           store_path<&GlobalSettings::root>},
    Option<GlobalSettings>{
        {"log", 0, "FILE", "append log entries to FILE (or file:PATH, syslog:NAME, journald:NAME)"},
        apply_log},
    Option<GlobalSettings>{{"log-format", 0, "text|json", "form of the log entries"},
                           apply_log_format},
    Option<GlobalSettings>{
        {"log-level", 0, "error|warning|info|debug", "least important entry that is logged"},
        apply_log_level},
    Option<GlobalSettings>{{"debug", 0, nullptr, "same as --log-level debug"}, apply_debug},
    Option<GlobalSettings>{{"systemd-cgroup", 0, nullptr, "same as --cgroup-manager systemd"},
                           apply_systemd_cgroup},
    Option<GlobalSettings>{{"cgroup-manager", 0, "cgroupfs|systemd|disabled",
                            "what makes the cgroups of new containers"},
                           apply_cgroup_manager},
    Option<GlobalSettings>{
        {"allow-annotations", 0, "NAME[,NAME]...|all", "annotations that may reach the host"},
        apply_allow_annotations},
    Option<GlobalSettings>{{"rootless", 0, "true|false|auto", "accepted for engines, not needed"},
                           check_rootless},
    Option<GlobalSettings>{{"criu", 0, "FILE", "program that checkpoint and restore use"},
                           store_path<&GlobalSettings::criu>},
    Option<GlobalSettings>{{"version", 'v', nullptr, "show version and features of this build"},
                           store<&GlobalSettings::version>},
};

// The inode of the initial user namespace is a constant of the kernel (PROC_USER_INIT_INO).
bool in_initial_user_namespace() {
    constexpr ino_t kInitialUserNamespace = 0xEFFFFFFDU;
    struct stat status {};
    return stat("/proc/self/ns/user", &status) == 0 && status.st_ino == kInitialUserNamespace;
}

Result<void> refuse_slash(const std::string& root) {
    struct stat given {};
    struct stat slash {};
    if (stat(root.c_str(), &given) == 0 && stat("/", &slash) == 0 && given.st_dev == slash.st_dev &&
        given.st_ino == slash.st_ino) {
        return sys::fail(sys::ErrorKind::invalid, "--root: \"" + root + "\" is the host's root");
    }
    return {};
}

// somebody else's folder is no place for state that is acted on as root of a namespace.
Result<void> check_owner(const std::string& runtime_directory) {
    struct stat status {};
    const std::string what = sys::call("XDG_RUNTIME_DIR", runtime_directory);
    if (stat(runtime_directory.c_str(), &status) != 0) {
        return sys::fail_errno(what);
    }
    if (status.st_uid != geteuid()) {
        return sys::fail(sys::ErrorKind::invalid, what + ": belongs to another user");
    }
    return {};
}

}  // namespace

std::span<const Option<GlobalSettings>> global_options() {
    return kOptions;
}

Result<GlobalSettings> parse_globals(const Line& line) {
    GlobalSettings settings;
    TRY_VOID(line.apply(global_options(), settings));
    return settings;
}

Result<std::string> resolve_root(const std::string& given) {
    if (!given.empty()) {
        TRY_VOID(refuse_slash(given));
        return given;
    }
    const char* runtime_directory = getenv("XDG_RUNTIME_DIR");
    if (runtime_directory == nullptr || *runtime_directory == '\0' ||
        (geteuid() == 0 && in_initial_user_namespace())) {
        return std::string(kDefaultRoot);
    }
    if (*runtime_directory != '/') {
        return sys::fail(sys::ErrorKind::invalid,
                         sys::call("XDG_RUNTIME_DIR", runtime_directory) + ": not absolute");
    }
    TRY_VOID(check_owner(runtime_directory));
    return std::string(runtime_directory) + "/brig";
}

}  // namespace runtime
