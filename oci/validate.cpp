// SPDX-License-Identifier: Apache-2.0
// The lists of checks and their runner.
#include "oci/validate.h"

#include <algorithm>
#include <array>

#include "oci/validate_checks.h"

namespace oci {
namespace {

constexpr Check<Spec> kSpecChecks[] = {
    {"oci version", check::oci_version},
    {"root", check::root},
    {"host names", check::host_names},
    {"mounts", check::mounts},
    {"id maps of mounts", check::mount_id_maps},
    {"hooks", check::hooks},
    {"hooks of a deadline process", check::deadline_hooks},
    {"annotations", check::annotations},
    {"namespaces", check::namespaces},
    {"id mappings", check::id_mappings},
    {"time offsets", check::time_offsets},
    {"devices", check::devices},
    {"net devices", check::net_devices},
    {"cgroups path", check::cgroups_path},
    {"masked and read-only paths", check::hidden_paths},
    {"intel rdt", check::intel_rdt},
    {"memory policy", check::memory_policy},
    {"personality", check::personality},
    {"lone swap limit", check::lone_swap_limit},
    {"sysctl", check::sysctl},
    {"seccomp default", check::seccomp_default},
    {"seccomp listener", check::seccomp_listener},
    {"seccomp syscalls", check::seccomp_syscalls},
};

constexpr Check<Process> kProcessChecks[] = {
    {"cwd", check::cwd},
    {"console size", check::console_size},
    {"args", check::args},
    {"user", check::user},
    {"capabilities", check::capabilities},
    {"rlimits", check::rlimits},
    {"oom score", check::oom_score_adj},
    {"scheduler", check::scheduler},
    {"io priority", check::io_priority},
    {"cpu affinity of exec", check::exec_cpu_affinity},
};

constexpr Check<Resources> kResourceChecks[] = {
    {"device rules", check::device_rules},
    {"memory", check::memory},
    {"cpu", check::cpu},
    {"block io", check::block_io},
    {"hugepages", check::hugepages},
    {"network", check::network},
    {"rdma", check::rdma},
    {"unified", check::unified},
};

template <typename T, std::size_t n>
std::vector<Problem> run(const Check<T> (&checks)[n], const T& value, std::string_view base) {
    Problems problems(base);
    for (const Check<T>& one : checks) {
        one.run(value, problems);
    }
    return std::move(problems).take();
}

// The part of a config that checks look at as one: "hooks", "process.user", "linux.resources.cpu".
std::string_view section_of(std::string_view path) {
    const int depth = path.starts_with("linux.resources.")                         ? 3
                      : path.starts_with("linux.") || path.starts_with("process.") ? 2
                                                                                   : 1;
    std::size_t end = 0;
    for (int step = 0; step < depth && end < path.size(); ++step) {
        end = std::min(path.find_first_of(".[", end + 1), path.size());
    }
    return path.substr(0, end);
}

// What else the checks read of a section that the mistake may have emptied.
bool may_follow(const Problem& problem, const ParseError& mistake) {
    const std::string_view section = section_of(mistake.path);
    const std::string_view place = section_of(problem.path);
    if (place.starts_with(section)) {
        return true;
    }
    const bool is_about_namespaces = section == "linux" || section == "linux.namespaces";
    return is_about_namespaces && !place.starts_with("process") && place != "hooks";
}

void append(std::vector<Problem>& all, std::vector<Problem> more) {
    std::ranges::move(more, std::back_inserter(all));
}

}  // namespace

std::vector<Problem> validate(const Spec& spec) {
    std::vector<Problem> all = run(kSpecChecks, spec, "");
    if (spec.process) {
        append(all, run(kProcessChecks, *spec.process, "process"));
    }
    append(all, run(kResourceChecks, spec.linux.resources, "linux.resources"));
    return all;
}

std::vector<Problem> validate_rest(const Spec& spec, const std::vector<ParseError>& mistakes) {
    std::vector<Problem> problems = validate(spec);
    std::erase_if(problems, [&](const Problem& problem) {
        return std::ranges::any_of(
            mistakes, [&](const ParseError& mistake) { return may_follow(problem, mistake); });
    });
    return problems;
}

std::vector<Problem> validate(const Process& process) {
    return run(kProcessChecks, process, "");
}

std::vector<Problem> validate(const Resources& resources) {
    return run(kResourceChecks, resources, "");
}

std::vector<Problem> validate(const IntelRdt& intel_rdt) {
    Spec spec;
    spec.linux.intel_rdt = intel_rdt;
    Problems problems("");
    check::intel_rdt(spec, problems);
    return std::move(problems).take();
}

void add_positions(std::vector<Problem>& problems, std::string_view json) {
    std::vector<std::string> paths;
    paths.reserve(problems.size());
    for (const Problem& problem : problems) {
        paths.push_back(problem.path);
    }
    const std::vector<Position> positions = locate(json, paths);
    for (std::size_t i = 0; i < problems.size(); ++i) {
        problems[i].position = positions[i];
    }
}

}  // namespace oci
