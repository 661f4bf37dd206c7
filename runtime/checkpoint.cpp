// SPDX-License-Identifier: Apache-2.0
// brig checkpoint: a running container as an image.
#include <charconv>

#include "libcontainer/container.h"
#include "runtime/criu_options.h"
#include "runtime/descriptors.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::CgroupRestore;
using libcontainer::CheckpointOptions;
using libcontainer::NetworkLock;

// A value of an option by its word, or an error that names the words.
template <typename T, std::size_t N>
Result<void> assign_word(T& member, const std::string& value,
                         const std::array<std::pair<const char*, T>, N>& words) {
    std::string all;
    for (const auto& [word, meaning] : words) {
        if (value == word) {
            member = meaning;
            return {};
        }
        all += (all.empty() ? "" : ", ") + std::string(word);
    }
    return sys::fail(sys::ErrorKind::invalid,
                     "unknown value \"" + value + "\" (want one of " + all + ")");
}

Result<void> assign_page_server(CheckpointOptions& options, const std::string& value) {
    const std::size_t colon = value.rfind(':');
    std::uint16_t port = 0;
    const char* const end = value.data() + value.size();
    if (colon != std::string::npos && colon > 0) {
        const auto parsed = std::from_chars(value.data() + colon + 1, end, port);
        if (parsed.ec == std::errc() && parsed.ptr == end && port != 0) {
            const bool is_bracketed = value.front() == '[' && value[colon - 1] == ']';
            options.page_server_address =
                is_bracketed ? value.substr(1, colon - 2) : value.substr(0, colon);
            options.page_server_port = port;
            return {};
        }
    }
    return sys::fail(sys::ErrorKind::invalid, "\"" + value + "\" is not ADDRESS:PORT");
}

Result<void> assign_status_fd(CheckpointOptions& options, const std::string& value) {
    unsigned fd = 0;
    TRY_VOID(assign(fd, value));
    options.status_fd = static_cast<int>(fd);
    return {};
}

constexpr std::array kOptions =
    join(kCriuOptions<CheckpointOptions>,
         std::array{
             Option<CheckpointOptions>{{"leave-running", 0, nullptr, "let the container go on"},
                                       store<&CheckpointOptions::leave_running>},
             Option<CheckpointOptions>{
                 {"pre-dump", 0, nullptr, "only the memory, for an image that is made later"},
                 store<&CheckpointOptions::pre_dump>},
             Option<CheckpointOptions>{
                 {"tcp-skip-in-flight", 0, nullptr, "leave out connections that are not accepted"},
                 [](CheckpointOptions& options, const std::string& value) {
                     return assign(options.criu.tcp_skip_in_flight, value);
                 }},
             Option<CheckpointOptions>{
                 {"page-server", 0, "ADDRESS:PORT", "send the memory to a CRIU page server"},
                 assign_page_server},
             Option<CheckpointOptions>{
                 {"status-fd", 0, "N", "write a zero byte to N when the lazy pages can be had"},
                 assign_status_fd},
         });

}  // namespace

Result<void> check_empty_namespace(const std::string& value) {
    return value == "network"
               ? Result<void>()
               : sys::fail(sys::ErrorKind::invalid, "namespace \"" + value + "\" is not supported");
}

Result<void> assign_cgroups(libcontainer::CriuOptions& criu, const std::string& value) {
    return assign_word(
        criu.cgroups, value,
        std::array{std::pair{"soft", CgroupRestore::soft}, std::pair{"full", CgroupRestore::full},
                   std::pair{"strict", CgroupRestore::strict},
                   std::pair{"ignore", CgroupRestore::ignore}});
}

Result<void> assign_network_lock(libcontainer::CriuOptions& criu, const std::string& value) {
    return assign_word(criu.network_lock, value,
                       std::array{std::pair{"iptables", NetworkLock::iptables},
                                  std::pair{"nftables", NetworkLock::nftables},
                                  std::pair{"skip", NetworkLock::skip}});
}

Result<void> assign_parent(libcontainer::CriuOptions& criu, const std::string& value) {
    if (value.starts_with('/')) {
        return sys::fail(sys::ErrorKind::invalid, "must be relative to the image path");
    }
    criu.parent_path = value;
    return {};
}

std::vector<OptionInfo> checkpoint_options() {
    return infos_of<CheckpointOptions>(kOptions);
}

Result<CheckpointOptions> parse_checkpoint(const Line& line) {
    CheckpointOptions options;
    TRY_VOID(line.apply<CheckpointOptions>(kOptions, options));
    options.id = line.operands[0];
    return options;
}

Result<int> run_checkpoint(const Context& context, const Line& line) {
    const CheckpointOptions options = TRY(parse_checkpoint(line));
    TRY_VOID(close_on_exec_beyond(0));
    TRY_VOID(libcontainer::checkpoint(context.global, options));
    return 0;
}

}  // namespace runtime
