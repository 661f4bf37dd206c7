// SPDX-License-Identifier: Apache-2.0
// A program that protects its binary as its first argument says and then is at the test's mercy:
// prints "ready CHILD" and waits for a byte of input. "x": executes the script in its second
// argument. End of input: exits.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "libcontainer/security/self_protection.h"

namespace {

std::string protect(const std::string& how) {
    using libcontainer::Replacement;
    if (how == "sealed") {
        const auto done = libcontainer::re_execute_sealed();
        return done ? "" : done.error().text();
    }
    if (how == "none") {
        return "";
    }
    auto mount = how == "mount"  ? libcontainer::detach_from_binary(Replacement::mount)
                 : how == "copy" ? libcontainer::detach_from_binary(Replacement::copy)
                                 : libcontainer::protect_binary();
    return mount ? "" : mount.error().text();
}

int counter = 41;                               // .data
const char* const volatile text = "relocated";  // .data.rel.ro

// Code, data, exceptions and heap work as before.
bool still_works() {
    try {
        throw std::runtime_error(text);
    } catch (const std::exception& error) {
        std::string large(8U << 20U, 'x');
        return ++counter == 42 && std::strcmp(error.what(), "relocated") == 0 &&
               large.find('y') == std::string::npos;
    }
}

bool has_writable_text() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(" rwx") != std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::puts("executed by script");
        return 3;
    }
    if (const std::string error = protect(argv[1]); !error.empty()) {
        std::printf("%s\n", error.c_str());
        return 1;
    }
    if (!still_works() || has_writable_text()) {
        std::puts("broken");
        return 1;
    }
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) {
            ::_exit(0);
        }
        ::close(STDOUT_FILENO);
        ::pause();
    }
    std::printf("ready %d\n", child);
    std::fflush(stdout);
    char command = 0;
    if (::read(STDIN_FILENO, &command, 1) == 1 && command == 'x') {
        ::execl(argv[2], argv[2], nullptr);
        std::printf("execve: %d\n", errno);
        std::fflush(stdout);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::_exit(0);
}
