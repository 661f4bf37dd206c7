// SPDX-License-Identifier: Apache-2.0
// Exit statuses, and which stream says what.
#include "runtime/dispatch.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "libcontainer/sys/file.h"
#include "runtime/version.h"
#include "tests/unit/runtime/words.h"

using runtime::test::pointers_to;
using runtime::test::words_of;

namespace {

struct Outcome {
    int status = -1;
    std::string out;
    std::string err;
};

// A stream in an unlinked file while the object lives.
class Capture {
  public:
    explicit Capture(int stream) : stream_(stream), saved_(dup(stream)) {
        std::array<char, 32> path = {"/tmp/unit-runtime-XXXXXX"};
        file_ = mkstemp(path.data());
        unlink(path.data());
        REQUIRE(dup2(file_, stream) == stream);
    }
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;
    ~Capture() {
        dup2(saved_, stream_);
        close(saved_);
        close(file_);
    }
    std::string text() const {
        lseek(file_, 0, SEEK_SET);
        return sys::read_all(file_, "capture").value_or("");
    }

  private:
    int stream_;
    int saved_;
    int file_ = -1;
};

Outcome brig(std::string_view text) {
    const std::vector<std::string> words = words_of(text);
    const Capture out(STDOUT_FILENO);
    const Capture err(STDERR_FILENO);
    const int status = runtime::dispatch(pointers_to(words));
    return {status, out.text(), err.text()};
}

}  // namespace

TEST_CASE("help is on standard output and a success", "[runtime]") {
    for (const char* text : {"", "--help", "-h", "help", "--root /nowhere --help"}) {
        INFO(text);
        const Outcome outcome = brig(text);
        CHECK(outcome.status == 0);
        CHECK(outcome.err.empty());
        CHECK(outcome.out.find("usage: brig [OPTION]... COMMAND") != std::string::npos);
    }
    for (const runtime::Command& command : runtime::commands()) {
        const std::string name(command.name);
        INFO(name);
        const Outcome outcome = brig(name + " --help");
        CHECK(outcome.status == 0);
        CHECK(outcome.err.empty());
        CHECK(outcome.out.find("usage: brig " + name) != std::string::npos);
        CHECK(brig("help " + name).out == outcome.out);
        for (const runtime::OptionInfo& option : command.options()) {
            CHECK(outcome.out.find(std::string("--") + option.name) != std::string::npos);
        }
    }
}

TEST_CASE("engines 1.5: exactly one line of --version holds the word version", "[runtime]") {
    const Outcome outcome = brig("--version");
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out.starts_with("brig version "));
    CHECK(outcome.out.find("version", 10) == std::string::npos);
    CHECK(outcome.out.find("\ncommit: ") != std::string::npos);
    CHECK(outcome.out.find("\nspec: 1.") != std::string::npos);
    CHECK(outcome.out.ends_with("\n"));
    CHECK(brig("-v").out == outcome.out);
}

TEST_CASE("engines 2.0: usage errors give 1, and say so on standard error only", "[runtime]") {
    for (const char* text : {"unknown", "--unknown list", "create", "create a b", "create --bundle",
                             "kill", "kill a 9 b", "exec", "list x", "--root",
                             "--log-format xml list", "help unknown", "completion tcsh"}) {
        INFO(text);
        const Outcome outcome = brig(text);
        CHECK(outcome.status == 1);
        CHECK(outcome.out.empty());
        CHECK(outcome.err.starts_with("brig: "));
        CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
    }
}

TEST_CASE("engines 2.0: failures give 1, those of exec 255", "[runtime]") {
    const std::string root = "--root /tmp/unit-runtime-no-such-root ";
    for (const char* text : {"state none", "start none", "kill none 9", "delete none", "pause none",
                             "resume none", "ps none"}) {
        INFO(text);
        const Outcome outcome = brig(root + text);
        CHECK(outcome.status == 1);
        CHECK(outcome.out.empty());
        CHECK(outcome.err.ends_with("container does not exist\n"));
    }
    const Outcome outcome = brig(root + "exec none ls");
    CHECK(outcome.status == 255);
    CHECK(outcome.err == "brig: exec none: container does not exist\n");
    CHECK(brig(root + "kill none FOO").err == "brig: kill none: unknown signal \"FOO\"\n");
}

TEST_CASE("engines 2.9: a root that was named must be there to be listed", "[runtime]") {
    const Outcome outcome = brig("--root /tmp/unit-runtime-no-such-root list");
    CHECK(outcome.status == 1);
    CHECK(outcome.err ==
          "brig: list: stat(\"/tmp/unit-runtime-no-such-root\"): no such file or directory\n");
}

TEST_CASE("engines 1.2: the host's root is no state root", "[runtime]") {
    for (const char* root : {"/", "//", "/.", "/tmp/..", "/proc/self/root"}) {
        INFO(root);
        const Outcome outcome = brig(std::string("--root ") + root + " delete --force x");
        CHECK(outcome.status == 1);
        CHECK(outcome.err.find("is the host's root") != std::string::npos);
    }
}

TEST_CASE("engines 1.3: the default root depends on XDG_RUNTIME_DIR only where it must",
          "[runtime]") {
    const char* before = getenv("XDG_RUNTIME_DIR");
    const std::string saved = before == nullptr ? "" : before;
    setenv("XDG_RUNTIME_DIR", "", 1);
    CHECK(runtime::resolve_root("").value() == "/run/brig");
    setenv("XDG_RUNTIME_DIR", "/tmp", 1);
    if (geteuid() == 0) {
        // The tests run in the initial user namespace.
        CHECK(runtime::resolve_root("").value() == "/run/brig");
    }
    CHECK(runtime::resolve_root("/x/y").value() == "/x/y");
    setenv("XDG_RUNTIME_DIR", saved.c_str(), 1);
}

TEST_CASE("engines 4.1: with a log the entry goes there and the line to standard error",
          "[runtime]") {
    std::array<char, 32> folder = {"/tmp/unit-runtime-XXXXXX"};
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    const std::string log = std::string(folder.data()) + "/log.json";
    const std::string globals =
        "--root " + std::string(folder.data()) + " --log " + log + " --log-format json ";
    CHECK(brig(globals + "list").status == 0);
    CHECK(access(log.c_str(), F_OK) != 0);  // nothing to say, nothing written
    const Outcome outcome = brig(globals + "kill none 9");
    CHECK(outcome.err == "brig: kill none: container does not exist\n");
    const std::string entry = sys::read_file(AT_FDCWD, log).value();
    CHECK(entry.starts_with(R"({"level":"error","msg":"kill none: container does not exist")"));
    CHECK(brig(globals + "create").status == 1);
    CHECK(std::count(entry.begin(), entry.end(), '\n') == 1);
    unlink(log.c_str());
    rmdir(folder.data());
}
