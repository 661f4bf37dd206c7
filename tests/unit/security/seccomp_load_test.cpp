// SPDX-License-Identifier: Apache-2.0
// Filters in the kernel, and the cache on disk.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "libcontainer/security/identity.h"
#include "libcontainer/security/seccomp_cache.h"
#include "libcontainer/security/seccomp_filter.h"
#include "libcontainer/sys/file.h"
#include "oci/parse.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;
using oci::SeccompAction;
namespace fs = std::filesystem;

namespace {

oci::Seccomp on_mkdir(SeccompAction action, SeccompAction otherwise = SeccompAction::allow) {
    oci::Seccomp profile;
    profile.default_action = otherwise;
    oci::SeccompSyscall rule;
    rule.names = {"mkdir"};
    rule.action = action;
    profile.syscalls = {rule};
    return profile;
}

// What happens to mkdir("/") under the profile.
std::string mkdir_under(const oci::Seccomp& profile) {
    const auto program = compile_seccomp(profile, "");
    if (!program) {
        return program.error().text();
    }
    return forked::run([&] {
        if (const auto loaded = load_seccomp(*program); !loaded) {
            return loaded.error().text();
        }
        const int code = ::syscall(SYS_mkdir, "/", 0) == 0 ? 0 : errno;
        return std::string(std::strerror(code)) + ", mode " + forked::status("Seccomp");
    });
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = "/tmp/brig-unit-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { fs::remove_all(path_); }
    [[nodiscard]] std::string path(const char* name = "cache") const { return path_ / name; }

  private:
    fs::path path_;
};

std::vector<fs::path> files_in(const std::string& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        files.push_back(entry.path());
    }
    return files;
}

// The cache answers with a program that no compiler makes: a hit is visible.
const std::vector<sock_filter> kMarked = {{0x06, 0, 0, 0x7fff0000}, {0x06, 0, 0, 0x00050001}};

bool is_marked(const std::vector<sock_filter>& program) {
    return program.size() == 2 && program[1].k == 0x00050001;
}

}  // namespace

TEST_CASE("SC-01 the kernel does what the action says", "[seccomp]") {
    CHECK(mkdir_under(on_mkdir(SeccompAction::allow, SeccompAction::log)) == "File exists, mode 2");
    CHECK(mkdir_under(on_mkdir(SeccompAction::error)) == "Operation not permitted, mode 2");
    CHECK(mkdir_under(on_mkdir(SeccompAction::kill)) == "signal " + std::to_string(SIGSYS));
    CHECK(mkdir_under(on_mkdir(SeccompAction::kill_process)) == "signal " + std::to_string(SIGSYS));
    CHECK(mkdir_under(on_mkdir(SeccompAction::trap)) == "signal " + std::to_string(SIGSYS));
    CHECK(mkdir_under(on_mkdir(SeccompAction::trace)) == "Function not implemented, mode 2");
    CHECK(mkdir_under(on_mkdir(SeccompAction::log)) == "File exists, mode 2");
}

TEST_CASE("SC-12 a filter needs no_new_privs or CAP_SYS_ADMIN", "[seccomp]") {
    const auto program = compile_seccomp(on_mkdir(SeccompAction::error), "");
    REQUIRE(program);
    oci::User user;
    user.uid = user.gid = 1000;
    CHECK(forked::run([&] {
              (void)apply_ids(user);
              return forked::text_of(load_seccomp(*program));
          }) == "linux.seccomp: seccomp: permission denied");
    CHECK(forked::run([&] {
              (void)apply_ids(user);
              (void)apply_no_new_privileges();
              return forked::text_of(load_seccomp(*program));
          }) == "ok");
}

TEST_CASE("SC-04 flags are the config's; absent means SPEC_ALLOW", "[seccomp]") {
    const auto flags_of = [](std::optional<std::vector<oci::SeccompFlag>> flags) {
        oci::Seccomp profile = on_mkdir(SeccompAction::error);
        profile.flags = std::move(flags);
        const auto program = compile_seccomp(profile, "");
        REQUIRE(program);
        CHECK(forked::run([&] { return forked::text_of(load_seccomp(*program)); }) == "ok");
        return program->flags;
    };
    using enum oci::SeccompFlag;
    CHECK(flags_of({}) == SECCOMP_FILTER_FLAG_SPEC_ALLOW);
    CHECK(flags_of(std::vector<oci::SeccompFlag>{}) == 0U);
    CHECK(flags_of({{log}}) == SECCOMP_FILTER_FLAG_LOG);
    CHECK(flags_of({{tsync, log, spec_allow}}) ==
          (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
    // Without SCMP_ACT_NOTIFY there is nothing to wait for, and the kernel would refuse it.
    CHECK(flags_of({{wait_killable_recv}}) == 0U);
}

TEST_CASE("SC-04 a flag that the kernel does not know is named", "[seccomp]") {
    oci::Seccomp profile = on_mkdir(SeccompAction::error);
    profile.flags = {oci::SeccompFlag::log, static_cast<oci::SeccompFlag>(1U << 30U)};
    const auto program = compile_seccomp(profile, "");
    REQUIRE_FALSE(program);
    CHECK(program.error().kind == sys::ErrorKind::unsupported);
    CHECK(program.error().config_path == "linux.seccomp.flags[1]");
}

TEST_CASE("T-56 an engine's profile loads and lets a program live", "[seccomp]") {
    const auto text = sys::read_file(AT_FDCWD, BRIG_TEST_DATA "/configs/docker-plain.json");
    REQUIRE(text);
    const auto spec = oci::parse_spec(*text);
    REQUIRE(spec);
    const auto program = compile_seccomp(*spec->linux.seccomp, "");
    REQUIRE(program);
    CHECK(forked::run([&] {
              (void)apply_no_new_privileges();
              const std::string loaded = forked::text_of(load_seccomp(*program));
              const long allowed = ::syscall(SYS_getppid);
              const int denied = ::syscall(SYS_init_module, 0, 0, 0) < 0 ? errno : 0;
              const int newer = ::syscall(5000) < 0 ? errno : 0;
              return loaded + " " + (allowed > 0 ? "allowed" : "dead") + " " +
                     std::strerror(denied) + ", " + std::strerror(newer);
          }) == "ok allowed Operation not permitted, Function not implemented");
}

TEST_CASE("R-32b the cache gives back what was stored, in a folder of its own", "[seccomp_cache]") {
    const TemporaryFolder folder;
    const oci::Seccomp profile = on_mkdir(SeccompAction::error);
    const auto first = compile_seccomp(profile, folder.path());
    REQUIRE(first);
    struct stat info = {};
    REQUIRE(::stat(folder.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0700);
    REQUIRE(files_in(folder.path()).size() == 1);

    SeccompCache(folder.path()).store(seccomp_cache_key(profile), kMarked);
    const auto second = compile_seccomp(profile, folder.path());
    REQUIRE(second);
    CHECK(is_marked(second->instructions));
    CHECK(second->flags == first->flags);
    CHECK(files_in(folder.path()).size() == 1);
}

TEST_CASE("R-32b every part of the profile is in the key", "[seccomp_cache]") {
    oci::Seccomp base = on_mkdir(SeccompAction::error);
    base.syscalls[0].args = {{1, 2, 3, oci::SeccompOperator::masked_eq}};
    base.syscalls.push_back(base.syscalls[0]);
    std::vector<oci::Seccomp> others(12, base);
    others[0].default_action = SeccompAction::kill;
    others[1].default_errno_ret = 0;
    others[2].architectures = {oci::SeccompArch::x86};
    others[3].syscalls[0].names = {"mkdirat"};
    others[4].syscalls[0].names = {"mk", "dir"};
    others[5].syscalls[0].action = SeccompAction::log;
    others[6].syscalls[0].errno_ret = 0;
    others[7].syscalls[0].args[0].index = 2;
    others[8].syscalls[0].args[0].value = 5;
    others[9].syscalls[0].args[0].value_two = 5;
    others[10].syscalls[0].args[0].op = oci::SeccompOperator::eq;
    others[11].syscalls.pop_back();
    for (std::size_t i = 0; i < others.size(); ++i) {
        CAPTURE(i);
        CHECK(seccomp_cache_key(others[i]) != seccomp_cache_key(base));
    }
    // The flags are none of the program's business: they are worked out anew each time.
    oci::Seccomp flagged = base;
    flagged.flags = {oci::SeccompFlag::log};
    CHECK(seccomp_cache_key(flagged) == seccomp_cache_key(base));
}

TEST_CASE("R-32b a cache file that is not exactly right is not used", "[seccomp_cache]") {
    const TemporaryFolder folder;
    const oci::Seccomp profile = on_mkdir(SeccompAction::error);
    const std::string key = seccomp_cache_key(profile);
    const SeccompCache cache(folder.path());
    cache.store(key, kMarked);
    const fs::path file = files_in(folder.path()).at(0);
    REQUIRE(cache.find(key));

    SECTION("short") {
        fs::resize_file(file, fs::file_size(file) - 1);
    }
    SECTION("long") {
        std::ofstream(file, std::ios::app) << "x";
    }
    SECTION("empty") {
        fs::resize_file(file, 0);
    }
    SECTION("another key under the same name") {
        std::fstream(file, std::ios::in | std::ios::out).seekp(100) << "x";
    }
    SECTION("a program that was torn") {
        std::fstream(file, std::ios::in | std::ios::out)
                .seekp(static_cast<long>(fs::file_size(file)) - 1)
            << "x";
    }
    SECTION("a symlink") {
        fs::rename(file, folder.path("elsewhere"));
        fs::create_symlink(folder.path("elsewhere"), file);
    }
    SECTION("a FIFO") {
        fs::remove(file);
        REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    }
    SECTION("another user's") {
        REQUIRE(::chown(file.c_str(), 1000, 1000) == 0);
    }
    CHECK_FALSE(cache.find(key));
    // It is compiled instead, and the file replaced.
    const auto compiled = compile_seccomp(profile, folder.path());
    REQUIRE(compiled);
    CHECK_FALSE(is_marked(compiled->instructions));
    CHECK(cache.find(key));
}

TEST_CASE("R-32b a folder that others could write to is not used", "[seccomp_cache]") {
    const TemporaryFolder folder;
    const oci::Seccomp profile = on_mkdir(SeccompAction::error);
    const std::string key = seccomp_cache_key(profile);
    SeccompCache(folder.path()).store(key, kMarked);
    REQUIRE(SeccompCache(folder.path()).find(key));
    std::string path = folder.path();
    SECTION("by its mode") {
        fs::permissions(path, fs::perms::owner_all | fs::perms::group_write);
    }
    SECTION("by its owner") {
        REQUIRE(::chown(path.c_str(), 1000, 1000) == 0);
    }
    SECTION("by being a symlink") {
        path = folder.path("link");
        fs::create_directory_symlink(folder.path(), path);
    }
    CHECK_FALSE(SeccompCache(path).find(key));
    const auto compiled = compile_seccomp(profile, path);
    REQUIRE(compiled);
    CHECK_FALSE(is_marked(compiled->instructions));
}

TEST_CASE("R-32b a cache that cannot be written is no error", "[seccomp_cache]") {
    CHECK(compile_seccomp(on_mkdir(SeccompAction::error), "/proc/no/such/folder"));
    CHECK(compile_seccomp(on_mkdir(SeccompAction::error), "/dev/null"));
}

TEST_CASE("R-32b the cache does not grow without end; the oldest go", "[seccomp_cache]") {
    const TemporaryFolder folder;
    const SeccompCache cache(folder.path());
    for (int i = 0; i < 70; ++i) {
        cache.store("key " + std::to_string(i), kMarked);
    }
    CHECK(files_in(folder.path()).size() == 64);
    CHECK_FALSE(cache.find("key 0"));
    CHECK(cache.find("key 6"));
    CHECK(cache.find("key 69"));
}
