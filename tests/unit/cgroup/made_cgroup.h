// SPDX-License-Identifier: Apache-2.0
// Fixtures of the tests on this host's hierarchies: a cgroup that is removed at the end, and a
// process in it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/sys/file.h"

using libcontainer::CgroupDriver;
using libcontainer::CgroupManager;
using libcontainer::plan_cgroup;

inline std::string test_path() {
    return "/brig-test-" + std::to_string(::getpid());
}

inline bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

inline std::string content(const std::string& path) {
    auto text = sys::read_file(AT_FDCWD, path);
    REQUIRE(text);
    return *text;
}

// A process that has entered the cgroup by itself. Killed and reaped at the end.
class Member {
  public:
    // `work` runs inside; its result is the exit status.
    explicit Member(CgroupManager& manager, const std::function<int()>& work,
                    const std::string& below = "") {
        auto entry = manager.open_entry(below);
        REQUIRE(entry);
        int ready[2] = {-1, -1};
        REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            // Catch's handlers are not for this process.
            for (int number = 1; number < NSIG; ++number) {
                ::signal(number, SIG_DFL);
            }
            for (const auto& tasks : entry->tasks) {
                if (::write(tasks.get(), "0", 1) != 1) {
                    ::_exit(111);
                }
            }
            if (::write(ready[1], "", 1) != 1) {
                ::_exit(112);
            }
            ::_exit(work());
        }
        ::close(ready[1]);
        char byte = 1;
        const auto got = ::read(ready[0], &byte, 1);
        ::close(ready[0]);
        REQUIRE(got == 1);
    }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            (void)wait();
        }
    }

    int wait() {
        int status = -1;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return status;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = -1;
};

inline int wait_for_ever() {
    while (true) {
        ::pause();
    }
}

// A made cgroup, removed at the end whatever the test does.
class Made {
  public:
    explicit Made(const std::string& path = test_path()) {
        auto planned = plan_cgroup(CgroupDriver::cgroupfs, "unused", "/", path);
        REQUIRE(planned);
        manager_ = std::move(*planned);
        const auto created = manager_->create();
        INFO((created ? std::string() : created.error().text()));
        REQUIRE(created);
    }
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    ~Made() { CHECK(manager_->destroy()); }

    CgroupManager* operator->() const { return manager_.get(); }
    CgroupManager& operator*() const { return *manager_; }
    [[nodiscard]] std::string directory(const std::string& controller) const {
        for (const auto& directory : manager_->record().directories) {
            if (directory.controllers == controller) {
                return directory.path;
            }
        }
        FAIL("no hierarchy for " << controller);
        return {};
    }

  private:
    std::unique_ptr<CgroupManager> manager_;
};

// As the verb does it: a failed update is taken back.
template <typename Group>
libcontainer::Result<void> update(const Group& made, const oci::Resources& resources) {
    sys::Rollback undos;
    auto updated = made->update(resources, undos);
    if (updated) {
        undos.commit();
    }
    return updated;
}
