// SPDX-License-Identifier: Apache-2.0
// The body of a D-Bus message, value by value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/systemd/library.h"
#include "libcontainer/cgroup/systemd/properties.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::systemd {

// Appends to a message; the first failure is kept, and nothing appended after it.
class Writer {
  public:
    Writer(const Library& library, sd_bus_message* message)
        : library_(library), message_(message) {}

    Writer& add(const Value& value);
    Writer& add(const std::vector<Property>& properties);  // a(sv)
    // The auxiliary units of StartTransientUnit: none.
    Writer& add_no_units();

    [[nodiscard]] sys::Result<void> finish() const;

  private:
    void basic(char type, const void* value);
    void text(const std::string& value) { basic('s', value.c_str()); }
    void array(char type, const void* values, std::size_t size);
    void open(char type, const char* contents);
    void close();
    void keep(int result);

    void write(bool value);
    void write(std::int32_t value) { basic('i', &value); }
    void write(std::uint32_t value) { basic('u', &value); }
    void write(std::int64_t value) { basic('x', &value); }
    void write(std::uint64_t value) { basic('t', &value); }
    void write(double value) { basic('d', &value); }
    void write(const std::string& value) { text(value); }
    void write(const std::vector<std::string>& values);
    void write(const std::vector<std::uint8_t>& values) {
        array('y', values.data(), values.size());
    }
    void write(const std::vector<std::uint32_t>& values);
    void write(const std::vector<std::pair<std::string, std::string>>& values);

    const Library& library_;
    sd_bus_message* message_;
    int status_ = 0;
};

// The value of a property whose type is that of `like`: t, s or ay. Absent: it has another.
[[nodiscard]] std::optional<Value> read_property(const Library& library, sd_bus_message* message,
                                                 const Value& like);

// The D-Bus signature of a value: "t", "as".
[[nodiscard]] const char* signature_of(const Value& value);

}  // namespace libcontainer::systemd
