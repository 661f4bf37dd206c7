// SPDX-License-Identifier: Apache-2.0
// See bulk.h.
#include "runtime/bulk.h"

#include <regex.h>

#include <array>

#include "libcontainer/container.h"
#include "runtime/global_options.h"

namespace runtime {

namespace {

class Pattern {
  public:
    Pattern() = default;
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;
    ~Pattern() {
        if (compiled_) {
            regfree(&regex_);
        }
    }

    // An empty one would match all: more likely a variable that is not set.
    Result<void> compile(const std::string& text) {
        if (text.empty()) {
            return sys::fail(sys::ErrorKind::invalid, "the pattern must not be empty");
        }
        const int error = regcomp(&regex_, text.c_str(), REG_EXTENDED | REG_NOSUB);
        if (error != 0) {
            std::array<char, 128> reason = {};
            regerror(error, &regex_, reason.data(), reason.size());
            return sys::fail(sys::ErrorKind::invalid,
                             sys::call("regcomp", text) + ": " + reason.data());
        }
        compiled_ = true;
        return {};
    }

    [[nodiscard]] bool matches(const std::string& text) const {
        return regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
    }

  private:
    regex_t regex_ = {};
    bool compiled_ = false;
};

}  // namespace

Result<int> act_on_matches(const Context& context, std::string_view verb,
                           const std::string& pattern, const Act& act) {
    Pattern compiled;
    TRY_VOID(compiled.compile(pattern));
    int status = 0;
    for (const std::string& id : TRY(libcontainer::ids(context.global))) {
        if (!compiled.matches(id)) {
            continue;
        }
        const auto done = act(id);
        if (!done && done.error().kind != sys::ErrorKind::not_found) {
            report_failure(context.settings.log,
                           std::string(verb) + " " + id + ": " + done.error().text());
            status = 1;
        }
    }
    return status;
}

}  // namespace runtime
