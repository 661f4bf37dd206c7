// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "libcontainer/sys/file.h"

using runtime::json_entry;
using runtime::LogFormat;
using runtime::LogLevel;
using runtime::LogSettings;
using runtime::printable;
using runtime::text_entry;

namespace {

constexpr timespec kTime = {.tv_sec = 1767323045, .tv_nsec = 6};
constexpr std::string_view kTimeText = "2026-01-02T03:04:05.000000006Z";

// A folder of its own, and standard error in a file of it while the object lives.
class Scratch {
  public:
    Scratch() {
        REQUIRE(mkdtemp(path_.data()) != nullptr);
        saved_ = dup(STDERR_FILENO);
        const int file =
            open(path("stderr").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        REQUIRE(dup2(file, STDERR_FILENO) == STDERR_FILENO);
        close(file);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        dup2(saved_, STDERR_FILENO);
        close(saved_);
        for (const char* name : {"stderr", "log", "target", "fifo"}) {
            unlink(path(name).c_str());
        }
        rmdir(path_.data());
    }

    std::string path(const std::string& name) const {
        return std::string(path_.data()) + "/" + name;
    }
    std::string content(const std::string& name) const {
        return sys::read_file(AT_FDCWD, path(name)).value_or("");
    }

  private:
    std::array<char, 32> path_ = {"/tmp/unit-runtime-XXXXXX"};
    int saved_ = -1;
};

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a JSON entry has level, msg and an RFC 3339 time, on one line", "[runtime]") {
    CHECK(json_entry(LogLevel::error, "create web: no", kTime) ==
          R"({"level":"error","msg":"create web: no","time":")" + std::string(kTimeText) + "\"}\n");
    CHECK(
        json_entry(LogLevel::debug, "", kTime).starts_with(R"({"level":"debug","msg":"","time")"));
    CHECK(json_entry(LogLevel::warning, "", kTime).starts_with(R"({"level":"warning")"));
}

TEST_CASE("R-39 a JSON entry escapes whatever a name may hold", "[runtime]") {
    const auto message_of = [](std::string_view text) {
        const std::string entry = json_entry(LogLevel::error, text, kTime);
        const std::size_t start = entry.find(R"("msg":)") + 6;
        return entry.substr(start, entry.find(R"(,"time")") - start);
    };
    CHECK(message_of("a\"b\\c") == R"("a\"b\\c")");
    CHECK(message_of("a\nb") == R"("a\nb")");
    CHECK(message_of("a\tb\x1b[31m\x7f") == R"("a\u0009b\u001b[31m\u007f")");
    CHECK(message_of(std::string_view("a\0b", 3)) == R"("a\u0000b")");
    CHECK(message_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9a\xa2") ==
          "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9a\xa2\"");
    // Broken, overlong, surrogate, beyond Unicode, cut off.
    CHECK(message_of("\xff") == "\"\xef\xbf\xbd\"");
    CHECK(message_of("\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    CHECK(message_of("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    CHECK(message_of("\xf5\x80\x80\x80x") ==
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"");
    CHECK(message_of("\xe2\x82") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST_CASE("a text entry has the same parts", "[runtime]") {
    CHECK(text_entry(LogLevel::error, "a \"b\"", kTime) ==
          "time=\"" + std::string(kTimeText) + "\" level=error msg=\"a \\\"b\\\"\"\n");
}

TEST_CASE("R-39 a line for a terminal is one line of printable UTF-8", "[runtime]") {
    CHECK(printable("plain \xe2\x82\xac", 100) == "plain \xe2\x82\xac");
    CHECK(printable("a\nb\x1b[2J\r\x7f", 100) == "a; b\\x1b[2J\\x0d\\x7f");
    CHECK(printable("\xc2\x9b", 100) == "\\xc2\\x9b");  // CSI as one character
    CHECK(printable("\xff\xfe", 100) == "\\xff\\xfe");
}

TEST_CASE("a line that is too long is cut between characters", "[runtime]") {
    CHECK(printable("0123456789", 10) == "0123456789");
    CHECK(printable("0123456789a", 10) == "0123456...");
    CHECK(printable("01234\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 10) == "01234...");
    CHECK(printable(std::string(100000, 'x'), 8000).size() == 8000);
}

TEST_CASE("a failure is one line on standard error and one entry in the log", "[runtime]") {
    const Scratch scratch;
    const LogSettings log{scratch.path("log"), LogFormat::json, LogLevel::error};
    runtime::report_failure(log, "create web: no\nway");
    CHECK(scratch.content("stderr") == "brig: create web: no; way\n");
    CHECK(scratch.content("log").starts_with(
        R"({"level":"error","msg":"create web: no\nway","time":"20)"));
    CHECK(lines_of(scratch.content("log")) == 1);

    runtime::report_failure(log, "again");
    CHECK(lines_of(scratch.content("log")) == 2);  // appended, never truncated
}

TEST_CASE("without a log the format json goes to standard error alone", "[runtime]") {
    const Scratch scratch;
    runtime::report_failure({"", LogFormat::json, LogLevel::error}, "no");
    CHECK(scratch.content("stderr").starts_with(R"({"level":"error","msg":"no")"));
    CHECK(lines_of(scratch.content("stderr")) == 1);
}

TEST_CASE("engines 4.5: a failure is less than 8 KiB on standard error", "[runtime]") {
    const Scratch scratch;
    runtime::report_failure({}, std::string(100000, '\x01'));
    CHECK(scratch.content("stderr").size() < 8192);
    CHECK(scratch.content("stderr").size() > 7900);
}

TEST_CASE("engines 9.25: a log that cannot be opened is replaced by standard error", "[runtime]") {
    const Scratch scratch;
    runtime::report_failure({scratch.path("gone/log"), LogFormat::json, LogLevel::error}, "no");
    CHECK(scratch.content("stderr") == "brig: no\n");
}

TEST_CASE("R-39 the log is not written through a symlink", "[runtime]") {
    const Scratch scratch;
    REQUIRE(symlink(scratch.path("target").c_str(), scratch.path("log").c_str()) == 0);
    runtime::report_failure({scratch.path("log"), LogFormat::text, LogLevel::error}, "no");
    CHECK(access(scratch.path("target").c_str(), F_OK) != 0);
    CHECK(scratch.content("stderr") == "brig: no\n");
}

TEST_CASE("a FIFO that nobody reads does not hold up the report", "[runtime]") {
    const Scratch scratch;
    REQUIRE(mkfifo(scratch.path("fifo").c_str(), 0600) == 0);
    runtime::report_failure({scratch.path("fifo"), LogFormat::text, LogLevel::error}, "no");
    CHECK(scratch.content("stderr") == "brig: no\n");
}

TEST_CASE("engines 4.3: entries below the level are not written", "[runtime]") {
    const Scratch scratch;
    LogSettings log{scratch.path("log"), LogFormat::json, LogLevel::error};
    runtime::write_entry(log, LogLevel::warning, "w");
    runtime::write_entry(log, LogLevel::debug, "d");
    CHECK(access(scratch.path("log").c_str(), F_OK) != 0);
    log.level = LogLevel::debug;
    runtime::write_entry(log, LogLevel::debug, "d");
    CHECK(lines_of(scratch.content("log")) == 1);
    CHECK(scratch.content("stderr").empty());
}

TEST_CASE("--log takes a path, file:PATH, syslog:NAME and journald:NAME", "[runtime]") {
    CHECK(runtime::parse_log_target("/a/b").value() == "/a/b");
    CHECK(runtime::parse_log_target("file:/a/b").value() == "/a/b");
    CHECK(runtime::parse_log_target("syslog:x").value() == "syslog:x");
    CHECK(runtime::parse_log_target("journald:x").value() == "journald:x");
    CHECK(runtime::parse_log_target("a:b").value().ends_with("/a:b"));
    CHECK_FALSE(runtime::parse_log_target(""));
    CHECK_FALSE(runtime::parse_log_target("file:"));
}
