// SPDX-License-Identifier: Apache-2.0
// What an update writes, and what takes a write back.
#include <catch2/catch.hpp>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/update_plan.h"
#include "tests/unit/cgroup/temporary_directory.h"

namespace {

using libcontainer::AttributeDirectory;
using libcontainer::plan_update;
using libcontainer::undoing_value;

TEST_CASE("undo: the line of the key, else what takes it away, else the whole") {
    struct Row {
        const char* file;
        const char* written;
        const char* before;
        const char* undo;
    };
    const Row row = GENERATE(values<Row>({
        {"memory.limit_in_bytes", "5", "77", "77"},
        {"memory.max", "5", "max", "max"},
        {"cpu.max", "5000 10000", "max 100000", "max 100000"},
        {"cpu.max", "5000 10000", "5000 20000", "5000 20000"},
        {"cpuset.cpus", "0", "", ""},
        {"memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 0", "0"},
        {"blkio.throttle.read_bps_device", "7:0 5", "7:1 9\n7:0 8", "7:0 8"},
        {"blkio.throttle.read_bps_device", "7:0 5", "7:1 9\n17:0 8", "7:0 0"},
        {"blkio.throttle.read_bps_device", "7:0 5", "", "7:0 0"},
        {"blkio.bfq.weight", "300", "100", "100"},
        {"blkio.bfq.weight_device", "7:0 300", "100", "7:0 default"},
        {"io.bfq.weight", "300", "default 100\n8:0 50", "100"},
        {"io.bfq.weight", "8:0 300", "default 100\n8:0 50", "8:0 50"},
        {"io.weight", "8:0 300", "default 100", "8:0 default"},
        {"io.max", "8:0 rbps=5", "8:0 rbps=1 wbps=max riops=max wiops=max",
         "8:0 rbps=1 wbps=max riops=max wiops=max"},
        {"io.max", "8:0 rbps=5", "", "8:0 rbps=max wbps=max riops=max wiops=max"},
        {"rdma.max", "mlx5_0 hca_handle=3", "", "mlx5_0 hca_handle=max hca_object=max"},
        {"net_prio.ifpriomap", "lo 3", "eth0 1\nlo 2", "lo 2"},
    }));
    INFO(row.file << " " << row.written);
    CHECK(undoing_value(row.file, row.written, row.before) == row.undo);
}

TEST_CASE("undo: writes are taken back from the last to the first, unless committed") {
    const TemporaryDirectory folder;
    folder.put("pids.max", "max\n");
    const bool is_committed = GENERATE(true, false);
    {
        sys::Rollback undos;
        const AttributeDirectory files(folder.path(), &undos);
        REQUIRE(files.write("pids.max", "500", "p"));
        REQUIRE(files.write("pids.max", "600", "p"));
        CHECK_FALSE(files.write("absent", "600", "p"));
        CHECK(folder.get("pids.max") == "600\n");
        if (is_committed) {
            undos.commit();
        }
    }
    CHECK(folder.get("pids.max") == (is_committed ? "600\n" : "max\n"));
}

TEST_CASE("undo: a cpuset that inherited its CPUs gets those") {
    const TemporaryDirectory folder;
    folder.put("cpuset.cpus", "\n");
    folder.put("cpuset.cpus.effective", "0-3\n");
    {
        sys::Rollback undos;
        REQUIRE(AttributeDirectory(folder.path(), &undos).write("cpuset.cpus", "1", "p"));
    }
    CHECK(folder.get("cpuset.cpus") == "0-3\n");
}

TEST_CASE("undo: what else a cpuset has may be empty again") {
    const TemporaryDirectory folder;
    folder.put("cpuset.cpus.exclusive", "\n");
    folder.put("cpuset.cpus.exclusive.effective", "0-3\n");
    {
        sys::Rollback undos;
        REQUIRE(AttributeDirectory(folder.path(), &undos).write("cpuset.cpus.exclusive", "1", "p"));
    }
    CHECK(folder.get("cpuset.cpus.exclusive").front() == '\n');
}

TEST_CASE("plan: what belongs together is written together") {
    oci::Resources in_force;
    in_force.memory.limit = 100;
    in_force.memory.swap = 300;
    in_force.memory.check_before_update = true;
    in_force.cpu.shares = 512;
    in_force.cpu.idle = 1;
    in_force.pids.limit = 5;
    oci::Resources changes;
    SECTION("nothing") {
        const auto plan = plan_update(in_force, changes);
        CHECK(plan.writes == oci::Resources{});
        CHECK(plan.outcome == in_force);
    }
    SECTION("a limit takes the present swap and check along") {
        changes.memory.limit = 200;
        const auto plan = plan_update(in_force, changes);
        CHECK(plan.writes.memory.limit == 200);
        CHECK(plan.writes.memory.swap == 300);
        CHECK(plan.writes.memory.check_before_update == true);
        CHECK_FALSE(plan.writes.pids.limit);
        CHECK(plan.outcome.pids.limit == 5);
    }
    SECTION("swap takes the present limit along") {
        changes.memory.swap = 200;
        CHECK(plan_update(in_force, changes).writes.memory.limit == 100);
    }
    SECTION("no limit is none of swap either, unless that is given") {
        changes.memory.limit = -1;
        CHECK(plan_update(in_force, changes).writes.memory.swap == -1);
        CHECK(plan_update(in_force, changes).outcome.memory.swap == -1);
    }
    SECTION("0 is unset") {
        changes.memory.limit = 0;
        changes.cpu.shares = 0;
        const auto plan = plan_update(in_force, changes);
        CHECK(plan.outcome == in_force);
        CHECK_FALSE(plan.writes.memory.swap);
        CHECK_FALSE(plan.writes.cpu.idle);
    }
    SECTION("idle takes the present shares along, shares the present idle") {
        changes.cpu.idle = 0;
        CHECK(plan_update(in_force, changes).writes.cpu.shares == 512);
        changes.cpu.idle.reset();
        changes.cpu.shares = 700;
        CHECK(plan_update(in_force, changes).writes.cpu.idle == 1);
    }
    SECTION("trap 51: device rules are no part of it") {
        in_force.devices = {{true, {}, {}, {}, "r"}};
        changes.devices = {{false, {}, {}, {}, "rwm"}};
        const auto plan = plan_update(in_force, changes);
        CHECK(plan.writes.devices.empty());
        CHECK(plan.outcome.devices == in_force.devices);
    }
}

}  // namespace
