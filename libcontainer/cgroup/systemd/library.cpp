// SPDX-License-Identifier: Apache-2.0
// libsystemd by dlopen(3).
#include "libcontainer/cgroup/systemd/library.h"

#include <dlfcn.h>

#include <string>

namespace libcontainer::systemd {
namespace {

constexpr const char* kName = "libsystemd.so.0";

struct Symbol {
    const char* name;
    void (*store)(Library& library, void* address);
};

template <auto Member>
void store(Library& library, void* address) {
    // POSIX wants this cast of dlsym's result to work.
    library.*Member = reinterpret_cast<std::remove_reference_t<decltype(library.*Member)>>(address);
}

constexpr Symbol kSymbols[] = {
    {"sd_bus_new", &store<&Library::bus_new>},
    {"sd_bus_set_address", &store<&Library::bus_set_address>},
    {"sd_bus_set_bus_client", &store<&Library::bus_set_bus_client>},
    {"sd_bus_start", &store<&Library::bus_start>},
    {"sd_bus_flush_close_unref", &store<&Library::bus_close_unref>},
    {"sd_bus_call", &store<&Library::bus_call>},
    {"sd_bus_process", &store<&Library::bus_process>},
    {"sd_bus_wait", &store<&Library::bus_wait>},
    {"sd_bus_match_signal", &store<&Library::bus_match_signal>},
    {"sd_bus_path_encode", &store<&Library::bus_path_encode>},
    {"sd_bus_error_free", &store<&Library::error_free>},
    {"sd_bus_message_new_method_call", &store<&Library::message_new_method_call>},
    {"sd_bus_message_append_basic", &store<&Library::message_append_basic>},
    {"sd_bus_message_append_array", &store<&Library::message_append_array>},
    {"sd_bus_message_open_container", &store<&Library::message_open_container>},
    {"sd_bus_message_close_container", &store<&Library::message_close_container>},
    {"sd_bus_message_enter_container", &store<&Library::message_enter_container>},
    {"sd_bus_message_read_basic", &store<&Library::message_read_basic>},
    {"sd_bus_message_read_array", &store<&Library::message_read_array>},
    {"sd_bus_message_unref", &store<&Library::message_unref>},
};

std::unexpected<sys::Error> refuse(const std::string& why) {
    return sys::fail(sys::ErrorKind::unsupported,
                     why + "; install libsystemd, or use --cgroup-manager cgroupfs");
}

sys::Result<Library> load() {
    // Never closed: it keeps things of its own to the end of the process.
    void* const handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        return refuse(std::string("dlopen: ") + ::dlerror());
    }
    Library library = {};
    for (const Symbol& symbol : kSymbols) {
        void* const address = ::dlsym(handle, symbol.name);
        if (address == nullptr) {
            return refuse(std::string(kName) + " has no " + symbol.name);
        }
        symbol.store(library, address);
    }
    return library;
}

}  // namespace

sys::Result<const Library*> open_library() {
    static const sys::Result<Library> library = load();
    if (!library) {
        return std::unexpected(library.error());
    }
    return &*library;
}

}  // namespace libcontainer::systemd
