// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/security/capabilities.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <bit>
#include <catch2/catch.hpp>

#include "libcontainer/security/identity.h"
#include "oci/capability_names.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;

namespace {

constexpr std::uint64_t kChown = 1U << 0U;
constexpr std::uint64_t kKill = 1U << 5U;
constexpr std::uint64_t kNetBind = 1U << 10U;

std::string hex(std::uint64_t set) {
    std::string text(16, '0');
    for (std::size_t i = 0; i < 16; ++i) {
        text[15 - i] = "0123456789abcdef"[(set >> (4 * i)) & 15U];
    }
    return text;
}

// "Inh Prm Eff Bnd Amb" as /proc/self/status shows them.
std::string status_sets() {
    return forked::status("CapInh") + " " + forked::status("CapPrm") + " " +
           forked::status("CapEff") + " " + forked::status("CapBnd") + " " +
           forked::status("CapAmb");
}

std::string expected(const CapabilitySets& sets) {
    return hex(sets.inheritable) + " " + hex(sets.permitted) + " " + hex(sets.effective) + " " +
           hex(sets.bounding) + " " + hex(sets.ambient);
}

std::string apply_as(const CapabilitySets& sets, std::uint32_t id) {
    if (const auto applied = apply_bounding_set(sets); !applied) {
        return applied.error().text();
    }
    oci::User user;
    user.uid = id;
    user.gid = id;
    if (const auto applied = apply_ids(user); !applied) {
        return applied.error().text();
    }
    if (const auto applied = apply_capability_sets(sets); !applied) {
        return applied.error().text();
    }
    return status_sets();
}

}  // namespace

TEST_CASE("P-09 names become bits; unknown names are left out and reported once",
          "[capabilities]") {
    oci::Capabilities wanted;
    wanted.bounding = {"CAP_CHOWN", "CAP_KILL", "CAP_FOO", "cap_kill", "CAP_KILL"};
    wanted.permitted = {"CAP_KILL", "CAP_FOO"};
    std::vector<std::string> ignored;
    const CapabilitySets sets = plan_capabilities(wanted, &ignored);
    CHECK(sets.bounding == (kChown | kKill));
    CHECK(sets.permitted == kKill);
    CHECK(sets.effective == 0);
    CHECK(ignored == std::vector<std::string>{"CAP_FOO", "cap_kill"});
    CHECK(plan_capabilities(wanted, nullptr) == sets);
}

TEST_CASE("P-09 what the caller's bounding set lacks is left out, except in a user namespace",
          "[capabilities]") {
    const std::string outcome = forked::run([] {
        ::prctl(PR_CAPBSET_DROP, 5, 0, 0, 0);
        oci::Capabilities wanted;
        wanted.bounding = wanted.permitted = {"CAP_CHOWN", "CAP_KILL"};
        std::vector<std::string> ignored;
        const CapabilitySets own = plan_capabilities(wanted, &ignored);
        const CapabilitySets inner =
            plan_capabilities(wanted, nullptr, CapabilitySource::user_namespace);
        return hex(own.bounding) + " " + hex(own.permitted) + " " + hex(inner.bounding) + " " +
               (ignored.empty() ? "" : ignored.front());
    });
    CHECK(outcome == hex(kChown) + " " + hex(kChown) + " " + hex(kChown | kKill) + " CAP_KILL");
}

TEST_CASE("P-09 an ambient capability that is not inheritable is left out", "[capabilities]") {
    oci::Capabilities wanted;  // as buildah writes it
    wanted.bounding = wanted.permitted = wanted.effective = wanted.ambient = {"CAP_KILL"};
    std::vector<std::string> ignored;
    CHECK(plan_capabilities(wanted, &ignored).ambient == 0);
    CHECK(ignored == std::vector<std::string>{"CAP_KILL (ambient)"});
}

TEST_CASE("T-51 absent sets are empty sets, the bounding set too", "[capabilities]") {
    const CapabilitySets none = plan_capabilities({}, nullptr);
    CHECK(forked::run([&] { return apply_as(none, 0); }) == expected({}));
}

TEST_CASE("T-49 all five sets are exactly what was asked, as root and as another user",
          "[capabilities]") {
    const std::uint32_t id = GENERATE(0U, 1000U);
    CapabilitySets sets;
    SECTION("without inheritable") {
        sets.bounding = kChown | kKill | kNetBind;
        sets.permitted = sets.effective = kKill | kNetBind;
    }
    SECTION("with ambient") {
        sets.bounding = sets.permitted = sets.inheritable = kChown | kKill;
        sets.effective = kKill;
        sets.ambient = kKill;
    }
    SECTION("permitted but not effective") {
        sets.bounding = sets.permitted = kKill;
    }
    CHECK(forked::run([&] { return apply_as(sets, id); }) == expected(sets));
}

TEST_CASE("P-09 all that a user namespace offers can be granted in it", "[capabilities]") {
    oci::Capabilities wanted;
    for (const std::string_view name : oci::kCapabilities) {
        wanted.bounding.emplace_back(name);
    }
    wanted.permitted = wanted.effective = wanted.bounding;
    const CapabilitySets sets =
        plan_capabilities(wanted, nullptr, CapabilitySource::user_namespace);
    CHECK(std::popcount(sets.bounding) >= 38);
    const forked::UserNamespace maps{"0 100000 65536", "0 100000 65536", "allow"};
    CHECK(forked::run_in_user_namespace(maps, [&] { return apply_as(sets, 1000); }) ==
          expected(sets));
}

TEST_CASE("T-51 effective beyond permitted is an error that names it", "[capabilities]") {
    CapabilitySets sets;
    sets.bounding = sets.effective = kKill;
    CHECK(forked::run([&] { return apply_as(sets, 0); }) ==
          "process.capabilities.effective: CAP_KILL not in permitted");
}

TEST_CASE("R-25 a set that the kernel does not hold is an error, not a surprise",
          "[capabilities]") {
    CHECK(forked::run([] {
              ::prctl(PR_CAPBSET_DROP, 5, 0, 0, 0);
              CapabilitySets sets;
              sets.bounding = kKill;
              return apply_as(sets, 0);
          }) == "process.capabilities.bounding: the kernel holds another set, without CAP_KILL");
}

TEST_CASE("R-25 without CAP_SETPCAP the bounding set cannot shrink", "[capabilities]") {
    CHECK(forked::run([] {
              CapabilitySets sets;
              sets.bounding = sets.permitted = sets.effective = kChown;
              if (const auto first = apply_as(sets, 0); first != expected(sets)) {
                  return first;
              }
              const std::string same = forked::text_of(apply_bounding_set(sets));
              return same + ", " + forked::text_of(apply_bounding_set({}));
          }) ==
          "ok, process.capabilities.bounding: prctl(PR_CAPBSET_DROP, CAP_CHOWN): operation not "
          "permitted");
}

TEST_CASE("R-25 keepcaps does not survive", "[capabilities]") {
    CHECK(forked::run([] {
              CapabilitySets sets;
              sets.bounding = sets.permitted = kKill;
              (void)apply_as(sets, 1000);
              return std::to_string(::prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
          }) == "0");
}
