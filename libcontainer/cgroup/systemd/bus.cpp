// SPDX-License-Identifier: Apache-2.0
// Asking systemd.
#include "libcontainer/cgroup/systemd/bus.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/cgroup/systemd/message.h"

namespace libcontainer::systemd {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitPaths = "/org/freedesktop/systemd1/unit";
constexpr std::chrono::microseconds kPatience = std::chrono::seconds(30);  // as runc's
// What an address of sd-bus can hold as it is.
constexpr std::string_view kPlain =
    "/._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

std::string no_such_unit() {
    return std::string(kService) + ".NoSuchUnit";
}

}  // namespace

struct Bus::Answer {
    Message message;
    std::string error_name;  // empty: none
    std::string error_text;
};

void Bus::Close::operator()(sd_bus* bus) const {
    if (const auto library = open_library()) {
        (*library)->bus_close_unref(bus);
    }
}

void Bus::Release::operator()(sd_bus_message* message) const {
    if (const auto library = open_library()) {
        (*library)->message_unref(message);
    }
}

Result<Bus> Bus::find() {
    std::string tried;
    for (const std::string& socket : list_sockets()) {
        auto bus = connect(socket);
        if (bus || bus.error().kind == sys::ErrorKind::unsupported) {
            return bus;
        }
        tried += (tried.empty() ? "" : ", ") + bus.error().message;
    }
    return sys::fail(
        sys::ErrorKind::unsupported,
        std::string(is_host_root() ? "no systemd runs here"
                                   : "no systemd answers this user (loginctl enable-linger)") +
            ": " + tried + "; --cgroup-manager cgroupfs does without");
}

Result<Bus> Bus::connect(const std::string& socket) {
    if (!socket.starts_with('/') || socket.find_first_not_of(kPlain) != std::string::npos) {
        return sys::fail(sys::ErrorKind::invalid, "\"" + socket + "\" is no socket of systemd's");
    }
    // libsystemd is not loaded in vain. Engines take the usual text for a missing program.
    if (::access(socket.c_str(), W_OK) != 0) {
        return errno == ENOENT ? sys::fail(sys::ErrorKind::system, socket + " is not there")
                               : sys::fail_errno(sys::call("connect", socket));
    }
    Bus bus(TRY(open_library()), socket);
    TRY_VOID(bus.open());
    return bus;
}

Result<void> Bus::open() {
    sd_bus* bus = nullptr;
    int result = library_->bus_new(&bus);
    if (result >= 0) {
        bus_.reset(bus);
        result = library_->bus_set_address(bus, ("unix:path=" + socket_).c_str());
    }
    if (result >= 0 && !is_direct(socket_)) {
        result = library_->bus_set_bus_client(bus, 1);
    }
    if (result >= 0) {
        result = library_->bus_start(bus);
    }
    return result < 0 ? sys::fail_code(sys::call("connect", socket_), -result) : Result<void>();
}

Result<Bus::Message> Bus::new_call(const char* path, const char* interface,
                                   const char* member) const {
    sd_bus_message* message = nullptr;
    const int result =
        library_->message_new_method_call(bus_.get(), &message, kService, path, interface, member);
    if (result < 0) {
        return sys::fail_code(sys::call("connect", socket_), -result);
    }
    return Message(message);
}

Result<Bus::Answer> Bus::call(sd_bus_message* message) const {
    sd_bus_error error = {};
    sd_bus_message* reply = nullptr;
    const int result = library_->bus_call(
        bus_.get(), message, static_cast<std::uint64_t>(kPatience.count()), &error, &reply);
    Answer answer{Message(reply), error.name != nullptr ? error.name : "",
                  error.message != nullptr ? error.message : ""};
    library_->error_free(&error);
    if (result < 0 && answer.error_name.empty()) {
        return sys::fail_code(sys::call("connect", socket_), -result);
    }
    return answer;
}

namespace {

std::unexpected<sys::Error> refused(const char* member, const std::string& unit,
                                    const std::string& text,
                                    sys::ErrorKind kind = sys::ErrorKind::system) {
    return sys::fail(kind, sys::call(member, unit) + ": " + text);
}

// One that systemd's words are about, and that the unit can do without.
bool drop_unknown(std::vector<Property>& properties, const std::string& text) {
    const auto is_meant = [&text](const Property& property) {
        const std::size_t found = text.find(" " + property.name);
        if (property.origin != Origin::resources || found == std::string::npos) {
            return false;
        }
        const std::size_t end = found + 1 + property.name.size();
        return end == text.size() || text[end] == ',' || text[end] == ' ' || text[end] == '=';
    };
    return std::erase_if(properties, is_meant) != 0;
}

}  // namespace

Result<Bus::Answer> Bus::call_with(const char* member, const std::string& unit, const Value& second,
                                   std::vector<Property> properties) const {
    for (;;) {
        const Message message = TRY(new_call(kManagerPath, kManager, member));
        Writer writer(*library_, message.get());
        writer.add(unit).add(second).add(properties);
        if (second.index() == Value(std::string()).index()) {
            writer.add_no_units();
        }
        TRY_VOID(writer.finish());
        Answer answer = TRY(call(message.get()));
        if (answer.error_name.empty() || !drop_unknown(properties, answer.error_text)) {
            return answer;
        }
    }
}

int Bus::on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error*) {
    const auto library = open_library();
    std::uint32_t number = 0;
    const char* path = nullptr;
    const char* unit = nullptr;
    const char* result = nullptr;
    if (library && (*library)->message_read_basic(message, 'u', &number) > 0 &&
        (*library)->message_read_basic(message, 'o', static_cast<void*>(&path)) > 0 &&
        (*library)->message_read_basic(message, 's', static_cast<void*>(&unit)) > 0 &&
        (*library)->message_read_basic(message, 's', static_cast<void*>(&result)) > 0) {
        static_cast<std::vector<Job>*>(jobs)->push_back({path, result});
    }
    return 0;
}

Result<void> Bus::watch_jobs() {
    if (ended_jobs_) {
        return {};
    }
    ended_jobs_ = std::make_unique<std::vector<Job>>();
    const bool direct = is_direct(socket_);
    const int result =
        library_->bus_match_signal(bus_.get(), nullptr, direct ? nullptr : kService, kManagerPath,
                                   kManager, "JobRemoved", &on_job_removed, ended_jobs_.get());
    if (result < 0) {
        return sys::fail_code(sys::call("connect", socket_), -result);
    }
    if (!direct) {
        // On the bus systemd tells of its jobs only who asks for it.
        const Message message = TRY(new_call(kManagerPath, kManager, "Subscribe"));
        TRY(call(message.get()));
    }
    return {};
}

Result<std::string> Bus::wait_for_job(const Answer& answer) {
    const char* path = nullptr;
    if (library_->message_read_basic(answer.message.get(), 'o', static_cast<void*>(&path)) <= 0) {
        return sys::fail_code(sys::call("connect", socket_), EBADMSG);
    }
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        const auto ended = std::ranges::find(*ended_jobs_, path, &Job::path);
        if (ended != ended_jobs_->end()) {
            return ended->result;
        }
        int result = library_->bus_process(bus_.get(), nullptr);
        if (result == 0) {
            const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
                deadline - std::chrono::steady_clock::now());
            if (left.count() <= 0) {
                return std::string("timeout");
            }
            result = library_->bus_wait(bus_.get(), static_cast<std::uint64_t>(left.count()));
        }
        if (result < 0) {
            return sys::fail_code(sys::call("connect", socket_), -result);
        }
    }
}

Result<Bus::Outcome> Bus::start(const std::string& unit, std::vector<Property> properties) {
    constexpr const char* kMember = "StartTransientUnit";
    TRY_VOID(watch_jobs());
    const Answer answer = TRY(call_with(kMember, unit, std::string("fail"), std::move(properties)));
    if (answer.error_name.ends_with(".UnitExists")) {
        return Outcome::exists;
    }
    if (!answer.error_name.empty()) {
        return refused(kMember, unit, answer.error_text);
    }
    const std::string result = TRY(wait_for_job(answer));
    return result == "done" ? Result<Outcome>(Outcome::done)
                            : refused(kMember, unit, "the job's result is " + result);
}

Result<void> Bus::set_properties(const std::string& unit, std::vector<Property> properties) const {
    constexpr const char* kMember = "SetUnitProperties";
    const Answer answer = TRY(call_with(kMember, unit, true, std::move(properties)));
    return answer.error_name.empty() ? Result<void>() : refused(kMember, unit, answer.error_text);
}

Result<Bus::Answer> Bus::call_on(const char* member, const std::string& unit,
                                 const char* mode) const {
    const Message message = TRY(new_call(kManagerPath, kManager, member));
    Writer writer(*library_, message.get());
    writer.add(unit);
    if (mode != nullptr) {
        writer.add(std::string(mode));
    }
    TRY_VOID(writer.finish());
    return call(message.get());
}

Result<void> Bus::stop(const std::string& unit) {
    constexpr const char* kMember = "StopUnit";
    TRY_VOID(watch_jobs());
    const Answer answer = TRY(call_on(kMember, unit, "replace"));
    if (answer.error_name == no_such_unit()) {
        return {};
    }
    if (!answer.error_name.empty()) {
        return refused(kMember, unit, answer.error_text);
    }
    const std::string result = TRY(wait_for_job(answer));
    return result == "timeout" ? refused(kMember, unit, "still not stopped after 30 s")
                               : Result<void>();
}

Result<void> Bus::attach(const std::string& unit, const std::string& below, pid_t process) const {
    constexpr const char* kMember = "AttachProcessesToUnit";
    const Message message = TRY(new_call(kManagerPath, kManager, kMember));
    Writer writer(*library_, message.get());
    writer.add(unit).add(below).add(std::vector{static_cast<std::uint32_t>(process)});
    TRY_VOID(writer.finish());
    const Answer answer = TRY(call(message.get()));
    return answer.error_name.empty() ? Result<void>() : refused(kMember, unit, answer.error_text);
}

void Bus::reset_failed(const std::string& unit) const {
    static_cast<void>(call_on("ResetFailedUnit", unit, nullptr));
}

Result<Value> Bus::read(const std::string& unit, const char* interface, const char* property,
                        const Value& like) const {
    char* path = nullptr;
    if (const int result = library_->bus_path_encode(kUnitPaths, unit.c_str(), &path); result < 0) {
        return sys::fail_code(sys::call("sd_bus_path_encode", unit), -result);
    }
    const std::unique_ptr<char, decltype(&::free)> owned(path, &::free);
    const Message message = TRY(new_call(path, "org.freedesktop.DBus.Properties", "Get"));
    Writer writer(*library_, message.get());
    writer.add(std::string(kService) + "." + interface).add(std::string(property));
    TRY_VOID(writer.finish());
    const Answer answer = TRY(call(message.get()));
    if (!answer.error_name.empty()) {
        const bool is_unknown = answer.error_name.ends_with(".UnknownProperty");
        return refused(property, unit, answer.error_text,
                       is_unknown ? sys::ErrorKind::unsupported : sys::ErrorKind::system);
    }
    auto value = read_property(*library_, answer.message.get(), like);
    return value ? Result<Value>(*std::move(value))
                 : refused(property, unit, std::string("is not of type ") + signature_of(like),
                           sys::ErrorKind::unsupported);
}

Result<std::string> Bus::read(const std::string& unit, const char* interface,
                              const char* property) const {
    return std::get<std::string>(TRY(read(unit, interface, property, std::string())));
}

}  // namespace libcontainer::systemd
