// SPDX-License-Identifier: Apache-2.0
// AppArmor profiles and SELinux labels: the right bytes in the right file, and in no other.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libcontainer/security/apparmor.h"
#include "libcontainer/security/selinux.h"
#include "libcontainer/security/thread_attribute.h"
#include "libcontainer/sys/file.h"
#include "tests/unit/security/forked.h"

using namespace libcontainer;
namespace fs = std::filesystem;

namespace {

// A plain folder in the place of a procfs.
class FakeProc {
  public:
    FakeProc() {
        std::string name = "/tmp/brig-unit-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
        fs::create_directories(path_ / "7/task/7/attr/apparmor");
        fs::create_directory_symlink("7/task/7", path_ / "thread-self");
        for (const char* file : {"exec", "keycreate", "apparmor/exec"}) {
            std::ofstream(attribute(file)).flush();
        }
        proc_ = sys::UniqueFd(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    FakeProc(const FakeProc&) = delete;
    FakeProc& operator=(const FakeProc&) = delete;
    ~FakeProc() { fs::remove_all(path_); }

    [[nodiscard]] int fd() const { return proc_.get(); }
    [[nodiscard]] fs::path attribute(const std::string& name) const {
        return path_ / "7/task/7/attr" / name;
    }
    [[nodiscard]] std::string content(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(attribute(name)).rdbuf();
        return text.str();
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
    sys::UniqueFd proc_;
};

// In a mount namespace of its own.
std::string in_own_mounts(const std::function<std::string()>& work) {
    return forked::run([&] {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            return std::string("cannot unshare");
        }
        return work();
    });
}

}  // namespace

TEST_CASE("P-08 the profile goes to AppArmor's own file", "[labels]") {
    const FakeProc proc;
    const auto attribute = open_apparmor(proc.fd());
    REQUIRE(attribute);
    CHECK(attribute->name == "apparmor/exec");
    CHECK(apply_apparmor(*attribute, "web//helper"));
    CHECK(proc.content("apparmor/exec") == "exec web//helper");
    CHECK(proc.content("exec").empty());
    CHECK((::fcntl(attribute->file.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("P-08 before Linux 5.8 it goes to the shared file", "[labels]") {
    const FakeProc proc;
    fs::remove_all(proc.attribute("apparmor"));
    const auto attribute = open_apparmor(proc.fd());
    REQUIRE(attribute);
    CHECK(attribute->name == "exec");
    CHECK(apply_apparmor(*attribute, "web"));
    CHECK(proc.content("exec") == "exec web");
}

TEST_CASE("P-15 the label goes to exec, that of keys to keycreate", "[labels]") {
    const FakeProc proc;
    const auto files = open_selinux(proc.fd());
    REQUIRE(files);
    const std::string label = "system_u:system_r:container_t:s0:c1,c2";
    CHECK(apply_selinux_to_keys(files->keycreate.get(), label));
    CHECK(proc.content("keycreate") == label);
    CHECK(proc.content("exec").empty());
    CHECK(apply_selinux_to_keys(files->keycreate.get(), ""));
    CHECK(apply_selinux(files->exec.get(), label));
    CHECK(proc.content("exec") == label);
    CHECK(proc.content("apparmor/exec").empty());
}

TEST_CASE("R-10 a file that does not keep what was written is an error", "[labels]") {
    const FakeProc proc;
    fs::remove(proc.attribute("exec"));
    const sys::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const auto written = write_thread_attribute(null.get(), "exec", "label");
    REQUIRE_FALSE(written);
    CHECK(written.error().text() == "read back(`/proc/thread-self/attr/exec`): input/output error");
}

TEST_CASE("R-10 what is not the thread's own file is not opened", "[labels]") {
    const FakeProc proc;
    const auto failure = [&] {
        const sys::UniqueFd folder(::open(proc.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        const auto opened = open_thread_attribute(folder.get(), "exec");
        return opened ? 0 : opened.error().code;
    };
    REQUIRE(failure() == 0);
    SECTION("a symlink") {
        fs::rename(proc.attribute("exec"), proc.attribute("elsewhere"));
        fs::create_symlink("elsewhere", proc.attribute("exec"));
        CHECK(failure() == ELOOP);
    }
    SECTION("a way out by a symlink") {
        fs::remove(proc.path() / "thread-self");
        fs::create_directory_symlink(proc.path() / "7/task/7", proc.path() / "thread-self");
        CHECK(failure() == EXDEV);
    }
    SECTION("a mount on it, or on a folder above") {
        for (const char* place : {"exec", "."}) {
            CHECK(in_own_mounts([&] {
                      const std::string target = proc.attribute(place).lexically_normal();
                      if (::mount(target.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
                          return std::string("cannot mount");
                      }
                      return std::to_string(failure());
                  }) == std::to_string(EXDEV));
        }
    }
    SECTION("nothing") {
        fs::remove(proc.attribute("exec"));
        const auto opened = open_selinux(proc.fd());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().text() ==
              "process.selinuxLabel: open(`/proc/thread-self/attr/exec`): no such file or "
              "directory");
    }
}

TEST_CASE("R-9 only the root of a procfs is the host's /proc", "[labels]") {
    CHECK(open_host_proc());
    const auto with_mount = [](const char* source, const char* type, unsigned long flags) {
        return in_own_mounts([&] {
            return ::mount(source, "/proc", type, flags, nullptr) == 0
                       ? forked::text_of(open_host_proc())
                       : std::string("cannot mount");
        });
    };
    CHECK(with_mount("none", "tmpfs", 0) == "\"/proc\" is not the root of a procfs");
    CHECK(with_mount("/proc/sys", nullptr, MS_BIND) == "\"/proc\" is not the root of a procfs");
}

TEST_CASE("R-31 the kernel's own file, and its refusal by the file's name", "[labels]") {
    CHECK(forked::run([] {
              const auto proc = open_host_proc();
              const auto file = open_thread_attribute(proc->get(), "exec");
              const auto written = write_thread_attribute(file->get(), "exec", "\x01 no label");
              return written ? std::string("taken") : written.error().text();
          }) == "write(`/proc/thread-self/attr/exec`): invalid argument");
}

TEST_CASE("R-31 a label without its security module is an error", "[labels]") {
    CHECK(forked::text_of(plan_apparmor({})) == "ok");
    CHECK_FALSE(*plan_apparmor(""));
    CHECK_FALSE(*plan_selinux({}, "x"));
    CHECK_FALSE(*plan_selinux("", "x"));
    if (::access("/sys/module/apparmor", F_OK) != 0) {
        CHECK_FALSE(*plan_apparmor("unconfined"));
        const auto planned = plan_apparmor("web");
        REQUIRE_FALSE(planned);
        CHECK(planned.error().kind == sys::ErrorKind::unsupported);
        CHECK(planned.error().text() ==
              "process.apparmorProfile: apparmor: cannot write \"exec web\" to "
              "`/proc/thread-self/attr/apparmor/exec`: config provided but apparmor not "
              "supported (AppArmor is not enabled in the kernel)");
    }
    if (::access("/sys/fs/selinux", F_OK) != 0) {
        const auto planned = plan_selinux("a:b:c:s0", "linux.mountLabel");
        REQUIRE_FALSE(planned);
        CHECK(planned.error().text() ==
              "linux.mountLabel: selinux label \"a:b:c:s0\" is specified, but SELinux is not "
              "enabled in the kernel (`/proc/thread-self/attr/exec`)");
    }
}
