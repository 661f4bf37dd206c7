// SPDX-License-Identifier: Apache-2.0
// The conversation between parent and child: legal orders, errors as bytes, end of file.
#include "libcontainer/process/sync.h"

#include <catch2/catch.hpp>

#include "libcontainer/sys/socket.h"

using libcontainer::decode_error;
using libcontainer::encode_error;
using libcontainer::SyncChannel;
using libcontainer::SyncOrder;
using libcontainer::SyncType;
using enum libcontainer::SyncType;

namespace {

bool legal(const std::vector<SyncType>& messages, SyncType first = init_pid) {
    SyncOrder order(first);
    for (const SyncType message : messages) {
        if (!order.accept(message)) {
            return false;
        }
    }
    return true;
}

std::array<SyncChannel, 2> make_pair() {
    auto ends = sys::make_socket_pair();
    REQUIRE(ends);
    return {SyncChannel(std::move((*ends)[0])), SyncChannel(std::move((*ends)[1]))};
}

}  // namespace

TEST_CASE("R-38: the child's messages are taken in their order only", "[process]") {
    CHECK(legal({ready}));
    CHECK(legal({init_pid, map_ids, run_hooks, console, ready, hooks_ran, seccomp}));
    CHECK_FALSE(legal({seccomp, hooks_ran}));
    CHECK_FALSE(legal({seccomp, ready}));
    CHECK(legal({run_hooks, ready, failed}));
    CHECK(legal({failed}));
    CHECK(legal({map_ids, ready}, map_ids));
    CHECK(legal({failed}, map_ids));
    CHECK_FALSE(legal({init_pid, map_ids, ready}, map_ids));
    CHECK_FALSE(legal({ready, ready}));
    CHECK_FALSE(legal({ready, map_ids}));
    CHECK_FALSE(legal({console, run_hooks}));
    CHECK_FALSE(legal({map_ids, map_ids}));
    CHECK_FALSE(legal({failed, ready}));
    CHECK_FALSE(legal({proceed}));
}

TEST_CASE("an error survives the way to the parent", "[process]") {
    const sys::Error error{sys::ErrorKind::exec_failed, 2, "process.args[0]", "exec: \"x\": gone"};
    const auto same = decode_error(encode_error(error));
    REQUIRE(same);
    CHECK(same->kind == error.kind);
    CHECK(same->code == error.code);
    CHECK(same->text() == error.text());
}

TEST_CASE("R-38: an error with wrong lengths is refused", "[process]") {
    std::string bytes = encode_error({sys::ErrorKind::system, 1, "a", "b"});
    CHECK_FALSE(decode_error(bytes + "c"));
    CHECK_FALSE(decode_error(std::string_view(bytes).substr(0, bytes.size() - 1)));
    CHECK_FALSE(decode_error(""));
    bytes[0] = 99;  // no such kind
    CHECK_FALSE(decode_error(bytes));
}

TEST_CASE("a text of any length fits into one message", "[process]") {
    auto [parent, child] = make_pair();
    REQUIRE(child.send_error(
        {sys::ErrorKind::system, 5, std::string(9000, 'p'), std::string(100000, 't')}));
    const auto message = parent.receive();
    REQUIRE(message);
    REQUIRE(*message);
    REQUIRE((*message)->error);
    CHECK((*message)->error->message.size() == 4096);
}

TEST_CASE("SC-05: a request carries a descriptor", "[process]") {
    auto [parent, child] = make_pair();
    REQUIRE(parent.send(proceed));
    const int fd = child.fd();
    CHECK(child.request(seccomp, std::span(&fd, 1)));
    const auto message = parent.receive();
    REQUIRE(message);
    REQUIRE(*message);
    CHECK((*message)->type == seccomp);
    CHECK((*message)->fds.size() == 1);
}

TEST_CASE("a request ends when the parent is gone", "[process]") {
    auto [parent, child] = make_pair();
    parent.close();
    CHECK_FALSE(child.request(ready));
}

TEST_CASE("end of file is no message", "[process]") {
    auto [parent, child] = make_pair();
    child.close();
    const auto message = parent.receive();
    REQUIRE(message);
    CHECK_FALSE(*message);
}

TEST_CASE("the last words of a child that left something unread are heard", "[process]") {
    auto [parent, child] = make_pair();
    REQUIRE(parent.send(cgroup));
    REQUIRE(child.send_error({sys::ErrorKind::system, 5, "process.cwd", "chdir: no"}));
    child.close();
    const auto message = parent.receive();
    REQUIRE(message);
    REQUIRE(*message);
    CHECK((*message)->type == failed);
    const auto end = parent.receive();
    REQUIRE(end);
    CHECK_FALSE(*end);
}
