// SPDX-License-Identifier: Apache-2.0
// The options of the cgroup v2 hierarchy, before and after CRIU.
#include "libcontainer/checkpoint/hierarchy_options.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "libcontainer/cgroup/tree.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer {
namespace {

// Root's alone, whatever --root is: there is one hierarchy for all roots.
constexpr const char* kFolder = "/run/brig";
constexpr const char* kNote = "/run/brig/.hierarchy";
// The lock is held exclusively for an instant only.
constexpr std::chrono::milliseconds kLockTime{2'000};

using Options = std::vector<std::string>;

// To `options`, those of "rw,nsdelegate" that are not among them.
void merge(Options& options, std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        const std::string_view option = text.substr(0, end);
        if (!option.empty() && std::ranges::find(options, option) == options.end()) {
            options.emplace_back(option);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

// Those in force, which every mount of the hierarchy shows; none without any mount.
Options read_options() {
    const auto text = sys::read_file(AT_FDCWD, "/proc/self/mountinfo");
    const auto mounts = sys::mounts_of_type(text.value_or(""), {"cgroup2"});
    Options options;
    merge(options, mounts.empty() ? "" : mounts.front().options);
    return options;
}

std::string list_missing(const Options& wanted) {
    const Options in_force = read_options();
    std::string missing;
    for (const std::string& option : wanted) {
        if (std::ranges::find(in_force, option) == in_force.end()) {
            missing += (missing.empty() ? "" : ",") + option;
        }
    }
    return in_force.empty() ? "" : missing;
}

// As CRIU does: by another mount, which needs no place. The kernel takes those away that are not
// named; some that it shows are none that it takes ("seclabel").
sys::Result<void> set_options(const Options& options) {
    sys::FilesystemContext hierarchy = TRY(sys::FilesystemContext::open("cgroup2"));
    for (const std::string& option : options) {
        static_cast<void>(hierarchy.set_flag(option));
    }
    TRY(hierarchy.mount(0));
    return {};
}

// Locked; invalid if it cannot be.
sys::UniqueFd open_note() {
    constexpr mode_t kRootsFolder = 0700;
    constexpr mode_t kRootsAlone = 0600;
    if (!sys::make_directories(kFolder, kRootsFolder)) {
        return {};
    }
    auto note =
        sys::open_at(AT_FDCWD, kNote, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, kRootsAlone);
    if (!note) {
        return {};
    }
    for (Patience patience(kLockTime); ::flock(note->get(), LOCK_SH | LOCK_NB) != 0;) {
        if (!patience.wait()) {
            return {};
        }
    }
    return *std::move(note);
}

}  // namespace

// The order counts: whoever has taken options away before they are read here had noted them.
HierarchyOptions::HierarchyOptions() {
    if (::geteuid() != 0) {
        return;  // the kernel would not let this user's CRIU
    }
    note_ = open_note();
    wanted_ = read_options();
    if (!note_) {
        return;
    }
    Options noted;
    merge(noted, sys::read_all(note_.get(), kNote).value_or(""));
    std::string added;
    for (const std::string& option : wanted_) {
        if (std::ranges::find(noted, option) == noted.end()) {
            added += option + ",";
        }
    }
    for (const std::string& option : noted) {
        merge(wanted_, option);
    }
    if (!added.empty()) {
        static_cast<void>(sys::write_all(note_.get(), added, kNote));
    }
}

sys::Result<void> HierarchyOptions::try_to_put_back() const {
    if (wanted_.empty() || list_missing(wanted_).empty()) {
        return {};
    }
    Options options = wanted_;
    for (const std::string& option : read_options()) {
        merge(options, option);
    }
    const auto set = set_options(options);
    const std::string missing = list_missing(wanted_);
    if (missing.empty()) {
        return {};
    }
    std::string text = "the cgroup v2 hierarchy is without " + missing + " since criu mounted it";
    text += set ? "" : ": " + set.error().text();
    return sys::fail(sys::ErrorKind::system, std::move(text));
}

sys::Result<void> HierarchyOptions::finish() {
    // Either this one is the last, and nobody's CRIU runs, or another one does the same later. It
    // may be taking them away right now, so that here nothing can be said of the outcome.
    auto done = try_to_put_back();
    if (!note_) {
        return done;
    }
    const sys::UniqueFd note = std::move(note_);
    if (::flock(note.get(), LOCK_EX | LOCK_NB) != 0) {
        return {};
    }
    done = try_to_put_back();
    return done && ::ftruncate(note.get(), 0) != 0 ? sys::fail_errno(sys::call("truncate", kNote))
                                                   : done;
}

}  // namespace libcontainer
