// SPDX-License-Identifier: Apache-2.0
// The single steps of the list in init_steps.cpp; the child runs them, each skips itself when
// nothing asks for it.
#pragma once

#include "libcontainer/process/init_context.h"

namespace libcontainer::steps {

// steps_namespace.cpp
Result<void> leave_binary_and_state(InitContext& context);
Result<void> leave_runtime_descriptors(InitContext& context);
Result<void> raise_limits(InitContext& context);
Result<void> make_network_namespace(InitContext& context);
Result<void> enter_cgroup(InitContext& context);
Result<void> set_affinity(InitContext& context);
Result<void> open_label_files(InitContext& context);
Result<void> join_namespaces(InitContext& context);
Result<void> map_ids(InitContext& context);
Result<void> unshare_cgroup_namespace(InitContext& context);
Result<void> start_session(InitContext& context);
Result<void> join_keyring(InitContext& context);
Result<void> raise_loopback(InitContext& context);
Result<void> move_network_devices(InitContext& context);
Result<void> set_hostname(InitContext& context);
Result<void> set_domainname(InitContext& context);
Result<void> set_sysctls(InitContext& context);

// steps_rootfs.cpp
Result<void> clear_umask(InitContext& context);
Result<void> attach_root(InitContext& context);
Result<void> mount_filesystems(InitContext& context);
Result<void> make_device_nodes(InitContext& context);
Result<void> run_runtime_hooks(InitContext& context);
Result<void> run_create_container_hooks(InitContext& context);
Result<void> enter_root(InitContext& context);
Result<void> open_terminal(InitContext& context);
Result<void> switch_to_root(InitContext& context);
Result<void> use_container_null(InitContext& context);
Result<void> make_working_directory(InitContext& context);
Result<void> make_paths_readonly(InitContext& context);
Result<void> mask_paths(InitContext& context);
Result<void> make_root_readonly(InitContext& context);
Result<void> set_root_propagation(InitContext& context);

// steps_identity.cpp
Result<void> leave_setup_descriptors(InitContext& context);
Result<void> own_stdio(InitContext& context);
Result<void> set_umask(InitContext& context);
Result<void> drop_bounding_set(InitContext& context);
Result<void> enter_working_directory(InitContext& context);
Result<void> set_user(InitContext& context);
Result<void> set_capabilities(InitContext& context);
Result<void> check_working_directory(InitContext& context);
Result<void> set_memory_policy(InitContext& context);
Result<void> set_personality(InitContext& context);
Result<void> set_apparmor_profile(InitContext& context);
Result<void> set_selinux_label(InitContext& context);
Result<void> set_no_new_privileges(InitContext& context);

// steps_start.cpp
Result<void> add_environment(InitContext& context);
Result<void> look_up_program(InitContext& context);
Result<void> report_ready(InitContext& context);
Result<void> wait_for_start(InitContext& context);
Result<void> run_start_container_hooks(InitContext& context);
Result<void> set_rlimits(InitContext& context);
Result<void> close_the_rest(InitContext& context);
Result<void> load_filter_with_privilege(InitContext& context);
Result<void> drop_filter_privilege(InitContext& context);
Result<void> load_filter_last(InitContext& context);

}  // namespace libcontainer::steps
