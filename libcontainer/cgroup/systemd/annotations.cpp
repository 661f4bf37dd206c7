// SPDX-License-Identifier: Apache-2.0
// Annotations as properties: GVariant's text format, as far as units have use for it.
#include "libcontainer/cgroup/systemd/annotations.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "oci/annotations.h"

namespace libcontainer::systemd {
namespace {

std::unexpected<sys::Error> invalid(std::string why) {
    return sys::fail(sys::ErrorKind::invalid, std::move(why));
}

template <typename Number>
std::optional<Value> parse_number(std::string_view digits) {
    Number number = {};
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc() && rest == end ? std::optional<Value>(number) : std::nullopt;
}

// By strtod: from_chars, as rounding, takes functions of libm, which every start of brig would
// load.
std::optional<Value> parse_double(std::string_view digits) {
    const std::string text(digits);
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const bool is_plain = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
    return is_plain && !text.empty() && *end == '\0' ? std::optional<Value>(number) : std::nullopt;
}

// A type as a value may name it in front: "uint64 5", "@t 5".
struct NumberType {
    std::string_view word;
    std::string_view signature;
    std::optional<Value> (*parse)(std::string_view digits);
};
constexpr std::array kNumberTypes = {
    NumberType{"int32", "@i", &parse_number<std::int32_t>},
    NumberType{"uint32", "@u", &parse_number<std::uint32_t>},
    NumberType{"int64", "@x", &parse_number<std::int64_t>},
    NumberType{"uint64", "@t", &parse_number<std::uint64_t>},
    NumberType{"double", "@d", &parse_double},
};

// One value after the other from a text.
class Parser {
  public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Result<Value> parse() {
        Value value = TRY(parse_value());
        skip_blanks();
        return rest_.empty() ? Result<Value>(std::move(value))
                             : invalid("\"" + std::string(rest_) + "\" follows the value");
    }

  private:
    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
    }
    bool take(char letter) {
        skip_blanks();
        const bool is_next = rest_.starts_with(letter);
        rest_.remove_prefix(is_next ? 1 : 0);
        return is_next;
    }
    std::string_view take_word() {
        skip_blanks();
        const std::string_view word = rest_.substr(0, rest_.find_first_of(" \t\n,[]'\"()"));
        rest_.remove_prefix(word.size());
        return word;
    }

    Result<Value> parse_value() {
        skip_blanks();
        if (rest_.starts_with('\'') || rest_.starts_with('"')) {
            return Value(TRY(parse_text()));
        }
        if (take('[')) {
            return parse_array();
        }
        const std::string_view word = take_word();
        if (word == "true" || word == "false") {
            return Value(word == "true");
        }
        if (word == "@as" && take('[')) {
            return parse_array();
        }
        for (const NumberType& type : kNumberTypes) {
            if (word == type.word || word == type.signature) {
                return parse_number_as(type, take_word());
            }
        }
        const bool is_whole = word.find_first_of(".eE") == std::string_view::npos;
        return parse_number_as(is_whole ? kNumberTypes.front() : kNumberTypes.back(), word);
    }

    static Result<Value> parse_number_as(const NumberType& type, std::string_view digits) {
        auto number = type.parse(digits);
        if (!number) {
            return invalid("\"" + std::string(digits) + "\" is no " + std::string(type.word) +
                           ", and no other value in GVariant's text format");
        }
        return *std::move(number);
    }

    Result<std::string> parse_text() {
        const char quote = rest_.front();
        std::string text;
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            if (rest_[at] == quote) {
                rest_.remove_prefix(at + 1);
                return text;
            }
            if (rest_[at] == '\\' && ++at == rest_.size()) {
                break;
            }
            text += rest_[at];
        }
        return invalid("a quote is not closed");
    }

    // Only of texts: units have no other lists that annotations would give them.
    Result<Value> parse_array() {
        std::vector<std::string> texts;
        while (!take(']')) {
            if (!texts.empty() && !take(',')) {
                return invalid("a list has neither a comma nor its end");
            }
            skip_blanks();
            if (!rest_.starts_with('\'') && !rest_.starts_with('"')) {
                return invalid("a list has something else than quoted texts");
            }
            texts.push_back(TRY(parse_text()));
        }
        return Value(std::move(texts));
    }

    std::string_view rest_;
};

using Texts = std::vector<std::string>;

bool has_control_byte(std::string_view text) {
    constexpr char kDelete = 0x7f;
    return std::ranges::any_of(
        text, [](char byte) { return static_cast<unsigned char>(byte) < ' ' || byte == kDelete; });
}

// systemd writes a transient unit's texts into a file line by line, and reads that again at the
// next daemon-reload: what follows a newline would be a setting of its own then, a limit for
// instance. A blank around a description would be gone then, and with it what tells whose
// the unit is.
Result<void> check_texts(const Property& property) {
    const auto* const text = std::get_if<std::string>(&property.value);
    const auto* const list = std::get_if<Texts>(&property.value);
    if ((text != nullptr && has_control_byte(*text)) ||
        (list != nullptr && std::ranges::any_of(*list, has_control_byte))) {
        return invalid("has a control character in a text");
    }
    if (text != nullptr && property.name == "Description" &&
        (text->empty() || text->starts_with(' ') || text->ends_with(' '))) {
        return invalid("is empty, or has a blank at its beginning or end");
    }
    return {};
}

// Seconds of any type as microseconds.
std::optional<std::uint64_t> to_microseconds(const Value& value) {
    constexpr double kSecond = 1e6;
    constexpr double kHalf = 0.5;
    constexpr double kMost = 9e12;  // seconds that still can be counted so
    const auto seconds = std::visit(
        [](const auto& held) -> double {
            if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(held)>> &&
                          !std::is_same_v<std::remove_cvref_t<decltype(held)>, bool>) {
                return static_cast<double>(held);
            }
            return -1;
        },
        value);
    return seconds >= 0 && seconds < kMost
               ? std::optional(static_cast<std::uint64_t>(seconds * kSecond + kHalf))
               : std::nullopt;
}

Result<Property> parse_property(std::string_view name, std::string_view text) {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    constexpr std::string_view kSeconds = "Sec";
    if (name.empty() || name.find_first_not_of(kLetters) != std::string_view::npos) {
        return invalid("is not the name of a property");
    }
    Property property{std::string(name), TRY(parse_variant(text)), Origin::annotation};
    TRY_VOID(check_texts(property));
    if (!name.ends_with(kSeconds) || name.ends_with("USec")) {
        return property;
    }
    const auto microseconds = to_microseconds(property.value);
    if (!microseconds) {
        return invalid("is no number of seconds");
    }
    property.name.replace(name.size() - kSeconds.size(), kSeconds.size(), "USec");
    property.value = *microseconds;
    return property;
}

}  // namespace

Result<Value> parse_variant(std::string_view text) {
    return Parser(text).parse();
}

Result<std::vector<Property>> parse_unit_annotations(
    const std::map<std::string, std::string>& annotations) {
    std::vector<Property> properties;
    for (auto given = annotations.lower_bound(std::string(oci::kSystemdProperty));
         given != annotations.end() && given->first.starts_with(oci::kSystemdProperty); ++given) {
        auto property = parse_property(
            std::string_view(given->first).substr(oci::kSystemdProperty.size()), given->second);
        if (!property) {
            return std::unexpected(
                std::move(property).error().at(oci::annotation_path(given->first)));
        }
        properties.push_back(*std::move(property));
    }
    return properties;
}

}  // namespace libcontainer::systemd
