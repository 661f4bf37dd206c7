// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/security/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "libcontainer/security/identity.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;

namespace {

long session_keyring() {
    return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
}

// "type;uid;gid;perm;description"
std::string describe(long key) {
    std::array<char, 256> text = {};
    return ::syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text.data(), text.size()) > 0 ? text.data()
                                                                                     : "";
}

bool kernel_has_keyrings() {
    return session_keyring() > 0;
}

}  // namespace

TEST_CASE("R-30 the session keyring is fresh, the process' own, and closed to its user's others",
          "[keyring]") {
    if (!kernel_has_keyrings()) {
        WARN("the kernel has no keyrings");
        return;
    }
    const long callers = session_keyring();
    const std::string outcome = forked::run([callers] {
        const std::string applied = forked::text_of(apply_session_keyring());
        const long own = session_keyring();
        const std::string text = describe(own);
        return applied + " " + (own == callers ? "shared" : "fresh") + " " +
               text.substr(0, text.rfind(';'));
    });
    CHECK(outcome == "ok fresh keyring;0;0;3f000000");
}

TEST_CASE("T-59 another process of the same user neither finds nor reads it", "[keyring]") {
    if (!kernel_has_keyrings()) {
        WARN("the kernel has no keyrings");
        return;
    }
    const std::string outcome = forked::run([] {
        (void)apply_session_keyring();
        const long key =
            ::syscall(SYS_add_key, "user", "brig-test", "secret", 6, KEY_SPEC_SESSION_KEYRING);
        if (key < 0) {
            return std::string("add_key failed");
        }
        const long keyring = session_keyring();
        // Still possessed after the ids changed.
        const std::string inside = forked::run([] {
            oci::User user;
            user.uid = user.gid = 1000;
            (void)apply_ids(user);
            return std::string(::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING,
                                         "user", "brig-test", 0) > 0
                                   ? "found"
                                   : "lost");
        });
        // Another container of the same user, which knows the serial numbers.
        const std::string outside = forked::run([keyring, key] {
            (void)apply_session_keyring();
            std::array<char, 16> secret = {};
            const bool listed = ::syscall(SYS_keyctl, KEYCTL_READ, keyring, secret.data(), 16) >= 0;
            const bool found =
                ::syscall(SYS_keyctl, KEYCTL_SEARCH, keyring, "user", "brig-test", 0) > 0;
            const bool linked =
                ::syscall(SYS_keyctl, KEYCTL_LINK, keyring, KEY_SPEC_SESSION_KEYRING) == 0;
            (void)key;
            return std::string(listed || found || linked ? "open" : "closed");
        });
        return inside + " " + outside;
    });
    CHECK(outcome == "found closed");
}
