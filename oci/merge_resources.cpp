// SPDX-License-Identifier: Apache-2.0
// One linux.resources over another.
#include "oci/merge_resources.h"

#include <algorithm>

namespace oci {
namespace {

template <typename T, typename... Members>
void take(T& into, const T& changes, Members... members) {
    const auto take_one = [&](auto member) {
        if (changes.*member) {
            into.*member = changes.*member;
        }
    };
    (take_one(members), ...);
}

// The same for values of which 0 means unset.
template <typename T, typename... Members>
void take_set(T& into, const T& changes, Members... members) {
    const auto take_one = [&](auto member) {
        if (changes.*member && *(changes.*member) != 0) {
            into.*member = changes.*member;
        }
    };
    (take_one(members), ...);
}

template <typename T, typename... Keys>
void join(std::vector<T>& into, const std::vector<T>& changes, Keys... keys) {
    for (const T& change : changes) {
        const auto is_same = [&](const T& entry) { return ((entry.*keys == change.*keys) && ...); };
        const auto found = std::ranges::find_if(into, is_same);
        if (found == into.end()) {
            into.push_back(change);
        } else {
            *found = change;
        }
    }
}

template <typename Map>
void join(Map& into, const Map& changes) {
    for (const auto& [key, value] : changes) {
        into.insert_or_assign(key, value);
    }
}

void merge_cpu(Cpu& into, const Cpu& changes) {
    take(into, changes, &Cpu::burst, &Cpu::idle);
    take_set(into, changes, &Cpu::shares, &Cpu::quota, &Cpu::period, &Cpu::realtime_runtime,
             &Cpu::realtime_period);
    for (const auto list : {&Cpu::cpus, &Cpu::mems}) {
        if (changes.*list && !(changes.*list)->empty()) {
            into.*list = changes.*list;
        }
    }
}

void merge_block_io(BlockIo& into, const BlockIo& changes) {
    take_set(into, changes, &BlockIo::weight, &BlockIo::leaf_weight);
    join(into.weight_device, changes.weight_device, &WeightDevice::major, &WeightDevice::minor);
    for (const auto list :
         {&BlockIo::throttle_read_bps_device, &BlockIo::throttle_write_bps_device,
          &BlockIo::throttle_read_iops_device, &BlockIo::throttle_write_iops_device}) {
        join(into.*list, changes.*list, &ThrottleDevice::major, &ThrottleDevice::minor);
    }
}

}  // namespace

void merge_resources(Resources& into, const Resources& changes) {
    into.devices.insert(into.devices.end(), changes.devices.begin(), changes.devices.end());
    take(into.memory, changes.memory, &Memory::swappiness, &Memory::disable_oom_killer,
         &Memory::use_hierarchy, &Memory::check_before_update);
    take_set(into.memory, changes.memory, &Memory::limit, &Memory::reservation, &Memory::swap,
             &Memory::kernel, &Memory::kernel_tcp);
    merge_cpu(into.cpu, changes.cpu);
    take(into.pids, changes.pids, &Pids::limit);
    merge_block_io(into.block_io, changes.block_io);
    join(into.hugepage_limits, changes.hugepage_limits, &HugepageLimit::page_size);
    take(into.network, changes.network, &Network::class_id);
    join(into.network.priorities, changes.network.priorities, &InterfacePriority::name);
    join(into.rdma, changes.rdma);
    join(into.unified, changes.unified);
}

}  // namespace oci
