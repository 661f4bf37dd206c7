// SPDX-License-Identifier: Apache-2.0
#include "runtime/command_line.h"

#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <boost/smart_ptr/make_shared.hpp>
#include <climits>
#include <iterator>
#include <string_view>

namespace runtime {

namespace {

namespace po = boost::program_options;

// Tells the parser how many values an option takes and no more: values are kept as text, in order.
class Arity : public po::value_semantic {
  public:
    explicit Arity(unsigned least) : least_(least) {}

    std::string name() const override { return {}; }
    unsigned min_tokens() const override { return least_; }
    unsigned max_tokens() const override { return 1; }
    bool is_composing() const override { return true; }
    bool is_required() const override { return false; }
    void parse(boost::any& /*store*/, const std::vector<std::string>& /*tokens*/,
               bool /*utf8*/) const override {}
    bool apply_default(boost::any& /*store*/) const override { return false; }
    void notify(const boost::any& /*store*/) const override {}

  private:
    unsigned least_;
};

constexpr OptionInfo kHelp = {"help", 'h', nullptr, ""};

void describe(po::options_description& description, const OptionInfo& option) {
    std::string names = option.name;
    if (option.letter != 0) {
        names += ',';
        names += option.letter;
    }
    const unsigned least = option.argument == nullptr ? 0 : 1;
    description.add(boost::make_shared<po::option_description>(names.c_str(), new Arity(least)));
}

// What Boost's own styles lack; it is asked before them. Boost calls a style also for the word
// behind an option, in a vector of its own: that word is a value and none of our business.
class BrigStyle {
  public:
    BrigStyle(std::span<const OptionInfo> table, Operands operands)
        : table_(table), operands_(operands) {}

    // Takes operands out of `words`; gives other words, one at a time, a form that Boost takes.
    std::vector<po::option> operator()(std::vector<std::string>& words) {
        if (line_ == nullptr) {
            line_ = &words;
        }
        if (line_ != &words) {
            return {};
        }
        if (words[0] == "--") {
            words.erase(words.begin());
            return take(words, words.size());
        }
        if (!words[0].starts_with('-') || words[0] == "-") {
            return take(words, operands_ == Operands::anywhere ? 1 : words.size());
        }
        if (words[0].find('=') == words[0].size() - 1) {  // `--name=`: an empty value
            words[0].pop_back();
            words.insert(words.begin() + 1, "");
        } else if (is_cluster(words[0])) {  // `-dt`: its first flag becomes a word
            words.insert(words.begin() + 1, "-" + words[0].substr(2));
            words[0].resize(2);
        }
        return {};
    }

  private:
    static std::vector<po::option> take(std::vector<std::string>& words, std::size_t count) {
        std::vector<po::option> taken(count);
        for (std::size_t i = 0; i < count; ++i) {
            taken[i].value.push_back(std::move(words[i]));
            taken[i].position_key = INT_MAX;  // no flag may take it as its optional value
        }
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
        return taken;
    }

    [[nodiscard]] bool is_cluster(const std::string& word) const {
        if (word.size() < 3 || word[1] == '-' || word[2] == '=') {
            return false;
        }
        const std::string name = word.substr(1, word.find('=') - 1);
        bool begins_with_flag = word[1] == kHelp.letter;
        for (const OptionInfo& option : table_) {
            if (name == option.name) {
                return false;  // a long name behind a single dash
            }
            begins_with_flag |= option.letter == word[1] && option.argument == nullptr;
        }
        return begins_with_flag && name != kHelp.name;
    }

    std::span<const OptionInfo> table_;
    Operands operands_;
    const std::vector<std::string>* line_ = nullptr;
};

std::vector<po::option> parse(std::span<const OptionInfo> table, Operands operands,
                              std::span<const char* const> words) {
    using namespace po::command_line_style;
    po::options_description description;
    for (const OptionInfo& option : table) {
        describe(description, option);
    }
    describe(description, kHelp);
    po::basic_command_line_parser<char> parser(
        std::vector<std::string>(words.begin(), words.end()));
    parser.options(description)
        .style(allow_long | allow_long_disguise | allow_short | allow_dash_for_short |
               long_allow_adjacent | long_allow_next | short_allow_adjacent | short_allow_next)
        .extra_style_parser(BrigStyle(table, operands));
    return parser.run().options;
}

Line to_line(std::span<const OptionInfo> table, std::vector<po::option> options) {
    Line line;
    for (po::option& option : options) {
        if (option.string_key.empty()) {
            std::move(option.value.begin(), option.value.end(), std::back_inserter(line.operands));
            continue;
        }
        std::string value = option.value.empty() ? "true" : std::move(option.value.front());
        if (option.string_key == kHelp.name) {
            line.help = true;
            continue;
        }
        for (std::size_t row = 0; row < table.size(); ++row) {
            if (option.string_key == table[row].name) {
                line.settings.push_back({row, std::move(value)});
                break;
            }
        }
    }
    return line;
}

}  // namespace

Result<Line> split_line(std::span<const OptionInfo> table, Operands operands,
                        std::span<const char* const> words) {
    try {
        return to_line(table, parse(table, operands, words));
    } catch (const po::invalid_command_line_syntax& error) {
        if (error.kind() == po::invalid_syntax::missing_parameter) {
            return sys::fail(sys::ErrorKind::invalid, "flag needs an argument: option '" +
                                                          error.get_option_name() +
                                                          "' requires an argument");
        }
        return sys::fail(sys::ErrorKind::invalid, error.what());
    } catch (const po::unknown_option& error) {
        return sys::fail(sys::ErrorKind::invalid,
                         "unknown option '" + error.get_option_name() + "'");
    } catch (const po::error& error) {
        return sys::fail(sys::ErrorKind::invalid, error.what());
    }
}

}  // namespace runtime
