// SPDX-License-Identifier: Apache-2.0
// The v1 freezer.
#include "libcontainer/cgroup/v1/freezer.h"

#include <fcntl.h>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/tree.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kState = "freezer.state";
// A freeze that does not end may wait for a process that was forked meanwhile or that waits for a
// frozen one (vfork): thawing for a moment lets those go on.
constexpr unsigned kTriesBeforeThaw = 25;

Result<void> freeze_patiently(const AttributeDirectory& files, std::chrono::milliseconds limit) {
    const std::string& directory = files.path();
    Patience patience(limit);
    for (unsigned tries = 1;; ++tries) {
        // Again each time: the write looks at the processes that have come since.
        TRY_VOID(files.write(kState, "FROZEN", ""));
        if (TRY(files.read(kState)) == "FROZEN") {
            return {};
        }
        if (!patience.wait()) {
            return sys::fail(sys::ErrorKind::system,
                             sys::call("freeze", directory) +
                                 ": some processes do not stop; all are: " +
                                 list_pids(read_pids(directory).value_or(std::vector<pid_t>())));
        }
        if (tries % kTriesBeforeThaw == 0) {
            TRY_VOID(files.write(kState, "THAWED", ""));
        }
    }
}

}  // namespace

Result<void> freeze(const std::string& directory, std::chrono::milliseconds limit) {
    const AttributeDirectory files(directory);
    auto frozen = freeze_patiently(files, limit);
    if (!frozen) {
        static_cast<void>(files.write(kState, "THAWED", ""));
    }
    return frozen;
}

Result<void> thaw(const std::string& directory) {
    TRY_VOID(visit_tree(directory, [](int fd, const std::string& path) -> Result<void> {
        auto written = sys::write_attribute(fd, kState, "THAWED");
        return written ? written
                       : sys::fail_code(sys::call("write", path + "/" + std::string(kState)),
                                        written.error().code);
    }));
    if (TRY(is_frozen(directory))) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         sys::call("thaw", directory) + ": a cgroup above it is frozen");
    }
    return {};
}

Result<bool> is_frozen(const std::string& directory) {
    const auto state = sys::read_file(AT_FDCWD, directory + "/" + std::string(kState));
    if (!state) {
        // Gone with the container.
        return state.error().code == ENOENT || state.error().code == ENODEV
                   ? Result<bool>(false)
                   : std::unexpected(state.error());
    }
    return state->starts_with("FROZEN");
}

}  // namespace libcontainer::v1
