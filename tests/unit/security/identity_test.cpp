// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/security/identity.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <vector>

#include "tests/unit/security/forked.h"

using namespace libcontainer;
using forked::text_of;

namespace {

const forked::UserNamespace kSubordinate{"0 100000 1000", "0 100000 1000", "allow"};

oci::User user(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> groups = {}) {
    oci::User user;
    user.uid = uid;
    user.gid = gid;
    user.additional_gids = std::move(groups);
    return user;
}

}  // namespace

TEST_CASE("R-27 the groups are exactly the list, also the empty one", "[identity]") {
    const auto groups_after = [](std::vector<std::uint32_t> wanted) {
        return forked::run([&] {
            std::vector<gid_t> inherited(40);
            for (gid_t i = 0; i < 40; ++i) {
                inherited[i] = 5000 + i;
            }
            if (::setgroups(inherited.size(), inherited.data()) != 0) {
                return std::string("no groups to begin with");
            }
            const auto applied = apply_groups(user(0, 0, wanted));
            return applied ? forked::status("Groups") : applied.error().text();
        });
    };
    CHECK(groups_after({}).empty());
    CHECK(groups_after({5}) == "5");
    CHECK(groups_after({10, 5, 4294967294}) == "5 10 4294967294");
}

TEST_CASE("T-52 a group that cannot be set is named", "[identity]") {
    CHECK(forked::run([] {
              return text_of(apply_groups(user(0, 0, {5, 4294967295})));
          }) == "process.user.additionalGids[1]: 4294967295 is not a group id");
    CHECK(forked::run([] {
              return text_of(apply_groups(user(0, 0, std::vector<std::uint32_t>(65537, 5))));
          }) == "process.user.additionalGids: 65537 groups, the kernel takes 65536");
    CHECK(forked::run_in_user_namespace(kSubordinate, [] {
              return text_of(apply_groups(user(0, 0, {5, 999, 7000})));
          }) == "process.user.additionalGids[2]: 7000 is not mapped in the user namespace");
}

TEST_CASE("T-53 where setgroups is denied, an empty list passes and another does not",
          "[identity]") {
    const forked::UserNamespace denied{"0 0 1", "0 0 1", "deny"};
    CHECK(forked::run_in_user_namespace(denied, [] { return text_of(apply_groups(user(0, 0))); }) ==
          "ok");
    CHECK(forked::run_in_user_namespace(denied, [] {
              return text_of(apply_groups(user(0, 0, {5})));
          }) == "process.user.additionalGids: the user namespace denies setgroups");
}

TEST_CASE("R-27 without CAP_SETGID even the empty list is an error", "[identity]") {
    CHECK(forked::run([] {
              (void)apply_ids(user(1000, 1000));
              return text_of(apply_groups(user(0, 0)));
          }) == "process.user.additionalGids: setgroups: operation not permitted");
}

TEST_CASE("P-19 all four ids of user and group change", "[identity]") {
    CHECK(forked::run([] {
              const auto applied = apply_ids(user(1000, 2000));
              return text_of(applied) + " " + forked::status("Uid") + " " + forked::status("Gid");
          }) == "ok 1000\t1000\t1000\t1000 2000\t2000\t2000\t2000");
}

TEST_CASE("T-54 an id that is none, or is not mapped, is named", "[identity]") {
    CHECK(forked::run([] { return text_of(apply_ids(user(4294967295, 0))); }) ==
          "process.user.uid: 4294967295 is not an id");
    CHECK(forked::run([] { return text_of(apply_ids(user(0, 4294967295))); }) ==
          "process.user.gid: 4294967295 is not an id");
    CHECK(forked::run_in_user_namespace(kSubordinate, [] {
              return text_of(apply_ids(user(4711, 5)));
          }) == "process.user.uid: 4711 is not mapped in the user namespace");
    CHECK(forked::run_in_user_namespace(kSubordinate, [] {
              return text_of(apply_ids(user(5, 4711)));
          }) == "process.user.gid: 4711 is not mapped in the user namespace");
    CHECK(forked::run_in_user_namespace(kSubordinate, [] {
              const std::string applied = text_of(apply_ids(user(999, 999)));
              return applied + " " + forked::status("Uid");
          }) == "ok 999\t999\t999\t999");
}

TEST_CASE("P-20 the umask is the config's, or 0022", "[identity]") {
    const auto mask_after = [](std::optional<std::uint32_t> wanted) {
        return forked::run([&] {
            ::umask(0077);
            const auto applied = apply_umask(wanted);
            return applied ? forked::status("Umask") : applied.error().text();
        });
    };
    CHECK(mask_after({}) == "0022");
    CHECK(mask_after(0) == "0000");
    CHECK(mask_after(0777) == "0777");
    CHECK(mask_after(512) == "process.user.umask: 512 is beyond 0777 (511)");
}

TEST_CASE("P-10 no new privileges", "[identity]") {
    CHECK(forked::run([] {
              const std::string before = forked::status("NoNewPrivs");
              const std::string applied = text_of(apply_no_new_privileges());
              return before + " " + applied + " " + forked::status("NoNewPrivs");
          }) == "0 ok 1");
}

TEST_CASE("R-22 dumpable is switched off and on", "[identity]") {
    const auto dumpable_after = [](Dumpable wanted) {
        return forked::run([&] {
            const std::string applied = text_of(apply_dumpable(wanted));
            return applied + " " + std::to_string(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
        });
    };
    CHECK(dumpable_after(Dumpable::no) == "ok 0");
    CHECK(dumpable_after(Dumpable::yes) == "ok 1");
}
