// SPDX-License-Identifier: Apache-2.0
// Huge page limits.
#include "libcontainer/cgroup/hugepages.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "libcontainer/sys/directory.h"

namespace libcontainer {
namespace {

constexpr std::string_view kConfigPath = "linux.resources.hugepageLimits";
constexpr std::string_view kPrefix = "hugetlb.";
constexpr std::string_view kReserved = ".rsvd";

// "2MB, 1GB"; empty if there are none.
std::string join(const std::vector<std::string>& sizes) {
    std::string text;
    for (const std::string& size : sizes) {
        text.append(text.empty() ? "" : ", ").append(size);
    }
    return text;
}

}  // namespace

Result<std::vector<std::string>> list_page_sizes(const AttributeDirectory& directory,
                                                 std::string_view suffix) {
    sys::Directory files = TRY(sys::Directory::open(AT_FDCWD, directory.path()));
    std::vector<std::string> sizes;
    while (const dirent* const entry = TRY(files.next())) {
        std::string_view name(entry->d_name);
        if (!name.starts_with(kPrefix) || !name.ends_with(suffix)) {
            continue;
        }
        name.remove_prefix(kPrefix.size());
        name.remove_suffix(suffix.size());
        if (!name.ends_with(kReserved)) {
            sizes.emplace_back(name);
        }
    }
    std::ranges::sort(sizes);
    return sizes;
}

std::string_view asks_hugepages(const oci::Resources& resources) {
    return resources.hugepage_limits.empty() ? "" : kConfigPath;
}

Result<void> apply_hugepages(const AttributeDirectory& directory, const oci::Resources& resources,
                             std::string_view suffix) {
    for (std::size_t i = 0; i < resources.hugepage_limits.size(); ++i) {
        const oci::HugepageLimit& limit = resources.hugepage_limits[i];
        const std::string at = indexed(kConfigPath, i);
        const std::string stem = std::string(kPrefix).append(limit.page_size);
        const std::string file = std::string(stem).append(suffix);
        const std::string value = std::to_string(limit.limit);
        // A size is part of a file's name here: it must not lead to another file.
        const bool is_name = limit.page_size.find('/') == std::string::npos;
        if (!is_name || !directory.has(file)) {
            const std::string sizes = join(TRY(list_page_sizes(directory, suffix)));
            // None at all: the controller is missing, see is_absent().
            return std::unexpected(sys::Error{
                sys::ErrorKind::unsupported, sizes.empty() ? ENOENT : 0, at + ".pageSize",
                "this kernel has no huge pages of size \"" + limit.page_size +
                    "\", it has: " + (sizes.empty() ? "none" : sizes)});
        }
        TRY_VOID(directory.write(file, value, at));
        // Reservations fail at mmap, which a program can handle; a fault beyond the limit is
        // SIGBUS. Linux 5.7.
        auto reserved =
            directory.write(std::string(stem).append(kReserved).append(suffix), value, at);
        if (!reserved && !is_absent(reserved.error())) {
            return reserved;
        }
    }
    return {};
}

}  // namespace libcontainer
