// SPDX-License-Identifier: Apache-2.0
// Staying with a process: signals and terminal relayed to it, its end awaited.
#include "libcontainer/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "libcontainer/handover.h"

namespace libcontainer {
namespace {

// The caller's terminal in raw mode, as it was again on destruction.
class RawTerminal {
  public:
    RawTerminal() {
        if (::tcgetattr(STDIN_FILENO, &saved_) == 0) {
            termios raw = saved_;
            ::cfmakeraw(&raw);
            raw_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
        }
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal() {
        if (raw_) {
            ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
        }
    }

  private:
    termios saved_ = {};
    bool raw_ = false;
};

// One direction of the relay with what was read and is not written yet, so that a side which does
// not read blocks only this direction.
struct Flow {
    int from;
    int to;
    std::string pending;
    bool ended = false;

    [[nodiscard]] bool wants_input() const { return !ended && pending.size() < 65536; }

    void read_some() {
        std::array<char, 16384> chunk = {};
        const ssize_t got = ::read(from, chunk.data(), chunk.size());
        if (got > 0) {
            pending.append(chunk.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            ended = true;  // EIO: the last peer of the pty was closed
        }
    }

    void write_some() {
        const ssize_t written = ::write(to, pending.data(), pending.size());
        if (written > 0) {
            pending.erase(0, static_cast<std::size_t>(written));
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            pending.clear();
            ended = true;
        }
    }
};

// Adopted orphans, but never the process we wait for: its status is asked for by pidfd.
void reap_orphans(pid_t awaited) {
    siginfo_t info = {};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           info.si_pid != awaited) {
        ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
        info = {};
    }
}

void handle_signal(int signals, const sys::Pid& pid, int master) {
    signalfd_siginfo info = {};
    if (::read(signals, &info, sizeof info) != sizeof info) {
        return;
    }
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
        reap_orphans(pid.number);
    } else if (signal == SIGWINCH && master >= 0) {
        copy_window_size(master);
    } else if (signal != SIGWINCH) {
        static_cast<void>(sys::send_signal(pid, signal));
    }
}

void drain(Flow& output) {
    ::fcntl(output.from, F_SETFL, O_NONBLOCK);
    std::size_t before = 0;
    do {
        before = output.pending.size();
        output.read_some();
    } while (output.pending.size() > before);
    output.ended = false;  // the pty's end is not the end of what was read from it
    while (!output.pending.empty() && !output.ended) {
        pollfd reader = {output.to, POLLOUT, 0};  // the caller's may be non-blocking
        ::poll(&reader, 1, -1);
        output.write_some();
    }
}

}  // namespace

Result<Foreground> Foreground::prepare(Subreaper subreaper) {
    sigset_t relayed = {};
    ::sigfillset(&relayed);
    // SIGURG and SIGPIPE are not about the container; faults are brig's own.
    for (const int kept :
         {SIGURG, SIGPIPE, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
        ::sigdelset(&relayed, kept);
    }
    if (::sigprocmask(SIG_BLOCK, &relayed, nullptr) != 0) {
        return sys::fail_errno("sigprocmask");
    }
    sys::UniqueFd signals(::signalfd(-1, &relayed, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) {
        return sys::fail_errno("signalfd");
    }
    if (subreaper == Subreaper::yes && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        return sys::fail_errno("prctl(PR_SET_CHILD_SUBREAPER)");
    }
    return Foreground(std::move(signals));
}

Result<int> Foreground::stay_with(const sys::Pid& pid, const sys::UniqueFd& master) {
    std::optional<RawTerminal> raw;
    Flow input{STDIN_FILENO, master.get(), {}, !master.valid()};
    Flow output{master.get(), STDOUT_FILENO, {}, !master.valid()};
    if (master) {
        raw.emplace();
    }
    while (true) {
        std::array<pollfd, 7> waits = {
            pollfd{signals_.get(), POLLIN, 0},
            pollfd{pid.fd.get(), POLLIN, 0},
            pollfd{input.wants_input() ? input.from : -1, POLLIN, 0},
            pollfd{input.pending.empty() ? -1 : input.to, POLLOUT, 0},
            pollfd{output.wants_input() ? output.from : -1, POLLIN, 0},
            pollfd{output.pending.empty() ? -1 : output.to, POLLOUT, 0},
            pollfd{watched_, POLLIN, 0},
        };
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
        if (waits[0].revents != 0) {
            handle_signal(signals_.get(), pid, master.get());
        }
        if (waits[2].revents != 0) {
            input.read_some();
        }
        if (waits[3].revents != 0) {
            input.write_some();
        }
        if (waits[4].revents != 0) {
            output.read_some();
        }
        if (waits[5].revents != 0) {
            output.write_some();
        }
        if (waits[6].revents != 0 && act_()) {
            watched_ = -1;
        }
        if (waits[1].revents != 0) {
            if (master) {
                drain(output);
            }
            return sys::wait_for(pid);
        }
    }
}

}  // namespace libcontainer
