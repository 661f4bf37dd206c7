// SPDX-License-Identifier: Apache-2.0
// The strict JSON reader: yajl's events, matched against bound types. Paths and positions are
// built only for errors.
#include "oci/json_reader.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "oci/name_distance.h"

namespace oci {

using json_scan::BadEscape;
using json_scan::position_at;
using json_scan::token_start;

// The path of the value that is read now, or of the array or object that holds it.
std::string JsonReader::path(Upto upto) const {
    std::string out;
    for (const Frame& frame : frames_) {
        if (&frame == &frames_.back() && upto == Upto::container) {
            break;
        }
        if (frame.is_array) {
            append_step(out, frame.count - 1);
        } else {
            append_step(out, frame.key);
        }
    }
    return out;
}

ParseError JsonReader::make_error(std::string error_path, std::string message,
                                  std::size_t offset) const {
    return {std::move(error_path), std::move(message), position_at(json_, offset)};
}

int JsonReader::fail(std::string error_path, std::string message, std::size_t offset) {
    errors_.push_back(make_error(std::move(error_path), std::move(message), offset));
    stopped_ = stopped_ || errors_.size() >= kMaxJsonErrors;
    return go_on();
}

int JsonReader::mismatch(const Slot& slot, std::string_view got) {
    std::string message = "expected ";
    message += slot.type->what;
    message += ", not ";
    message += got;
    return fail(path(Upto::value), std::move(message), event_start());
}

void JsonReader::next_event() {
    previous_end_ = end_;
    end_ = yajl_get_bytes_consumed(handle_);
}

// Memory is bounded by it: a member may cost a hundred times its text.
void JsonReader::count_member(Frame& frame) {
    if (++frame.count > kMaxJsonMembers) {
        fail(path(Upto::container), "more than " + std::to_string(kMaxJsonMembers) + " members",
             token_start(json_, frame.begin));
        stopped_ = true;
    }
}

Slot JsonReader::take_slot() {
    next_event();
    Slot slot = document_;
    if (!frames_.empty()) {
        Frame& frame = frames_.back();
        if (frame.is_array) {
            count_member(frame);
            slot = {frame.type != nullptr ? frame.type->element : nullptr};
        } else {
            slot = frame.slot;
        }
    }
    if (watch_ != nullptr) {
        watch_->see(path(Upto::value), event_start());
    }
    return slot;
}

void* JsonReader::place(const Slot& slot) {
    if (slot.value != nullptr) {
        return slot.value;
    }
    const Frame& frame = frames_.back();
    return slot.field != nullptr ? slot.field->emplace(frame.target)
                                 : frame.type->append(frame.target);
}

int JsonReader::on_null() {
    const Slot slot = take_slot();
    const bool absent = slot.field != nullptr && slot.field->presence == Presence::nullable;
    return slot.type == nullptr || absent ? go_on() : mismatch(slot, "null");
}

int JsonReader::on_boolean(bool value) {
    const Slot slot = take_slot();
    if (slot.type == nullptr) {
        return go_on();
    }
    if (slot.type->kind != Kind::boolean) {
        return mismatch(slot, "a boolean");
    }
    *static_cast<bool*>(place(slot)) = value;
    return go_on();
}

int JsonReader::on_number(std::string_view text) {
    const Slot slot = take_slot();
    if (slot.type == nullptr) {
        return go_on();
    }
    if (slot.type->kind != Kind::integer) {
        return mismatch(slot, "a number");
    }
    if (!slot.type->parse(place(slot), text)) {
        return mismatch(slot, text.size() <= 40 ? text : "a number of so many digits");
    }
    return go_on();
}

// The bad escapes of this event's token, and its UTF-8.
void JsonReader::check_text(std::string_view text) {
    for (; next_bad_ < bad_escapes_.size() && bad_escapes_[next_bad_].offset < end_; ++next_bad_) {
        const BadEscape& bad = bad_escapes_[next_bad_];
        fail(path(Upto::value), std::string(bad.message), bad.offset);
    }
    if (!ascii_ && !json_scan::is_utf8(text)) {
        fail(path(Upto::value), "a string must be valid UTF-8", event_start());
    }
}

int JsonReader::on_string(std::string_view text) {
    const Slot slot = take_slot();
    check_text(text);
    if (slot.type == nullptr) {
        return go_on();
    }
    if (slot.type->kind == Kind::string) {
        static_cast<std::string*>(place(slot))->assign(text);
        return go_on();
    }
    if (slot.type->kind != Kind::choice) {
        return mismatch(slot, "a string");
    }
    if (slot.type->parse(place(slot), text)) {
        return go_on();
    }
    std::string message = "unknown value " + quoted(text);
    message += name_hint(text, slot.type->names);
    return fail(path(Upto::value), std::move(message), event_start());
}

int JsonReader::on_start(bool is_array) {
    const Slot slot = take_slot();
    if (frames_.size() >= kMaxJsonDepth) {
        stopped_ = true;
        return fail(path(Upto::value),
                    "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels",
                    event_start());
    }
    Frame frame{nullptr, nullptr, is_array, previous_end_, unknown_.size()};
    if (slot.type != nullptr) {
        const Kind kind = slot.type->kind;
        const bool fits =
            is_array ? kind == Kind::array : kind == Kind::object || kind == Kind::map;
        if (fits) {
            frame.type = slot.type;
            frame.target = place(slot);
        } else {
            mismatch(slot, is_array ? "an array" : "an object");
        }
    }
    frames_.push_back(frame);
    return go_on();
}

int JsonReader::on_key(std::string_view text) {
    next_event();
    Frame& frame = frames_.back();
    frame.slot = {};
    count_member(frame);
    if (frame.type == nullptr) {
        set_unknown_key(frame, text);
    } else if (frame.type->kind == Kind::map) {
        set_map_key(frame, text);
    } else {
        set_known_key(frame, text);
    }
    check_text(text);
    return go_on();
}

void JsonReader::set_known_key(Frame& frame, std::string_view text) {
    const std::span<const Field> fields = frame.type->fields;
    for (std::size_t tried = 0; tried < fields.size(); ++tried) {
        const std::size_t i = (frame.next_field + tried) % fields.size();
        const Field& field = fields[i];
        if (field.name != text) {
            continue;
        }
        frame.key = field.name;
        frame.next_field = i + 1;
        if ((frame.seen >> i & 1) != 0) {
            fail(path(Upto::value), "given more than once", event_start());
            return;
        }
        frame.seen |= std::uint64_t{1} << i;
        frame.slot = {field.type, &field};
        return;
    }
    set_unknown_key(frame, text);
    if (warnings_ != nullptr && warnings_->size() < kMaxJsonErrors) {
        for (const Field& field : fields) {
            if (is_near_miss(text, field.name)) {
                warnings_->push_back(make_error(
                    path(Upto::value),
                    "unknown name, ignored: is " + quoted(field.name) + " meant?", event_start()));
            }
        }
    }
}

void JsonReader::set_map_key(Frame& frame, std::string_view text) {
    const MapSlot slot = frame.type->insert(frame.target, text);
    switch (slot.outcome) {
        case MapSlot::Outcome::fresh:
            frame.key = slot.key;
            frame.slot = {frame.type->element, nullptr, slot.value};
            break;
        case MapSlot::Outcome::duplicate:
            frame.key = slot.key;
            fail(path(Upto::value), "given more than once", event_start());
            break;
        case MapSlot::Outcome::unknown:
            set_unknown_key(frame, text);
            fail(path(Upto::value), "unknown name" + name_hint(text, frame.type->names),
                 event_start());
            break;
    }
}

void JsonReader::set_unknown_key(Frame& frame, std::string_view text) {
    const std::less_equal<const char*> not_after;
    const bool in_text = not_after(text_.data(), text.data()) &&
                         not_after(text.data() + text.size(), text_.data() + text_.size());
    frame.key = in_text ? text : std::string_view(decoded_.emplace_back(text));
    unknown_.push_back({frame.key, previous_end_});
}

// Unknown names of one object are compared when it ends: sorting keeps a hostile object cheap.
void JsonReader::report_repeated_keys(const Frame& frame) {
    const auto begin = unknown_.begin() + static_cast<std::ptrdiff_t>(frame.unknown_begin);
    std::sort(begin, unknown_.end(), [](const UnknownKey& a, const UnknownKey& b) {
        return a.key != b.key ? a.key < b.key : a.offset < b.offset;
    });
    for (auto it = begin; it != unknown_.end(); ++it) {
        if (it != begin && it->key == (it - 1)->key && !stopped_) {
            std::string key_path = path(Upto::container);
            append_step(key_path, it->key);
            fail(std::move(key_path), "given more than once", token_start(json_, it->offset));
        }
    }
    unknown_.erase(begin, unknown_.end());
}

int JsonReader::on_end() {
    next_event();
    const Frame frame = frames_.back();
    if (unknown_.size() > frame.unknown_begin) {
        report_repeated_keys(frame);
    }
    if (frame.type != nullptr && (frame.type->required & ~frame.seen) != 0) {
        const std::uint64_t missing = frame.type->required & ~frame.seen;
        for (std::size_t i = 0; i < frame.type->fields.size() && !stopped_; ++i) {
            if ((missing >> i & 1) != 0) {
                std::string field_path = path(Upto::container);
                append_step(field_path, frame.type->fields[i].name);
                fail(std::move(field_path), "required but missing",
                     token_start(json_, frame.begin));
            }
        }
    }
    frames_.pop_back();
    return go_on();
}

// yajl stands behind the token that it does not like, or inside one that it cannot read.
void JsonReader::report_syntax(SyntaxError where) {
    unsigned char* raw = yajl_get_error(handle_, 0, nullptr, 0);
    std::string_view text(reinterpret_cast<const char*>(raw));
    const bool lexical = text.starts_with("lexical");
    text.remove_prefix(std::min(text.size(), text.find(": ") + 2));
    const std::size_t end = text.find_last_not_of(".\n");
    std::string message = "invalid JSON: ";
    message += text.substr(0, end + 1);
    yajl_free_error(handle_, raw);

    std::size_t offset = json_.size();
    if (where == SyntaxError::inside) {
        const std::size_t consumed = std::min(yajl_get_bytes_consumed(handle_), json_.size());
        const std::size_t token = token_start(json_, end_);
        offset = lexical ? consumed : token < consumed ? token : std::max(consumed, end_ + 1) - 1;
    }
    errors_.push_back(make_error(path(Upto::container), std::move(message), offset));
}

bool JsonReader::is_acceptable() {
    if (json_.size() > kMaxJsonSize) {
        fail({}, "larger than " + std::to_string(kMaxJsonSize >> 20) + " MiB", 0);
    } else if (json_.starts_with("\xef\xbb\xbf")) {
        fail({}, "starts with a byte order mark", 0);
    }
    return errors_.empty();
}

namespace {

constexpr yajl_callbacks kCallbacks = {
    .yajl_null = [](void* reader) { return static_cast<JsonReader*>(reader)->on_null(); },
    .yajl_boolean =
        [](void* reader, int value) {
            return static_cast<JsonReader*>(reader)->on_boolean(value != 0);
        },
    .yajl_integer = nullptr,
    .yajl_double = nullptr,
    .yajl_number =
        [](void* reader, const char* text, std::size_t size) {
            return static_cast<JsonReader*>(reader)->on_number({text, size});
        },
    .yajl_string =
        [](void* reader, const unsigned char* text, std::size_t size) {
            return static_cast<JsonReader*>(reader)->on_string(
                {reinterpret_cast<const char*>(text), size});
        },
    .yajl_start_map =
        [](void* reader) { return static_cast<JsonReader*>(reader)->on_start(false); },
    .yajl_map_key =
        [](void* reader, const unsigned char* text, std::size_t size) {
            return static_cast<JsonReader*>(reader)->on_key(
                {reinterpret_cast<const char*>(text), size});
        },
    .yajl_end_map = [](void* reader) { return static_cast<JsonReader*>(reader)->on_end(); },
    .yajl_start_array =
        [](void* reader) { return static_cast<JsonReader*>(reader)->on_start(true); },
    .yajl_end_array = [](void* reader) { return static_cast<JsonReader*>(reader)->on_end(); },
};

}  // namespace

std::vector<ParseError> JsonReader::run() {
    if (!is_acceptable()) {
        return std::move(errors_);
    }
    ascii_ = json_scan::is_ascii(json_);
    bad_escapes_ = json_scan::find_bad_escapes(json_);
    if (!bad_escapes_.empty()) {
        clean_ = json_;
        for (const BadEscape& bad : bad_escapes_) {
            clean_.replace(bad.offset, 6, "\\u003f");
        }
        text_ = clean_;
    }
    const std::unique_ptr<yajl_handle_t, void (*)(yajl_handle)> handle(
        yajl_alloc(&kCallbacks, nullptr, this), &yajl_free);
    handle_ = handle.get();
    yajl_config(handle_, yajl_dont_validate_strings, 1);  // check_text is stricter
    const yajl_status status =
        yajl_parse(handle_, reinterpret_cast<const unsigned char*>(text_.data()), text_.size());
    if (status == yajl_status_error) {
        report_syntax(SyntaxError::inside);
    } else if (status == yajl_status_ok && yajl_complete_parse(handle_) == yajl_status_error) {
        report_syntax(SyntaxError::at_end);
    } else {
        whole_ = status == yajl_status_ok;
    }
    std::ranges::stable_sort(errors_, {}, [](const ParseError& error) {
        return std::pair(error.position.line, error.position.column);
    });
    return std::move(errors_);
}

std::vector<ParseError> read_json(const Type& type, void* target, std::string_view json,
                                  std::vector<ParseError>* warnings) {
    JsonReader reader(json, {&type, nullptr, target});
    reader.warn_into(warnings);
    return reader.run();
}

}  // namespace oci
