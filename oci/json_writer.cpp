// SPDX-License-Identifier: Apache-2.0
// Bound structs to JSON text. What is absent is not written.
#include <algorithm>

#include "oci/json.h"
#include "oci/json_scan.h"

namespace oci {
namespace {

class Writer {
  public:
    explicit Writer(Layout layout) : x_pretty(layout == Layout::pretty) {}

    void value(const Type& type, const void* value) {
        switch (type.kind) {
            case Kind::boolean:
                x_out += *static_cast<const bool*>(value) ? "true" : "false";
                break;
            case Kind::integer:
                type.print(value, x_out);
                break;
            case Kind::choice:
                x_out += '"';
                type.print(value, x_out);
                x_out += '"';
                break;
            case Kind::string:
                string(*static_cast<const std::string*>(value));
                break;
            case Kind::array:
                array(type, value);
                break;
            case Kind::map:
                map(type, value);
                break;
            case Kind::object:
                object(type, value);
                break;
        }
    }

    std::string take() && {
        if (x_pretty) {
            x_out += '\n';
        }
        return std::move(x_out);
    }

  private:
    void array(const Type& type, const void* array) {
        open('[');
        for (std::size_t i = 0; i < type.size(array); ++i) {
            next();
            value(*type.element, type.at(array, i));
        }
        close(']');
    }

    void map(const Type& type, const void* map) {
        struct Context {
            Writer& writer;
            const Type& element;
        } context{*this, *type.element};
        open('{');
        type.each(map, &context, [](void* opaque, std::string_view key, const void* element) {
            auto& [writer, element_type] = *static_cast<Context*>(opaque);
            writer.member(key, element_type, element);
        });
        close('}');
    }

    void object(const Type& type, const void* object) {
        open('{');
        for (const Field& field : type.fields) {
            if (const void* found = field.find(object)) {
                member(field.name, *field.type, found);
            }
        }
        close('}');
    }

    void member(std::string_view name, const Type& type, const void* found) {
        next();
        string(name);
        x_out += x_pretty ? ": " : ":";
        value(type, found);
    }

    void open(char bracket) {
        x_out += bracket;
        x_empty = true;
        ++x_depth;
    }

    void next() {
        if (!x_empty) {
            x_out += ',';
        }
        x_empty = false;
        new_line();
    }

    void close(char bracket) {
        --x_depth;
        if (!x_empty) {
            new_line();
        }
        x_empty = false;
        x_out += bracket;
    }

    void new_line() {
        if (x_pretty) {
            x_out += '\n';
            x_out.append(x_depth * 4, ' ');
        }
    }

    void string(std::string_view text) {
        x_out += '"';
        if (json_scan::is_ascii(text)) {
            for (const char c : text) {
                character(c);
            }
        } else {
            unicode(text);
        }
        x_out += '"';
    }

    // A file name may be any bytes. As JSON must be UTF-8, those that are not become U+FFFD, as in
    // what Go engines write.
    void unicode(std::string_view text) {
        while (!text.empty()) {
            const std::size_t length = json_scan::sequence_length(text);
            if (length == 1) {
                character(text.front());
            } else if (length == 0) {
                x_out += "\\ufffd";
            } else {
                x_out += text.substr(0, length);
            }
            text.remove_prefix(std::max(length, std::size_t{1}));
        }
    }

    void character(char c) {
        constexpr std::string_view kHex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            x_out += '\\';
            x_out += c;
        } else if (c == '\n') {
            x_out += "\\n";
        } else if (c == '\t') {
            x_out += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            x_out += "\\u00";
            x_out += kHex[byte >> 4];
            x_out += kHex[byte & 0xf];
        } else {
            x_out += c;
        }
    }

    std::string x_out;
    std::size_t x_depth = 0;
    bool x_pretty;
    bool x_empty = true;
};

}  // namespace

std::string write_json(const Type& type, const void* value, Layout layout) {
    Writer writer(layout);
    writer.value(type, value);
    return std::move(writer).take();
}

}  // namespace oci
