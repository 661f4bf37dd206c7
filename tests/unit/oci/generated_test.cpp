// SPDX-License-Identifier: Apache-2.0
// Every member of every document, by walking the bindings: what is true of one field is true of
// all.
#include <catch2/catch.hpp>

#include "oci/bindings.h"
#include "oci/bindings_state.h"
#include "sample.h"

using namespace oci;
using sample::Edit;
using sample::make_document;
using sample::Place;
using sample::places_of;

namespace {

struct DocumentKind {
    const char* name;
    const Type& type;
    void* (*make)();
    void (*destroy)(void*);
};

template <typename T>
constexpr DocumentKind document_kind(const char* name) {
    return {name, kType<T>, []() -> void* { return new T(); },
            [](void* value) { delete static_cast<T*>(value); }};
}

constexpr DocumentKind kDocuments[] = {
    document_kind<Spec>("config.json"),
    document_kind<State>("state"),
    document_kind<ContainerProcessState>("container process state"),
    document_kind<Features>("features"),
};

std::vector<ParseError> errors_of(const DocumentKind& document, const std::string& json) {
    void* value = document.make();
    std::vector<ParseError> errors = read_json(document.type, value, json, nullptr);
    document.destroy(value);
    return errors;
}

std::vector<std::string> wrong_values(Kind kind) {
    switch (kind) {
        case Kind::boolean:
            return {"1", "0", "\"true\"", "[]", "{}", "[true]"};
        case Kind::integer:
            return {"\"1\"",
                    "true",
                    "[]",
                    "{}",
                    "1.0",
                    "0.5",
                    "1e3",
                    "1E400",
                    "-9223372036854775809",
                    "18446744073709551616",
                    "99999999999999999999999999999999999999999999999999"};
        case Kind::string:
            return {"1", "true", "[]", "{}", "[\"x\"]"};
        case Kind::choice:
            return {"1", "true", "[]", "{}", "\"\"", "\"no such name\""};
        case Kind::array:
            return {"1", "true", "\"x\"", "{}"};
        case Kind::map:
        case Kind::object:
            return {"1", "true", "\"x\"", "[]"};
    }
    return {};
}

// One mistake gives one error, with its path and its place in the text.
void check_one_error(const DocumentKind& document, const Edit& edit, const std::string& message) {
    const sample::Document made = make_document(document.type, edit);
    const std::vector<ParseError> errors = errors_of(document, made.json);
    CAPTURE(document.name, edit.path, edit.text, made.json);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].path == edit.path);
    CHECK(errors[0].message.find(message) != std::string::npos);
    CHECK(errors[0].position == Position{1, made.offset + 1});
}

bool takes_null(const Place& place) {
    return place.field != nullptr && place.field->presence == Presence::nullable;
}

}  // namespace

TEST_CASE("every member is read into its own place and written back", "[generated]") {
    for (const DocumentKind& document : kDocuments) {
        const sample::Document made = make_document(document.type);
        void* value = document.make();
        CAPTURE(document.name, made.json);
        CHECK(read_json(document.type, value, made.json, nullptr).empty());
        CHECK(write_json(document.type, value, Layout::compact) == made.json);
        document.destroy(value);
    }
}

TEST_CASE("the walk reaches the whole config", "[generated]") {
    const std::vector<Place> places = places_of(kType<Spec>);
    CHECK(places.size() > 250);
    const auto has = [&](const std::string& path) {
        return std::ranges::find(places, path, &Place::path) != places.end();
    };
    CHECK(has("process.user.additionalGids[0]"));
    CHECK(has("hooks.startContainer[0].timeout"));
    CHECK(has("linux.seccomp.syscalls[0].args[0].valueTwo"));
    CHECK(has("linux.resources.blockIO.throttleWriteIOPSDevice[0].rate"));
    CHECK(has("linux.timeOffsets.monotonic.nanosecs"));
    CHECK(has("linux.netDevices.k.name"));
}

TEST_CASE("T-68 a wrong type is an error at every member", "[generated]") {
    for (const DocumentKind& document : kDocuments) {
        for (const Place& place : places_of(document.type)) {
            for (const std::string& wrong : wrong_values(place.type->kind)) {
                const bool unknown = place.type->kind == Kind::choice && wrong.front() == '"';
                check_one_error(document, {Edit::Kind::replace, place.path, wrong},
                                unknown ? "unknown value" : "expected");
            }
        }
    }
}

TEST_CASE("T-68 null is absent for optional containers and numbers, else an error", "[generated]") {
    for (const DocumentKind& document : kDocuments) {
        for (const Place& place : places_of(document.type)) {
            const Edit edit{Edit::Kind::replace, place.path, "null"};
            if (!takes_null(place)) {
                check_one_error(document, edit, "not null");
                continue;
            }
            CAPTURE(document.name, place.path);
            const Edit omit{Edit::Kind::omit, place.path};
            void* with_null = document.make();
            void* without = document.make();
            const auto read = [&](void* value, const Edit& one) {
                return read_json(document.type, value, make_document(document.type, one).json,
                                 nullptr);
            };
            CHECK(read(with_null, edit).empty());
            CHECK(read(without, omit).empty());
            CHECK(write_json(document.type, with_null, Layout::compact) ==
                  write_json(document.type, without, Layout::compact));
            document.destroy(with_null);
            document.destroy(without);
        }
    }
}

TEST_CASE("T-69 a name given twice is an error at every member", "[generated]") {
    for (const DocumentKind& document : kDocuments) {
        for (const Place& place : places_of(document.type)) {
            if (place.field != nullptr) {
                check_one_error(document, {Edit::Kind::repeat, place.path}, "more than once");
                check_one_error(document, {Edit::Kind::repeat_escaped, place.path},
                                "more than once");
            }
        }
    }
}

TEST_CASE("T-71 NUL is refused in every string", "[generated]") {
    for (const DocumentKind& document : kDocuments) {
        for (const Place& place : places_of(document.type)) {
            if (place.type->kind == Kind::string) {
                const Edit edit{Edit::Kind::replace, place.path, "\"\\u0000x\""};
                const std::vector<ParseError> errors =
                    errors_of(document, make_document(document.type, edit).json);
                CAPTURE(place.path);
                REQUIRE(errors.size() == 1);
                CHECK(errors[0].path == place.path);
                CHECK(errors[0].message.find("NUL") != std::string::npos);
            }
        }
    }
}

TEST_CASE("T-76 what is required is missed, what is optional is not", "[generated]") {
    std::vector<std::string> required;
    for (const DocumentKind& document : kDocuments) {
        for (const Place& place : places_of(document.type)) {
            if (place.field == nullptr) {
                continue;
            }
            const std::vector<ParseError> errors = errors_of(
                document, make_document(document.type, {Edit::Kind::omit, place.path}).json);
            CAPTURE(document.name, place.path);
            if (place.field->presence == Presence::required) {
                REQUIRE(errors.size() == 1);
                CHECK(errors[0].path == place.path);
                CHECK(errors[0].message == "required but missing");
            } else {
                CHECK(errors.empty());
            }
            if (&document == &kDocuments[0] && place.field->presence == Presence::required) {
                required.push_back(place.path);
            }
        }
    }
    // G-06 and the spec's text, in the order of the bindings.
    CHECK(required == std::vector<std::string>{
                          "ociVersion",
                          "process.consoleSize.height",
                          "process.consoleSize.width",
                          "process.user.uid",
                          "process.user.gid",
                          "process.cwd",
                          "process.rlimits[0].type",
                          "process.rlimits[0].hard",
                          "process.rlimits[0].soft",
                          "process.scheduler.policy",
                          "process.ioPriority.class",
                          "process.ioPriority.priority",
                          "root.path",
                          "mounts[0].destination",
                          "mounts[0].uidMappings[0].containerID",
                          "mounts[0].uidMappings[0].hostID",
                          "mounts[0].uidMappings[0].size",
                          "mounts[0].gidMappings[0].containerID",
                          "mounts[0].gidMappings[0].hostID",
                          "mounts[0].gidMappings[0].size",
                          "hooks.prestart[0].path",
                          "hooks.createRuntime[0].path",
                          "hooks.createContainer[0].path",
                          "hooks.startContainer[0].path",
                          "hooks.poststart[0].path",
                          "hooks.poststop[0].path",
                          "linux.uidMappings[0].containerID",
                          "linux.uidMappings[0].hostID",
                          "linux.uidMappings[0].size",
                          "linux.gidMappings[0].containerID",
                          "linux.gidMappings[0].hostID",
                          "linux.gidMappings[0].size",
                          "linux.resources.devices[0].allow",
                          "linux.resources.pids.limit",
                          "linux.resources.blockIO.weightDevice[0].major",
                          "linux.resources.blockIO.weightDevice[0].minor",
                          "linux.resources.blockIO.throttleReadBpsDevice[0].major",
                          "linux.resources.blockIO.throttleReadBpsDevice[0].minor",
                          "linux.resources.blockIO.throttleReadBpsDevice[0].rate",
                          "linux.resources.blockIO.throttleWriteBpsDevice[0].major",
                          "linux.resources.blockIO.throttleWriteBpsDevice[0].minor",
                          "linux.resources.blockIO.throttleWriteBpsDevice[0].rate",
                          "linux.resources.blockIO.throttleReadIOPSDevice[0].major",
                          "linux.resources.blockIO.throttleReadIOPSDevice[0].minor",
                          "linux.resources.blockIO.throttleReadIOPSDevice[0].rate",
                          "linux.resources.blockIO.throttleWriteIOPSDevice[0].major",
                          "linux.resources.blockIO.throttleWriteIOPSDevice[0].minor",
                          "linux.resources.blockIO.throttleWriteIOPSDevice[0].rate",
                          "linux.resources.hugepageLimits[0].pageSize",
                          "linux.resources.hugepageLimits[0].limit",
                          "linux.resources.network.priorities[0].name",
                          "linux.resources.network.priorities[0].priority",
                          "linux.namespaces[0].type",
                          "linux.devices[0].path",
                          "linux.devices[0].type",
                          "linux.seccomp.defaultAction",
                          "linux.seccomp.syscalls[0].names",
                          "linux.seccomp.syscalls[0].action",
                          "linux.seccomp.syscalls[0].args[0].index",
                          "linux.seccomp.syscalls[0].args[0].value",
                          "linux.seccomp.syscalls[0].args[0].op",
                          "linux.memoryPolicy.mode",
                          "linux.personality.domain",
                      });
}
