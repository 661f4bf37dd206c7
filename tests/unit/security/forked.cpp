// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/security/forked.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace forked {
namespace {

void write_to(const std::string& path, const std::string& text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        ::perror(path.c_str());
        std::abort();
    }
    ::close(fd);
}

[[noreturn]] void work_and_leave(int out, const std::function<std::string()>& work) {
    const std::string text = work();
    (void)!::write(out, text.data(), text.size());
    ::_exit(0);
}

// Reads what the child says and waits for its end.
std::string collect(pid_t child, int in) {
    std::string text;
    std::array<char, 4096> buffer = {};
    for (ssize_t got = 0; (got = ::read(in, buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::close(in);
    int state = 0;
    ::waitpid(child, &state, 0);
    return WIFSIGNALED(state) ? "signal " + std::to_string(WTERMSIG(state)) : text;
}

}  // namespace

std::string run(const std::function<std::string()>& work) {
    std::array<int, 2> out = {};
    if (::pipe2(out.data(), O_CLOEXEC) != 0) {
        std::abort();
    }
    const pid_t child = ::fork();
    if (child == 0) {
        work_and_leave(out[1], work);
    }
    ::close(out[1]);
    return collect(child, out[0]);
}

std::string run_in_user_namespace(const UserNamespace& user_namespace,
                                  const std::function<std::string()>& work) {
    std::array<int, 2> out = {};
    std::array<int, 2> ready = {};
    std::array<int, 2> mapped = {};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(ready.data(), O_CLOEXEC) != 0 ||
        ::pipe2(mapped.data(), O_CLOEXEC) != 0) {
        std::abort();
    }
    char byte = 0;
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(mapped[1]);
        if (::unshare(CLONE_NEWUSER) != 0) {
            ::_exit(1);
        }
        (void)!::write(ready[1], &byte, 1);
        (void)!::read(mapped[0], &byte, 1);
        work_and_leave(out[1], work);
    }
    ::close(out[1]);
    ::close(ready[1]);
    (void)!::read(ready[0], &byte, 1);
    const std::string proc = "/proc/" + std::to_string(child);
    write_to(proc + "/setgroups", user_namespace.setgroups);
    write_to(proc + "/gid_map", user_namespace.gid_map);
    write_to(proc + "/uid_map", user_namespace.uid_map);
    ::close(mapped[1]);
    ::close(mapped[0]);
    ::close(ready[0]);
    return collect(child, out[0]);
}

std::string status(std::string_view key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(std::string(key) + ":")) {
            const std::size_t begin = line.find_first_not_of(" \t", key.size() + 1);
            const std::size_t end = line.find_last_not_of(" \t");
            return begin == std::string::npos ? "" : line.substr(begin, end - begin + 1);
        }
    }
    return "no such line";
}

}  // namespace forked
