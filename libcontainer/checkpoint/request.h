// SPDX-License-Identifier: Apache-2.0
// What dump and restore ask of CRIU alike: options, directories, configuration file, log.
#pragma once

#include <map>
#include <string>

#include "libcontainer/checkpoint/criu.h"
#include "libcontainer/options.h"
#include "libcontainer/sys/rollback.h"

namespace libcontainer {

// The directories of one call of CRIU, held open, for it takes them by descriptor.
struct CriuDirectories {
    std::string image_path;  // absolute, as the next
    std::string work_path;
    sys::UniqueFd image;
    sys::UniqueFd work;
};

// `checkpoint` makes the image directory and those above it, both make the work directory.
// `rollback` removes those that are still empty.
enum class ImageDirectory : unsigned char { make, must_exist };
[[nodiscard]] Result<CriuDirectories> open_criu_directories(const CriuOptions& options,
                                                            ImageDirectory image,
                                                            sys::Rollback& rollback);

// Tells CRIU of them. `criu`, if not 0, is its pid: it is in another mount namespace, could not
// mount anything in a directory of ours, and gets its own view of them.
[[nodiscard]] Result<void> set_directories(CriuRequest& request, CriuDirectories& directories,
                                           pid_t criu);

// Removes what has the names of CRIU's log and figures in the work directory and is more than a
// file: CRIU would write through a link, and an image may come from anywhere (T-105). A plain file
// stays: podman and CRI-O have made and labelled it (engines 2.14). `verb`: "dump", "restore".
[[nodiscard]] Result<void> remove_odd_outputs(const CriuDirectories& directories,
                                              const std::string& verb);

// All of CriuOptions but the directories, and what every container needs.
[[nodiscard]] CriuRequest make_criu_request(const CriuOptions& options, const char* log,
                                            const std::map<std::string, std::string>& annotations);

// The error with the end of CRIU's log and the place of the rest. The first line is whole by
// itself: containerd shows no more.
[[nodiscard]] sys::Error with_log(sys::Error error, const CriuDirectories& directories,
                                  const char* log);

}  // namespace libcontainer
