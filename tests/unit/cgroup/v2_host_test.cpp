// SPDX-License-Identifier: Apache-2.0
// The v2 manager on this host's v2 hierarchy, which on a hybrid host has few controllers.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "libcontainer/sys/process.h"
#include "tests/unit/cgroup/made_cgroup.h"

namespace v2 = libcontainer::v2;

namespace {

std::optional<libcontainer::Hierarchy> unified() {
    return libcontainer::find_hierarchies()->v2;
}

std::unique_ptr<v2::Manager> plan(const std::string& path) {
    const auto hierarchy = unified();
    return std::make_unique<v2::Manager>(
        v2::plan_record(*hierarchy, {libcontainer::PathBase::hierarchy_root, path}),
        hierarchy->mount_point, libcontainer::IfDenied::fail);
}

// A made v2 cgroup. What enabling controllers has changed at the top is put back.
class MadeUnified {
  public:
    MadeUnified() : handed_on_(content(top() + "/cgroup.subtree_control")) {
        const auto created = manager_->create();
        INFO((created ? std::string() : created.error().text()));
        REQUIRE(created);
    }
    MadeUnified(const MadeUnified&) = delete;
    MadeUnified& operator=(const MadeUnified&) = delete;
    ~MadeUnified() {
        CHECK(manager_->destroy());
        if (handed_on_.find_first_not_of("\n") == std::string::npos) {
            std::istringstream names(content(top() + "/cgroup.subtree_control"));
            for (std::string name; names >> name;) {
                CHECK(
                    sys::write_attribute(AT_FDCWD, top() + "/cgroup.subtree_control", "-" + name));
            }
        }
    }
    v2::Manager* operator->() const { return manager_.get(); }
    [[nodiscard]] std::string directory() const {
        return manager_->record().directories.front().path;
    }
    static std::string top() { return unified()->mount_point; }

    // A process born in the cgroup.
    [[nodiscard]] sys::Pid start(const std::function<int()>& work,
                                 const std::string& below = "") const {
        auto entry = manager_->open_entry(below);
        REQUIRE(entry);
        CHECK(entry->tasks.empty());
        auto child = sys::clone_process({0, entry->directory.get()});
        REQUIRE(child);
        if (!*child) {
            ::_exit(work());
        }
        return std::move(**child);
    }

  private:
    std::string handed_on_;
    std::unique_ptr<v2::Manager> manager_ = plan("brig-test-" + std::to_string(::getpid()));
};

int open_device(unsigned minor) {
    const std::string node = "/tmp/brig-node-" + std::to_string(::getpid());
    if (::mknod(node.c_str(), S_IFCHR | 0600, ::makedev(1, minor)) != 0) {
        return 50;
    }
    const int fd = ::open(node.c_str(), O_RDONLY | O_NONBLOCK);
    const int code = fd < 0 ? errno : 0;
    ::unlink(node.c_str());
    return code;
}

constexpr unsigned kNull = 3;
constexpr unsigned kKmsg = 11;

}  // namespace

TEST_CASE("v2: a process is born in the cgroup, and destroy ends it") {
    std::string directory;
    {
        const MadeUnified made;
        directory = made.directory();
        const sys::Pid child = made.start(&wait_for_ever);
        CHECK(content(directory + "/cgroup.procs") == std::to_string(child.number) + "\n");
        CHECK(*made->pids() == std::vector<pid_t>{child.number});
        REQUIRE(made->destroy());
        CHECK(WTERMSIG(*sys::wait_for(child)) == SIGKILL);
    }
    CHECK_FALSE(exists(directory));
}

TEST_CASE("v2 CG-05: not empty and frozen are refused, the other's processes live on") {
    const MadeUnified made;
    const auto second = plan("brig-test-" + std::to_string(::getpid()));
    SECTION("frozen") {
        REQUIRE(made->freeze());
        const auto created = second->create();
        REQUIRE_FALSE(created);
        CHECK_THAT(created.error().message, Catch::Contains("unexpectedly frozen"));
        CHECK(made->thaw());
    }
    SECTION("not empty") {
        const sys::Pid child = made.start(&wait_for_ever);
        const auto created = second->create();
        REQUIRE_FALSE(created);
        CHECK_THAT(created.error().message, Catch::Contains("not empty: 1 process(es)"));
        CHECK(second->destroy());
        CHECK(sys::send_signal(child, 0));
        CHECK(made->kill_all(SIGKILL));
        CHECK(sys::wait_for(child));
    }
}

TEST_CASE("v2: freeze stops, thaw lets go on, SIGKILL gets through to cgroups below") {
    const MadeUnified made;
    REQUIRE(::mkdir((made.directory() + "/below").c_str(), 0755) == 0);
    const sys::Pid top = made.start(&wait_for_ever);
    const sys::Pid below = made.start(&wait_for_ever, "below");
    CHECK_FALSE(*made->is_frozen());
    REQUIRE(made->freeze());
    CHECK(*made->is_frozen());
    REQUIRE(made->thaw());
    CHECK_FALSE(*made->is_frozen());
    REQUIRE(made->kill_all(SIGUSR1));
    CHECK(WTERMSIG(*sys::wait_for(top)) == SIGUSR1);
    CHECK(WTERMSIG(*sys::wait_for(below)) == SIGUSR1);
    const sys::Pid frozen = made.start(&wait_for_ever, "below");
    REQUIRE(made->freeze());
    REQUIRE(made->kill_all(SIGKILL));
    CHECK(WTERMSIG(*sys::wait_for(frozen)) == SIGKILL);
    CHECK_FALSE(made->open_entry("absent"));
    CHECK_FALSE(made->open_entry("../x"));
}

TEST_CASE("v2 T-62 RD-04: the device filter is attached, and replaced in one go") {
    const MadeUnified made;
    const auto status = [&](unsigned minor) {
        return WEXITSTATUS(*sys::wait_for(made.start([minor] { return open_device(minor); })));
    };
    const auto applied = made->apply({});
    INFO((applied ? std::string() : applied.error().text()));
    REQUIRE(applied);
    CHECK(status(kNull) == 0);
    CHECK(status(kKmsg) == EPERM);
    oci::Resources resources;
    resources.devices = {{false, {}, {}, {}, "rwm"},
                         {true, oci::DeviceRuleType::character, 1, {}, "r"},
                         {false, oci::DeviceRuleType::character, 1, 12, "r"}};
    REQUIRE(made->apply(resources));
    CHECK(status(kKmsg) == 0);
    REQUIRE(update(made, {}));
    CHECK(status(kKmsg) == 0);
    resources.devices = {{true, {}, {}, {}, "rwm"}};
    REQUIRE(made->apply(resources));
    CHECK(status(kKmsg) == 0);
    REQUIRE(made->apply({}));
    CHECK(status(kKmsg) == EPERM);
}

TEST_CASE("v2 trap 48: who enters an inner node joins the oldest process in the tree") {
    const MadeUnified made;
    const std::string controllers = content(made.directory() + "/cgroup.controllers");
    if (controllers.find_first_not_of('\n') == std::string::npos) {
        return;
    }
    const std::string below = made.directory() + "/init.scope";
    REQUIRE(::mkdir(below.c_str(), 0755) == 0);
    const sys::Pid init = made.start(&wait_for_ever, "init.scope");
    const std::string name = controllers.substr(0, controllers.find_first_of(" \n"));
    REQUIRE(
        sys::write_attribute(AT_FDCWD, made.directory() + "/cgroup.subtree_control", "+" + name));
    const sys::Pid entered = made.start(&wait_for_ever);
    CHECK(content(below + "/cgroup.procs") ==
          std::to_string(init.number) + "\n" + std::to_string(entered.number) + "\n");
    REQUIRE(made->kill_all(SIGKILL));
    CHECK(sys::wait_for(init));
    CHECK(sys::wait_for(entered));
    CHECK_FALSE(made->open_entry(""));
}

TEST_CASE(
    "CG-06 RES-hugepageLimits: on v2 a limit without its controller names it, one with it is in "
    "force") {
    const MadeUnified made;
    const std::string controllers = content(made.top() + "/cgroup.controllers");
    oci::Resources resources;
    if (controllers.find("memory") == std::string::npos) {
        resources.memory.limit = 67108864;
        const auto applied = made->apply(resources);
        REQUIRE_FALSE(applied);
        CHECK(applied.error().config_path == "linux.resources.memory.limit");
        CHECK(applied.error().message ==
              "needs the memory controller, which this host does not have on cgroup v2");
    }
    if (controllers.find("hugetlb") != std::string::npos) {
        resources = {};
        resources.hugepage_limits = {{"2MB", 4194304}};
        const auto applied = made->apply(resources);
        INFO((applied ? std::string() : applied.error().text()));
        REQUIRE(applied);
        CHECK(content(made.directory() + "/hugetlb.2MB.max") == "4194304\n");
    }
    resources = {};
    resources.unified["cgroup.max.depth"] = "3";
    REQUIRE(made->apply(resources));
    CHECK(content(made.directory() + "/cgroup.max.depth") == "3\n");
}

TEST_CASE("CG-07: delegation gives away the directory and the named files only") {
    const MadeUnified made;
    REQUIRE(made->delegate(1234));
    const auto owner = [&](const char* file) {
        struct stat info = {};
        REQUIRE(::stat((made.directory() + file).c_str(), &info) == 0);
        return std::pair(info.st_uid, info.st_gid);
    };
    CHECK(owner("") == std::pair<uid_t, gid_t>(1234, 0));
    CHECK(owner("/cgroup.procs") == std::pair<uid_t, gid_t>(1234, 0));
    CHECK(owner("/cgroup.subtree_control") == std::pair<uid_t, gid_t>(1234, 0));
    CHECK(owner("/cgroup.freeze") == std::pair<uid_t, gid_t>(0, 0));
    CHECK(owner("/cgroup.max.depth") == std::pair<uid_t, gid_t>(0, 0));
}
