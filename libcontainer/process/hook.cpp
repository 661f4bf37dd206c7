// SPDX-License-Identifier: Apache-2.0
// Running the hooks of config.json.
#include "libcontainer/process/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/process/program.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/process.h"
#include "oci/annotations.h"
#include "oci/parse.h"

namespace libcontainer {
namespace {

constexpr std::size_t kKeptOutput = 2048;  // of stdout and stderr together, for the error
constexpr int kExecFailed = 127;
constexpr std::size_t kChunk = 4096;
constexpr int kChunksOfPipe = 16;  // what a pipe holds, pipe(7)

std::int64_t now_milliseconds() {
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// A file in memory as stdin: a hook that does not read it cannot block or break the runtime.
Result<sys::UniqueFd> make_stdin(const oci::State& state) {
    sys::UniqueFd fd(::memfd_create("state.json", MFD_CLOEXEC));
    if (!fd) {
        return sys::fail_errno("memfd_create");
    }
    TRY_VOID(sys::write_all(fd.get(), oci::write_state(state, oci::Layout::compact), "state.json"));
    if (::lseek(fd.get(), 0, SEEK_SET) != 0) {
        return sys::fail_errno("lseek");
    }
    return fd;
}

[[noreturn]] void exec_hook(const oci::Hook& hook, const HookContext& context, int input,
                            int output) {
    const std::vector<std::string> args =
        hook.args && !hook.args->empty() ? *hook.args : std::vector{hook.path};
    const std::vector<std::string>& env = hook.env ? *hook.env : context.default_env;
    ::setpgid(0, 0);
    reset_signals();
    if (context.directory >= 0 && ::fchdir(context.directory) != 0) {
        ::_exit(kExecFailed);
    }
    if (context.umask) {
        ::umask(*context.umask);
    }
    ::dup2(input, 0);
    const HookFiles* const files = context.files.get();
    ::dup2(files != nullptr && files->standard_output ? files->standard_output.get() : output, 1);
    ::dup2(files != nullptr && files->standard_error ? files->standard_error.get() : output, 2);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execve(hook.path.c_str(), as_argv(args).data(), as_argv(env).data());
    const std::string reason = sys::errno_error(sys::call("exec", hook.path), errno).message + "\n";
    static_cast<void>(sys::write_all(2, reason, "stderr"));
    ::_exit(kExecFailed);
}

// Reads what is there; keeps only the end. False at end of file.
bool drain(int fd, std::string& kept) {
    std::array<char, kChunk> chunk = {};
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got > 0) {
        kept.append(chunk.data(), static_cast<std::size_t>(got));
        if (kept.size() > kKeptOutput) {
            kept.erase(0, kept.size() - kKeptOutput);
        }
    }
    return got > 0;
}

// Ends a hook that outlives its timeout, or that nobody wants any more, and what it has started in
// its process group (H-15).
std::unexpected<sys::Error> end_hook(const sys::Pid& child, sys::Error reason) {
    ::kill(-child.number, SIGKILL);
    static_cast<void>(sys::send_signal(child, SIGKILL));
    static_cast<void>(sys::wait_for(child));
    return std::unexpected(std::move(reason));
}

sys::Error timeout_error(std::int32_t seconds) {
    return {
        sys::ErrorKind::system, 0, {}, "timeout: killed after " + std::to_string(seconds) + " s"};
}

// Waits for the hook's end, collecting output. A daemon that keeps the pipe open, or never stops
// filling it, does not keep us.
Result<int> await(const sys::Pid& child, int output, std::optional<std::int32_t> timeout,
                  int interruption, std::string& kept) {
    const std::int64_t deadline = timeout ? now_milliseconds() + std::int64_t{*timeout} * 1000 : -1;
    std::array<pollfd, 3> waits = {pollfd{child.fd.get(), POLLIN, 0}, pollfd{output, POLLIN, 0},
                                   pollfd{interruption, POLLIN, 0}};
    while (true) {
        const std::int64_t left =
            deadline < 0 ? -1 : std::max<std::int64_t>(deadline - now_milliseconds(), 0);
        if (left == 0) {
            return end_hook(child, timeout_error(*timeout));
        }
        if (::poll(waits.data(), waits.size(),
                   static_cast<int>(std::min<std::int64_t>(left, 1'000'000))) < 0) {
            if (errno != EINTR) {
                return sys::fail_errno("poll");
            }
            continue;
        }
        if (waits[2].revents != 0) {
            if (auto wanted = check_interruption(interruption); !wanted) {
                return end_hook(child, std::move(wanted).error());
            }
        }
        if ((waits[1].revents & (POLLIN | POLLHUP)) != 0 && !drain(output, kept)) {
            waits[1].fd = -1;
        }
        if ((waits[0].revents & POLLIN) != 0) {
            for (int i = 0; i < kChunksOfPipe && waits[1].fd >= 0 && drain(output, kept); ++i) {
            }
            return sys::wait_for(child);
        }
    }
}

std::string describe(int status) {
    return WIFSIGNALED(status) ? "killed by signal " + std::to_string(WTERMSIG(status))
                               : "exit status " + std::to_string(WEXITSTATUS(status));
}

std::string one_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    for (char& character : text) {
        if (static_cast<unsigned char>(character) < 0x20) {
            character = ' ';
        }
    }
    return text;
}

Result<void> run_hook(const oci::Hook& hook, const HookContext& context) {
    const sys::UniqueFd input = TRY(make_stdin(context.state));
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return sys::fail_errno("pipe2");
    }
    const sys::UniqueFd output(ends[0]);
    sys::UniqueFd writer(ends[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    const pid_t runtime = ::getpid();
    const std::optional<sys::Pid> child = TRY(sys::clone_process({}));
    if (!child) {
        // Nobody is left to wait for it, or to undo what it does, when the runtime is killed.
        sys::die_with_parent(runtime);
        exec_hook(hook, context, input.get(), writer.get());
    }
    writer.reset();
    std::string kept;
    auto status = await(*child, output.get(), hook.timeout, context.interruption, kept);
    const std::string tail = kept.empty() ? "" : ": " + one_line(std::move(kept));
    if (!status) {
        status.error().message += tail;
        return std::unexpected(std::move(status).error());
    }
    if (*status != 0) {
        return sys::fail(sys::ErrorKind::system, describe(*status) + tail);
    }
    return {};
}

// The same with kind, index and path in front of what went wrong (H-16).
Result<void> run_hook(const oci::Hooks& hooks, oci::HookKind kind, std::size_t index,
                      const HookContext& context) {
    const oci::Hook& hook = hooks.of(kind)[index];
    auto done = run_hook(hook, context);
    if (done) {
        return {};
    }
    const std::string place = std::string(oci::to_name(kind)) + "[" + std::to_string(index) + "]";
    return std::unexpected(
        std::move(done).error().wrap(place + " hook " + hook.path).at("hooks." + place));
}

Result<sys::UniqueFd> open_hook_file(const std::map<std::string, std::string>& annotations,
                                     std::string_view name) {
    const std::string* const path = oci::find_annotation(annotations, name);
    if (path == nullptr) {
        return sys::UniqueFd();
    }
    // O_NOFOLLOW: each call opens it anew, in a folder that others may write to. O_NONBLOCK: a FIFO
    // that nobody reads must not hold up the container.
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    auto file = path->starts_with('/')
                    ? sys::open_at(AT_FDCWD, *path, kFlags, 0600)
                    : sys::fail(sys::ErrorKind::invalid, "must be an absolute path");
    if (!file) {
        return std::unexpected(std::move(file).error().at(oci::annotation_path(name)));
    }
    ::fcntl(file->get(), F_SETFL, O_APPEND);  // hooks know nothing of EAGAIN
    return file;
}

}  // namespace

Result<std::shared_ptr<const HookFiles>> open_hook_files(
    const std::map<std::string, std::string>& annotations) {
    HookFiles files = {TRY(open_hook_file(annotations, oci::kHooksStdout)),
                       TRY(open_hook_file(annotations, oci::kHooksStderr))};
    if (!files.standard_output && !files.standard_error) {
        return nullptr;
    }
    return std::make_shared<const HookFiles>(std::move(files));
}

Result<void> run_hooks(const oci::Hooks& hooks, oci::HookKind kind, const HookContext& context) {
    for (std::size_t i = 0; i < hooks.of(kind).size(); ++i) {
        TRY_VOID(run_hook(hooks, kind, i, context));
    }
    return {};
}

void run_poststop_hooks(const oci::Hooks& hooks, const HookContext& context, const Warn& warn) {
    for (std::size_t i = 0; i < hooks.poststop.size(); ++i) {
        const auto done = run_hook(hooks, oci::HookKind::poststop, i, context);
        if (!done && warn) {
            warn(done.error().text());
        }
    }
}

}  // namespace libcontainer
