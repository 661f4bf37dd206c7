// SPDX-License-Identifier: Apache-2.0
// The v1 hugetlb controller (§15.5).
#include <dirent.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kConfigPath = "linux.resources.hugepageLimits";
constexpr std::string_view kPrefix = "hugetlb.";
constexpr std::string_view kSuffix = ".limit_in_bytes";
constexpr std::string_view kReserved = ".rsvd.limit_in_bytes";

// The sizes that have files: "2MB, 1GB".
std::string list_sizes(const AttributeDirectory& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.path().c_str()),
                                                     &::closedir);
    std::vector<std::string> sizes;
    for (const dirent* entry = nullptr; stream && (entry = ::readdir(stream.get())) != nullptr;) {
        std::string_view name(entry->d_name);
        if (name.starts_with(kPrefix) && name.ends_with(kSuffix) && !name.ends_with(kReserved)) {
            name.remove_prefix(kPrefix.size());
            name.remove_suffix(kSuffix.size());
            sizes.emplace_back(name);
        }
    }
    std::ranges::sort(sizes);
    std::string text;
    for (const std::string& size : sizes) {
        text.append(text.empty() ? "" : ", ").append(size);
    }
    return text.empty() ? "none" : text;
}

std::string_view asks(const oci::Resources& resources) {
    return resources.hugepage_limits.empty() ? "" : kConfigPath;
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    for (std::size_t i = 0; i < resources.hugepage_limits.size(); ++i) {
        const oci::HugepageLimit& limit = resources.hugepage_limits[i];
        const std::string at = std::string(kConfigPath) + "[" + std::to_string(i) + "]";
        const std::string stem = std::string(kPrefix) + limit.page_size;
        const std::string value = std::to_string(limit.limit);
        // A size is part of a file's name here: it must not lead to another file.
        const bool is_name = limit.page_size.find('/') == std::string::npos;
        if (!is_name || !directory.has(stem + std::string(kSuffix))) {
            return std::unexpected(sys::Error{sys::ErrorKind::unsupported, 0, at + ".pageSize",
                                              "this kernel has no huge pages of size \"" +
                                                  limit.page_size +
                                                  "\", it has: " + list_sizes(directory)});
        }
        TRY_VOID(directory.write(stem + std::string(kSuffix), value, at));
        // Reservations fail at mmap, which a program can handle; a fault beyond the limit is
        // SIGBUS. Linux 5.7.
        auto reserved = directory.write(stem + std::string(kReserved), value, at);
        if (!reserved && !is_absent(reserved.error())) {
            return reserved;
        }
    }
    return {};
}

}  // namespace

const Controller kHugetlb = {"hugetlb", &asks, &apply};

}  // namespace libcontainer::v1
