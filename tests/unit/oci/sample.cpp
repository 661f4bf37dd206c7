// SPDX-License-Identifier: Apache-2.0
// See sample.h.
#include "sample.h"

namespace oci::sample {
namespace {

std::string with_step(std::string path, auto step) {
    append_step(path, step);
    return path;
}

std::string key_of(const Type& map) {
    return map.names.empty() ? "k" : std::string(map.names[0]);
}

void collect(const Type& type, const std::string& path, std::vector<Place>& places) {
    const auto add = [&](const std::string& inner, const Type& inner_type, const Field* field) {
        places.push_back({inner, &inner_type, field});
        collect(inner_type, inner, places);
    };
    if (type.kind == Kind::array) {
        add(with_step(path, std::size_t{0}), *type.element, nullptr);
    } else if (type.kind == Kind::map) {
        add(with_step(path, std::string_view(key_of(type))), *type.element, nullptr);
    }
    for (const Field& field : type.fields) {
        add(with_step(path, field.name), *field.type, &field);
    }
}

class Maker {
  public:
    explicit Maker(const Edit& edit) : edit_(edit) {}

    void value(const Type& type, const std::string& path) {
        if (is(Edit::Kind::replace, path)) {
            skip(type, path);
            document_.offset = document_.json.size();
            document_.json += edit_.text;
            return;
        }
        make(type, path);
    }

    Document take() && { return std::move(document_); }

  private:
    bool is(Edit::Kind kind, const std::string& path) const {
        return edit_.kind == kind && edit_.path == path;
    }

    // What is left out takes its numbers with it, so that the rest of the document stays the same.
    void skip(const Type& type, const std::string& path) {
        const std::size_t size = document_.json.size();
        make(type, path);
        document_.json.resize(size);
    }

    void make(const Type& type, const std::string& path) {
        switch (type.kind) {
            case Kind::boolean:
                document_.json += "true";
                break;
            case Kind::integer:
                document_.json += std::to_string(++counter_);
                break;
            case Kind::string:
                document_.json += "\"text " + std::to_string(++counter_) + '"';
                break;
            case Kind::choice:
                document_.json += '"' + std::string(type.names[0]) + '"';
                break;
            case Kind::array:
                document_.json += '[';
                value(*type.element, with_step(path, std::size_t{0}));
                document_.json += ']';
                break;
            case Kind::map:
                document_.json += "{\"" + key_of(type) + "\":";
                value(*type.element, with_step(path, std::string_view(key_of(type))));
                document_.json += '}';
                break;
            case Kind::object:
                object(type, path);
                break;
        }
    }

    void object(const Type& type, const std::string& path) {
        document_.json += '{';
        bool first = true;
        for (const Field& field : type.fields) {
            const std::string member_path = with_step(path, field.name);
            if (is(Edit::Kind::omit, member_path)) {
                skip(*field.type, member_path);
                continue;
            }
            if (!first) {
                document_.json += ',';
            }
            first = false;
            member(std::string(field.name), field, member_path);
            if (is(Edit::Kind::repeat, member_path) ||
                is(Edit::Kind::repeat_escaped, member_path)) {
                document_.json += ',';
                document_.offset = document_.json.size();
                member(repeated_name(field.name), field, member_path);
            }
        }
        document_.json += '}';
    }

    void member(const std::string& name, const Field& field, const std::string& path) {
        document_.json += '"' + name + "\":";
        value(*field.type, path);
    }

    // "user" as it is, or as "\u0075ser".
    std::string repeated_name(std::string_view name) const {
        if (edit_.kind == Edit::Kind::repeat) {
            return std::string(name);
        }
        constexpr std::string_view kHex = "0123456789abcdef";
        const auto letter = static_cast<unsigned char>(name.front());
        std::string escaped = "\\u00";
        escaped += kHex[letter >> 4];
        escaped += kHex[letter & 0xf];
        return escaped + std::string(name.substr(1));
    }

    const Edit& edit_;
    Document document_;
    int counter_ = 0;
};

}  // namespace

std::vector<Place> places_of(const Type& type) {
    std::vector<Place> places;
    collect(type, "", places);
    return places;
}

Document make_document(const Type& type, const Edit& edit) {
    Maker maker(edit);
    maker.value(type, "");
    return std::move(maker).take();
}

}  // namespace oci::sample
