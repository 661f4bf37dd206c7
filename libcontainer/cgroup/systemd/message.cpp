// SPDX-License-Identifier: Apache-2.0
// Values as D-Bus has them.
#include "libcontainer/cgroup/systemd/message.h"

#include <array>

namespace libcontainer::systemd {

const char* signature_of(const Value& value) {
    // In the order of Value.
    static constexpr std::array<const char*, std::variant_size_v<Value>> kSignatures = {
        "b", "i", "u", "x", "t", "d", "s", "as", "ay", "au", "a(ss)"};
    return kSignatures[value.index()];
}

std::optional<Value> read_property(const Library& library, sd_bus_message* message,
                                   const Value& like) {
    const auto read_basic = [&](char type, void* value) {
        return library.message_read_basic(message, type, value) > 0;
    };
    if (library.message_enter_container(message, 'v', signature_of(like)) <= 0) {
        return std::nullopt;
    }
    if (std::uint64_t number = 0; std::holds_alternative<std::uint64_t>(like)) {
        return read_basic('t', &number) ? std::optional<Value>(number) : std::nullopt;
    }
    if (const char* text = nullptr; std::holds_alternative<std::string>(like)) {
        return read_basic('s', static_cast<void*>(&text)) ? std::optional<Value>(std::string(text))
                                                          : std::nullopt;
    }
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (!std::holds_alternative<std::vector<std::uint8_t>>(like) ||
        library.message_read_array(message, 'y', &bytes, &size) < 0) {
        return std::nullopt;
    }
    const auto* const begin = static_cast<const std::uint8_t*>(bytes);
    return std::vector<std::uint8_t>(begin, begin + size);
}

Writer& Writer::add(const Value& value) {
    std::visit([this](const auto& held) { write(held); }, value);
    return *this;
}

Writer& Writer::add(const std::vector<Property>& properties) {
    open('a', "(sv)");
    for (const Property& property : properties) {
        open('r', "sv");
        text(property.name);
        open('v', signature_of(property.value));
        add(property.value);
        close();
        close();
    }
    close();
    return *this;
}

Writer& Writer::add_no_units() {
    open('a', "(sa(sv))");
    close();
    return *this;
}

sys::Result<void> Writer::finish() const {
    return status_ < 0 ? sys::fail_code("sd_bus_message_append", -status_) : sys::Result<void>();
}

void Writer::keep(int result) {
    if (result < 0) {
        status_ = result;
    }
}

void Writer::basic(char type, const void* value) {
    if (status_ >= 0) {
        keep(library_.message_append_basic(message_, type, value));
    }
}

void Writer::array(char type, const void* values, std::size_t size) {
    if (status_ >= 0) {
        keep(library_.message_append_array(message_, type, values, size));
    }
}

void Writer::open(char type, const char* contents) {
    if (status_ >= 0) {
        keep(library_.message_open_container(message_, type, contents));
    }
}

void Writer::close() {
    if (status_ >= 0) {
        keep(library_.message_close_container(message_));
    }
}

void Writer::write(bool value) {
    const int wide = value ? 1 : 0;
    basic('b', &wide);
}

void Writer::write(const std::vector<std::string>& values) {
    open('a', "s");
    for (const std::string& value : values) {
        text(value);
    }
    close();
}

void Writer::write(const std::vector<std::uint32_t>& values) {
    array('u', values.data(), values.size() * sizeof(std::uint32_t));
}

void Writer::write(const std::vector<std::pair<std::string, std::string>>& values) {
    open('a', "(ss)");
    for (const auto& [first, second] : values) {
        open('r', "ss");
        text(first);
        text(second);
        close();
    }
    close();
}

}  // namespace libcontainer::systemd
