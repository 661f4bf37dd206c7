// SPDX-License-Identifier: Apache-2.0
#include "runtime/command_line.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/runtime/words.h"

using namespace runtime;
using runtime::test::parse_error;
using runtime::test::parsed;
using runtime::test::pointers_to;
using runtime::test::words_of;

namespace {

struct Target {
    std::string text;
    bool flag = false;
    bool other = false;
    unsigned number = 0;
    std::vector<std::string> list;
    std::vector<unsigned> numbers;
    std::optional<std::string> maybe;
    std::optional<bool> tristate;
};

constexpr std::array kTable = {
    Option<Target>{{"text", 't', "TEXT", ""}, store<&Target::text>},
    Option<Target>{{"flag", 'f', nullptr, ""}, store<&Target::flag>},
    Option<Target>{{"other", 'o', nullptr, ""}, store<&Target::other>},
    Option<Target>{{"number", 'n', "N", ""}, store<&Target::number>},
    Option<Target>{{"list", 'l', "TEXT", ""}, store<&Target::list>},
    Option<Target>{{"numbers", 0, "N", ""}, store<&Target::numbers>},
    Option<Target>{{"maybe", 0, "TEXT", ""}, store<&Target::maybe>},
    Option<Target>{{"tristate", 0, nullptr, ""}, store<&Target::tristate>},
};

struct Outcome {
    Target target;
    Line line;
};

Result<Outcome> split(std::string_view text, Operands order = Operands::anywhere) {
    const std::vector<std::string> words = words_of(text);
    Outcome outcome;
    outcome.line = TRY(split_line(infos_of<Target>(kTable), order, pointers_to(words)));
    TRY_VOID(outcome.line.apply<Target>(kTable, outcome.target));
    return outcome;
}

Target target_of(std::string_view text) {
    const auto outcome = split(text);
    INFO(text << ": " << (outcome ? "" : outcome.error().text()));
    REQUIRE(outcome);
    return outcome->target;
}

std::string error_of(std::string_view text) {
    const auto outcome = split(text);
    INFO(text);
    REQUIRE_FALSE(outcome);
    return outcome.error().text();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("engines 1.1: an option's value may stand in each of six ways", "[runtime]") {
    const std::string text = GENERATE("--text v", "--text=v", "-text v", "-text=v", "-t v", "-tv");
    INFO(text);
    CHECK(target_of(text).text == "v");
}

TEST_CASE("engines 1.1: flags may be bare, given a value, or joined", "[runtime]") {
    CHECK(target_of("--flag").flag);
    CHECK(target_of("-flag").flag);
    CHECK(target_of("-f").flag);
    CHECK(target_of("--flag=true").flag);
    CHECK(target_of("--flag=T").flag);
    CHECK_FALSE(target_of("--flag --flag=false").flag);
    CHECK_FALSE(target_of("--flag=0").flag);
    CHECK(target_of("-fo").flag);
    CHECK(target_of("-fo").other);
    CHECK(target_of("-ft v").text == "v");
    CHECK(error_of("--flag=maybe") == "--flag: neither true nor false: \"maybe\"");
}

TEST_CASE("a flag does not take the word behind it", "[runtime]") {
    const auto outcome = split("--flag true -o id");
    REQUIRE(outcome);
    CHECK(outcome->target.flag);
    CHECK(outcome->target.other);
    CHECK(outcome->line.operands == Words{"true", "id"});
}

TEST_CASE("engines 1.1: of several values the last wins, lists grow", "[runtime]") {
    const Target target =
        target_of("--text a --flag --text=b --flag -l x,y --list z --numbers 1 --numbers=2");
    CHECK(target.text == "b");
    CHECK(target.flag);
    CHECK(target.list == Words{"x,y", "z"});
    CHECK(target.numbers == std::vector<unsigned>{1, 2});
}

TEST_CASE("an absent option and an empty value are told apart", "[runtime]") {
    CHECK_FALSE(target_of("").maybe);
    CHECK(target_of("--maybe=").maybe == "");
    CHECK(target_of("--maybe \"\"").maybe == "");
    CHECK_FALSE(target_of("").tristate);
    CHECK(target_of("--tristate").tristate == true);
    CHECK(target_of("--tristate=false").tristate == false);
}

TEST_CASE("a value may look like an option, a number or a command", "[runtime]") {
    CHECK(target_of("--text -").text == "-");
    CHECK(target_of("--text=-x").text == "-x");
    CHECK(target_of("--text=--flag").text == "--flag");
    CHECK(target_of("--text a=b=c").text == "a=b=c");
    CHECK(target_of("--text=a=b=").text == "a=b=");
    // The name of an option, without dashes, is a word like any other.
    CHECK(target_of("--text flag").text == "flag");
    CHECK(target_of("--text text").text == "text");
}

TEST_CASE("numbers are whole, unsigned and in range", "[runtime]") {
    CHECK(target_of("--number 4294967295").number == 4294967295U);
    for (const char* word : {"4294967296", "-1", "1x", "0x1", "\"\"", "1.5"}) {
        INFO(word);
        CHECK(error_of(std::string("--number=") + word).starts_with("--number: not a number"));
    }
}

TEST_CASE("operands may stand between options", "[runtime]") {
    const auto outcome = split("id --flag 9 --text v - \"\"");
    REQUIRE(outcome);
    CHECK(outcome->target.flag);
    CHECK(outcome->line.operands == Words{"id", "9", "-", ""});
}

TEST_CASE("T-95 behind -- everything is an operand", "[runtime]") {
    const auto outcome = split("--flag -- -rf --help --text=x");
    REQUIRE(outcome);
    CHECK(outcome->line.operands == Words{"-rf", "--help", "--text=x"});
    CHECK_FALSE(outcome->line.help);
}

TEST_CASE("engines 1.1: the first operand may end the options", "[runtime]") {
    const auto outcome =
        split("--flag id --text= -- ls -l --help --flag=false", Operands::first_ends_options);
    REQUIRE(outcome);
    CHECK(outcome->target.flag);
    CHECK(outcome->target.text.empty());
    CHECK_FALSE(outcome->line.help);
    CHECK(outcome->line.operands ==
          Words{"id", "--text=", "--", "ls", "-l", "--help", "--flag=false"});
}

TEST_CASE("--help is known everywhere", "[runtime]") {
    CHECK(split("--help")->line.help);
    CHECK(split("-h")->line.help);
    CHECK(split("id --flag -help")->line.help);
}

TEST_CASE("engines 1.6: a missing argument is told in podman's words", "[runtime]") {
    CHECK(error_of("--text") == "flag needs an argument: option '--text' requires an argument");
    CHECK(error_of("-t").ends_with("requires an argument"));
    CHECK(error_of("id --flag --number").ends_with("requires an argument"));
}

TEST_CASE("unknown options are errors, also shortened ones", "[runtime]") {
    CHECK(error_of("--unknown") == "unknown option '--unknown'");
    CHECK(error_of("--tex v").starts_with("unknown option"));
    CHECK(error_of("-x").starts_with("unknown option"));
    CHECK(error_of("-fx").starts_with("unknown option"));
    CHECK(error_of("--unknown=1").starts_with("unknown option"));
}

TEST_CASE("T-95 no odd word reaches a command as anything but an operand", "[runtime]") {
    CHECK(parse_error("delete -xf").starts_with("unknown option"));
    CHECK(parsed("delete --help").line.help);
    CHECK(parsed("delete -- --help").line.operands == Words{"--help"});
    CHECK(parsed("kill .. 9").line.operands == Words{"..", "9"});
    CHECK(parsed("state \"\"").line.operands == Words{""});
}
