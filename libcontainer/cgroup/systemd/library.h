// SPDX-License-Identifier: Apache-2.0
// libsystemd, opened when the systemd driver is first used: nobody else pays for its start.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libcontainer/sys/error.h"

// As sd-bus.h declares them; the header is not needed to build brig.
struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_bus_error {
    const char* name;
    const char* message;
    int need_free;
};
using sd_bus_message_handler_t = int (*)(sd_bus_message* message, void* userdata,
                                         sd_bus_error* error);

namespace libcontainer::systemd {

// What is used of it, as sd_bus_NEW, sd_bus_message_READ_BASIC and so on are called there. All
// return a negative errno on failure. Since systemd 237.
struct Library {
    int (*bus_new)(sd_bus** bus);
    int (*bus_set_address)(sd_bus* bus, const char* address);
    int (*bus_set_bus_client)(sd_bus* bus, int is_client);
    int (*bus_start)(sd_bus* bus);
    sd_bus* (*bus_close_unref)(sd_bus* bus);
    int (*bus_call)(sd_bus* bus, sd_bus_message* message, std::uint64_t microseconds,
                    sd_bus_error* error, sd_bus_message** reply);
    int (*bus_process)(sd_bus* bus, sd_bus_message** message);
    int (*bus_wait)(sd_bus* bus, std::uint64_t microseconds);
    int (*bus_match_signal)(sd_bus* bus, sd_bus_slot** slot, const char* sender, const char* path,
                            const char* interface, const char* member,
                            sd_bus_message_handler_t handler, void* userdata);
    int (*bus_path_encode)(const char* prefix, const char* name, char** path);
    void (*error_free)(sd_bus_error* error);
    int (*message_new_method_call)(sd_bus* bus, sd_bus_message** message, const char* destination,
                                   const char* path, const char* interface, const char* member);
    int (*message_append_basic)(sd_bus_message* message, char type, const void* value);
    int (*message_append_array)(sd_bus_message* message, char type, const void* values,
                                std::size_t size);
    int (*message_open_container)(sd_bus_message* message, char type, const char* contents);
    int (*message_close_container)(sd_bus_message* message);
    int (*message_enter_container)(sd_bus_message* message, char type, const char* contents);
    int (*message_read_basic)(sd_bus_message* message, char type, void* value);
    int (*message_read_array)(sd_bus_message* message, char type, const void** values,
                              std::size_t* size);
    sd_bus_message* (*message_unref)(sd_bus_message* message);
};

// The one of this process. An error says what to do where there is none.
[[nodiscard]] sys::Result<const Library*> open_library();

}  // namespace libcontainer::systemd
