// SPDX-License-Identifier: Apache-2.0
// The strict JSON reader's inside: where it stands in the document, and its handlers of yajl's
// events. Used by read_json and locate only.
#pragma once

#include <yajl/yajl_parse.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "oci/json.h"
#include "oci/json_scan.h"

namespace oci {

// Where the next value goes. Without a type it goes nowhere: it is skipped, but still checked.
struct Slot {
    const Type* type = nullptr;
    const Field* field = nullptr;  // a member, made present when its value is seen
    void* value = nullptr;         // a map's element, or the document
};

// An array or object that is being read; a skipped one has no type.
struct Frame {
    const Type* type;
    void* target;
    bool is_array;
    std::size_t begin;          // an offset from which token_start finds its bracket
    std::size_t unknown_begin;  // its first entry in JsonReader::unknown_
    Slot slot = {};             // of the member that is read now
    std::string_view key = {};
    std::size_t count = 0;       // of elements or members so far
    std::uint64_t seen = 0;      // bit i: fields[i] was there
    std::size_t next_field = 0;  // engines write members in the spec's order
};

struct UnknownKey {
    std::string_view key;
    std::size_t offset;
};

// Is shown every value's path and offset, see locate().
class Watch {
  public:
    virtual ~Watch() = default;
    virtual void see(std::string_view path, std::size_t offset) = 0;
};

class JsonReader {
  public:
    JsonReader(std::string_view json, Slot document)
        : json_(json), text_(json), document_(document) {
        frames_.reserve(16);
    }

    void warn_into(std::vector<ParseError>* warnings) { warnings_ = warnings; }
    void watch(Watch& watch) { watch_ = &watch; }

    std::vector<ParseError> run();
    // Of the last run: it came to the document's end, whatever mistakes it met.
    bool is_whole() const { return whole_; }

    int on_null();
    int on_boolean(bool value);
    int on_number(std::string_view text);
    int on_string(std::string_view text);
    int on_start(bool is_array);
    int on_key(std::string_view text);
    int on_end();

  private:
    bool is_acceptable();
    void next_event();
    Slot take_slot();
    void count_member(Frame& frame);
    void* place(const Slot& slot);
    void check_text(std::string_view text);
    void set_known_key(Frame& frame, std::string_view text);
    void set_map_key(Frame& frame, std::string_view text);
    void set_unknown_key(Frame& frame, std::string_view text);
    void report_repeated_keys(const Frame& frame);
    enum class SyntaxError { inside, at_end };
    void report_syntax(SyntaxError where);

    enum class Upto { container, value };
    std::string path(Upto upto) const;
    std::size_t event_start() const { return json_scan::token_start(json_, previous_end_); }
    ParseError make_error(std::string error_path, std::string message, std::size_t offset) const;
    int fail(std::string error_path, std::string message, std::size_t offset);
    int mismatch(const Slot& slot, std::string_view got);
    int go_on() const { return stopped_ ? 0 : 1; }

    std::string_view json_;  // as given
    std::string_view text_;  // as yajl reads it: json_, or clean_
    std::string clean_;      // json_ with harmless characters for its bad escapes
    std::vector<json_scan::BadEscape> bad_escapes_;
    std::size_t next_bad_ = 0;
    bool ascii_ = false;

    yajl_handle handle_ = nullptr;
    std::size_t previous_end_ = 0;  // of the previous event's token
    std::size_t end_ = 0;           // of this event's token
    Slot document_;
    std::vector<Frame> frames_;
    std::vector<UnknownKey> unknown_;  // of all open objects, innermost last
    std::deque<std::string> decoded_;  // unknown keys that were written with escapes
    std::vector<ParseError> errors_;
    std::vector<ParseError>* warnings_ = nullptr;
    Watch* watch_ = nullptr;
    bool stopped_ = false;
    bool whole_ = false;
};

}  // namespace oci
