// SPDX-License-Identifier: Apache-2.0
// Compiled seccomp programs, kept between runs.
#include "libcontainer/security/seccomp_cache.h"

#include <fcntl.h>
#include <linux/bpf_common.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr std::size_t kMaxEntries = 64;
constexpr std::size_t kMaxFileSize = 256U << 10U;

// In front of the key and the instructions.
struct Header {
    std::uint64_t key_size = 0;
    std::uint64_t program_size = 0;  // bytes
    std::uint64_t program_hash = 0;  // a file torn by a power failure may keep its length
};

[[nodiscard]] std::uint64_t hash_of(std::string_view bytes) {
    return std::hash<std::string_view>()(bytes);
}

template <typename T>
[[nodiscard]] std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

[[nodiscard]] std::string_view bytes_of(const std::vector<sock_filter>& program) {
    return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

[[nodiscard]] std::string file_name(std::string_view key) {
    std::string name = "0123456789abcdef";
    std::uint64_t hash = hash_of(key);
    for (char& digit : name) {
        digit = "0123456789abcdef"[hash & 15U];
        hash >>= 4U;
    }
    return name;
}

// Appends values so that no two sequences give the same bytes: numbers have a fixed size, strings
// and lists are preceded by their length.
class Serializer {
  public:
    void add(std::uint64_t number) { bytes_ += bytes_of(number); }
    void add(std::string_view text) {
        add(std::uint64_t{text.size()});
        bytes_ += text;
    }
    void add(const std::optional<std::uint32_t>& number) {
        add(std::uint64_t{number.has_value()});
        add(std::uint64_t{number.value_or(0)});
    }
    template <typename E>
    requires std::is_enum_v<E>
    void add(E value) { add(static_cast<std::uint64_t>(value)); }

    [[nodiscard]] std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

void add_rule(Serializer& key, const oci::SeccompSyscall& rule) {
    key.add(std::uint64_t{rule.names.size()});
    for (const std::string& name : rule.names) {
        key.add(name);
    }
    key.add(rule.action);
    key.add(rule.errno_ret);
    key.add(std::uint64_t{rule.args.size()});
    for (const oci::SeccompArg& arg : rule.args) {
        key.add(std::uint64_t{arg.index});
        key.add(arg.op);
        key.add(arg.value);
        key.add(arg.value_two.value_or(0));
    }
}

[[nodiscard]] bool is_private_folder(int fd) {
    struct stat info = {};
    return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
           (info.st_mode & 07777) == 0700;
}

[[nodiscard]] sys::UniqueFd open_folder(const std::string& path) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    auto folder = sys::open_at(AT_FDCWD, path, kFlags);
    if (!folder && sys::make_directories(path, 0700)) {
        folder = sys::open_at(AT_FDCWD, path, kFlags);
    }
    return folder && is_private_folder(folder->get()) ? *std::move(folder) : sys::UniqueFd();
}

[[nodiscard]] std::string read_own_file(int directory, const std::string& name) {
    // O_NONBLOCK: a FIFO of that name must not stop us.
    const auto file = sys::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat info = {};
    if (!file || ::fstat(file->get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_uid != ::geteuid() || info.st_size > static_cast<off_t>(kMaxFileSize)) {
        return {};
    }
    std::string content(static_cast<std::size_t>(info.st_size), '\0');
    const ssize_t got = ::read(file->get(), content.data(), content.size());
    return got == info.st_size ? content : std::string();
}

// Names in the folder, the oldest first; what a killed writer left behind counts as well.
[[nodiscard]] std::vector<std::string> names_by_age(int directory) {
    auto folder = sys::Directory::open(directory, ".");
    std::vector<std::pair<std::int64_t, std::string>> entries;
    while (const dirent* const entry = folder ? folder->next().value_or(nullptr) : nullptr) {
        struct stat info = {};
        if (::fstatat(directory, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(info.st_mode)) {
            entries.emplace_back(
                std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec,
                entry->d_name);
        }
    }
    std::ranges::sort(entries);
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (auto& [time, name] : entries) {
        names.push_back(std::move(name));
    }
    return names;
}

}  // namespace

std::string seccomp_cache_key(const oci::Seccomp& seccomp) {
    Serializer key;
    key.add(std::string_view("brig " BRIG_VERSION " seccomp 1"));
    const scmp_version* const version = ::seccomp_version();
    key.add(std::uint64_t{version->major} << 32U | version->minor << 16U | version->micro);
    utsname system = {};
    if (::uname(&system) == 0) {
        key.add(std::string_view(system.machine));
        key.add(std::string_view(system.release));
    }
    key.add(seccomp.default_action);
    key.add(seccomp.default_errno_ret);
    key.add(std::uint64_t{seccomp.architectures.size()});
    for (const oci::SeccompArch arch : seccomp.architectures) {
        key.add(arch);
    }
    key.add(std::uint64_t{seccomp.syscalls.size()});
    for (const oci::SeccompSyscall& rule : seccomp.syscalls) {
        add_rule(key, rule);
    }
    return key.take();
}

SeccompCache::SeccompCache(const std::string& directory) {
    if (!directory.empty()) {
        directory_ = open_folder(directory);
    }
}

std::optional<std::vector<sock_filter>> SeccompCache::find(std::string_view key) const {
    if (!directory_) {
        return std::nullopt;
    }
    const std::string content = read_own_file(directory_.get(), file_name(key));
    Header header;
    if (content.size() < sizeof header) {
        return std::nullopt;
    }
    std::memcpy(&header, content.data(), sizeof header);
    const std::string_view rest = std::string_view(content).substr(sizeof header);
    if (header.key_size != key.size() || rest.substr(0, key.size()) != key) {
        return std::nullopt;
    }
    const std::string_view bytes = rest.substr(key.size());
    if (bytes.size() != header.program_size || hash_of(bytes) != header.program_hash ||
        bytes.empty() || bytes.size() % sizeof(sock_filter) != 0 ||
        bytes.size() / sizeof(sock_filter) > BPF_MAXINSNS) {
        return std::nullopt;
    }
    std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
    std::memcpy(program.data(), bytes.data(), bytes.size());
    return program;
}

void SeccompCache::store(std::string_view key, const std::vector<sock_filter>& program) const {
    const std::string_view bytes = bytes_of(program);
    const Header header = {key.size(), bytes.size(), hash_of(bytes)};
    if (!directory_ || sizeof header + key.size() + bytes.size() > kMaxFileSize) {
        return;
    }
    const std::vector<std::string> names = names_by_age(directory_.get());
    for (std::size_t i = 0; i + kMaxEntries <= names.size(); ++i) {
        ::unlinkat(directory_.get(), names[i].c_str(), 0);
    }
    std::string content(bytes_of(header));
    content += key;
    content += bytes;
    (void)sys::write_file_atomically(directory_.get(), file_name(key), content, 0600);
}

}  // namespace libcontainer
