// SPDX-License-Identifier: Apache-2.0
// The verb checkpoint.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "libcontainer/bundle.h"
#include "libcontainer/checkpoint/outside.h"
#include "libcontainer/checkpoint/request.h"
#include "libcontainer/container.h"
#include "libcontainer/destruction.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr const char* kLog = "dump.log";

// CRIU freezes by the cgroup, so that no process escapes it by forking.
const std::string* freezer_of(const CgroupRecord& cgroup) {
    const auto found = std::ranges::find_if(cgroup.directories, [](const auto& directory) {
        return directory.controllers == "freezer" || directory.controllers.empty();
    });
    return found == cgroup.directories.end() ? nullptr : &found->path;
}

Result<void> check_status(const FoundContainer& found) {
    const oci::ContainerStatus status = TRY(current_status(found.directory, found.record));
    if (status == oci::ContainerStatus::running || status == oci::ContainerStatus::paused) {
        return {};
    }
    return sys::fail(sys::ErrorKind::wrong_state, "cannot checkpoint a container in the " +
                                                      std::string(oci::to_name(status)) + " state");
}

// Its mount at /run/notify is of the state folder, which a restored container has another of.
Result<void> check_notify(const FoundContainer& found) {
    return found.directory.has_notify_folder()
               ? sys::fail(sys::ErrorKind::unsupported,
                           "a container with NOTIFY_SOCKET cannot be checkpointed")
               : Result<void>();
}

Result<void> check_status_fd(int fd) {
    const int flags = fd < 0 ? O_WRONLY : ::fcntl(fd, F_GETFL);
    if (flags < 0) {
        return sys::fail_errno("--status-fd " + std::to_string(fd));
    }
    if ((flags & O_ACCMODE) == O_RDONLY) {
        return sys::fail(sys::ErrorKind::invalid,
                         "--status-fd " + std::to_string(fd) + ": not open for writing");
    }
    return {};
}

// Before the container is touched: what CRIU would find out only in the middle of a dump.
Result<void> check_features(const GlobalOptions& global, const CheckpointOptions& options) {
    if (!options.pre_dump && !options.criu.lazy_pages && options.criu.parent_path.empty()) {
        return {};
    }
    Criu criu = TRY(Criu::start({.program = global.criu, .warn = global.warn}));
    const CriuFeatures features = TRY(criu.features());
    if (!features.memory_tracking && (options.pre_dump || !options.criu.parent_path.empty())) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "this kernel cannot track changes of memory, which " +
                             std::string(options.pre_dump ? "--pre-dump" : "--parent-path") +
                             " needs");
    }
    if (!features.lazy_pages && options.criu.lazy_pages) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "this kernel has no userfaultfd, which --lazy-pages needs");
    }
    return {};
}

void add_dump_options(CriuRequest& request, const CheckpointOptions& options,
                      const ContainerRecord& record) {
    request.set(CriuField::pid, *record.state.pid);
    request.set(CriuField::root, record.state.rootfs.value_or(""));
    request.set_if(CriuField::leave_running, options.leave_running);
    if (const std::string* freezer = freezer_of(record.cgroup)) {
        request.set(CriuField::freeze_cgroup, *freezer);
    }
    if (!options.page_server_address.empty()) {
        request.add_pair(CriuField::page_server, options.page_server_address,
                         options.page_server_port);
    }
    if (!options.criu.parent_path.empty()) {
        request.set(CriuField::parent_img, options.criu.parent_path);
    }
    request.set_if(CriuField::track_mem, options.pre_dump || !options.criu.parent_path.empty());
}

Result<void> describe_outside(CriuRequest& request, const FoundContainer& found,
                              const oci::Spec& spec, const CgroupManager& cgroup, int image) {
    const pid_t init = *found.record.state.pid;
    const sys::UniqueFd root = TRY(
        sys::open_at(AT_FDCWD, "/proc/" + std::to_string(init) + "/root", O_PATH | O_DIRECTORY));
    const auto mounts =
        TRY(plan_outside_mounts(spec, found.record.state.bundle,
                                found.record.state.rootfs.value_or(""), cgroup.mount_sources()));
    TRY_VOID(describe_mounts(request, root.get(), spec, mounts));
    const std::vector<pid_t> processes = TRY(cgroup.pids());
    return sys::write_file_atomically(image, kDescriptorsFile, describe_stdio(init, processes),
                                      0600);
}

}  // namespace

Result<void> checkpoint(const GlobalOptions& global, const CheckpointOptions& options) {
    const FoundContainer found = TRY(lock_container(global.root, options.id));
    TRY_VOID(check_status(found));
    TRY_VOID(check_notify(found));
    TRY_VOID(check_status_fd(options.status_fd));
    const oci::Spec spec = TRY(read_kept_spec(found.directory, found.record));
    sys::Rollback rollback;
    CriuDirectories directories =
        TRY(open_criu_directories(options.criu, ImageDirectory::make, rollback));
    TRY_VOID(check_features(global, options));
    // A dump that is given up half-way would leave the processes frozen, with foreign code in them.
    const sys::UniqueFd interruption = TRY(hold_back_interruption());
    Criu criu = TRY(Criu::start({.program = global.criu, .warn = global.warn}));
    CriuRequest request = make_criu_request(options.criu, kLog, spec.annotations);
    TRY_VOID(set_directories(request, directories, 0));
    TRY_VOID(remove_odd_outputs(directories, "dump"));
    add_dump_options(request, options, found.record);
    TRY_VOID(describe_namespaces(request, plan_namespaces(spec.linux)));
    const std::unique_ptr<CgroupManager> cgroup = TRY(open_cgroup(found.directory, found.record));
    if (!options.pre_dump) {
        TRY_VOID(describe_outside(request, found, spec, *cgroup, directories.image.get()));
    }
    int status_fd = options.status_fd;
    const auto take = [&status_fd](const CriuNotice& notice) -> Result<void> {
        if (notice.script == "status-ready" && status_fd >= 0) {
            TRY_VOID(sys::write_all(status_fd, std::string_view("\0", 1), "--status-fd"));
            ::close(status_fd);
            status_fd = -1;
        }
        return {};
    };
    auto dumped = criu.call(options.pre_dump ? CriuCall::pre_dump : CriuCall::dump, request, take);
    if (!dumped) {
        return std::unexpected(with_log(std::move(dumped).error(), directories, kLog));
    }
    rollback.commit();
    if (options.leave_running || options.pre_dump) {
        return {};
    }
    return destroy_container(found.directory, found.record, global.warn);
}

}  // namespace libcontainer
