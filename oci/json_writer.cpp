// SPDX-License-Identifier: Apache-2.0
// Bound structs to JSON text. What is absent is not written.
#include <algorithm>

#include "oci/json.h"
#include "oci/json_scan.h"

namespace oci {
namespace {

class Writer {
  public:
    explicit Writer(Layout layout) : pretty_(layout == Layout::pretty) {}

    void value(const Type& type, const void* value) {
        switch (type.kind) {
            case Kind::boolean:
                out_ += *static_cast<const bool*>(value) ? "true" : "false";
                break;
            case Kind::integer:
                type.print(value, out_);
                break;
            case Kind::choice:
                out_ += '"';
                type.print(value, out_);
                out_ += '"';
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
        if (pretty_) {
            out_ += '\n';
        }
        return std::move(out_);
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
        out_ += pretty_ ? ": " : ":";
        value(type, found);
    }

    void open(char bracket) {
        out_ += bracket;
        empty_ = true;
        ++depth_;
    }

    void next() {
        if (!empty_) {
            out_ += ',';
        }
        empty_ = false;
        new_line();
    }

    void close(char bracket) {
        --depth_;
        if (!empty_) {
            new_line();
        }
        empty_ = false;
        out_ += bracket;
    }

    void new_line() {
        if (pretty_) {
            out_ += '\n';
            out_.append(depth_ * 4, ' ');
        }
    }

    void string(std::string_view text) {
        out_ += '"';
        if (json_scan::is_ascii(text)) {
            for (const char c : text) {
                character(c);
            }
        } else {
            unicode(text);
        }
        out_ += '"';
    }

    // A file name may be any bytes. As JSON must be UTF-8, those that are not become U+FFFD, as in
    // what Go engines write.
    void unicode(std::string_view text) {
        while (!text.empty()) {
            const std::size_t length = json_scan::sequence_length(text);
            if (length == 1) {
                character(text.front());
            } else if (length == 0) {
                out_ += "\\ufffd";
            } else {
                out_ += text.substr(0, length);
            }
            text.remove_prefix(std::max(length, std::size_t{1}));
        }
    }

    void character(char c) {
        constexpr std::string_view kHex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out_ += '\\';
            out_ += c;
        } else if (c == '\n') {
            out_ += "\\n";
        } else if (c == '\t') {
            out_ += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            out_ += "\\u00";
            out_ += kHex[byte >> 4];
            out_ += kHex[byte & 0xf];
        } else {
            out_ += c;
        }
    }

    std::string out_;
    std::size_t depth_ = 0;
    bool pretty_;
    bool empty_ = true;
};

}  // namespace

std::string write_json(const Type& type, const void* value, Layout layout) {
    Writer writer(layout);
    writer.value(type, value);
    return std::move(writer).take();
}

}  // namespace oci
