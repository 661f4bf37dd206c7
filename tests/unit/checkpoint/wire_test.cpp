// SPDX-License-Identifier: Apache-2.0
// CRIU's messages as bytes: what protoc makes of the same values, and what is no message.
#include "libcontainer/checkpoint/wire.h"

#include <catch2/catch.hpp>

#include "libcontainer/checkpoint/criu.h"

using namespace libcontainer;
using namespace std::string_literals;

TEST_CASE("fields as protocol buffers write them", "[checkpoint]") {
    WireWriter writer;
    writer.number(1, 150);
    writer.text(2, "testing");
    CHECK(writer.bytes() == "\x08\x96\x01\x12\x07testing");
    WireWriter outer;
    outer.message(25, writer);  // a field number above 15 takes two bytes
    CHECK(outer.bytes() == "\xca\x01\x0c" + writer.bytes());
    WireWriter negative;
    negative.number(1, -1);
    CHECK(negative.bytes() == "\x08" + std::string(9, '\xff') + "\x01");
}

TEST_CASE("fields are taken off one by one, unknown widths too", "[checkpoint]") {
    const std::string text =
        "\x08\x96\x01"
        "\x11"
        "12345678"
        "\x1d"
        "1234"
        "\x22\x02hi"s;
    std::string_view rest = text;
    auto field = next_field(rest);
    REQUIRE(field);
    CHECK((field->field == 1 && field->number == 150));
    CHECK(next_field(rest)->field == 2);
    CHECK(next_field(rest)->field == 3);
    field = next_field(rest);
    REQUIRE(field);
    CHECK((field->field == 4 && field->bytes == "hi"));
    CHECK_FALSE(next_field(rest));
    CHECK(rest.empty());
}

TEST_CASE("a message that is cut short or malformed leaves a rest", "[checkpoint]") {
    for (const std::string& text :
         {"\x08"s, "\x08\x96"s, "\x12\x07short"s, "\x11"s + "1234567", "\x0b"s,
          std::string(11, '\xff'), "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s}) {
        std::string_view rest = text;
        CHECK_FALSE(next_field(rest));
        CHECK_FALSE(rest.empty());
    }
}

TEST_CASE("X-02.checkpoint requests to CRIU", "[checkpoint]") {
    CriuRequest request;
    request.set(CriuField::pid, 5);
    request.set_if(CriuField::shell_job, false);
    request.add_pair(CriuField::ext_mnt, "/data", std::string_view("/srv"));
    CHECK(request.encode(CriuCall::dump) ==
          "\x08\x01\x12\x12"
          "\x10\x05"
          "\xba\x01\x0d\x0a\x05/data\x12\x04/srv");
    CHECK(request.encode(CriuCall::notify) == "\x08\x06\x18\x01");
    CHECK(CriuRequest().encode(CriuCall::feature_check) == "\x08\x09\x2a\x04\x08\x01\x10\x01");
}

TEST_CASE("the last errors of a log, without their stamps", "[checkpoint]") {
    CHECK(last_errors("").empty());
    CHECK(last_errors("(00.1) Dumping finished successfully\n").empty());
    CHECK(last_errors("(00.1) Error (criu/a.c:1): one\n(00.2) fine\n(00.3) Error (criu/b.c:2): "
                      "two\nError (criu/c.c:3): three\n    4: Error (criu/d.c:4): four") ==
          "(criu/b.c:2): two; (criu/c.c:3): three; (criu/d.c:4): four");
}
