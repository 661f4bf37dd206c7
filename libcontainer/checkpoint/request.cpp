// SPDX-License-Identifier: Apache-2.0
// What dump and restore ask of CRIU alike.
#include "libcontainer/checkpoint/request.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/sys/file.h"
#include "oci/annotations.h"

namespace libcontainer {
namespace {

constexpr int kLogDebug = 4;
constexpr std::size_t kLogLimit = 64U << 20U;
constexpr mode_t kPrivate = 0700;  // images hold the memory of the container

// Settings there win over the options (engines 6). An empty annotation means none at all.
std::string config_file(const std::map<std::string, std::string>& annotations) {
    const auto annotation = annotations.find(std::string(oci::kCriuConfig));
    if (annotation != annotations.end()) {
        return annotation->second;
    }
    for (const char* path : {"/etc/criu/brig.conf", "/etc/criu/crun.conf", "/etc/criu/runc.conf"}) {
        if (::access(path, F_OK) == 0) {
            return path;
        }
    }
    return {};
}

Result<sys::UniqueFd> open_directory(const std::string& path) {
    return sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

// By the path without symlinks: an absolute one would lead back to our own mounts.
Result<sys::UniqueFd> open_as_seen_by(pid_t process, int directory) {
    const std::string path =
        TRY(sys::read_link(AT_FDCWD, "/proc/self/fd/" + std::to_string(directory)));
    return open_directory("/proc/" + std::to_string(process) + "/root" + path);
}

// With those above it. Empty ones go again on failure; what CRIU wrote tells why it failed.
Result<void> provide_directory(const std::string& path, sys::Rollback& rollback) {
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        const std::string prefix = path.substr(0, end);
        if (::access(prefix.c_str(), F_OK) != 0) {
            rollback.on_failure([prefix] { ::rmdir(prefix.c_str()); });
        }
    }
    return sys::make_directories(path, kPrivate);
}

}  // namespace

Result<CriuDirectories> open_criu_directories(const CriuOptions& options, ImageDirectory image,
                                              sys::Rollback& rollback) {
    CriuDirectories directories;
    directories.image_path =
        options.image_path.empty() ? TRY(sys::absolute_path("checkpoint")) : options.image_path;
    directories.work_path = options.work_path.empty() ? directories.image_path : options.work_path;
    if (image == ImageDirectory::make) {
        TRY_VOID(provide_directory(directories.image_path, rollback));
    }
    directories.image = TRY_WRAP("--image-path", open_directory(directories.image_path));
    TRY_VOID(provide_directory(directories.work_path, rollback));
    directories.work = TRY_WRAP("--work-path", open_directory(directories.work_path));
    if (!options.parent_path.empty()) {
        TRY_WRAP("--parent-path",
                 sys::open_at(directories.image.get(), options.parent_path, O_PATH | O_DIRECTORY));
    }
    return directories;
}

Result<void> set_directories(CriuRequest& request, CriuDirectories& directories, pid_t criu) {
    if (criu != 0) {
        directories.image = TRY(open_as_seen_by(criu, directories.image.get()));
        directories.work = TRY(open_as_seen_by(criu, directories.work.get()));
    }
    request.set(CriuField::images_dir_fd, directories.image.get());
    request.set(CriuField::work_dir_fd, directories.work.get());
    return {};
}

Result<void> remove_odd_outputs(const CriuDirectories& directories, const std::string& verb) {
    for (const std::string& name : {verb + ".log", "stats-" + verb}) {
        struct stat info = {};
        const bool is_found =
            ::fstatat(directories.work.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (is_found && S_ISREG(info.st_mode) && info.st_nlink == 1) {
            continue;
        }
        if (::unlinkat(directories.work.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
            return sys::fail_errno(sys::call("unlink", directories.work_path + "/" + name));
        }
    }
    return {};
}

CriuRequest make_criu_request(const CriuOptions& options, const char* log,
                              const std::map<std::string, std::string>& annotations) {
    CriuRequest request;
    request.set(CriuField::log_level, kLogDebug);
    request.set(CriuField::log_file, std::string_view(log));
    request.set(CriuField::notify_scripts, 1);
    request.set(CriuField::orphan_pts_master, 1);
    request.set(CriuField::manage_cgroups, 1);
    request.set(CriuField::manage_cgroups_mode, static_cast<std::int64_t>(options.cgroups));
    // A runtime does not configure network devices: what is in a network namespace is the engine's.
    request.set(CriuField::empty_ns, CLONE_NEWNET);
    if (options.network_lock != NetworkLock::standard) {
        request.set(CriuField::network_lock, static_cast<std::int64_t>(options.network_lock));
    }
    const std::array flags = {
        std::pair(CriuField::tcp_established, options.tcp_established),
        std::pair(CriuField::tcp_close, options.tcp_close),
        std::pair(CriuField::tcp_skip_in_flight, options.tcp_skip_in_flight),
        std::pair(CriuField::ext_unix_sk, options.ext_unix_sk),
        std::pair(CriuField::shell_job, options.shell_job),
        std::pair(CriuField::file_locks, options.file_locks),
        std::pair(CriuField::link_remap, options.link_remap),
        std::pair(CriuField::auto_dedup, options.auto_dedup),
        std::pair(CriuField::lazy_pages, options.lazy_pages),
    };
    for (const auto& [field, value] : flags) {
        request.set_if(field, value);
    }
    if (const std::string file = config_file(annotations); !file.empty()) {
        request.set(CriuField::config_file, file);
    }
    return request;
}

sys::Error with_log(sys::Error error, const CriuDirectories& directories, const char* log) {
    const auto text = sys::read_file(directories.work.get(), log, kLogLimit);
    const std::string errors = text ? last_errors(*text) : "";
    error.message +=
        (errors.empty() ? "" : ": " + errors) + " (see " + directories.work_path + "/" + log + ")";
    return error;
}

}  // namespace libcontainer
