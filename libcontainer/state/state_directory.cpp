// SPDX-License-Identifier: Apache-2.0
// The folder of one container below the state root.
#include "libcontainer/state/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"
#include "oci/json.h"

namespace libcontainer {
namespace {

constexpr const char* kRecordName = "container.json";
constexpr const char* kMarkName = ".container.json.gone";
constexpr const char* kConfigName = "config.json";
constexpr const char* kStartName = "start.sock";
constexpr const char* kNotifyFolder = "notify";
constexpr const char* kNotifyName = "notify/notify.sock";
// Sticky: what lies below XDG_RUNTIME_DIR without it may be swept away (XDG Base Directory).
constexpr mode_t kRootMode = S_ISVTX | S_IRWXU;
constexpr std::size_t kMaxRecord = 1U << 20U;
constexpr std::size_t kMaxIdLength = 255;

[[nodiscard]] bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '.';
}

[[nodiscard]] std::unexpected<sys::Error> does_not_exist() {
    return sys::fail(sys::ErrorKind::not_found, "container does not exist");
}

// A root that others may write to would let them plant containers.
Result<sys::UniqueFd> open_root(const std::string& root) {
    sys::UniqueFd fd = TRY(sys::open_at(AT_FDCWD, root, O_RDONLY | O_DIRECTORY));
    struct stat info = {};
    if (::fstat(fd.get(), &info) != 0) {
        return sys::fail_errno(sys::call("stat", root));
    }
    if (info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return sys::fail(sys::ErrorKind::invalid,
                         "state root \"" + root +
                             "\": must belong to the caller and be writable by nobody else");
    }
    return fd;
}

// The mark, or a write's temporary file.
[[nodiscard]] bool is_of_record(std::string_view name) {
    return name.starts_with('.') && name.substr(1).starts_with(kRecordName);
}

// Addresses a socket in the folder however long the folder's path is.
[[nodiscard]] sockaddr_un address_of(int directory, const char* name) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = "/proc/self/fd/" + std::to_string(directory) + "/" + name;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

}  // namespace

Result<void> check_container_id(std::string_view id) {
    if (id.empty()) {
        return sys::fail(sys::ErrorKind::invalid, "container ID must not be empty");
    }
    if (id.size() > kMaxIdLength || id.front() == '.' ||
        !std::ranges::all_of(id, is_id_character)) {
        return sys::fail(sys::ErrorKind::invalid,
                         "invalid container ID format: allowed are 1 to 255 of [A-Za-z0-9_+-.], "
                         "not starting with a dot");
    }
    return {};
}

Result<StateDirectory> StateDirectory::reserve(const std::string& root, const std::string& id) {
    TRY_VOID(check_container_id(id));
    auto root_fd = open_root(root);
    if (!root_fd && root_fd.error().code == ENOENT) {
        TRY_VOID(sys::make_directories(root, kRootMode));
        root_fd = open_root(root);
    }
    if (!root_fd) {
        return std::unexpected(std::move(root_fd).error());
    }
    if (::mkdirat(root_fd->get(), id.c_str(), 0700) != 0) {
        if (errno == EEXIST) {
            return sys::fail(sys::ErrorKind::already_exists,
                             "container with given ID already exists");
        }
        return sys::fail_errno(sys::call("mkdir", root + "/" + id));
    }
    auto directory = sys::open_at(root_fd->get(), id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) {
        ::unlinkat(root_fd->get(), id.c_str(), AT_REMOVEDIR);
        return std::unexpected(std::move(directory).error());
    }
    StateDirectory reserved(*std::move(root_fd), *std::move(directory), id);
    // A `delete --force` may have the lock, for what looks like a folder without state.
    if (auto locked = reserved.lock(); !locked) {
        if (locked.error().kind == sys::ErrorKind::not_found) {
            return sys::fail(sys::ErrorKind::wrong_state,
                             "the container was deleted while it was being created");
        }
        static_cast<void>(reserved.remove());
        return std::unexpected(std::move(locked).error());
    }
    return reserved;
}

Result<StateDirectory> StateDirectory::open(const std::string& root, const std::string& id) {
    TRY_VOID(check_container_id(id));
    auto root_fd = open_root(root);
    if (!root_fd) {
        if (root_fd.error().code == ENOENT) {
            return does_not_exist();
        }
        return std::unexpected(std::move(root_fd).error());
    }
    auto directory = sys::open_at(root_fd->get(), id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) {
        if (directory.error().code == ENOENT) {
            return does_not_exist();
        }
        return std::unexpected(std::move(directory).error());
    }
    return StateDirectory(*std::move(root_fd), *std::move(directory), id);
}

Result<std::vector<std::string>> StateDirectory::ids(const std::string& root) {
    std::vector<std::string> found;
    auto directory = sys::Directory::open(AT_FDCWD, root);
    if (!directory) {
        return directory.error().code == ENOENT ? Result<std::vector<std::string>>(std::move(found))
                                                : std::unexpected(std::move(directory).error());
    }
    while (const dirent* const entry = TRY_WRAP(root, directory->next())) {
        const std::string_view name = entry->d_name;
        if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) && check_container_id(name)) {
            found.emplace_back(name);
        }
    }
    std::ranges::sort(found);
    return found;
}

Result<bool> StateDirectory::try_lock() {
    if (::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0) {
        // ENOLCK: the kernel has no memory for it, which may be over soon.
        return errno == EWOULDBLOCK || errno == EINTR || errno == ENOLCK ? Result<bool>(false)
                                                                         : sys::fail_errno("flock");
    }
    is_mine_ = true;
    // Whoever held the lock may have removed the folder; its name may be another's by now.
    struct stat info = {};
    if (::fstat(directory_.get(), &info) == 0 && info.st_nlink == 0) {
        return does_not_exist();
    }
    return true;
}

Result<void> StateDirectory::lock() {
    constexpr int kTries = 1000;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        if (TRY(try_lock())) {
            return {};
        }
        ::usleep(10'000);
    }
    return sys::fail(sys::ErrorKind::wrong_state,
                     "another operation on the container is under way");
}

void StateDirectory::unlock() {
    ::flock(directory_.get(), LOCK_UN);
    is_mine_ = false;
}

bool StateDirectory::is_open_in(pid_t pid) const {
    struct stat own = {};
    auto descriptors = sys::Directory::open(AT_FDCWD, "/proc/" + std::to_string(pid) + "/fd");
    if (!descriptors || ::fstat(directory_.get(), &own) != 0) {
        return false;
    }
    const std::string name = "/" + id_;
    while (const dirent* const entry = descriptors->next().value_or(nullptr)) {
        // By name first, which asks no file system: the pid may be a stranger's by now, with files
        // that nobody answers for.
        std::array<char, PATH_MAX> target = {};
        const int folder = descriptors->fd();
        const ssize_t length = ::readlinkat(folder, entry->d_name, target.data(), target.size());
        if (length <= 0 ||
            !std::string_view(target.data(), static_cast<std::size_t>(length)).ends_with(name)) {
            continue;
        }
        struct stat info = {};
        if (::fstatat(folder, entry->d_name, &info, 0) == 0 && info.st_dev == own.st_dev &&
            info.st_ino == own.st_ino) {
            return true;
        }
    }
    return false;
}

bool StateDirectory::is_locked() const {
    if (is_mine_) {
        return false;  // and trying would give it up: flock(2) converts a lock that is held
    }
    if (::flock(directory_.get(), LOCK_SH | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK;
    }
    ::flock(directory_.get(), LOCK_UN);
    return false;
}

Result<ContainerRecord> StateDirectory::read_record() const {
    auto file = sys::open_at(directory_.get(), kRecordName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) {
        if (file.error().code == ENOENT) {
            return does_not_exist();
        }
        return std::unexpected(std::move(file).error());
    }
    struct stat info = {};
    if (::fstat(file->get(), &info) != 0) {
        return sys::fail_errno(sys::call("stat", kRecordName));
    }
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid()) {
        return sys::fail(sys::ErrorKind::invalid,
                         "state file container.json: not a regular file of the caller");
    }
    const std::string json = TRY(sys::read_all(file->get(), kRecordName, kMaxRecord));
    if (json.empty()) {
        return does_not_exist();  // a create that was killed between open and write
    }
    auto record = oci::parse_json<ContainerRecord>(json);
    if (!record) {
        return sys::fail(sys::ErrorKind::invalid,
                         "state file " + oci::to_string(record.error().front(), kRecordName));
    }
    if (record->version != ContainerRecord().version || record->state.id != id_) {
        return sys::fail(sys::ErrorKind::invalid,
                         "state file container.json: of another version or container");
    }
    return *std::move(record);
}

Result<void> StateDirectory::write_journal(const ContainerRecord& record) const {
    return sys::write_new_file(directory_.get(), kRecordName,
                               oci::write_json(record, oci::Layout::compact), 0600);
}

Result<void> StateDirectory::write_record(const ContainerRecord& record) const {
    return sys::write_file_atomically(directory_.get(), kRecordName,
                                      oci::write_json(record, oci::Layout::compact), 0600);
}

Result<std::string> StateDirectory::read_config() const {
    const auto file =
        sys::open_at(directory_.get(), kConfigName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) {
        return file.error().code == ENOENT ? does_not_exist() : std::unexpected(file.error());
    }
    return sys::read_all(file->get(), kConfigName);
}

// Nobody reads it before container.json is there, so no detour by a temporary file.
Result<void> StateDirectory::write_config(std::string_view json) const {
    return sys::write_new_file(directory_.get(), kConfigName, json, 0600);
}

Result<bool> StateDirectory::waits_for_start() const {
    struct stat info = {};
    if (::fstatat(directory_.get(), kStartName, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        return sys::fail_errno(sys::call("stat", kStartName));
    }
    return false;
}

Result<sys::UniqueFd> StateDirectory::listen_for_start() const {
    sys::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(directory_.get(), kStartName);
    if (!socket ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), 1) != 0) {
        return sys::fail_errno(sys::call("bind", kStartName));
    }
    return socket;
}

Result<void> StateDirectory::make_notify_folder() const {
    constexpr mode_t kEverybodys = 0755;  // whatever the caller's umask is
    if (::mkdirat(directory_.get(), kNotifyFolder, kEverybodys) != 0 ||
        ::fchmodat(directory_.get(), kNotifyFolder, kEverybodys, 0) != 0) {
        return sys::fail_errno(sys::call("mkdir", kNotifyFolder));
    }
    return {};
}

bool StateDirectory::has_notify_folder() const {
    return ::faccessat(directory_.get(), kNotifyFolder, F_OK, 0) == 0;
}

Result<sys::UniqueFd> StateDirectory::listen_for_notify() const {
    constexpr mode_t kEverybodys = 0777;  // the container's users may be any
    sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(directory_.get(), kNotifyName);
    ::unlinkat(directory_.get(), kNotifyName, 0);  // of a start that was killed
    if (!socket ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return errno == ENOENT ? Result<sys::UniqueFd>(sys::UniqueFd())
                               : sys::fail_errno(sys::call("bind", kNotifyName));
    }
    if (::fchmodat(directory_.get(), kNotifyName, kEverybodys, 0) != 0) {
        return sys::fail_errno(sys::call("chmod", kNotifyName));
    }
    return socket;
}

Result<sys::UniqueFd> StateDirectory::connect_to_init() const {
    sys::UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(directory_.get(), kStartName);
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return sys::fail_errno(sys::call("connect", kStartName));
    }
    return socket;
}

void StateDirectory::remove_start_socket() const {
    ::unlinkat(directory_.get(), kStartName, 0);
}

Result<bool> StateDirectory::is_anothers() const {
    constexpr std::array<std::string_view, 3> kOurs = {kConfigName, kStartName, kNotifyFolder};
    sys::Directory files = TRY(sys::Directory::open(directory_.get(), "."));
    bool is_strange = false;
    while (const dirent* const entry = TRY(files.next())) {
        const std::string_view name = entry->d_name;
        if (name == kRecordName || is_of_record(name)) {
            return false;
        }
        is_strange = is_strange || std::ranges::find(kOurs, name) == kOurs.end();
    }
    return is_strange;
}

Result<void> StateDirectory::remove() const {
    constexpr int kTries = 3;
    bool is_ours = ::unlinkat(directory_.get(), kMarkName, 0) == 0;
    for (int tried = 0;; ++tried) {
        is_ours = remove_files() || is_ours;
        if (::unlinkat(root_.get(), id_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
            return {};
        }
        if (tried == kTries) {
            auto failed = sys::fail_errno(sys::call("rmdir", id_));
            if (!is_ours) {
                return failed;
            }
            // The next call is to know the folder for ours, though its record is gone.
            constexpr mode_t kPrivate = 0600;
            const sys::UniqueFd mark(::openat(directory_.get(), kMarkName,
                                              O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                                              kPrivate));
            return failed;
        }
        if (errno == ENOTEMPTY) {
            remove_leftovers(is_ours ? Strangers::go : Strangers::stay);
        }
    }
}

// Whether there was a record, or what somebody has put in its place.
bool StateDirectory::remove_files() const {
    for (const char* const name : {kStartName, kConfigName}) {
        ::unlinkat(directory_.get(), name, 0);
    }
    return ::unlinkat(directory_.get(), kRecordName, 0) == 0 || errno == EISDIR;
}

// A write that was killed between its temporary file and the rename leaves the former behind. Nor
// may anything else in the folder keep the id from ever being used again (T-79).
void StateDirectory::remove_leftovers(Strangers strangers) const {
    ::unlinkat(directory_.get(), kNotifyName, 0);
    ::unlinkat(directory_.get(), kNotifyFolder, AT_REMOVEDIR);
    auto files = sys::Directory::open(directory_.get(), ".");
    while (const dirent* const entry = files ? files->next().value_or(nullptr) : nullptr) {
        if (strangers == Strangers::stay && !is_of_record(entry->d_name)) {
            continue;
        }
        if (::unlinkat(directory_.get(), entry->d_name, 0) != 0 && errno == EISDIR) {
            ::unlinkat(directory_.get(), entry->d_name, AT_REMOVEDIR);
        }
    }
}

}  // namespace libcontainer
