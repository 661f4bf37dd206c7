// SPDX-License-Identifier: Apache-2.0
// Netlink messages as bytes: what is built is what is read, and no length leads out of a buffer.
#include "libcontainer/network/netlink.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "libcontainer/network/link.h"

namespace libcontainer {
namespace {

std::string header_and(std::uint16_t type, std::uint16_t flags, const std::string& payload) {
    const nlmsghdr header = {static_cast<std::uint32_t>(sizeof(nlmsghdr) + payload.size()), type,
                             flags, 7, 0};
    return std::string(as_bytes(header)) + payload;
}

std::string attribute(std::uint16_t type, const std::string& value) {
    const rtattr header = {static_cast<unsigned short>(sizeof(rtattr) + value.size()), type};
    std::string bytes = std::string(as_bytes(header)) + value;
    bytes.resize((bytes.size() + 3) / 4 * 4);
    return bytes;
}

std::string verdict_of(int code, std::uint16_t flags, const std::string& rest) {
    nlmsgerr error = {};
    error.error = -code;
    return header_and(NLMSG_ERROR, flags, std::string(as_bytes(error)) + rest);
}

TEST_CASE("a request holds its attributes, padded to four bytes") {
    ifinfomsg family = {};
    family.ifi_index = 3;
    NetlinkRequest request(RTM_SETLINK, 0, family);
    const std::uint32_t number = 0x01020304;
    request.add_text(IFLA_IFNAME, "web0").add(IFLA_MTU, as_bytes(number));
    const std::string bytes = request.encode(9);
    CHECK(bytes.size() % 4 == 0);

    const auto messages = split_messages(bytes);
    REQUIRE(messages);
    REQUIRE(messages->size() == 1);
    CHECK(messages->front().type == RTM_SETLINK);
    CHECK(messages->front().sequence == 9);
    CHECK(messages->front().flags == (NLM_F_REQUEST | NLM_F_ACK));
    const std::string_view payload = messages->front().payload;
    CHECK(read_struct<ifinfomsg>(payload)->ifi_index == 3);
    const auto attributes = NetlinkAttributes::parse(payload.substr(sizeof family));
    REQUIRE(attributes);
    CHECK(attributes->text(IFLA_IFNAME) == "web0");
    CHECK(attributes->number<std::uint32_t>(IFLA_MTU) == number);
    CHECK_FALSE(attributes->number<std::uint16_t>(IFLA_MTU));
    CHECK_FALSE(attributes->find(IFLA_MASTER));
}

TEST_CASE("every cut of a message or attribute list is seen, and nothing beyond it") {
    const std::string list = attribute(1, "four") + attribute(2, "longer text");
    const std::string datagram = header_and(RTM_NEWLINK, 0, list) + header_and(RTM_NEWLINK, 0, "");
    for (std::size_t length = 1; length < datagram.size(); ++length) {
        // A copy of just that many bytes, so that a sanitizer sees a step beyond.
        const std::vector<char> part(datagram.begin(),
                                     datagram.begin() + static_cast<std::ptrdiff_t>(length));
        const auto messages = split_messages({part.data(), part.size()});
        const bool whole = length == sizeof(nlmsghdr) + list.size();
        CHECK(messages.has_value() == whole);
    }
    for (std::size_t length = 1; length < list.size(); ++length) {
        const std::vector<char> part(list.begin(),
                                     list.begin() + static_cast<std::ptrdiff_t>(length));
        const auto attributes = NetlinkAttributes::parse({part.data(), part.size()});
        // The last one may lack its padding.
        CHECK(attributes.has_value() == (length == 8 || length == list.size() - 1));
    }
}

TEST_CASE("lengths that lie are refused") {
    for (const std::uint32_t length : {0U, 1U, 15U, 17U, 0xffffffffU}) {
        nlmsghdr header = {};
        header.nlmsg_len = length;
        CHECK_FALSE(split_messages(as_bytes(header)));
    }
    for (const int length : {0, 3, 5, 0xffff}) {
        const rtattr header = {static_cast<unsigned short>(length), 1};
        CHECK_FALSE(NetlinkAttributes::parse(as_bytes(header)));
    }
}

TEST_CASE("a verdict has the errno and the kernel's words") {
    const auto read = [](const std::string& bytes) {
        const auto messages = split_messages(bytes);
        return read_verdict(messages->front());
    };
    CHECK(read(verdict_of(0, 0, ""))->code == 0);
    CHECK(read(verdict_of(EINVAL, NLM_F_CAPPED, ""))->code == EINVAL);
    const auto told = read(verdict_of(EPERM, NLM_F_CAPPED | NLM_F_ACK_TLVS,
                                      attribute(NLMSGERR_ATTR_MSG, std::string("no\0", 3))));
    CHECK(told->code == EPERM);
    CHECK(told->text == "no");
    CHECK_FALSE(read(header_and(NLMSG_ERROR, 0, "ab")));
    CHECK_FALSE(read(verdict_of(EPERM, NLM_F_CAPPED | NLM_F_ACK_TLVS, "abc")));
    // The end of a dump has a code and no request.
    const std::int32_t code = -EINTR;
    CHECK(read(header_and(NLMSG_DONE, NLM_F_MULTI, std::string(as_bytes(code))))->code == EINTR);
}

TEST_CASE("ND-04 a label follows its device's name") {
    CHECK(renamed_label("eth0", "eth0", "web0") == "web0");
    CHECK(renamed_label("eth0:a", "eth0", "web0") == "web0:a");
    CHECK(renamed_label("eth01", "eth0", "web0") == "eth01");
    CHECK(renamed_label("other", "eth0", "web0") == "other");
    CHECK(renamed_label("e:12345", "e", "abcdefghijklmno") == "abcdefghi:12345");
    CHECK(renamed_label("e:123456789012", "e", "name") == "na:123456789012");
}

}  // namespace
}  // namespace libcontainer
