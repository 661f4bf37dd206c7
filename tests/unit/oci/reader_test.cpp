// SPDX-License-Identifier: Apache-2.0
// What the reader accepts and refuses, and what it says.
#include <algorithm>
#include <catch2/catch.hpp>

#include "oci/default_spec.h"
#include "oci/parse.h"

using namespace oci;

namespace {

std::vector<ParseError> errors_of(std::string_view json) {
    const Parsed<Spec> spec = parse_spec(json);
    return spec ? std::vector<ParseError>{} : spec.error();
}

// config.json with the least that is required, and `members` after it.
std::string config(const std::string& members) {
    return R"({"ociVersion":"1.0.0")" + (members.empty() ? "" : "," + members) + "}";
}

bool has_error(const std::vector<ParseError>& errors, std::string_view path,
               std::string_view message) {
    return std::ranges::any_of(errors, [&](const ParseError& error) {
        return error.path == path && error.message.find(message) != std::string::npos;
    });
}

std::string user_with_uid(const std::string& number) {
    return config(R"("process":{"cwd":"/","user":{"gid":0,"uid":)" + number + "}}");
}

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

}  // namespace

TEST_CASE("the least config is one with a version", "[reader]") {
    const Parsed<Spec> spec = parse_spec(R"( {"ociVersion" : "1.0.2" } )");
    REQUIRE(spec);
    CHECK(spec->oci_version == "1.0.2");
    CHECK_FALSE(spec->process);
    CHECK_FALSE(spec->root);
    CHECK(spec->linux == Linux{});
}

TEST_CASE("C-04 to C-06 absent sections stay absent", "[reader]") {
    const Parsed<Spec> spec = parse_spec(config(R"("process":{"cwd":"/"},"linux":{})"));
    REQUIRE(spec);
    CHECK(spec->process->user == User{});
    CHECK_FALSE(spec->process->capabilities);
    CHECK_FALSE(spec->process->oom_score_adj);
    CHECK_FALSE(spec->process->terminal);
}

TEST_CASE("absent and empty differ where the spec makes a difference", "[reader]") {
    const Parsed<Spec> spec = parse_spec(config(
        R"("process":{"cwd":"/","capabilities":{}},"hooks":{"poststop":[{"path":"/a","env":[]}]},)"
        R"("linux":{"intelRdt":{},"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","flags":[]}})"));
    REQUIRE(spec);
    CHECK(spec->process->capabilities);
    CHECK(spec->hooks.poststop[0].env);
    CHECK_FALSE(spec->hooks.poststop[0].args);
    CHECK(spec->linux.intel_rdt);
    CHECK(spec->linux.seccomp->flags);
}

TEST_CASE("every mistake is reported at once, in the order of the text", "[reader]") {
    const std::vector<ParseError> errors = errors_of(R"({
  "process": {
    "user": {"uid": "0", "gid": -1},
    "cwd": 5
  },
  "mounts": [{"source": "x"}, 3],
  "linux": {"namespaces": [{"type": "net"}], "seccomp": []}
})");
    REQUIRE(errors.size() == 8);
    CHECK(to_string(errors[0], "config.json") ==
          "config.json:1:1: ociVersion: required but missing");
    CHECK(to_string(errors[1], "config.json") ==
          "config.json:3:21: process.user.uid: expected an integer from 0 to 4294967295, not a "
          "string");
    CHECK(to_string(errors[2], "config.json") ==
          "config.json:3:33: process.user.gid: expected an integer from 0 to 4294967295, not -1");
    CHECK(to_string(errors[3], "config.json") ==
          "config.json:4:12: process.cwd: expected a string, not a number");
    CHECK(to_string(errors[4], "config.json") ==
          "config.json:6:14: mounts[0].destination: required but missing");
    CHECK(to_string(errors[5], "config.json") ==
          "config.json:6:31: mounts[1]: expected an object, not a number");
    CHECK(to_string(errors[6], "config.json") ==
          "config.json:7:37: linux.namespaces[0].type: unknown value \"net\": one of pid, network, "
          "mount, ipc, uts, user, cgroup, time");
    CHECK(to_string(errors[7], "config.json") ==
          "config.json:7:57: linux.seccomp: expected an object, not an array");
}

TEST_CASE("a file full of mistakes gives no more than twenty errors", "[reader]") {
    CHECK(errors_of(config("\"mounts\":[1" + repeat(",1", 1000) + "]")).size() == kMaxJsonErrors);
}

TEST_CASE("paths show names that are no plain word in brackets, harmless to a terminal",
          "[reader]") {
    const auto errors = errors_of(config(R"("annotations":{"org.x/y":1,"a\u001b[31m\"b":2,"":3})"));
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].path == R"(annotations["org.x/y"])");
    CHECK(errors[1].path == R"(annotations["a\x1b[31m\"b"])");
    CHECK(errors[2].path == R"(annotations[""])");
}

TEST_CASE("T-69 duplicates are found at any depth, in maps and among unknown names", "[reader]") {
    CHECK(has_error(errors_of(config(R"("annotations":{"a":"1","b":"2","a":"3"})")),
                    "annotations.a", "more than once"));
    CHECK(has_error(errors_of(config(R"("x":{"y":[{"z":1,"w":2,"z":3}]})")), "x.y[0].z",
                    "more than once"));
    CHECK(has_error(errors_of(config(R"("x":1,"y":2,"\u0078":3)")), "x", "more than once"));
    CHECK(has_error(errors_of(config(R"("windows":{"a":1,"a":1,"a":1})")), "windows.a",
                    "more than once"));
    CHECK(errors_of(config(R"("windows":{"a":1,"a":1,"a":1})")).size() == 2);
    CHECK(errors_of(config(R"("x":{"a":1},"y":{"a":1},"z":[{"a":1},{"a":1}])")).empty());
    CHECK(errors_of(config(R"("Process":1,"PROCESS":2)")).empty());
}

TEST_CASE("T-70 numbers are integers within their field's range", "[reader]") {
    for (const char* good : {"0", "1", "2147483648", "4294967295"}) {
        CAPTURE(good);
        CHECK(errors_of(user_with_uid(good)).empty());
    }
    for (const char* bad :
         {"-1", "-0", "1e3", "1E0", "1.0", "0.5", "4294967296", "18446744073709551616", "1E400",
          "9007199254740993", "-9223372036854775809"}) {
        CAPTURE(bad);
        CHECK(has_error(errors_of(user_with_uid(bad)), "process.user.uid", "expected an integer"));
    }
    for (const char* broken : {"01", "0x10", "NaN", "+1", ".5", "1.", "-", "1e", "Infinity"}) {
        CAPTURE(broken);
        CHECK_FALSE(errors_of(user_with_uid(broken)).empty());
    }
    const auto memory = [](const std::string& limit) {
        return parse_spec(config(R"("linux":{"resources":{"memory":{"limit":)" + limit + "}}}"));
    };
    CHECK(memory("-9223372036854775808")->linux.resources.memory.limit == INT64_MIN);
    CHECK(memory("-0")->linux.resources.memory.limit == 0);
    CHECK(memory("9007199254740993")->linux.resources.memory.limit == 9007199254740993);
    CHECK_FALSE(memory("9223372036854775808"));
    const Parsed<Spec> infinity =
        parse_spec(config(R"("process":{"cwd":"/","rlimits":[{"type":"RLIMIT_CORE",)"
                          R"("soft":18446744073709551615,"hard":18446744073709551615}]})"));
    REQUIRE(infinity);
    CHECK(infinity->process->rlimits[0].hard == UINT64_MAX);
}

TEST_CASE("T-71 strings are UTF-8 without NUL and without half surrogates", "[reader]") {
    const auto hostname = [](const std::string& text) {
        return parse_spec(config("\"hostname\":\"" + text + "\""));
    };
    CHECK(hostname("z\u00fcrich \U0001f600")->hostname == "z\u00fcrich \U0001f600");
    CHECK(hostname(R"(\u00fc\ud83d\ude00\n\\u0000)")->hostname == "\u00fc\U0001f600\n\\u0000");
    const std::string bad[] = {
        R"(a\u0000b)",
        R"(\ud83d)",
        R"(\ud83dx)",
        R"(\ud83d\u0041)",
        R"(\ude00)",
        R"(\ude00x)",
        "\xff",
        "\xc0\x80",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xe2\x82",
        "\xf8\x88\x80\x80\x80",
        R"(\u0041\u0000)",
        R"(\ud83d\ud83d\ude00)",
    };
    for (const std::string& text : bad) {
        CAPTURE(text);
        const Parsed<Spec> spec = hostname(text);
        REQUIRE_FALSE(spec);
        CHECK(spec.error().size() == 1);
        CHECK(spec.error()[0].path == "hostname");
    }
    for (const std::string& text : {std::string("a\0b", 3), std::string("\n"), std::string("\x01"),
                                    std::string("\\x"), std::string("\\u12")}) {
        CAPTURE(text);
        CHECK_FALSE(hostname(text));
    }
}

TEST_CASE("T-71 names and unknown strings are checked as well", "[reader]") {
    CHECK(has_error(errors_of(config(R"("x":"\u0000")")), "x", "NUL"));
    CHECK(has_error(errors_of(config(R"("annotations":{"a\u0000b":"c"})")), R"(annotations["a?b"])",
                    "NUL"));
    CHECK(has_error(errors_of(config("\"x\":[\"\xff\"]")), "x[0]", "UTF-8"));
}

TEST_CASE("T-72 nesting ends at 64 levels and costs nothing beyond", "[reader]") {
    const auto nested = [](std::size_t depth) {
        return config("\"x\":" + repeat("[", depth - 1) + repeat("]", depth - 1));
    };
    CHECK(errors_of(nested(kMaxJsonDepth)).empty());
    CHECK(
        has_error(errors_of(nested(kMaxJsonDepth + 1)), "x" + repeat("[0]", 63), "deeper than 64"));
    CHECK_FALSE(errors_of(repeat("[", 100'000)).empty());
    CHECK_FALSE(errors_of(repeat("{\"a\":", 100'000)).empty());
}

TEST_CASE("T-72 a text may have 16 MiB", "[reader]") {
    const std::string fits = config("\"x\":\"" + std::string(kMaxJsonSize - 29, 'x') + "\"");
    REQUIRE(fits.size() <= kMaxJsonSize);
    CHECK(errors_of(fits).empty());
    CHECK(has_error(errors_of(fits + std::string(64, ' ')), "", "larger than 16 MiB"));
}

TEST_CASE("T-73 long arrays are read in linear time", "[reader]") {
    const Parsed<Spec> spec = parse_spec(
        config(R"("process":{"cwd":"/","env":["A=B")" + repeat(R"(,"A=B")", 99'999) + "]}"));
    REQUIRE(spec);
    CHECK(spec->process->env.size() == 100'000);
    std::string names = R"("x":{"k":0)";
    for (int i = 0; i < 100'000; ++i) {
        names += ",\"k" + std::to_string(i) + "\":0";
    }
    CHECK(errors_of(config(names + "}")).empty());
}

TEST_CASE("T-73 an array or object ends at a million members", "[reader]") {
    const auto groups = [](std::size_t count) {
        return config(
            "\"process\":{\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0,"
            "\"additionalGids\":[0" +
            repeat(",0", count - 1) + "]}}");
    };
    CHECK(errors_of(groups(kMaxJsonMembers)).empty());
    CHECK(has_error(errors_of(groups(kMaxJsonMembers + 1)), "process.user.additionalGids",
                    "more than 1048576 members"));
    CHECK(has_error(errors_of(config("\"x\":[0" + repeat(",0", kMaxJsonMembers) + "]")), "x",
                    "more than 1048576 members"));
}

TEST_CASE("T-74 one whole JSON object and nothing else", "[reader]") {
    for (const char* text : {"",
                             " ",
                             "\n\t",
                             "null",
                             "[]",
                             "\"x\"",
                             "1",
                             "true",
                             "{",
                             "}",
                             "{} {}",
                             "// x",
                             "\xef\xbb\xbf{\"ociVersion\":\"1.0.0\"}",
                             "{\"ociVersion\":\"1.0.0\"}x",
                             "{\"ociVersion\":\"1.0.0\"}{}",
                             "{\"ociVersion\":\"1.0.0\",}",
                             "{\"ociVersion\":\"1.0.0\",\"mounts\":[,]}",
                             "{\"ociVersion\":\"1.0.0\",\"args\":[1,]}",
                             "{\"ociVersion\":\"1.0.0\" /* c */}",
                             "{'ociVersion':'1.0.0'}",
                             "{ociVersion:1}"}) {
        CAPTURE(text);
        CHECK_FALSE(errors_of(text).empty());
    }
    const std::string nul = config("") + std::string(1, '\0');
    CHECK_FALSE(errors_of(nul).empty());
}

TEST_CASE("T-74 a config cut off at any byte is an error", "[reader]") {
    const std::string whole = write_spec(default_spec(), Layout::compact);
    REQUIRE(errors_of(whole).empty());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        const std::vector<ParseError> errors = errors_of(whole.substr(0, size));
        REQUIRE_FALSE(errors.empty());
        CHECK(errors.back().message.starts_with("invalid JSON: "));
        CHECK(errors.back().position.column == size + 1);
    }
}

TEST_CASE("broken JSON is reported where it breaks, with what was found before", "[reader]") {
    const std::vector<ParseError> errors =
        errors_of("{\n  \"ociVersion\": 1,\n  \"mounts\": [1,,2]\n}");
    REQUIRE(errors.size() == 3);
    CHECK(errors[0].path == "ociVersion");
    CHECK(errors[1].path == "mounts[0]");
    CHECK(errors[2].path == "mounts");
    CHECK(errors[2].message.starts_with("invalid JSON: "));
    CHECK(errors[2].position == Position{3, 16});
}

TEST_CASE("T-75 unknown names are ignored, those near a known one are warned of", "[reader]") {
    std::vector<ParseError> warnings;
    const Parsed<Spec> spec =
        parse_spec(config(R"("Process":{"args":3},"vm":{"a":[1.5,null,{"b":1e9}]},)"
                          R"("process":{"cwd":"/","noNewPrivilege":true,"commandLine":"x"})"),
                   &warnings);
    REQUIRE(spec);
    CHECK_FALSE(spec->process->no_new_privileges);
    REQUIRE(warnings.size() == 2);
    CHECK(warnings[0].path == "Process");
    CHECK(warnings[0].message.find("\"process\"") != std::string::npos);
    CHECK(warnings[1].path == "process.noNewPrivilege");
    CHECK(warnings[1].message.find("\"noNewPrivileges\"") != std::string::npos);
}

TEST_CASE("an unknown value of a long list is answered with the nearest name", "[reader]") {
    const auto errors = errors_of(
        config(R"("process":{"cwd":"/","rlimits":[{"type":"RLIMIT_NFILE","soft":1,"hard":1}]})"));
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].message == R"(unknown value "RLIMIT_NFILE": is "RLIMIT_NOFILE" meant?)");
}

TEST_CASE("T-01 an unknown clock is an error", "[reader]") {
    CHECK(has_error(errors_of(config(R"("linux":{"timeOffsets":{"realtime":{"secs":1}}})")),
                    "linux.timeOffsets.realtime", "one of monotonic, boottime"));
}

TEST_CASE("the schema's own examples", "[reader]") {
    CHECK(errors_of(config(R"("root":{"path":"rootfs"})")).empty());
    CHECK(errors_of(config(R"("linux":{"resources":{"rdma":{"mlx5_1":{"hcaHandles":3,)"
                           R"("hcaObjects":10000},"mlx4_0":{"hcaObjects":1000}}}})"))
              .empty());
    CHECK(
        errors_of(config(R"("linux":{"netDevices":{"eth0":{"name":"ctr0"},"ens4":{}}})")).empty());
    CHECK(has_error(errors_of(config(R"("linux":{"netDevices":{"eth0":{"name":23}}})")),
                    "linux.netDevices.eth0.name", "expected a string"));
    CHECK(has_error(
        errors_of(
            config(R"("linux":{"resources":{"rdma":{"mlx5_1":{"hcaHandles":"not uint32"}}}})")),
        "linux.resources.rdma.mlx5_1.hcaHandles", "expected an integer"));
    CHECK(has_error(parse_features(R"({"ociVersionMin":"1.0.0"})").error(), "ociVersionMax",
                    "required"));
    CHECK(parse_state(R"({"ociVersion":"0.2.0","id":"oci-container1","status":"running",)"
                      R"("pid":4422,"bundle":"/containers/redis","annotations":{"myKey":"v"}})")
              ->pid == 4422);
}

TEST_CASE("process.json and resources are read by the same rules", "[reader]") {
    const Parsed<Process> process =
        parse_process(R"({"cwd":"/","args":["ls"],"user":{"uid":7,"gid":8}})");
    REQUIRE(process);
    CHECK(process->user.uid == 7);
    CHECK(has_error(parse_process(R"({"cwd":"/","user":{"uid":"7","gid":8}})").error(), "user.uid",
                    "expected an integer"));
    CHECK(parse_resources(R"({"pids":{"limit":0}})")->pids.limit == 0);
    CHECK(has_error(parse_resources(R"({"memory":{"limit":"1"}})").error(), "memory.limit",
                    "expected an integer"));
}

TEST_CASE("locate finds a path, or what encloses it", "[reader]") {
    const std::string json = "{\n \"a\": [1, {\"b.c\": 2}],\n \"ab\": 3\n}";
    const std::vector<Position> positions =
        locate(json, {"a[1][\"b.c\"]", "ab", "a[1].missing.deeper", "missing", "a[0]"});
    REQUIRE(positions.size() == 5);
    CHECK(positions[0] == Position{2, 19});
    CHECK(positions[1] == Position{3, 8});
    CHECK(positions[2] == Position{2, 11});
    CHECK(positions[3] == Position{1, 1});
    CHECK(positions[4] == Position{2, 8});
}
