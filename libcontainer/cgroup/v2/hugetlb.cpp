// SPDX-License-Identifier: Apache-2.0
// The v2 hugetlb controller.
#include "libcontainer/cgroup/hugepages.h"
#include "libcontainer/cgroup/v2/controllers.h"

namespace libcontainer::v2 {
namespace {

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    return apply_hugepages(directory, resources, ".max");
}

}  // namespace

const Controller kHugetlb = {"hugetlb", &asks_hugepages, &apply};

}  // namespace libcontainer::v2
