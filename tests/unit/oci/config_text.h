// SPDX-License-Identifier: Apache-2.0
// Configs as text, for tables of cases: the least valid one and the members a case adds.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "oci/parse.h"
#include "oci/validate.h"

namespace oci {

struct Case {
    const char* rule;
    std::string members;  // of config.json, besides its version and root
    std::string path;     // of the only problem; empty: there is none
};

inline std::string config(const std::string& members) {
    return R"({"ociVersion":"1.0.0","root":{"path":"rootfs"})" +
           (members.empty() ? "" : "," + members) + "}";
}

inline std::string process(const std::string& members) {
    return R"("process":{"cwd":"/","args":["sh"])" + (members.empty() ? "" : "," + members) + "}";
}

inline std::string linux_section(const std::string& members) {
    return R"("linux":{)" + members + "}";
}

inline std::string resources(const std::string& members) {
    return linux_section(R"("resources":{)" + members + "}");
}

// Both maps of a new user namespace.
constexpr const char* kOneUid = R"("uidMappings":[{"containerID":0,"hostID":1,"size":1}])";
constexpr const char* kOneGid = R"("gidMappings":[{"containerID":0,"hostID":1,"size":1}])";
inline std::string id_maps() {
    return std::string(kOneUid) + "," + kOneGid;
}

// With namespaces of the types given, new ones.
inline std::string in_namespaces(const std::vector<std::string>& types,
                                 const std::string& members) {
    std::string list;
    for (const std::string& type : types) {
        list += (list.empty() ? "" : ",") + (R"({"type":")" + type + "\"}");
    }
    return linux_section(R"("namespaces":[)" + list + "]," + members);
}

inline std::string seccomp(const std::string& members) {
    return linux_section(R"("seccomp":{)" + members + "}");
}

inline std::vector<std::string> paths_of(const std::vector<Problem>& problems) {
    std::vector<std::string> paths;
    for (const Problem& problem : problems) {
        paths.push_back(problem.path);
    }
    return paths;
}

inline Spec parsed(const std::string& json) {
    Parsed<Spec> spec = parse_spec(json);
    CAPTURE(json);
    REQUIRE(spec);
    return *std::move(spec);
}

inline void check_cases(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        CAPTURE(one.rule, one.members);
        const std::vector<Problem> problems = validate(parsed(config(one.members)));
        CHECK(paths_of(problems) ==
              (one.path.empty() ? std::vector<std::string>{} : std::vector{one.path}));
    }
}

}  // namespace oci
