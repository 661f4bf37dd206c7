// SPDX-License-Identifier: Apache-2.0
// The options that checkpoint and restore share.
#pragma once

#include <array>

#include "libcontainer/options.h"
#include "runtime/option.h"

namespace runtime {

// `--empty-ns`: a runtime never restores the devices of a network namespace, so this one is always
// empty, and there is no other.
[[nodiscard]] Result<void> check_empty_namespace(const std::string& value);

[[nodiscard]] Result<void> assign_cgroups(libcontainer::CriuOptions& criu,
                                          const std::string& value);
[[nodiscard]] Result<void> assign_network_lock(libcontainer::CriuOptions& criu,
                                               const std::string& value);

// Relative to the image path, or CRIU could not find it after the images were moved.
[[nodiscard]] Result<void> assign_parent(libcontainer::CriuOptions& criu, const std::string& value);

// T has a member `criu`.
template <typename T>
inline constexpr std::array kCriuOptions = {
    Option<T>{{"image-path", 0, "DIR", "folder of the image (default: checkpoint)"},
              store_path<&T::criu, &libcontainer::CriuOptions::image_path>},
    Option<T>{{"work-path", 0, "DIR", "folder of CRIU's logs (default: that of the image)"},
              store_path<&T::criu, &libcontainer::CriuOptions::work_path>},
    Option<T>{
        {"parent-path", 0, "DIR", "image of the pre-dump before, relative to the image"},
        [](T& target, const std::string& value) { return assign_parent(target.criu, value); }},
    Option<T>{
        {"manage-cgroups-mode", 0, "soft|full|strict|ignore",
         "how much of the cgroups' properties is kept"},
        [](T& target, const std::string& value) { return assign_cgroups(target.criu, value); }},
    Option<T>{{"network-lock", 0, "iptables|nftables|skip", "how network traffic is held up"},
              [](T& target, const std::string& value) {
                  return assign_network_lock(target.criu, value);
              }},
    Option<T>{{"empty-ns", 0, "network", "accepted for engines: it is always so"},
              [](T& /*target*/, const std::string& value) { return check_empty_namespace(value); }},
    Option<T>{{"tcp-established", 0, nullptr, "allow open TCP connections"},
              store<&T::criu, &libcontainer::CriuOptions::tcp_established>},
    Option<T>{{"tcp-close", 0, nullptr, "restore TCP connections as closed"},
              store<&T::criu, &libcontainer::CriuOptions::tcp_close>},
    Option<T>{{"ext-unix-sk", 0, nullptr, "allow Unix sockets that lead outside"},
              store<&T::criu, &libcontainer::CriuOptions::ext_unix_sk>},
    Option<T>{{"shell-job", 0, nullptr, "allow a session and a terminal of the caller's"},
              store<&T::criu, &libcontainer::CriuOptions::shell_job>},
    Option<T>{{"file-locks", 0, nullptr, "allow file locks"},
              store<&T::criu, &libcontainer::CriuOptions::file_locks>},
    Option<T>{{"link-remap", 0, nullptr, "allow open files that have no name any more"},
              store<&T::criu, &libcontainer::CriuOptions::link_remap>},
    Option<T>{{"auto-dedup", 0, nullptr, "drop from older images what newer ones hold"},
              store<&T::criu, &libcontainer::CriuOptions::auto_dedup>},
    Option<T>{{"lazy-pages", 0, nullptr, "leave memory behind until it is asked for"},
              store<&T::criu, &libcontainer::CriuOptions::lazy_pages>},
};

}  // namespace runtime
