// SPDX-License-Identifier: Apache-2.0
// org.systemd.property.NAME, in the words of podman, CRI-O and people (CALL-45, CALL-54).
#include "libcontainer/cgroup/systemd/annotations.h"

#include <catch2/catch.hpp>

using libcontainer::systemd::Origin;
using libcontainer::systemd::parse_unit_annotations;
using libcontainer::systemd::parse_variant;
using libcontainer::systemd::Property;
using libcontainer::systemd::Value;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("CALL-45 CALL-54: values in GVariant's text format") {
    const std::pair<const char*, Value> vectors[] = {
        {"true", true},
        {" false ", false},
        {"15", std::int32_t{15}},
        {"-1", std::int32_t{-1}},
        {"uint64 10000000", std::uint64_t{10'000'000}},
        {"@t 7", std::uint64_t{7}},
        {"uint32 7", std::uint32_t{7}},
        {"int32 7", std::int32_t{7}},
        {"int64 -7", std::int64_t{-7}},
        {"0.5", 0.5},
        {"double 2", 2.0},
        {"'text'", std::string("text")},
        {"\"it's\"", std::string("it's")},
        {R"('it\'s \\ ok')", std::string(R"(it's \ ok)")},
        {"''", std::string()},
        {"['crio.service']", Texts{"crio.service"}},
        {"[ 'a' , \"b\" ]", Texts{"a", "b"}},
        {"[]", Texts{}},
        {"@as []", Texts{}},
        {"@as ['x']", Texts{"x"}},
    };
    for (const auto& [text, value] : vectors) {
        INFO(text);
        const auto parsed = parse_variant(text);
        REQUIRE(parsed);
        CHECK(*parsed == value);
    }
}

TEST_CASE("what is no such value is refused") {
    for (const char* const text : {"",
                                   " ",
                                   "truth",
                                   "1 2",
                                   "uint64",
                                   "uint64 -1",
                                   "int32 2147483648",
                                   "99999999999",
                                   "'open",
                                   "'x' y",
                                   "['a'",
                                   "['a' 'b']",
                                   "[1]",
                                   "['a',]",
                                   "garbage(",
                                   "('a', 1)",
                                   "{'a': 1}",
                                   "1e",
                                   "'a\\",
                                   "<1>",
                                   "uint64 1x"}) {
        INFO(text);
        CHECK_FALSE(parse_variant(text));
    }
}

TEST_CASE("CALL-45: annotations become properties, seconds microseconds") {
    const auto properties = parse_unit_annotations({
        {"a", "1"},
        {"org.systemd.property.After", "['crio.service']"},
        {"org.systemd.property.DefaultDependencies", "true"},
        {"org.systemd.property.RuntimeMaxSec", "1.5"},
        {"org.systemd.property.TimeoutStopSec", "uint64 10"},
        {"org.systemd.property.TimeoutStopUSec", "uint64 10"},
        {"org.systemd.propertyX", "1"},
        {"z", "1"},
    });
    REQUIRE(properties);
    CHECK(*properties == std::vector<Property>{
                             {"After", Texts{"crio.service"}, Origin::annotation},
                             {"DefaultDependencies", true, Origin::annotation},
                             {"RuntimeMaxUSec", std::uint64_t{1'500'000}, Origin::annotation},
                             {"TimeoutStopUSec", std::uint64_t{10'000'000}, Origin::annotation},
                             {"TimeoutStopUSec", std::uint64_t{10}, Origin::annotation},
                         });
}

TEST_CASE("an annotation that is wrong is named") {
    const std::pair<const char*, const char*> vectors[] = {
        {"org.systemd.property.KillSignal", "garbage("},
        {"org.systemd.property.", "1"},
        {"org.systemd.property.a b", "1"},
        {"org.systemd.property.TimeoutStopSec", "'x'"},
        {"org.systemd.property.TimeoutStopSec", "-1"},
        {"org.systemd.property.TimeoutStopSec", "true"},
        {"org.systemd.property.TimeoutStopSec", "1e30"},
    };
    for (const auto& [name, value] : vectors) {
        INFO(name << " = " << value);
        const auto properties = parse_unit_annotations({{name, value}});
        REQUIRE_FALSE(properties);
        CHECK(properties.error().config_path == "annotations[\"" + std::string(name) + "\"]");
    }
}

TEST_CASE("R-40: a text of more than one line would be other settings after a daemon-reload") {
    const std::pair<const char*, std::string> vectors[] = {
        {"Description", "'x\n[Scope]\nMemoryMax=infinity\n[Unit]\nDescription=x'"},
        {"Description", "'x\ry'"},
        {"Description", "'x\\\ny'"},
        {"Description", "'x\ty'"},
        {"Description", "'x\x7f'"},
        {"Description", std::string("'x\0y'", 5)},
        {"After", "['a.service', 'b.service\nMemoryMax=infinity']"},
        {"Slice", "\"x\n\""},
        {"Description", "''"},
        {"Description", "' x'"},
        {"Description", "'x '"},
    };
    for (const auto& [name, value] : vectors) {
        INFO(name << " = " << value);
        const std::string annotation = "org.systemd.property." + std::string(name);
        const auto properties = parse_unit_annotations({{annotation, value}});
        REQUIRE_FALSE(properties);
        CHECK(properties.error().config_path == "annotations[\"" + annotation + "\"]");
    }
    const auto plain =
        parse_unit_annotations({{"org.systemd.property.Description", "'caf\xc3\xa9 x'"},
                                {"org.systemd.property.X", "' '"}});
    REQUIRE(plain);
    CHECK(plain->front().value == Value(std::string("caf\xc3\xa9 x")));
}
