// SPDX-License-Identifier: Apache-2.0
// config.json bound to JSON: one line per field. A new field is a member of the struct and a line
// here; reading, writing, error paths and the generated tests follow.
#pragma once

#include "oci/binding.h"
#include "oci/bindings_linux.h"
#include "oci/spec.h"

namespace oci {

template <>
inline constexpr Field kFields<Root>[] = {
    field<&Root::path>("path"),
    field<&Root::readonly>("readonly"),
};

template <>
inline constexpr Field kFields<Mount>[] = {
    field<&Mount::destination>("destination"),
    field<&Mount::type>("type"),
    field<&Mount::source>("source"),
    field<&Mount::options>("options"),
    field<&Mount::uid_mappings>("uidMappings"),
    field<&Mount::gid_mappings>("gidMappings"),
};

template <>
inline constexpr Field kFields<ConsoleSize>[] = {
    field<&ConsoleSize::height>("height"),
    field<&ConsoleSize::width>("width"),
};

template <>
inline constexpr Field kFields<User>[] = {
    field<&User::uid>("uid"),
    field<&User::gid>("gid"),
    field<&User::umask>("umask"),
    field<&User::additional_gids>("additionalGids"),
};

template <>
inline constexpr Field kFields<Capabilities>[] = {
    field<&Capabilities::bounding>("bounding"),       field<&Capabilities::effective>("effective"),
    field<&Capabilities::inheritable>("inheritable"), field<&Capabilities::permitted>("permitted"),
    field<&Capabilities::ambient>("ambient"),
};

template <>
inline constexpr Field kFields<Rlimit>[] = {
    field<&Rlimit::type>("type"),
    field<&Rlimit::hard>("hard"),
    field<&Rlimit::soft>("soft"),
};

template <>
inline constexpr Field kFields<Scheduler>[] = {
    field<&Scheduler::policy>("policy"),     field<&Scheduler::nice>("nice"),
    field<&Scheduler::priority>("priority"), field<&Scheduler::flags>("flags"),
    field<&Scheduler::runtime>("runtime"),   field<&Scheduler::deadline>("deadline"),
    field<&Scheduler::period>("period"),
};

template <>
inline constexpr Field kFields<IoPriority>[] = {
    field<&IoPriority::class_>("class"),
    field<&IoPriority::priority>("priority"),
};

template <>
inline constexpr Field kFields<ExecCpuAffinity>[] = {
    field<&ExecCpuAffinity::initial>("initial"),
    field<&ExecCpuAffinity::final_>("final"),
};

template <>
inline constexpr Field kFields<Process>[] = {
    field<&Process::terminal>("terminal"),
    field<&Process::console_size>("consoleSize"),
    always<&Process::user>("user"),
    field<&Process::args>("args"),
    field<&Process::env>("env"),
    field<&Process::cwd>("cwd"),
    field<&Process::capabilities>("capabilities"),
    field<&Process::rlimits>("rlimits"),
    field<&Process::no_new_privileges>("noNewPrivileges"),
    field<&Process::apparmor_profile>("apparmorProfile"),
    field<&Process::oom_score_adj>("oomScoreAdj"),
    field<&Process::scheduler>("scheduler"),
    field<&Process::selinux_label>("selinuxLabel"),
    field<&Process::io_priority>("ioPriority"),
    field<&Process::exec_cpu_affinity>("execCPUAffinity"),
};

template <>
inline constexpr Field kFields<Hook>[] = {
    field<&Hook::path>("path"),
    field<&Hook::args>("args"),
    field<&Hook::env>("env"),
    field<&Hook::timeout>("timeout"),
};

template <>
inline constexpr Field kFields<Hooks>[] = {
    field<&Hooks::prestart>("prestart"),
    field<&Hooks::create_runtime>("createRuntime"),
    field<&Hooks::create_container>("createContainer"),
    field<&Hooks::start_container>("startContainer"),
    field<&Hooks::poststart>("poststart"),
    field<&Hooks::poststop>("poststop"),
};

template <>
inline constexpr Field kFields<Spec>[] = {
    field<&Spec::oci_version>("ociVersion"),
    field<&Spec::process>("process"),
    field<&Spec::root>("root"),
    field<&Spec::hostname>("hostname"),
    field<&Spec::domainname>("domainname"),
    field<&Spec::mounts>("mounts"),
    field<&Spec::hooks>("hooks"),
    field<&Spec::annotations>("annotations"),
    field<&Spec::linux>("linux"),
};

}  // namespace oci
