// SPDX-License-Identifier: Apache-2.0
// Each rule of validate(): what breaks it, with the path it is reported at, and what only looks so.
#include "oci/validate.h"

#include <catch2/catch.hpp>

#include "config_text.h"
#include "oci/built.h"
#include "oci/default_spec.h"

using namespace oci;

TEST_CASE("C-01 the version is a semantic version of major 1", "[validate]") {
    for (const char* good :
         {"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.1+dev", "1.99.0", "1.3.0-a.1+b"}) {
        CAPTURE(good);
        CHECK(validate(parsed(std::string(R"({"root":{"path":"r"},"ociVersion":")") + good + "\"}"))
                  .empty());
    }
    for (const char* bad :
         {"", "1", "1.0", "v1.0.0", "2.0.0", "0.9.0", "1.0.0.0", "1.00.0", "1.0.0-", "1.0.0+",
          "1.0.0-01", "1.0.x", " 1.0.0", "1.0.0-a..b", "1..0"}) {
        CAPTURE(bad);
        CHECK(paths_of(validate(parsed(std::string(R"({"root":{"path":"r"},"ociVersion":")") + bad +
                                       "\"}"))) == std::vector<std::string>{"ociVersion"});
    }
}

TEST_CASE("C-02 a root is required", "[validate]") {
    CHECK(paths_of(validate(parsed(R"({"ociVersion":"1.0.0"})"))) ==
          std::vector<std::string>{"root"});
    CHECK(paths_of(validate(parsed(R"({"ociVersion":"1.0.0","root":{"path":""}})"))) ==
          std::vector<std::string>{"root.path"});
}

TEST_CASE("the templates and the least config are valid", "[validate]") {
    CHECK(validate(parsed(config(""))).empty());
    CHECK(validate(default_spec()).empty());
    CHECK(validate(rootless_spec(1000, 1000)).empty());
    CHECK(find_doubtful(default_spec()).empty());
    CHECK(unsupported(default_spec()).empty());
    CHECK(unsupported(rootless_spec(1000, 1000)).empty());
}

TEST_CASE("top-level rules", "[validate]") {
    const std::string uts = in_namespaces({"uts"}, R"("sysctl":{})");
    check_cases({
        {"U-01", R"("hostname":"a")", "hostname"},
        {"U-01", R"("hostname":"",)" + linux_section(""), ""},
        {"U-01", R"("hostname":")" + std::string(64, 'a') + "\"," + uts, ""},
        {"U-01", R"("hostname":")" + std::string(65, 'a') + "\"," + uts, "hostname"},
        {"U-02", R"("domainname":"a")", "domainname"},
        {"U-02", R"("domainname":")" + std::string(65, 'a') + "\"," + uts, "domainname"},
        {"M-02", R"("mounts":[{"destination":"/a"},{"destination":""}])", "mounts[1].destination"},
        {"M-02", R"("mounts":[{"destination":"relative"}])", ""},
        {"M-03", R"("mounts":[{"destination":"/a","options":["ro","rbind"]}])", "mounts[0].source"},
        {"M-03", R"("mounts":[{"destination":"/a","type":"bind","source":""}])",
         "mounts[0].source"},
        {"M-03", R"("mounts":[{"destination":"/a","type":"tmpfs"}])", ""},
        {"H-12", R"("hooks":{"createRuntime":[{"path":"/a"},{"path":"bin/a"}]})",
         "hooks.createRuntime[1].path"},
        {"H-12", R"("hooks":{"poststop":[{"path":""}]})", "hooks.poststop[0].path"},
        {"H-15", R"("hooks":{"prestart":[{"path":"/a","timeout":0}]})",
         "hooks.prestart[0].timeout"},
        {"H-15", R"("hooks":{"startContainer":[{"path":"/a","timeout":-1}]})",
         "hooks.startContainer[0].timeout"},
        {"H-15", R"("hooks":{"poststart":[{"path":"/a","timeout":1}]})", ""},
        {"A-01", R"("annotations":{"":"a"})", R"(annotations[""])"},
    });
}

TEST_CASE("M-06 id maps of mounts", "[validate]") {
    const std::string map = R"([{"containerID":0,"hostID":1,"size":1}])";
    const auto mount = [](const std::string& members) {
        return R"("mounts":[{"destination":"/a","source":"/b","type":"bind",)" + members + "}]";
    };
    check_cases({
        {"both", mount(R"("uidMappings":)" + map + R"(,"gidMappings":)" + map), ""},
        {"one", mount(R"("uidMappings":)" + map), "mounts[0].uidMappings"},
        {"one", mount(R"("gidMappings":)" + map), "mounts[0].gidMappings"},
        {"bad",
         mount(R"("uidMappings":[{"containerID":0,"hostID":1,"size":0}],"gidMappings":)" + map),
         "mounts[0].uidMappings[0].size"},
        {"nothing to map", mount(R"("options":["idmap"])"), "mounts[0].options"},
        {"user ns", mount(R"("options":["ridmap"])") + "," + in_namespaces({"user"}, id_maps()),
         ""},
    });
}

TEST_CASE("process rules", "[validate]") {
    check_cases({
        {"P-03", R"("process":{"cwd":"tmp","args":["sh"]})", "process.cwd"},
        {"P-03", R"("process":{"cwd":"","args":["sh"]})", "process.cwd"},
        {"P-05", R"("process":{"cwd":"/"})", "process.args"},
        {"P-05", R"("process":{"cwd":"/","args":[""]})", "process.args[0]"},
        {"P-04", process(R"("env":["A","=b","A=1","A=2",""])"), ""},
        {"P-07",
         process(R"("rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":1},)"
                 R"({"type":"RLIMIT_AS","soft":1,"hard":1},)"
                 R"({"type":"RLIMIT_CPU","soft":1,"hard":1}])"),
         "process.rlimits[2].type"},
        {"P-07", process(R"("rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}])"),
         "process.rlimits[0].soft"},
        {"P-09",
         process(R"("capabilities":{"effective":["CAP_KILL","CAP_CHOWN"],)"
                 R"("permitted":["CAP_KILL"]})"),
         "process.capabilities.effective[1]"},
        {"P-09", process(R"("capabilities":{"effective":["CAP_FOO"],"bounding":["cap_kill"]})"),
         ""},
        {"P-09", process(R"("capabilities":{"ambient":["CAP_KILL"],"permitted":["CAP_KILL"]})"),
         ""},
        {"P-11", process(R"("oomScoreAdj":1001)"), "process.oomScoreAdj"},
        {"P-11", process(R"("oomScoreAdj":-1001)"), "process.oomScoreAdj"},
        {"P-11", process(R"("oomScoreAdj":-1000)"), ""},
        {"P-12", process(R"("scheduler":{"policy":"SCHED_FIFO","priority":99})"), ""},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_FIFO"})"), "process.scheduler.priority"},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_RR","priority":100})"),
         "process.scheduler.priority"},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_OTHER","priority":1})"),
         "process.scheduler.priority"},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_BATCH","nice":-20})"), ""},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_OTHER","nice":20})"),
         "process.scheduler.nice"},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_IDLE","nice":1})"),
         "process.scheduler.nice"},
        {"P-13", process(R"("scheduler":{"policy":"SCHED_OTHER","runtime":1})"),
         "process.scheduler"},
        {"P-13",
         process(R"("scheduler":{"policy":"SCHED_DEADLINE","runtime":3,"deadline":2,"period":4})"),
         "process.scheduler"},
        {"P-13",
         process(R"("scheduler":{"policy":"SCHED_DEADLINE","runtime":1,"deadline":2,"period":2})"),
         ""},
        {"P-12",
         process(R"("scheduler":{"policy":"SCHED_DEADLINE","runtime":1,"deadline":2})") +
             R"(,"hooks":{"startContainer":[{"path":"/x"}]})",
         "process.scheduler.flags"},
        {"P-12",
         process(R"("scheduler":{"policy":"SCHED_DEADLINE","runtime":1,"deadline":2,)"
                 R"("flags":["SCHED_FLAG_RESET_ON_FORK"]})") +
             R"(,"hooks":{"startContainer":[{"path":"/x"}]})",
         ""},
        {"P-16", process(R"("ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8})"),
         "process.ioPriority.priority"},
        {"P-16", process(R"("ioPriority":{"class":"IOPRIO_CLASS_BE","priority":-1})"),
         "process.ioPriority.priority"},
        {"P-17", process(R"("execCPUAffinity":{"initial":"0-3, 7","final":""})"), ""},
        {"P-17", process(R"("execCPUAffinity":{"initial":"3-0"})"),
         "process.execCPUAffinity.initial"},
        {"P-18", process(R"("execCPUAffinity":{"final":"0-99999999"})"),
         "process.execCPUAffinity.final"},
        {"P-19", process(R"("user":{"uid":4294967294,"gid":0})"), ""},
        {"P-19", process(R"("user":{"uid":4294967295,"gid":0})"), "process.user.uid"},
        {"P-19", process(R"("user":{"uid":0,"gid":4294967295})"), "process.user.gid"},
        {"P-20", process(R"("user":{"uid":0,"gid":0,"umask":511})"), ""},
        {"P-20", process(R"("user":{"uid":0,"gid":0,"umask":512})"), "process.user.umask"},
        {"P-21", process(R"("user":{"uid":0,"gid":0,"additionalGids":[1,4294967295]})"),
         "process.user.additionalGids[1]"},
    });
}

TEST_CASE("process.json follows the rules of process, with paths of its own", "[validate]") {
    const Parsed<Process> process = parse_process(R"({"cwd":"x","args":[]})");
    REQUIRE(process);
    CHECK(paths_of(validate(*process)) == std::vector<std::string>{"cwd", "args"});
}

TEST_CASE("problems get lines and columns from the text", "[validate]") {
    const std::string json =
        "{\n \"ociVersion\": \"2.0.0\",\n \"process\": {\"cwd\": \"x\", \"args\": [\"sh\"]}\n}";
    std::vector<Problem> problems = validate(parsed(json));
    add_positions(problems, json);
    REQUIRE(problems.size() == 3);
    CHECK(to_string(problems[0], "config.json") ==
          "config.json:2:16: ociVersion: only version 1 of the runtime spec is understood, not "
          "\"2.0.0\"");
    CHECK(to_string(problems[1], "config.json") == "config.json:1:1: root: required but missing");
    CHECK(to_string(problems[2], "config.json") ==
          "config.json:3:21: process.cwd: must be an absolute path");
}

TEST_CASE("mistakes of form and of meaning are told together, but for consequences", "[validate]") {
    const auto paths = [](const std::string& members) {
        const Parsed<Spec> spec = parse_valid_spec(config(members));
        return spec ? std::vector<std::string>{} : paths_of(spec.error());
    };
    using Paths = std::vector<std::string>;
    CHECK(paths(process("")).empty());
    CHECK(paths(R"("process":{"cwd":"x","args":["sh"],"terminal":1},"annotations":{"":""})") ==
          Paths{"process.cwd", "process.terminal", "annotations[\"\"]"});
    // An unreadable cwd is not also no absolute one, nor are unreadable args no program.
    CHECK(paths(R"("process":{"cwd":1,"args":{}})") == Paths{"process.cwd", "process.args"});
    CHECK(paths(R"("process":5,"hooks":{"prestart":[{"path":"x"}]})") ==
          Paths{"process", "hooks.prestart[0].path"});
    // Whether a name may be set depends on namespaces that could not be read.
    const std::string names = R"("hostname":"x","linux":{"maskedPaths":["x"],"namespaces":)";
    CHECK(paths(names + "[]}") == Paths{"hostname", "linux.maskedPaths", "linux.maskedPaths[0]"});
    CHECK(paths(names + "[{}]}") == Paths{"linux.namespaces[0].type"});
    CHECK(paths(R"("linux":{"resources":{"cpu":{"idle":2},"pids":{}}})") ==
          Paths{"linux.resources.cpu.idle", "linux.resources.pids.limit"});
    // Of a text that breaks off only what was read is judged.
    CHECK(parse_valid_spec(R"({"ociVersion":"1.0.0",)").error().size() == 1);
}

TEST_CASE("T-73 long lists are judged in linear time, and twenty mistakes are enough",
          "[validate]") {
    const auto many = [](const std::string& one) {
        std::string list = one;
        for (int i = 1; i < 200000; ++i) {
            list += "," + one;
        }
        return "[" + list + "]";
    };
    const std::string sets = R"("capabilities":{"effective":)" + many(R"("CAP_KILL")") +
                             R"(,"permitted":)" + many(R"("CAP_CHOWN")") + "}";
    CHECK(parse_valid_spec(config(process(sets))).error().size() == 20);
    const std::string devices =
        linux_section(R"("devices":)" + many(R"({"path":"/x","type":"c","major":1,"minor":3})"));
    CHECK(find_doubtful(parsed(config(devices))).size() == 20);
}

TEST_CASE("what is doubtful is told, not refused", "[validate]") {
    const Spec spec = parsed(
        R"({"ociVersion":"1.4.0","root":{"path":"r"},"mounts":[{"destination":"data"}],)"
        R"("process":{"cwd":"/","args":["sh"],"capabilities":{"bounding":["CAP_KILL","CAP_FOO"],)"
        R"("permitted":["CAP_KILL"],"ambient":["CAP_KILL"]}},"linux":{"devices":[)"
        R"({"path":"/dev/a","type":"c","major":1,"minor":3},)"
        R"({"path":"/dev/b","type":"c","major":1,"minor":3},{"path":"/p","type":"p"},)"
        R"({"path":"/q","type":"p"}]}})");
    CHECK(validate(spec).empty());
    CHECK(paths_of(find_doubtful(spec)) ==
          std::vector<std::string>{"ociVersion", "mounts[0].destination", "linux.devices[1]",
                                   "process.capabilities.bounding[1]",
                                   "process.capabilities.ambient"});
    CHECK(find_doubtful(parsed(config(""))).empty());
}

TEST_CASE("what has no effect in this build is refused by its path", "[validate]") {
    const Spec spec = parsed(config(
        process(
            R"("scheduler":{"policy":"SCHED_OTHER"},"apparmorProfile":"web","selinuxLabel":"")") +
        R"(,"mounts":[{"destination":"/a","options":["idmap"]}],)" +
        linux_section(R"("intelRdt":{},"mountLabel":"x","resources":{"unified":{"a":"1"}},)"
                      R"("seccomp":{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/s",)"
                      R"("syscalls":[{"names":["a"],"action":"SCMP_ACT_NOTIFY"}]})")));
    std::vector<std::string> expected;
    const auto expect = [&](bool built, const char* path) {
        if (!built) {
            expected.emplace_back(path);
        }
    };
    expect(built::kIdmappedMounts, "mounts[0]");
    expect(built::kIntelRdt, "linux.intelRdt");
    expect(built::kSelinux, "linux.mountLabel");
    expect(built::kCgroupV2, "linux.resources.unified");
    expect(built::kSeccompNotify, "linux.seccomp.listenerPath");
    expect(built::kSeccompNotify, "linux.seccomp.syscalls");
    expect(built::kScheduler, "process.scheduler");
    expect(built::kApparmor, "process.apparmorProfile");
    CHECK(paths_of(unsupported(spec)) == expected);
    CHECK(
        unsupported(parsed(config(process(R"("apparmorProfile":"","selinuxLabel":"")")))).empty());
}
