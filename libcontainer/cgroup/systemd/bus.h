// SPDX-License-Identifier: Apache-2.0
// The connection to a systemd: which one there is to ask, and what is asked of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libcontainer/cgroup/systemd/library.h"
#include "libcontainer/cgroup/systemd/properties.h"
#include "libcontainer/cgroup/systemd/sockets.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::systemd {

// org.freedesktop.systemd1(5) over sd-bus, for the parent. A call waits for at most 30 s. Errors
// tell what was asked of which unit and what systemd says to it.
class Bus {
  public:
    // To the first of list_sockets() that answers; without any: where it looked, and what to do.
    [[nodiscard]] static Result<Bus> find();
    // To the one that a container was made by.
    [[nodiscard]] static Result<Bus> connect(const std::string& socket);

    [[nodiscard]] const std::string& socket() const { return socket_; }
    [[nodiscard]] Instance instance() const { return instance_at(socket_); }

    enum class Outcome : unsigned char { done, exists };
    // Starts the unit and waits until it is. A unit of that name that is loaded: Outcome::exists.
    [[nodiscard]] Result<Outcome> start(const std::string& unit, std::vector<Property> properties);
    // Until the next boot.
    [[nodiscard]] Result<void> set_properties(const std::string& unit,
                                              std::vector<Property> properties) const;
    // Stops the unit and waits until it is; one that is not loaded is no error.
    [[nodiscard]] Result<void> stop(const std::string& unit);
    // Moves a process of the caller's into the unit, or into the cgroup "/SUB" below it, also where
    // the kernel does not let the caller.
    [[nodiscard]] Result<void> attach(const std::string& unit, const std::string& below,
                                      pid_t process) const;
    // Lets systemd forget that the unit has failed. Nothing to forget is no error.
    void reset_failed(const std::string& unit) const;
    // A property whose type is that of `like`: uint64, string or bytes, else an error. A unit that
    // is not loaded has values, too. `interface`: "Unit", "Scope", "Slice". Errors of kind
    // unsupported: this systemd has no such property, or of another type.
    [[nodiscard]] Result<Value> read(const std::string& unit, const char* interface,
                                     const char* property, const Value& like) const;
    // One of type string.
    [[nodiscard]] Result<std::string> read(const std::string& unit, const char* interface,
                                           const char* property) const;

  private:
    struct Close {
        void operator()(sd_bus* bus) const;
    };
    struct Release {
        void operator()(sd_bus_message* message) const;
    };
    using Message = std::unique_ptr<sd_bus_message, Release>;
    struct Job {
        std::string path;
        std::string result;
    };
    // What systemd answers: a message, or the name of its error with a text.
    struct Answer;

    Bus(const Library* library, std::string socket)
        : library_(library), socket_(std::move(socket)) {}

    [[nodiscard]] Result<void> open();
    [[nodiscard]] Result<Message> new_call(const char* path, const char* interface,
                                           const char* member) const;
    [[nodiscard]] Result<Answer> call(sd_bus_message* message) const;
    // member(unit, second, properties), with those properties that this systemd knows.
    [[nodiscard]] Result<Answer> call_with(const char* member, const std::string& unit,
                                           const Value& second,
                                           std::vector<Property> properties) const;
    // member(unit, mode), or without a mode.
    [[nodiscard]] Result<Answer> call_on(const char* member, const std::string& unit,
                                         const char* mode) const;
    [[nodiscard]] Result<void> watch_jobs();
    [[nodiscard]] Result<std::string> wait_for_job(const Answer& answer);
    static int on_job_removed(sd_bus_message* message, void* jobs, sd_bus_error* error);

    const Library* library_;
    std::string socket_;
    std::unique_ptr<sd_bus, Close> bus_;
    std::unique_ptr<std::vector<Job>> ended_jobs_;  // its address is the handler's
};

}  // namespace libcontainer::systemd
