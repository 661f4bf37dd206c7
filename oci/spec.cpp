// SPDX-License-Identifier: Apache-2.0
// Proves at compile time that the vocabularies are whole and that no name stands for two values.
#include "oci/spec.h"

#include "oci/capability_names.h"
#include "oci/features.h"
#include "oci/state.h"

namespace oci {
namespace {

template <typename E>
consteval bool names_are_unique() {
    for (const Name<E>& one : kNames<E>) {
        for (const Name<E>& other : kNames<E>) {
            if (&one != &other && one.name == other.name) {
                return false;
            }
        }
    }
    return true;
}

static_assert(names_are_unique<NamespaceType>() && names_of<NamespaceType>().size() == 8);
static_assert(names_are_unique<HookKind>() && names_of<HookKind>().size() == 6);
static_assert(names_are_unique<RlimitType>() && names_of<RlimitType>().size() == RLIM_NLIMITS);
static_assert(names_are_unique<SeccompAction>() && names_of<SeccompAction>().size() == 9);
static_assert(names_are_unique<SeccompOperator>() && names_of<SeccompOperator>().size() == 7);
static_assert(names_are_unique<SeccompArch>() && names_of<SeccompArch>().size() == 23);
static_assert(names_are_unique<SeccompFlag>() && names_of<SeccompFlag>().size() == 4);
static_assert(capability_number("CAP_KILL") == 5 && capability_number("CAP_BPF") == 39);

}  // namespace
}  // namespace oci
