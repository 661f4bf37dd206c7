// SPDX-License-Identifier: Apache-2.0
// Talking to CRIU by its RPC.
#include "libcontainer/checkpoint/criu.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {
namespace {

constexpr int kSocket = 3;  // of `criu swrk`, beside its stdio
// Engines may call with an environment that has no PATH.
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kMessageLimit = 65536;
constexpr std::size_t kErrorsShown = 3;
constexpr int kNoBinary = 127;

Result<std::string> find_criu(const std::string& given) {
    if (!given.empty()) {
        return given;
    }
    const char* const path = ::getenv("PATH");
    std::string_view rest = path != nullptr && *path != '\0' ? path : kDefaultPath;
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        std::string candidate = std::string(rest.substr(0, colon)) + "/criu";
        if (candidate.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    return sys::fail(sys::ErrorKind::unsupported,
                     "criu: executable file not found in $PATH (install the package criu)");
}

// Child. Every descriptor goes up first, where none of the final numbers is in use.
bool arrange_descriptors(int socket, const std::vector<int>& passed) {
    const int first_free = kSocket + static_cast<int>(passed.size()) + 1;
    std::vector<int> moved = {::fcntl(socket, F_DUPFD, first_free)};
    for (const int fd : passed) {
        moved.push_back(::fcntl(fd, F_DUPFD, first_free));
    }
    for (std::size_t i = 0; i < moved.size(); ++i) {
        if (::dup2(moved[i], kSocket + static_cast<int>(i)) < 0) {
            return false;
        }
    }
    return ::close_range(static_cast<unsigned>(first_free), ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

// Child. Slave, so that nothing of it reaches the host.
bool place_root(const std::string& root) {
    const char* const path = root.c_str();
    return root.empty() || (::unshare(CLONE_NEWNS) == 0 &&
                            ::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) == 0 &&
                            ::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) == 0);
}

struct Ends {
    int socket;
    int failure;   // closes by itself when execve succeeds
    int messages;  // -1: the caller's streams
};

[[noreturn]] void exec_criu(const std::string& program, const Criu::Setup& setup, Ends ends) {
    reset_signals();
    if (ends.messages >= 0) {
        // The terminal's Ctrl-C is for the caller, which lets a dump come to its end.
        ::setpgid(0, 0);
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        ::dup2(ends.messages, STDERR_FILENO);
    }
    for (const sys::UniqueFd& tasks : setup.cgroup.tasks) {
        if (!sys::write_all(tasks.get(), "0", "tasks")) {
            ::_exit(kNoBinary);
        }
    }
    const int kept =
        ::fcntl(ends.failure, F_DUPFD_CLOEXEC, 64 + static_cast<int>(setup.passed.size()));
    if (place_root(setup.root) && arrange_descriptors(ends.socket, setup.passed)) {
        std::array<char, 5> swrk = {"swrk"};
        std::string number = std::to_string(kSocket);
        std::string name = program;
        std::array<char*, 4> argv = {name.data(), swrk.data(), number.data(), nullptr};
        ::execv(program.c_str(), argv.data());
    }
    const int code = errno;
    const std::string_view bytes(reinterpret_cast<const char*>(&code), sizeof code);
    static_cast<void>(sys::write_all(kept, bytes, "pipe"));
    ::_exit(kNoBinary);
}

CriuNotice parse_notice(std::string_view bytes) {
    CriuNotice notice;
    while (const auto field = next_field(bytes)) {
        if (field->field == 1) {
            notice.script = field->bytes;
        } else if (field->field == 2) {
            notice.pid = static_cast<std::int32_t>(field->number);
        }
    }
    return notice;
}

CriuFeatures parse_features(std::string_view bytes) {
    CriuFeatures features;
    while (const auto field = next_field(bytes)) {
        if (field->field == 1) {
            features.memory_tracking = field->number != 0;
        } else if (field->field == 2) {
            features.lazy_pages = field->number != 0;
        }
    }
    return features;
}

}  // namespace

struct Criu::Answer {
    CriuCall type = CriuCall::dump;
    bool success = false;
    std::int32_t code = 0;
    CriuNotice notice;
    CriuFeatures features;
};

void CriuRequest::set_if(CriuField field, bool value) {
    if (value) {
        set(field, 1);
    }
}

void CriuRequest::add_pair(CriuField field, std::string_view first, std::string_view second) {
    WireWriter pair;
    pair.text(1, first);
    pair.text(2, second);
    options_.message(static_cast<unsigned>(field), pair);
}

void CriuRequest::add_pair(CriuField field, std::string_view first, std::int64_t second) {
    WireWriter pair;
    pair.text(1, first);
    pair.number(2, second);
    options_.message(static_cast<unsigned>(field), pair);
}

std::string CriuRequest::encode(CriuCall call) const {
    WireWriter request;
    request.number(1, static_cast<std::int64_t>(call));
    if (call == CriuCall::feature_check) {
        WireWriter wanted;  // criu_features
        wanted.number(1, 1);
        wanted.number(2, 1);
        request.message(5, wanted);
    } else if (call == CriuCall::notify) {
        request.number(3, 1);  // notify_success
    } else {
        request.message(2, options_);
    }
    return request.bytes();
}

Result<Criu> Criu::start(const Setup& setup) {
    if (setup.cgroup.attach) {
        // Whom systemd would have to move; without that it would run without the limits.
        return std::unexpected(sys::Error{
            sys::ErrorKind::unsupported, 0, "linux.cgroupsPath",
            "the kernel does not let this user start criu in the container's unit; call from a unit"
            " of the user's own systemd (systemd-run --user)"});
    }
    const std::string program = TRY(find_criu(setup.program));
    std::array<sys::UniqueFd, 2> pair = TRY(sys::make_socket_pair());
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return sys::fail_errno("pipe2");
    }
    const sys::UniqueFd failure(ends[0]);
    sys::UniqueFd failure_write(ends[1]);
    sys::UniqueFd messages;
    if (setup.streams == Setup::Streams::kept) {
        messages = sys::UniqueFd(::memfd_create("criu", MFD_CLOEXEC));
    }
    std::optional<sys::Pid> child = TRY(sys::clone_process({0, setup.cgroup.directory.get()}));
    if (!child) {
        exec_criu(program, setup, {pair[1].get(), failure_write.get(), messages.get()});
    }
    failure_write.reset();
    pair[1].reset();  // so that its end, however it comes, is the end of the conversation
    // It changes nothing on the host before the first request: what is read of that here is whole.
    Criu criu(*std::move(child), std::move(pair[0]), std::move(messages), setup);
    int code = 0;
    if (::read(failure.get(), &code, sizeof code) == sizeof code) {
        sys::Error error = sys::errno_error(sys::call("exec", program), code);
        error.kind = sys::ErrorKind::unsupported;
        return std::unexpected(std::move(error));
    }
    return criu;
}

Criu::~Criu() {
    if (!ended_ && pid_.fd) {
        static_cast<void>(sys::send_signal(pid_, SIGKILL));
        static_cast<void>(sys::wait_for(pid_));
    }
    if (const auto whole = hierarchy_.finish(); !whole && warn_) {
        warn_(whole.error().text());
    }
}

// message criu_resp
Result<Criu::Answer> Criu::parse_answer(std::string_view bytes) {
    Answer answer;
    while (const auto field = next_field(bytes)) {
        switch (field->field) {
            case 1:
                answer.type = static_cast<CriuCall>(field->number);
                break;
            case 2:
                answer.success = field->number != 0;
                break;
            case 5:
                answer.notice = parse_notice(field->bytes);
                break;
            case 7:
                answer.code = static_cast<std::int32_t>(field->number);
                break;
            case 8:
                answer.features = parse_features(field->bytes);
                break;
            default:
                break;
        }
    }
    if (!bytes.empty()) {
        return sys::fail(sys::ErrorKind::system, "criu: malformed answer");
    }
    return answer;
}

Result<Criu::Answer> Criu::receive() {
    std::array<pollfd, 2> waits = {pollfd{socket_.get(), POLLIN, 0},
                                   pollfd{interruption_, POLLIN, 0}};
    while (waits[0].revents == 0) {
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
        if (waits[1].revents != 0) {
            TRY_VOID(check_interruption(interruption_));
            waits[1].revents = 0;
        }
    }
    sys::Message message = TRY(sys::receive_message(socket_.get(), kMessageLimit));
    if (message.data.empty()) {
        return sys::fail(sys::ErrorKind::system, "criu ended without an answer");
    }
    Answer answer = TRY(parse_answer(message.data));
    if (!message.fds.empty()) {
        answer.notice.fd = std::move(message.fds.front());
    }
    return answer;
}

sys::Error Criu::explain(sys::Error error) const {
    if (messages_ && ::lseek(messages_.get(), 0, SEEK_SET) == 0) {
        const auto text = sys::read_all(messages_.get(), "criu's messages");
        const std::string errors = text ? last_errors(*text) : "";
        error.message += errors.empty() ? "" : ": " + errors;
    }
    return error;
}

Result<void> Criu::call(CriuCall call, const CriuRequest& request, const TakeNotice& take) {
    auto done = converse(call, request, take);
    return done ? std::move(done) : std::unexpected(explain(std::move(done).error()));
}

Result<void> Criu::converse(CriuCall call, const CriuRequest& request, const TakeNotice& take) {
    TRY_VOID(sys::send_message(socket_.get(), request.encode(call)));
    while (true) {
        Answer answer = TRY(receive());
        if (!answer.success) {
            std::string text = "criu failed";
            if (answer.code != 0) {
                text += ": " + std::string(sys::errno_text(answer.code));
            }
            return sys::fail(sys::ErrorKind::system, std::move(text));
        }
        if (answer.type == call) {
            break;
        }
        if (answer.type != CriuCall::notify) {
            return sys::fail(sys::ErrorKind::system, "criu: unexpected answer");
        }
        // Before the processes go on.
        hierarchy_.put_back();
        TRY_VOID(take(std::move(answer.notice)));
        TRY_VOID(sys::send_message(socket_.get(), request.encode(CriuCall::notify)));
    }
    socket_.reset();
    // After a pre-dump it waits for the next one and takes the end of the socket as a failure.
    auto ended = wait();
    return call == CriuCall::pre_dump ? Result<void>() : ended;
}

Result<CriuFeatures> Criu::features() {
    TRY_VOID(sys::send_message(socket_.get(), CriuRequest().encode(CriuCall::feature_check)));
    const auto answer = receive();
    if (!answer || !answer->success || answer->type != CriuCall::feature_check) {
        return std::unexpected(
            explain({sys::ErrorKind::unsupported, 0, {}, "criu does not work here"}));
    }
    return answer->features;
}

Result<void> Criu::wait() {
    const int status = TRY(sys::wait_for(pid_));
    ended_ = true;
    if (status != 0) {
        return sys::fail(sys::ErrorKind::system,
                         "criu ended with status " + std::to_string(sys::exit_status(status)));
    }
    return {};
}

std::string last_errors(std::string_view log) {
    std::vector<std::string_view> errors;
    std::string_view rest = log;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        if (const std::size_t error = line.find("Error ("); error != std::string_view::npos) {
            errors.push_back(line.substr(error + std::string_view("Error ").size()));
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    std::string shown;
    for (std::size_t i = errors.size() > kErrorsShown ? errors.size() - kErrorsShown : 0;
         i < errors.size(); ++i) {
        shown += (shown.empty() ? "" : "; ") + std::string(errors[i]);
    }
    return shown;
}

}  // namespace libcontainer
