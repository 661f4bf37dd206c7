// SPDX-License-Identifier: Apache-2.0
// How a struct is bound to JSON: one table of fields per struct, from which the reader, the writer
// and the paths in errors are served. No JSON is touched here.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "oci/vocabulary.h"

namespace oci {

// To bind a struct, list its members once, in the namespace oci, after those of the structs it
// holds:
//
//     template <>
//     inline constexpr Field kFields<Root>[] = {
//         field<&Root::path>("path"),
//         field<&Root::readonly>("readonly"),
//     };
//
// What may be absent follows from the member's C++ type: optionals, vectors, maps, bound structs
// and bool (absent is false) may, anything else is required. required<> and always<> say otherwise.
template <typename T>
inline constexpr std::nullptr_t kFields = nullptr;

enum class Kind : std::uint8_t { boolean, integer, string, choice, array, map, object };

// `nullable` members take null for absent. Go encoders write it for nil slices, maps and pointers;
// for strings and plain flags they never do, so there null is a wrong type.
enum class Presence : std::uint8_t { required, optional, nullable };

struct Type;

struct Field {
    std::string_view name;
    const Type* type;
    Presence presence;
    void* (*emplace)(void* object);           // the member's value, made present
    const void* (*find)(const void* object);  // the member's value, null when absent
};

// The place a map gives to a key. `key` lives as long as the map.
struct MapSlot {
    enum class Outcome : std::uint8_t { fresh, duplicate, unknown };
    Outcome outcome;
    void* value;
    std::string_view key;
};

using MapVisitor = void (*)(void* context, std::string_view key, const void* value);

// A C++ type as the reader and writer see it. Values travel as void*, so both are plain code,
// compiled once. A boolean is a bool, a string a std::string; the other kinds bring what is needed.
struct Type {
    Kind kind;
    std::string_view what;  // completes "expected ..."

    // integer, choice: false if the text is no value of the type
    bool (*parse)(void* value, std::string_view text) = nullptr;
    void (*print)(const void* value, std::string& out) = nullptr;
    std::span<const std::string_view> names = {};  // choice, and maps with a closed set of keys

    const Type* element = nullptr;  // array, map

    void* (*append)(void* array) = nullptr;
    std::size_t (*size)(const void* array) = nullptr;
    const void* (*at)(const void* array, std::size_t index) = nullptr;

    MapSlot (*insert)(void* map, std::string_view key) = nullptr;
    void (*each)(const void* map, void* context, MapVisitor visit) = nullptr;

    std::span<const Field> fields = {};  // object
    std::uint64_t required = 0;          // bit i: fields[i] must be there
};

namespace binding {

template <typename T>
concept Bound = !std::same_as<decltype(kFields<T>), const std::nullptr_t>;

template <typename T>
concept Choice = std::is_enum_v<T>;

template <typename T>
struct Optional : std::false_type {
    using Value = T;
};
template <typename T>
struct Optional<std::optional<T>> : std::true_type {
    using Value = T;
};

template <typename T>
struct Member;
template <typename C, typename M>
struct Member<M C::*> {
    using Class = C;
    using Declared = M;
    using Value = typename Optional<M>::Value;
};

// The names of a vocabulary without their values.
template <Choice E>
inline constexpr auto kBareNames = [] {
    std::array<std::string_view, names_of<E>().size()> names;
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = names_of<E>()[i].name;
    }
    return names;
}();

template <std::integral I>
constexpr std::string_view integer_range() {
    if constexpr (std::same_as<I, std::uint16_t>) {
        return "an integer from 0 to 65535";
    } else if constexpr (std::same_as<I, std::uint32_t>) {
        return "an integer from 0 to 4294967295";
    } else if constexpr (std::same_as<I, std::uint64_t>) {
        return "an integer from 0 to 18446744073709551615";
    } else if constexpr (std::same_as<I, std::int32_t>) {
        return "an integer from -2147483648 to 2147483647";
    } else {
        static_assert(std::same_as<I, std::int64_t>, "no text for this integer type");
        return "an integer from -9223372036854775808 to 9223372036854775807";
    }
}

// from_chars takes digits and a sign only: 1.0, 1e3 and, for unsigned types, -0 are refused.
template <std::integral I>
bool parse_integer(void* value, std::string_view text) {
    I number{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec != std::errc{} || result.ptr != end) {
        return false;
    }
    *static_cast<I*>(value) = number;
    return true;
}

template <std::integral I>
void print_integer(const void* value, std::string& out) {
    char digits[std::numeric_limits<I>::digits10 + 3];
    const auto result =
        std::to_chars(std::begin(digits), std::end(digits), *static_cast<const I*>(value));
    out.append(std::begin(digits), result.ptr);
}

template <Choice E>
bool parse_choice(void* value, std::string_view text) {
    const std::optional<E> choice = from_name<E>(text);
    if (choice) {
        *static_cast<E*>(value) = *choice;
    }
    return choice.has_value();
}

template <typename Map>
MapSlot insert(void* map, std::string_view text) {
    using Key = typename Map::key_type;
    std::optional<Key> key;
    if constexpr (Choice<Key>) {
        key = from_name<Key>(text);
    } else {
        key.emplace(text);
    }
    if (!key) {
        return {MapSlot::Outcome::unknown, nullptr, {}};
    }
    const auto [node, fresh] = static_cast<Map*>(map)->try_emplace(*std::move(key));
    std::string_view stored;
    if constexpr (Choice<Key>) {
        stored = to_name(node->first);
    } else {
        stored = node->first;
    }
    return {fresh ? MapSlot::Outcome::fresh : MapSlot::Outcome::duplicate, &node->second, stored};
}

template <typename Map>
void each(const void* map, void* context, MapVisitor visit) {
    for (const auto& [key, value] : *static_cast<const Map*>(map)) {
        if constexpr (Choice<typename Map::key_type>) {
            visit(context, to_name(key), &value);
        } else {
            visit(context, key, &value);
        }
    }
}

constexpr std::uint64_t required_of(std::span<const Field> fields) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        mask |= std::uint64_t{fields[i].presence == Presence::required} << i;
    }
    return mask;
}

template <typename T>
struct TypeOf;

}  // namespace binding

template <typename T>
inline constexpr Type kType = binding::TypeOf<T>::make();

namespace binding {

template <>
struct TypeOf<bool> {
    static constexpr Type make() { return {.kind = Kind::boolean, .what = "a boolean"}; }
};

template <>
struct TypeOf<std::string> {
    static constexpr Type make() { return {.kind = Kind::string, .what = "a string"}; }
};

template <std::integral I>
struct TypeOf<I> {
    static constexpr Type make() {
        return {.kind = Kind::integer,
                .what = integer_range<I>(),
                .parse = &parse_integer<I>,
                .print = &print_integer<I>};
    }
};

template <Choice E>
struct TypeOf<E> {
    static constexpr Type make() {
        return {.kind = Kind::choice,
                .what = "a string",
                .parse = &parse_choice<E>,
                .print = [](const void* value,
                            std::string& out) { out += to_name(*static_cast<const E*>(value)); },
                .names = kBareNames<E>};
    }
};

template <typename T>
struct TypeOf<std::vector<T>> {
    using Vector = std::vector<T>;
    static constexpr Type make() {
        return {.kind = Kind::array,
                .what = "an array",
                .element = &kType<T>,
                .append = [](void* array) -> void* {
                    return &static_cast<Vector*>(array)->emplace_back();
                },
                .size = [](const void* array) { return static_cast<const Vector*>(array)->size(); },
                .at = [](const void* array, std::size_t index) -> const void* {
                    return &(*static_cast<const Vector*>(array))[index];
                }};
    }
};

template <typename K, typename T>
struct TypeOf<std::map<K, T>> {
    using Map = std::map<K, T>;
    static constexpr Type make() {
        Type type{.kind = Kind::map,
                  .what = "an object",
                  .element = &kType<T>,
                  .insert = &insert<Map>,
                  .each = &each<Map>};
        if constexpr (Choice<K>) {
            type.names = kBareNames<K>;
        }
        return type;
    }
};

template <Bound T>
struct TypeOf<T> {
    static constexpr Type make() {
        static_assert(std::size(kFields<T>) <= 64, "Type::required has 64 bits");
        return {.kind = Kind::object,
                .what = "an object",
                .fields = kFields<T>,
                .required = required_of(kFields<T>)};
    }
};

template <typename M>
bool is_absent(const M& member) {
    if constexpr (Optional<M>::value) {
        return !member.has_value();
    } else if constexpr (std::same_as<M, bool>) {
        return !member;
    } else if constexpr (Bound<M>) {
        return member == M{};
    } else {
        return member.empty();
    }
}

enum class Written { if_present, always };

template <auto member, Presence presence, Written written>
constexpr Field make_field(std::string_view name) {
    using Object = typename Member<decltype(member)>::Class;
    using Declared = typename Member<decltype(member)>::Declared;
    Field field{name, &kType<typename Optional<Declared>::Value>, presence, nullptr, nullptr};
    field.emplace = [](void* object) -> void* {
        Declared& declared = static_cast<Object*>(object)->*member;
        if constexpr (Optional<Declared>::value) {
            return &declared.emplace();
        } else {
            return &declared;
        }
    };
    field.find = [](const void* object) -> const void* {
        const Declared& declared = static_cast<const Object*>(object)->*member;
        if constexpr (written == Written::if_present) {
            if (is_absent(declared)) {
                return nullptr;
            }
        }
        if constexpr (Optional<Declared>::value) {
            return &*declared;
        } else {
            return &declared;
        }
    };
    return field;
}

template <auto member>
constexpr Presence presence_of() {
    using M = Member<decltype(member)>;
    using Value = typename M::Value;
    constexpr Kind kind = kType<Value>.kind;
    constexpr bool container = kind == Kind::array || kind == Kind::map || kind == Kind::object;
    if constexpr (Optional<typename M::Declared>::value) {
        return container || std::is_arithmetic_v<Value> ? Presence::nullable : Presence::optional;
    } else if constexpr (container) {
        return Presence::nullable;
    } else {
        return kind == Kind::boolean ? Presence::optional : Presence::required;
    }
}

}  // namespace binding

template <auto member>
constexpr Field field(std::string_view name) {
    constexpr Presence presence = binding::presence_of<member>();
    constexpr binding::Written written =
        presence == Presence::required ? binding::Written::always : binding::Written::if_present;
    return binding::make_field<member, presence, written>(name);
}

// An error when absent, whatever its type.
template <auto member>
constexpr Field required(std::string_view name) {
    return binding::make_field<member, Presence::required, binding::Written::always>(name);
}

// May be absent, but is written even when it holds nothing but defaults.
template <auto member>
constexpr Field always(std::string_view name) {
    return binding::make_field<member, binding::presence_of<member>(), binding::Written::always>(
        name);
}

}  // namespace oci
