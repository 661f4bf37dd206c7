// SPDX-License-Identifier: Apache-2.0
// Each call of engines 10, as the engine writes it, and what brig has to understand.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "runtime/verbs.h"
#include "tests/unit/runtime/words.h"

using namespace runtime;
using libcontainer::CgroupDriver;
using libcontainer::CreateOptions;
using libcontainer::ExecOptions;
using libcontainer::RunOptions;
using runtime::test::Call;
using runtime::test::parsed;

namespace {

using Words = std::vector<std::string>;

CreateOptions create_of(std::string_view text) {
    const Call call = parsed(text);
    CHECK(call.command->name == "create");
    return parse_create(call.line).value();
}

ExecOptions exec_of(std::string_view text) {
    const Call call = parsed(text);
    CHECK(call.command->name == "exec");
    return parse_exec(call.line).value();
}

KillSettings kill_of(std::string_view text) {
    const Call call = parsed(text);
    CHECK(call.command->name == "kill");
    return parse_kill(call.line).value();
}

}  // namespace

TEST_CASE("the shim's globals", "[runtime][engines]") {
    const Call call = parsed(
        "--root /run/containerd/runc/k8s.io --log /b/log.json --log-format json --systemd-cgroup "
        "create --bundle /b --pid-file /b/init.pid ID");
    CHECK(call.globals.root == "/run/containerd/runc/k8s.io");
    CHECK(call.globals.log.target == "/b/log.json");
    CHECK(call.globals.log.format == LogFormat::json);
    CHECK(call.globals.log.level == LogLevel::error);
    CHECK(call.globals.cgroup_driver == CgroupDriver::systemd);
    const CreateOptions options = parse_create(call.line).value();
    CHECK(options.id == "ID");
    CHECK(options.bundle == "/b");
    CHECK(options.pid_file == "/b/init.pid");
    CHECK(options.console_socket.empty());
    CHECK(options.config == "config.json");
}

TEST_CASE("the globals of podman's conmon", "[runtime][engines]") {
    const Call call = parsed(
        "--log-format=json --log /r/oci-log --cgroup-manager disabled create --bundle /b "
        "--pid-file /p --no-pivot --no-new-keyring --preserve-fds 3 --console-socket /s CID");
    CHECK(call.globals.log.target == "/r/oci-log");
    CHECK(call.globals.log.format == LogFormat::json);
    CHECK(call.globals.cgroup_driver == CgroupDriver::disabled);
    const CreateOptions options = parse_create(call.line).value();
    CHECK(options.no_pivot);
    CHECK(options.no_new_keyring);
    CHECK(options.preserve_fds == 3);
    CHECK(options.console_socket == "/s");
    CHECK(options.id == "CID");
}

TEST_CASE("globals that come twice, and those of old drivers", "[runtime][engines]") {
    const Call twice = parsed(
        "--root=/a --systemd-cgroup --root=/r --systemd-cgroup create "
        "--bundle /b --pid-file /p --console-socket=/s ID");
    CHECK(twice.globals.root == "/r");
    CHECK(twice.globals.cgroup_driver == CgroupDriver::systemd);
    CHECK(parse_create(twice.line)->console_socket == "/s");

    const Call old = parsed("--root R --debug --criu /usr/bin/criu --rootless=true state ID");
    CHECK(old.globals.root.ends_with("/R"));
    CHECK(old.globals.root.starts_with("/"));
    CHECK(old.globals.criu == "/usr/bin/criu");
    CHECK(old.globals.log.level == LogLevel::debug);
    CHECK(parsed("--rootless auto state ID").command->name == "state");
    CHECK(parsed("--rootless=false --log-level error state ID").globals.log.level ==
          LogLevel::error);
    CHECK(parsed("--log-level warning state ID").globals.log.level == LogLevel::warning);
    CHECK(parsed("--log file:/l state ID").globals.log.target == "/l");
}

TEST_CASE("globals that mean nothing are refused by name", "[runtime][engines]") {
    CHECK(test::parse_error("--log-format xml list") ==
          "--log-format: unknown value \"xml\" (want text or json)");
    CHECK(test::parse_error("--log-level loud list").starts_with("--log-level: unknown value"));
    CHECK(test::parse_error("--cgroup-manager x list").starts_with("--cgroup-manager: unknown"));
    CHECK(test::parse_error("--rootless maybe list").starts_with("--rootless: unknown value"));
    CHECK(test::parse_error("--root= list") == "--root: empty path");
}

TEST_CASE("create with what go-runc can add", "[runtime][engines]") {
    const CreateOptions options = create_of(
        "create -b /b --pidfd-socket /s --preserve-fds 2 --detach -no-subreaper -f /c.json ID");
    CHECK(options.pidfd_socket == "/s");
    CHECK(options.preserve_fds == 2);
    CHECK(options.config == "/c.json");
    CHECK(options.bundle == "/b");
}

TEST_CASE("buildah's create", "[runtime][engines]") {
    const CreateOptions options = create_of(
        "create --bundle /b --pid-file /b/pid --no-pivot --no-new-keyring "
        "--console-socket /b/console.sock NAME");
    CHECK(options.pid_file == "/b/pid");
    CHECK(options.console_socket == "/b/console.sock");
    CHECK(options.id == "NAME");
}

TEST_CASE("update as all of them spell it", "[runtime][engines]") {
    const auto update_of = [](const char* words) {
        return parse_update(parsed(words).line).value();
    };
    for (const char* words : {"update --resources=- ID", "update --resources - ID",
                              "--root R update -r - ID", "update ID --resources -"}) {
        INFO(words);
        CHECK(update_of(words).resources_file == "-");
        CHECK(update_of(words).id == "ID");
    }
    CHECK(update_of("update --resources=/tmp/podman1 ID").resources_file == "/tmp/podman1");
    const auto options = update_of(
        "update --cpu-share 10 --cpu-quota -1 --memory 5g --memory-swap=-1 --memory-reservation 7 "
        "--pids-limit -1 --cpuset-cpus 0-1 --kernel-memory 5m --l3-cache-schema L3:0=f ID");
    CHECK(options.changes.cpu.shares == 10U);
    CHECK(options.changes.cpu.quota == -1);
    CHECK(options.changes.memory.limit == std::int64_t{5} << 30);
    CHECK(options.changes.memory.swap == -1);
    CHECK(options.changes.memory.reservation == 7);
    CHECK(options.changes.pids.limit == -1);
    CHECK(options.changes.cpu.cpus == "0-1");
    CHECK_FALSE(options.changes.memory.kernel);
    CHECK(options.l3_cache_schema == "L3:0=f");
}

TEST_CASE("events of go-runc", "[runtime][engines]") {
    CHECK(parse_events(parsed("events --stats ID").line)->stats);
    CHECK(parse_events(parsed("events ID").line)->interval == std::chrono::seconds(5));
    const auto settings = parse_events(parsed("events --interval=1m0.5s ID").line).value();
    CHECK(settings.interval == std::chrono::milliseconds(60500));
    CHECK(settings.id == "ID");
    CHECK_FALSE(settings.stats);
}

TEST_CASE("relative paths count from the caller's folder", "[runtime][engines]") {
    char cwd[4096];
    REQUIRE(getcwd(cwd, sizeof cwd) != nullptr);
    const CreateOptions options = create_of("create --bundle b --pid-file p --console-socket s ID");
    CHECK(options.bundle == std::string(cwd) + "/b");
    CHECK(options.pid_file == std::string(cwd) + "/p");
    CHECK(options.console_socket == std::string(cwd) + "/s");
    CHECK(create_of("create ID").bundle == ".");
    CHECK(exec_of("exec -p f ID").process_file == std::string(cwd) + "/f");
}

TEST_CASE("exec of the shim and of conmon", "[runtime][engines]") {
    const ExecOptions shim =
        exec_of("exec --process /f --console-socket /s --detach --pid-file /p ID");
    CHECK(shim.process_file == "/f");
    CHECK(shim.console_socket == "/s");
    CHECK(shim.pid_file == "/p");
    CHECK(shim.detach);
    CHECK(shim.id == "ID");
    CHECK(shim.args.empty());
    const ExecOptions conmon = exec_of(
        "exec --pid-file /p --process /f --detach --preserve-fds 1 --console-socket /s CID");
    CHECK(conmon.preserve_fds == 1);
    CHECK(conmon.id == "CID");
    CHECK_FALSE(exec_of("exec --process /f --pid-file /p ID").detach);
}

TEST_CASE("exec of conmon-rs keeps the options of the command", "[runtime][engines]") {
    const ExecOptions options =
        exec_of("exec -d --console-socket=/s --tty --pid-file=/p ID cmd -x --detach=false -- args");
    CHECK(options.detach);
    CHECK(options.tty);
    CHECK(options.id == "ID");
    CHECK(options.args == Words{"cmd", "-x", "--detach=false", "--", "args"});
}

TEST_CASE("exec as people write it", "[runtime][engines]") {
    const ExecOptions options = exec_of(
        "exec -t -e A=1 --env B=2,3 -u 1000:100 -g 5 --additional-gids 6 -c CAP_KILL --cap "
        "CAP_CHOWN --cwd /w --no-new-privs --apparmor P --process-label L --ignore-paused "
        "--cgroup sub ID ls -l");
    CHECK(options.tty);
    CHECK(options.env == Words{"A=1", "B=2,3"});
    CHECK(options.user == "1000:100");
    CHECK(options.additional_gids == std::vector<unsigned>{5, 6});
    CHECK(options.capabilities == Words{"CAP_KILL", "CAP_CHOWN"});
    CHECK(options.cwd == "/w");
    CHECK(options.no_new_privs);
    CHECK(options.apparmor == "P");
    CHECK(options.process_label == "L");
    CHECK(options.ignore_paused);
    CHECK(options.cgroups == Words{"sub"});
    CHECK(options.args == Words{"ls", "-l"});
}

TEST_CASE("engines 1.1: -- before and behind the id of exec", "[runtime][engines]") {
    CHECK(exec_of("exec -- ID ls -l").args == Words{"ls", "-l"});
    CHECK(exec_of("exec ID -- ls -- -l").args == Words{"ls", "--", "-l"});
    CHECK(exec_of("exec -- -x -- ls").id == "-x");
    CHECK(exec_of("exec ID --").args.empty());
}

TEST_CASE("kill as engines send it", "[runtime][engines]") {
    struct Row {
        const char* text;
        int signal;
        bool all;
    };
    const Row row = GENERATE(Row{"kill ID 15", 15, false}, Row{"kill ID 9", 9, false},
                             Row{"kill ID 37", 37, false}, Row{"kill --all ID 9", 9, true},
                             Row{"kill -a ID 9", 9, true}, Row{"kill ID", 15, false},
                             Row{"kill ID SIGKILL", 9, false}, Row{"kill ID KILL", 9, false},
                             Row{"kill ID 0", 0, false}, Row{"kill ID 9 --all", 9, true});
    INFO(row.text);
    const KillSettings settings = kill_of(row.text);
    CHECK(settings.id == "ID");
    CHECK(settings.signal == row.signal);
    CHECK(settings.all == row.all);
}

TEST_CASE("delete as engines send it", "[runtime][engines]") {
    const auto delete_of = [](std::string_view text) {
        return parse_delete(parsed(text).line).value();
    };
    CHECK_FALSE(delete_of("delete ID").force);
    CHECK(delete_of("--root /r --log /gone/log.json --log-format json delete --force ID").force);
    CHECK(delete_of("delete -f ID").force);
    CHECK(delete_of("delete ID --force").id == "ID");
}

TEST_CASE("ps, list, and the verbs that take an id only", "[runtime][engines]") {
    const auto ps_of = [](std::string_view text) { return parse_ps(parsed(text).line).value(); };
    CHECK(ps_of("ps --format json ID").format == Format::json);
    CHECK(ps_of("ps ID").format == Format::table);
    const PsSettings top = ps_of("ps --format table ID -ef");
    CHECK(top.id == "ID");
    CHECK(top.ps_arguments == Words{"-ef"});

    const auto list_of = [](std::string_view text) {
        return parse_list(parsed(text).line).value();
    };
    CHECK(list_of("list --format=json").format == Format::json);
    CHECK(list_of("list -f json").format == Format::json);
    CHECK(list_of("list -q").quiet);
    CHECK(list_of("list").format == Format::table);
    CHECK(parse_list(parsed("list -f xml").line).error().text() ==
          "--format: unknown format \"xml\" (want table or json)");

    for (const char* verb : {"start", "state", "pause", "resume"}) {
        INFO(verb);
        CHECK(parsed(std::string(verb) + " ID").line.operands == Words{"ID"});
    }
    CHECK(parsed("features").line.operands.empty());
}

TEST_CASE("BuildKit's run", "[runtime][engines]") {
    const Call call = parsed(
        "--log /r/runc-log.json --log-format json run --bundle /b --no-pivot "
        "--keep ID");
    const RunOptions options = parse_run(call.line).value();
    CHECK(options.create.bundle == "/b");
    CHECK(options.create.no_pivot);
    CHECK(options.create.id == "ID");
    CHECK(options.keep);
    CHECK_FALSE(options.detach);
    CHECK(parse_run(parsed("run -d --no-subreaper ID").line)->detach);
    CHECK(parse_run(parsed("run --pid-file /p ID").line)->create.pid_file == "/p");
}

TEST_CASE("spec as people write it", "[runtime][engines]") {
    const auto spec_of = [](std::string_view text) {
        return parse_spec(parsed(text).line).value();
    };
    CHECK(spec_of("spec --bundle /b --rootless").rootless);
    CHECK(spec_of("spec -b /b").bundle == "/b");
    const SpecSettings settings = spec_of(
        "spec --user 1000:100 --cap-add KILL --cap-add=CHOWN --cap-drop ALL --privileged "
        "--read-only --hostname h -- sh -c ls");
    CHECK(settings.user == "1000:100");
    CHECK(settings.cap_add == Words{"KILL", "CHOWN"});
    CHECK(settings.cap_drop == Words{"ALL"});
    CHECK(settings.privileged);
    CHECK(settings.read_only == true);
    CHECK(settings.hostname == "h");
    CHECK(settings.args == Words{"sh", "-c", "ls"});
    CHECK(spec_of("spec --read-only=false").read_only == false);
    CHECK_FALSE(spec_of("spec").read_only);
}

TEST_CASE("checkpoint: shim, go-runc, podman", "[runtime][engines]") {
    const Call shim = parsed(
        "checkpoint --image-path /i --work-path /w --parent-path ../p --tcp-established "
        "--ext-unix-sk --shell-job --file-locks --empty-ns network --leave-running ID");
    const auto options = parse_checkpoint(shim.line).value();
    CHECK(options.id == "ID");
    CHECK(options.criu.image_path == "/i");
    CHECK(options.criu.work_path == "/w");
    CHECK(options.criu.parent_path == "../p");
    CHECK((options.criu.tcp_established && options.criu.ext_unix_sk && options.criu.shell_job &&
           options.criu.file_locks && options.leave_running));
    const auto moved = parse_checkpoint(parsed("checkpoint --page-server [::1]:27 "
                                               "--manage-cgroups-mode soft --lazy-pages "
                                               "--status-fd 3 --pre-dump ID")
                                            .line)
                           .value();
    CHECK(moved.page_server_address == "::1");
    CHECK(moved.page_server_port == 27);
    CHECK(moved.criu.cgroups == libcontainer::CgroupRestore::soft);
    CHECK((moved.criu.lazy_pages && moved.pre_dump && moved.status_fd == 3));
    CHECK(parse_checkpoint(
              parsed("checkpoint --image-path I --work-path W --leave-running --leave-running ID")
                  .line)
              ->leave_running);
}

TEST_CASE("restore: shim, conmon", "[runtime][engines]") {
    const Call shim = parsed(
        "restore --image-path /i --work-path /w --detach --pid-file /p --console-socket /s "
        "--no-pivot -no-subreaper --bundle /b ID");
    const auto options = parse_restore(shim.line).value();
    CHECK(options.create.id == "ID");
    CHECK((options.detach && options.no_subreaper && options.create.no_pivot));
    CHECK(options.create.pid_file == "/p");
    CHECK(options.create.console_socket == "/s");
    const auto conmon = parse_restore(
        parsed("restore --bundle /b --pid-file /p --no-new-keyring --detach --image-path /x "
               "--work-path /b --tcp-established --tcp-close --file-locks "
               "--lsm-mount-context=system_u:c --lsm-profile=selinux:l CID")
            .line);
    REQUIRE(conmon);
    CHECK(conmon->lsm_profile == "selinux:l");
    CHECK(conmon->lsm_mount_context == "system_u:c");
    CHECK((conmon->criu.tcp_close && conmon->criu.file_locks));
}
