// SPDX-License-Identifier: Apache-2.0
// The v1 manager on this host's own hierarchies, with real processes.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/v1/manager.h"
#include "tests/unit/cgroup/made_cgroup.h"

using libcontainer::open_cgroup;

TEST_CASE("planning makes nothing") {
    const auto planned = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    REQUIRE(planned);
    REQUIRE_FALSE((*planned)->record().directories.empty());
    for (const auto& directory : (*planned)->record().directories) {
        CHECK_FALSE(exists(directory.path));
    }
}

TEST_CASE("create makes a directory in each hierarchy and destroy leaves none") {
    auto planned = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    REQUIRE(planned);
    REQUIRE((*planned)->create());
    const auto record = (*planned)->record();
    for (const auto& directory : record.directories) {
        CHECK(exists(directory.path));
    }
    const auto again = open_cgroup(record);
    REQUIRE(again);
    REQUIRE((*again)->destroy());
    for (const auto& directory : record.directories) {
        CHECK_FALSE(exists(directory.path));
    }
    CHECK((*again)->destroy());  // what is gone already is no error
}

TEST_CASE("CG-06: a process that writes 0 to each tasks file is in each hierarchy") {
    const Made made;
    const Member member(*made, &wait_for_ever);
    const std::string cgroups = content("/proc/" + std::to_string(member.pid()) + "/cgroup");
    for (const auto& directory : made->record().directories) {
        CHECK(cgroups.find(directory.controllers + ":" + test_path()) != std::string::npos);
    }
    CHECK(*made->pids() == std::vector<pid_t>{member.pid()});
}

TEST_CASE("parents are made too, and only the container's own directory is removed") {
    const std::string parent = test_path();
    std::string parent_directory;
    {
        const Made made(parent + "/inner");
        const Member member(*made, &wait_for_ever);  // an empty parent cpuset would refuse it
        parent_directory = made.directory("cpuset").substr(0, made.directory("cpuset").rfind('/'));
        CHECK_FALSE(content(parent_directory + "/cpuset.cpus").empty());
    }
    CHECK(exists(parent_directory));
    // They are not the container's own any more.
    auto parents = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", parent);
    REQUIRE(parents);
    for (const auto& directory : (*parents)->record().directories) {
        CHECK(::rmdir(directory.path.c_str()) == 0);
    }
}

TEST_CASE("CG-05: a cgroup that is not empty is refused before anything is kept of it") {
    const Made first;
    const Member member(*first, &wait_for_ever);
    const auto second = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().message,
               Catch::Contains("container's cgroup is not empty: 1 process(es) found"));
}

TEST_CASE("CG-05: a cgroup that is not empty any more is refused and stays as it was") {
    const Made first;
    auto second = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    REQUIRE(second);
    const Member member(*first, &wait_for_ever);
    const auto created = (*second)->create();
    REQUIRE_FALSE(created);
    CHECK_THAT(created.error().message,
               Catch::Contains("container's cgroup is not empty: 1 process(es) found"));
    // The loser's clean-up must not touch the winner's processes.
    CHECK((*second)->destroy());
    CHECK(::kill(member.pid(), 0) == 0);
    CHECK(*first->pids() == std::vector<pid_t>{member.pid()});
}

TEST_CASE("CG-05: a frozen cgroup is refused") {
    const Made first;
    REQUIRE(first->freeze());
    auto second = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    const auto created = (*second)->create();
    REQUIRE_FALSE(created);
    CHECK_THAT(created.error().message, Catch::Contains("container's cgroup unexpectedly frozen"));
    CHECK(first->thaw());
}

TEST_CASE("CG-05: a cgroup below a frozen one is refused and not left behind") {
    const Made parent;
    REQUIRE(parent->freeze());
    auto inner = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path() + "/inner");
    CHECK_FALSE((*inner)->create());
    for (const auto& directory : (*inner)->record().directories) {
        CHECK_FALSE(exists(directory.path));
    }
    CHECK(parent->thaw());
}

TEST_CASE("trap 33 O-05: an empty cgroup that exists is taken, and stays") {
    const Made first;
    std::string directory;
    {
        const Made second;
        const Member member(*second, &wait_for_ever);
        CHECK(*second->pids() == std::vector<pid_t>{member.pid()});
        CHECK(second->record().directories.front().found);
        directory = second.directory("memory");
        REQUIRE(::mkdir((directory + "/inner").c_str(), 0755) == 0);
    }
    CHECK_FALSE(first->record().directories.front().found);
    CHECK(exists(directory));
    CHECK_FALSE(exists(directory + "/inner"));
    CHECK(first->pids()->empty());
}

TEST_CASE("CG-05: taking back a create harms nobody who has entered meanwhile") {
    const Made first;
    ::rmdir(first.directory("memory").c_str());
    auto second = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", test_path());
    REQUIRE(second);
    REQUIRE((*second)->create());
    CHECK(exists(first.directory("memory")));
    (*second)->undo_create();
    CHECK_FALSE(exists(first.directory("memory")));
    const Made again(test_path() + "-other");
    const std::string procs = first.directory("freezer") + "/cgroup.procs";
    const Member member(*again, &wait_for_ever);
    REQUIRE(sys::write_attribute(AT_FDCWD, procs, std::to_string(member.pid())));
    CHECK((*second)->destroy());
    CHECK(::kill(member.pid(), 0) == 0);
    CHECK(*first->pids() == std::vector<pid_t>{member.pid()});
}

TEST_CASE("CG-02: a relative path is below the own cgroup of each hierarchy") {
    const auto planned = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", "brig-test-relative");
    REQUIRE(planned);
    const auto own = libcontainer::parse_memberships(content("/proc/self/cgroup"));
    for (const auto& directory : (*planned)->record().directories) {
        const auto hierarchy =
            std::ranges::find(own, directory.controllers, &libcontainer::Hierarchy::controllers);
        REQUIRE(hierarchy != own.end());
        const std::string path = hierarchy->own_path == "/" ? "" : hierarchy->own_path;
        CHECK_THAT(directory.path, Catch::EndsWith(path + "/brig-test-relative"));
    }
}

TEST_CASE("trap 56: without a cgroupsPath a host that denies cgroups is no error to a user") {
    libcontainer::CgroupRecord denied;
    denied.directories = {{"memory", "/sys/kernel/brig-test-denied"}};
    libcontainer::v1::Manager asked(denied, libcontainer::IfDenied::fail);
    CHECK_FALSE(asked.create());
    libcontainer::v1::Manager unasked(denied, libcontainer::IfDenied::stay_outside);
    const auto as_root = unasked.create();
    REQUIRE_FALSE(as_root);
    CHECK_THAT(as_root.error().message, Catch::Contains("--cgroup-manager disabled"));
    REQUIRE(::seteuid(65534) == 0);
    const auto as_user = unasked.create();
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(as_user);
    CHECK(unasked.record().directories.empty());
    CHECK(unasked.apply({}));
    CHECK(unasked.open_entry("")->tasks.empty());
    CHECK(unasked.destroy());
    oci::Resources resources;
    resources.memory.limit = 67108864;
    const auto applied = unasked.apply(resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.memory.limit");
}

TEST_CASE("pause: a frozen process does not run until it is thawed") {
    const Made made;
    Member member(*made, [] {
        ::raise(SIGSTOP);
        return 7;
    });
    int status = 0;
    REQUIRE(::waitpid(member.pid(), &status, WUNTRACED) == member.pid());
    CHECK_FALSE(*made->is_frozen());
    REQUIRE(made->freeze());
    CHECK(*made->is_frozen());
    REQUIRE(::kill(member.pid(), SIGCONT) == 0);
    ::usleep(20'000);
    CHECK(::waitpid(member.pid(), &status, WNOHANG) == 0);
    REQUIRE(made->thaw());
    CHECK_FALSE(*made->is_frozen());
    CHECK(WEXITSTATUS(member.wait()) == 7);
}

TEST_CASE("kill_all reaches processes in cgroups below, frozen ones and orphans") {
    const Made made;
    const std::string below = made.directory("freezer") + "/below";
    REQUIRE(::mkdir(below.c_str(), 0755) == 0);
    Member top(*made, &wait_for_ever);
    Member inner(*made, &wait_for_ever, "below");
    CHECK(made->pids()->size() == 2);
    SECTION("another signal") {
        REQUIRE(made->kill_all(SIGTERM));
        CHECK(WTERMSIG(top.wait()) == SIGTERM);
        CHECK(WTERMSIG(inner.wait()) == SIGTERM);
    }
    SECTION("SIGKILL while frozen") {
        REQUIRE(made->freeze());
        REQUIRE(made->kill_all(SIGKILL));
        CHECK(WTERMSIG(top.wait()) == SIGKILL);
        CHECK(WTERMSIG(inner.wait()) == SIGKILL);
    }
    SECTION("SIGKILL while only the cgroup below is frozen") {
        REQUIRE(sys::write_attribute(AT_FDCWD, below + "/freezer.state", "FROZEN"));
        REQUIRE(made->kill_all(SIGKILL));
        CHECK(WTERMSIG(inner.wait()) == SIGKILL);
    }
    CHECK(made->kill_all(SIGKILL));  // nothing left is success
}

TEST_CASE("T-65: a fork bomb does not outrun kill_all") {
    const Made made;
    Member bomb(*made, [] {
        for (int width = 0; width < 30; ++width) {
            if (::fork() == 0) {
                while (true) {
                    const pid_t next = ::fork();
                    if (next > 0) {
                        ::_exit(0);  // always a new pid
                    }
                }
            }
        }
        return wait_for_ever();
    });
    ::usleep(20'000);
    REQUIRE(made->kill_all(SIGKILL));
    CHECK(made->pids()->empty());
    CHECK(WTERMSIG(bomb.wait()) == SIGKILL);
}

TEST_CASE("destroy kills what is left and removes cgroups made inside") {
    std::string directory;
    {
        const Made made;
        directory = made.directory("memory");
        REQUIRE(::mkdir((directory + "/a").c_str(), 0755) == 0);
        REQUIRE(::mkdir((directory + "/a/b").c_str(), 0755) == 0);
        Member member(*made, &wait_for_ever);
        REQUIRE(made->destroy());
        CHECK(WTERMSIG(member.wait()) == SIGKILL);
        for (const auto& entry : made->record().directories) {
            CHECK_FALSE(exists(entry.path));
        }
    }
    CHECK_FALSE(exists(directory));
}

TEST_CASE("T-60: exec's cgroup is below the container's own, and in some hierarchy") {
    const Made made;
    REQUIRE(::mkdir((made.directory("pids") + "/sub").c_str(), 0755) == 0);
    const Member member(*made, &wait_for_ever, "sub");
    const std::string cgroups = content("/proc/" + std::to_string(member.pid()) + "/cgroup");
    CHECK(cgroups.find("pids:" + test_path() + "/sub\n") != std::string::npos);
    CHECK(cgroups.find("memory:" + test_path() + "\n") != std::string::npos);
    CHECK_FALSE(made->open_entry("absent"));
    CHECK_FALSE(made->open_entry("../x"));
    CHECK_FALSE(made->open_entry("/"));
}

TEST_CASE("M-09: mount sources name each hierarchy as it is mounted anew") {
    libcontainer::CgroupRecord record;
    record.directories = {{"cpu,cpuacct", "/h/cpu,cpuacct/x"}, {"name=systemd", "/h/systemd/x"}};
    const auto manager = open_cgroup(record);
    REQUIRE(manager);
    const auto sources = (*manager)->mount_sources();
    REQUIRE(sources.size() == 2);
    CHECK(sources[0].name == "cpu,cpuacct");
    CHECK(sources[0].aliases == std::vector<std::string>{"cpu", "cpuacct"});
    CHECK(sources[0].options == "cpu,cpuacct");
    CHECK(sources[1].name == "systemd");
    CHECK(sources[1].path == "/h/systemd/x");
    CHECK(sources[1].options == "none,name=systemd");
    CHECK(sources[1].aliases.empty());
}

TEST_CASE("without cgroups nothing is made and what needs them says so") {
    const auto manager = plan_cgroup(CgroupDriver::disabled, "x", "/", "/would/be");
    REQUIRE(manager);
    CHECK((*manager)->record().directories.empty());
    CHECK((*manager)->create());
    CHECK((*manager)->open_entry("")->tasks.empty());
    CHECK_FALSE((*manager)->freeze());
    CHECK_FALSE((*manager)->kill_all(SIGKILL));
    CHECK((*manager)->destroy());
}

TEST_CASE("the systemd driver says where it has looked for one in vain") {
    if (::access("/run/systemd/private", F_OK) == 0) {
        return;
    }
    const auto manager = plan_cgroup(CgroupDriver::systemd, "x", "/", "system.slice:a:b");
    REQUIRE_FALSE(manager);
    CHECK(manager.error().kind == sys::ErrorKind::unsupported);
    CHECK(
        manager.error().message.starts_with("cgroup driver systemd: no systemd runs here: "
                                            "/run/dbus/system_bus_socket is not there, "
                                            "/run/systemd/private is not there"));
}
