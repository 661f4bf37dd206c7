// SPDX-License-Identifier: Apache-2.0
// Does to a runtime what an engine does, with next to no cost of its own: for hyperfine to time.
// usage: driver cycle BUNDLE ID RUNTIME [OPTION...] | driver memory COMMAND [ARG...]
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <vector>

namespace {

extern "C" char** environ;

// run ARGUMENTS: waits; returns the exit status and adds the use of resources to `usage`.
int run(const char* const* arguments, rusage* usage) {
    const pid_t pid = vfork();
    if (pid == 0) {
        execve(arguments[0], const_cast<char* const*>(arguments), environ);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || wait4(pid, &status, 0, usage) != pid) {
        return 127;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void must(int status, const char* what) {
    if (status != 0) {
        fprintf(stderr, "driver: %s: exit status %d\n", what, status);
        exit(1);
    }
}

// The life of a container as a shim sees it: the container's process is the shim's to wait for.
int cycle(const char* bundle, const char* id, const std::vector<const char*>& runtime) {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const auto call = [&runtime](std::initializer_list<const char*> words) {
        rusage usage;
        std::vector<const char*> all = runtime;
        all.insert(all.end(), words);
        all.push_back(nullptr);
        must(run(all.data(), &usage), *words.begin());
    };
    call({"create", "--bundle", bundle, id});
    call({"start", id});
    call({"kill", id, "9"});
    int status = 0;
    while (wait(&status) > 0) {
    }
    call({"delete", id});
    return 0;
}

int memory(const char* const* arguments) {
    rusage usage = {};
    const int status = run(arguments, &usage);
    fprintf(stderr, "%ld\n", usage.ru_maxrss);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc >= 5 && strcmp(argv[1], "cycle") == 0) {
        return cycle(argv[2], argv[3], {argv + 4, argv + argc});
    }
    if (argc >= 3 && strcmp(argv[1], "memory") == 0) {
        return memory(argv + 2);
    }
    fputs("usage: driver cycle BUNDLE ID RUNTIME [OPTION...] | driver memory COMMAND [ARG...]\n",
          stderr);
    return 2;
}
