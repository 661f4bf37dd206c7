// SPDX-License-Identifier: Apache-2.0
// A unit's making, its changes and its end.
#include "libcontainer/cgroup/systemd/manager.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/systemd/annotations.h"
#include "libcontainer/cgroup/systemd/subgroups.h"
#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v2/directories.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "oci/annotations.h"

namespace libcontainer::systemd {
namespace {

constexpr std::chrono::milliseconds kLeftOverTime{5'000};
// Of the container's process before its own limit counts: its birth takes up to three, and the
// holder is one.
constexpr std::int64_t kTasksAtBirth = 4;
constexpr int kDecimal = 10;

// Whatever cgroupfs would count, so that systemd counts it, too.
constexpr std::string_view kAccounting[] = {"CPUAccounting", "IOAccounting", "MemoryAccounting",
                                            "TasksAccounting"};

std::vector<Property> plan_unit(const UnitPlace& place, const std::string& description) {
    std::vector<Property> properties = {{"Description", description}};
    if (is_slice(place.name)) {
        properties.push_back({"Wants", std::vector<std::string>{place.slice}});
    } else {
        properties.push_back({"Slice", place.slice});
        properties.push_back({"Delegate", true});
    }
    for (const std::string_view name : kAccounting) {
        properties.push_back({std::string(name), true});
    }
    // Else it would be stopped with the services at shutdown, under the engine's feet.
    properties.push_back({"DefaultDependencies", false});
    return properties;
}

// The description that annotations ask for, or brig's; not left among `asked`, as what tells the
// container's unit from others is added to it.
std::string describe(std::vector<Property>& asked, const std::string& id) {
    std::string description = "brig container " + id;
    std::erase_if(asked, [&description](const Property& property) {
        const auto* const text = std::get_if<std::string>(&property.value);
        if (property.name != "Description" || text == nullptr) {
            return false;
        }
        description = *text;
        return true;
    });
    return description;
}

// Names the annotation that systemd complains of.
Result<Bus::Outcome> explain(Result<Bus::Outcome> started,
                             const std::vector<Property>& properties) {
    if (started) {
        return started;
    }
    const std::string& text = started.error().message;
    for (const Property& property : properties) {
        const bool is_asked = text.find(" " + property.name) != std::string::npos;
        if (is_asked && property.origin == Origin::annotation) {
            return std::unexpected(std::move(started).error().at(
                oci::annotation_path(std::string(oci::kSystemdProperty) + property.name)));
        }
    }
    return started;
}

Result<std::string> find_mount_point() {
    const Hierarchies hierarchies = TRY(find_hierarchies());
    if (has_v1_controllers(hierarchies) || !hierarchies.v2) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "the controllers of this host are on cgroup v1, and this driver is for v2;"
                         " use --cgroup-manager cgroupfs");
    }
    return hierarchies.v2->mount_point;
}

bool is_alive(const std::string& active_state) {
    return active_state == "active" || active_state == "activating" || active_state == "reloading";
}

const char* interface_of(const std::string& unit) {
    return is_slice(unit) ? "Slice" : "Scope";
}

// What those properties are now, but for any that this systemd does not know.
Result<std::vector<Property>> read_properties(const Bus& bus, const std::string& unit,
                                              const std::vector<Property>& properties) {
    std::vector<Property> present;
    for (const Property& property : properties) {
        auto value = bus.read(unit, interface_of(unit), property.name.c_str(), property.value);
        if (value) {
            present.push_back({property.name, *std::move(value), property.origin});
        } else if (value.error().kind != sys::ErrorKind::unsupported) {
            return std::unexpected(std::move(value).error());
        }
    }
    return present;
}

Result<void> set_and_await(const Bus& bus, const std::string& unit,
                           std::vector<Property> properties) {
    TRY_VOID(bus.set_properties(unit, std::move(properties)));
    // systemd writes before it hears the next question, but after its answer to the last.
    TRY(bus.read(unit, "Unit", "ActiveState"));
    return {};
}

// An update may give one of the two alone; the property is of both.
Result<void> complete_bandwidth(oci::Resources& resources, const std::string& directory) {
    oci::Cpu& cpu = resources.cpu;
    if (cpu.quota.value_or(0) == 0 && cpu.period.value_or(0) == 0) {
        return {};
    }
    const std::string in_force = TRY(AttributeDirectory(directory).read("cpu.max"));
    const char* rest = in_force.c_str();
    char* end = nullptr;
    cpu.quota = in_force.starts_with("max") ? kUnlimited : std::strtoll(rest, &end, kDecimal);
    rest += std::min(in_force.find(' '), in_force.size());
    cpu.period = std::strtoull(rest, &end, kDecimal);
    return {};
}

}  // namespace

Manager::Manager(CgroupRecord plan, std::vector<Property> properties, Bus bus)
    : record_(std::move(plan)), bus_(std::move(bus)), properties_(std::move(properties)) {}

Manager::Manager(CgroupRecord record, ConfirmMark confirm)
    : record_(std::move(record)), confirm_(std::move(confirm)) {
    open_directory();
}

Result<std::unique_ptr<CgroupManager>> Manager::plan(
    const std::string& id, const std::string& folder,
    const std::optional<std::string>& cgroups_path,
    const std::map<std::string, std::string>& annotations) {
    Bus bus = TRY(Bus::find());
    TRY(find_mount_point());
    UnitPlace place = TRY(parse_unit_place(cgroups_path, id, bus.instance()));
    std::vector<Property> asked = TRY(parse_unit_annotations(annotations));
    CgroupRecord record;
    record.driver = CgroupDriver::systemd;
    record.mark = TRY(make_mark(folder));
    record.unit = SystemdUnit{.name = place.name,
                              .socket = bus.socket(),
                              .description = describe(asked, id) + " (" + *record.mark + ")"};
    TRY_VOID(name_subgroups(annotations, *record.unit));
    std::vector<Property> properties = plan_unit(place, record.unit->description);
    // They win over brig's own; what linux.resources gives follows them, and wins.
    std::ranges::move(asked, std::back_inserter(properties));
    return std::unique_ptr<CgroupManager>(
        new Manager(std::move(record), std::move(properties), std::move(bus)));
}

Result<Bus*> Manager::bus() {
    if (!bus_) {
        bus_ = TRY_WRAP("cgroup driver systemd", Bus::connect(record_.unit->socket));
    }
    return &*bus_;
}

Result<FileManager*> Manager::files() const {
    if (!files_) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         "the cgroup of the unit " + unit() + " is not known");
    }
    return files_.get();
}

void Manager::open_directory() {
    if (record_.directories.empty()) {
        return;
    }
    files_ = std::make_unique<v2::Manager>(record_);
    files_->confirm_marks_by(confirm_);
}

Result<void> Manager::start_unit(const oci::Resources& resources) {
    std::vector<Property> properties = properties_;
    if (!is_slice(unit())) {
        holder_.emplace(TRY(Holder::start()));
        properties.push_back({"PIDs", std::vector{static_cast<std::uint32_t>(holder_->number())}});
    }
    std::ranges::move(plan_properties(resources), std::back_inserter(properties));
    Bus& bus = *TRY(this->bus());
    for (Patience patience(kLeftOverTime);;) {
        const auto outcome = TRY(explain(bus.start(unit(), properties), properties));
        if (outcome == Bus::Outcome::done) {
            return {};
        }
        const std::string state = TRY(bus.read(unit(), "Unit", "ActiveState"));
        if (is_alive(state) || !patience.wait()) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::wrong_state, 0, "linux.cgroupsPath",
                           "the unit " + unit() + " is there already, " + state});
        }
        // Left over by a container whose end nobody has seen.
        bus.reset_failed(unit());
    }
}

Result<std::string> Manager::find_directory() {
    Bus& bus = *TRY(this->bus());
    const std::string path = TRY(bus.read(unit(), interface_of(unit()), "ControlGroup"));
    const std::string directory = TRY(find_mount_point()) + path;
    if (path.size() > 1 && ::access(directory.c_str(), F_OK) == 0) {
        record_.directories = {{"", directory, true}};
        open_directory();
    }
    return path;
}

Result<void> Manager::apply(const oci::Resources& resources) {
    oci::Resources at_birth = resources;
    if (resources.pids.limit.value_or(-1) >= 0 && *resources.pids.limit < kTasksAtBirth &&
        !is_slice(unit())) {
        pids_left_ = resources.pids;
        at_birth.pids.limit = kTasksAtBirth;
    }
    TRY_VOID(start_unit(at_birth));
    const std::string path = TRY(find_directory());
    if (!files_) {
        return sys::fail(sys::ErrorKind::unsupported, "systemd has put the unit " + unit() +
                                                          " into the cgroup \"" + path +
                                                          "\", which is not to be found here");
    }
    TRY_VOID(make_subgroups());
    TRY_VOID(hand_controllers_to(record_.directories.front().path));
    TRY_VOID(files_->apply(at_birth));
    bus_.reset();  // the container's process does not inherit it
    return {};
}

Result<void> Manager::settle() {
    holder_.reset();
    TRY_VOID(move_to_delegated());
    if (!pids_left_) {
        return {};
    }
    oci::Resources left;
    left.pids = *std::exchange(pids_left_, std::nullopt);
    // Nothing to undo: after a failure the unit goes.
    TRY_VOID(write_properties(left, plan_properties(left)));
    bus_.reset();  // a foreground run would keep it for the container's life, and never listen
    return {};
}

// The files first, which can be undone; what systemd then writes of what it knows is less exact.
Result<void> Manager::update(const oci::Resources& resources, sys::Rollback& undos) {
    FileManager& files = *TRY(this->files());
    TRY_VOID(files.update(resources, undos));
    oci::Resources in_force = resources;
    TRY_VOID(complete_bandwidth(in_force, record_.directories.front().path));
    std::vector<Property> properties = plan_properties(in_force);
    if (properties.empty()) {
        return {};
    }
    const Bus& bus = *TRY(this->bus());
    std::vector<Property> before = TRY(read_properties(bus, unit(), properties));
    // Without the manager, which may be gone before its undos.
    undos.on_failure([unit = *record_.unit, before = std::move(before)] {
        if (const auto again = Bus::connect(unit.socket)) {
            static_cast<void>(set_and_await(*again, unit.name, before));
        }
    });
    return write_properties(resources, std::move(properties));
}

Result<void> Manager::write_properties(const oci::Resources& resources,
                                       std::vector<Property> properties) {
    const Bus& bus = *TRY(this->bus());
    TRY_VOID(set_and_await(bus, unit(), std::move(properties)));
    return write_files(resources);
}

Result<void> Manager::write_files(const oci::Resources& resources) {
    sys::Rollback kept;
    auto written = TRY(files())->update(resources, kept);
    kept.commit();
    return written;
}

Result<void> Manager::hand_controllers_to(const std::string& directory) {
    return v2::enable_controllers(TRY(find_mount_point()), directory);
}

Result<Manager::Whose> Manager::whose() {
    Bus& bus = *TRY(this->bus());
    if (TRY(bus.read(unit(), "Unit", "Description")) == record_.unit->description) {
        return Whose::own;
    }
    return TRY(bus.read(unit(), "Unit", "LoadState")) == "loaded" ? Whose::anothers
                                                                  : Whose::nobodys;
}

Result<void> Manager::stop_unit() {
    TRY_VOID(bus_->stop(unit()));
    bus_->reset_failed(unit());
    return {};
}

Result<void> Manager::destroy() {
    holder_.reset();
    const auto whose = this->whose();
    if (whose == Whose::anothers) {
        return {};  // so ours is gone, and what is in its cgroup is theirs
    }
    const bool is_known = files_ != nullptr;
    if (whose == Whose::own && !is_known) {
        // Its creator was killed before it could note where the cgroup is, or the start has failed.
        TRY(find_directory());
    }
    if (files_) {
        TRY_VOID(files_->destroy());
    }
    if (whose == Whose::own) {
        return stop_unit();
    }
    // An empty scope ends by itself, if its systemd cannot be reached now.
    const bool is_gone = is_known && ::access(record_.directories.front().path.c_str(), F_OK) != 0;
    return whose || is_gone ? Result<void>() : std::unexpected(whose.error());
}

}  // namespace libcontainer::systemd
