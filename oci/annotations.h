// SPDX-License-Identifier: Apache-2.0
// The annotations that brig gives an effect to. All others are only kept and reported.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace oci {

// "1": the program keeps its caller's supplementary groups (P-21).
inline constexpr std::string_view kKeepOriginalGroups = "run.oci.keep_original_groups";

// "context", "fscontext", "defcontext" or "rootcontext": the mount option that carries
// linux.mountLabel (M-12).
inline constexpr std::string_view kMountContextType = "run.oci.mount_context_type";

// The configuration file of CRIU for checkpoint and restore; empty: none.
inline constexpr std::string_view kCriuConfig = "org.criu.config";

// Files, as absolute paths, that the output of hooks is appended to.
inline constexpr std::string_view kHooksStdout = "run.oci.hooks.stdout";
inline constexpr std::string_view kHooksStderr = "run.oci.hooks.stderr";

// A socket that gets the pidfd of the container's process, as with --pidfd-socket.
inline constexpr std::string_view kPidfdReceiver = "run.oci.pidfd_receiver";

// The supervisor of a seccomp profile without listenerPath.
inline constexpr std::string_view kSeccompReceiver = "run.oci.seccomp.receiver";

// There at all: a name in the seccomp profile that is no system call is an error.
inline constexpr std::string_view kSeccompFailUnknown = "run.oci.seccomp_fail_unknown_syscall";

// BPF in base64 that is loaded instead of linux.seccomp.
inline constexpr std::string_view kSeccompBpfData = "run.oci.seccomp_bpf_data";

// In front of the name of a property, for the unit that the systemd cgroup driver makes.
inline constexpr std::string_view kSystemdProperty = "org.systemd.property.";
// Of those properties the ones that engines set for everybody: they are about the unit's own end
// and order.
inline constexpr std::string_view kHarmlessProperties[] = {
    "After",      "Before",          "CollectMode",    "DefaultDependencies", "Description",
    "KillSignal", "TimeoutStopUSec", "TimeoutStopSec", "SendSIGKILL"};

// A cgroup below that of the unit which the systemd cgroup driver makes: the container's own.
// Empty: none.
inline constexpr std::string_view kSystemdSubgroup = "run.oci.systemd.subgroup";
// A cgroup below that one, for the container's processes to rule.
inline constexpr std::string_view kDelegateCgroup = "run.oci.delegate-cgroup";

// Listed in the features document: each may weaken a container's isolation.
inline constexpr std::string_view kUnsafeAnnotations[] = {
    kKeepOriginalGroups, kMountContextType, kCriuConfig,     kHooksStdout,    kHooksStderr,
    kPidfdReceiver,      kSeccompReceiver,  kSeccompBpfData, kSystemdProperty};

// Those that reach the host: files, sockets, a program that CRIU runs, a filter in the engine's
// place, all but the harmless properties of a unit (a name that ends with a dot is that of many).
// Engines hand on the annotations of people who may have no say over the host, such as a
// pod's author, so these have an effect only where brig's caller allows it.
inline constexpr std::string_view kGuardedAnnotations[] = {
    kCriuConfig,      kHooksStdout,    kHooksStderr,    kPidfdReceiver,
    kSeccompReceiver, kSeccompBpfData, kSystemdProperty};

// Null: there is none of that name.
inline const std::string* find_annotation(const std::map<std::string, std::string>& annotations,
                                          std::string_view name) {
    const auto found = annotations.find(std::string(name));
    return found == annotations.end() ? nullptr : &found->second;
}

// Where an annotation is in config.json, for errors.
inline std::string annotation_path(std::string_view name) {
    return "annotations[\"" + std::string(name) + "\"]";
}

}  // namespace oci
