// SPDX-License-Identifier: Apache-2.0
// The v1 hugetlb controller.
#include "libcontainer/cgroup/hugepages.h"
#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    return apply_hugepages(directory, resources, ".limit_in_bytes");
}

}  // namespace

const Controller kHugetlb = {"hugetlb", &asks_hugepages, &apply};

}  // namespace libcontainer::v1
