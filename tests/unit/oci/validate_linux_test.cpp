// SPDX-License-Identifier: Apache-2.0
// The rules of validate() for the linux section: what breaks each, and what only looks so.
#include "config_text.h"
#include "oci/sysctl_key.h"

using namespace oci;

TEST_CASE("namespaces and id mappings", "[validate]") {
    const auto user = [](const std::string& members) { return in_namespaces({"user"}, members); };
    const auto uids = [&](const std::string& list) {
        return user(R"("uidMappings":[)" + list + "]," + kOneGid);
    };
    std::string many;
    for (int i = 0; i < 341; ++i) {
        many += (i == 0 ? "" : ",") + (R"({"size":1,"containerID":)" + std::to_string(i)) +
                R"(,"hostID":)" + std::to_string(i) + "}";
    }
    check_cases({
        {"N-02", linux_section(R"("namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"pid"}])"),
         "linux.namespaces[2].type"},
        {"N-04", linux_section(R"("namespaces":[{"type":"pid","path":"proc/1/ns/pid"}])"),
         "linux.namespaces[0].path"},
        {"N-04", linux_section(R"("namespaces":[{"type":"pid","path":""}])"),
         "linux.namespaces[0].path"},
        {"N-10", linux_section(R"("uidMappings":[{"containerID":0,"hostID":0,"size":1}])"),
         "linux.uidMappings"},
        {"N-10", linux_section(R"("gidMappings":[{"containerID":0,"hostID":0,"size":1}])"),
         "linux.gidMappings"},
        {"N-10", uids(R"({"containerID":0,"hostID":100000,"size":65536})"), ""},
        {"N-10", uids(R"({"containerID":0,"hostID":0,"size":0})"), "linux.uidMappings[0].size"},
        {"N-10", uids(R"({"containerID":0,"hostID":0,"size":4294967295})"), ""},
        {"N-10", uids(R"({"containerID":0,"hostID":1,"size":4294967295})"), "linux.uidMappings[0]"},
        {"N-10", uids(R"({"containerID":0,"hostID":4294967295,"size":1})"), "linux.uidMappings[0]"},
        {"N-10",
         uids(R"({"containerID":0,"hostID":0,"size":10},{"containerID":9,"hostID":50,"size":1})"),
         "linux.uidMappings[1]"},
        {"N-10",
         uids(R"({"containerID":0,"hostID":0,"size":10},{"containerID":10,"hostID":5,"size":1})"),
         "linux.uidMappings[1]"},
        {"N-10",
         uids(R"({"containerID":0,"hostID":0,"size":10},{"containerID":10,"hostID":10,"size":1})"),
         ""},
        {"N-09", uids(R"({"containerID":1,"hostID":0,"size":9})"), "linux.uidMappings"},
        {"N-10", uids(many), "linux.uidMappings"},
        {"N-09", user(kOneGid), "linux.uidMappings"},
        {"N-09", linux_section(R"("namespaces":[{"type":"user","path":"/proc/1/ns/user"}])"), ""},
    });
}

TEST_CASE("time offsets, devices, net devices, cgroups path", "[validate]") {
    const auto device = [](const std::string& members) {
        return linux_section(R"("devices":[{)" + members + "}]");
    };
    const auto net = [](const std::string& members) {
        return in_namespaces({"network"}, R"("netDevices":{)" + members + "}");
    };
    check_cases({
        {"T-03", linux_section(R"("timeOffsets":{"monotonic":{"secs":1}})"), "linux.timeOffsets"},
        {"T-03",
         linux_section(
             R"("namespaces":[{"type":"time","path":"/x"}],"timeOffsets":{"boottime":{}})"),
         "linux.timeOffsets"},
        {"T-02", in_namespaces({"time"}, R"("timeOffsets":{"boottime":{"nanosecs":1000000000}})"),
         "linux.timeOffsets.boottime.nanosecs"},
        {"T-02", in_namespaces({"time"}, R"("timeOffsets":{"boottime":{"nanosecs":999999999}})"),
         ""},
        {"D-01", device(R"("path":"dev/a","type":"c","major":1,"minor":3)"),
         "linux.devices[0].path"},
        {"D-03", device(R"("path":"/dev/a","type":"c","major":1)"), "linux.devices[0].minor"},
        {"D-03", device(R"("path":"/dev/a","type":"b","minor":1)"), "linux.devices[0].major"},
        {"D-03", device(R"("path":"/dev/a","type":"p")"), ""},
        {"D-03", device(R"("path":"/dev/a","type":"u","major":-1,"minor":0)"),
         "linux.devices[0].major"},
        {"D-03", device(R"("path":"/dev/a","type":"c","major":4096,"minor":0)"),
         "linux.devices[0].major"},
        {"D-03", device(R"("path":"/dev/a","type":"c","major":4095,"minor":1048576)"),
         "linux.devices[0].minor"},
        {"D-04", device(R"("path":"/dev/a","type":"c","major":1,"minor":3,"fileMode":4096)"),
         "linux.devices[0].fileMode"},
        {"D-04, S_IFCHR as podman writes it",
         device(R"("path":"/dev/a","type":"c","major":1,"minor":3,"fileMode":8630)"), ""},
        {"D-04, S_IFBLK",
         device(R"("path":"/dev/a","type":"c","major":1,"minor":3,"fileMode":24960)"),
         "linux.devices[0].fileMode"},
        {"ND-07", linux_section(R"("netDevices":{"eth0":{}})"), "linux.netDevices"},
        {"ND-01", net(R"("eth0":{"name":"ctr%d"})"), ""},
        {"ND-01", net(R"("abcdefghijklmno":{})"), ""},
        {"ND-01", net(R"("abcdefghijklmnop":{})"), "linux.netDevices.abcdefghijklmnop"},
        {"ND-01", net(R"("../x":{})"), R"(linux.netDevices["../x"])"},
        {"ND-01", net(R"("eth0":{"name":"a b"})"), "linux.netDevices.eth0.name"},
        {"ND-01", net(R"("eth0":{"name":".."})"), "linux.netDevices.eth0.name"},
        {"ND-01", net(R"("eth0":{"name":"eth0:1"})"), "linux.netDevices.eth0.name"},
        {"ND-03", net(R"("eth0":{"name":"e%dh"})"), "linux.netDevices.eth0.name"},
        {"ND-03", net(R"("eth0":{"name":"a"},"eth1":{"name":"a"})"), "linux.netDevices.eth1"},
        {"ND-03", net(R"("eth0":{"name":"eth1"},"eth1":{})"), "linux.netDevices.eth1"},
        {"CG-01", linux_section(R"("cgroupsPath":"/a/../../b")"), "linux.cgroupsPath"},
        {"CG-01", linux_section(R"("cgroupsPath":"..")"), "linux.cgroupsPath"},
        {"CG-01", linux_section(R"("cgroupsPath":"/a..b/c..")"), ""},
        {"CG-04", linux_section(R"("cgroupsPath":"system.slice:brig:web")"), ""},
    });
}

TEST_CASE("hidden paths, intelRdt, memoryPolicy, personality", "[validate]") {
    const auto rdt = [](const std::string& members) {
        return linux_section(R"("intelRdt":{)" + members + "}");
    };
    const auto policy = [](const std::string& members) {
        return linux_section(R"("memoryPolicy":{)" + members + "}");
    };
    check_cases({
        {"RF-02", in_namespaces({"mount"}, R"("maskedPaths":["/a","b"])"), "linux.maskedPaths[1]"},
        {"RF-03", in_namespaces({"mount"}, R"("readonlyPaths":[""])"), "linux.readonlyPaths[0]"},
        {"N-03", linux_section(R"("maskedPaths":["/a"])"), "linux.maskedPaths"},
        {"N-03", linux_section(R"("readonlyPaths":["/a"])"), "linux.readonlyPaths"},
        {"RDT-02", rdt(R"("closID":"/")"), ""},
        {"RDT-02", rdt(R"("closID":"..")"), "linux.intelRdt.closID"},
        {"RDT-02", rdt(R"("closID":"a/b")"), "linux.intelRdt.closID"},
        {"RDT-02", rdt(R"("closID":"")"), "linux.intelRdt.closID"},
        {"RDT-07", rdt(R"("l3CacheSchema":"L3:0=f\nMB:0=1")"), "linux.intelRdt.l3CacheSchema"},
        {"RDT-07", rdt(R"("memBwSchema":"L3:0=f")"), "linux.intelRdt.memBwSchema"},
        {"RDT-07", rdt(R"("schemata":["L3:0=f","a\nb"])"), "linux.intelRdt.schemata[1]"},
        {"MP-02", policy(R"("mode":"MPOL_BIND","nodes":"0-1")"), ""},
        {"MP-02", policy(R"("mode":"MPOL_PREFERRED")"), ""},
        {"MP-02", policy(R"("mode":"MPOL_BIND")"), "linux.memoryPolicy.nodes"},
        {"MP-02", policy(R"("mode":"MPOL_INTERLEAVE","nodes":"")"), "linux.memoryPolicy.nodes"},
        {"MP-02", policy(R"("mode":"MPOL_LOCAL","nodes":"0")"), "linux.memoryPolicy.nodes"},
        {"MP-02", policy(R"("mode":"MPOL_BIND","nodes":"1-")"), "linux.memoryPolicy.nodes"},
        {"MP-03",
         policy(
             R"("mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_RELATIVE_NODES","MPOL_F_STATIC_NODES"])"),
         "linux.memoryPolicy.flags"},
        {"MP-03", policy(R"("mode":"MPOL_PREFERRED","flags":["MPOL_F_NUMA_BALANCING"])"),
         "linux.memoryPolicy.flags"},
        {"MP-03",
         policy(R"("mode":"MPOL_PREFERRED_MANY","nodes":"0","flags":["MPOL_F_NUMA_BALANCING"])"),
         ""},
        {"MP-03", policy(R"("mode":"MPOL_PREFERRED","flags":["MPOL_F_STATIC_NODES"])"),
         "linux.memoryPolicy.flags"},
        {"MP-03", policy(R"("mode":"MPOL_LOCAL","flags":["MPOL_F_RELATIVE_NODES"])"),
         "linux.memoryPolicy.flags"},
        {"RF-06", linux_section(R"("personality":{"domain":"LINUX","flags":["x"]})"),
         "linux.personality.flags"},
    });
}

TEST_CASE("SY-02 a sysctl belongs to a namespace of the container's own", "[validate]") {
    const auto in = [](const std::string& type, const std::string& key) {
        return in_namespaces(
            {type}, R"("sysctl":{")" + key + R"(":"1"})" + (type == "user" ? "," + id_maps() : ""));
    };
    const auto path = [](const std::string& key) { return "linux.sysctl[\"" + key + "\"]"; };
    check_cases({
        {"ipc", in("ipc", "kernel.shmmax"), ""},
        {"ipc", in("ipc", "fs.mqueue.msg_max"), ""},
        {"ipc", in("pid", "kernel.shmmax"), path("kernel.shmmax")},
        {"net", in("network", "net.ipv4.ip_forward"), ""},
        {"net", in("network", "net/ipv4/conf/eth0.100/forwarding"), ""},
        {"net", in("network", "net.ipv4.conf.eth0/100.forwarding"), ""},
        {"net", in("ipc", "net.ipv4.ip_forward"), path("net.ipv4.ip_forward")},
        {"net", in("network", "net.ipv4..x"), path("net.ipv4..x")},
        {"net", in("network", "net/../kernel/core_pattern"), path("net/../kernel/core_pattern")},
        {"net", in("network", "net.core.x+kernel"), path("net.core.x+kernel")},
        {"net", in("network", "net"), "linux.sysctl.net"},
        {"uts", in("uts", "kernel.domainname"), ""},
        {"uts", in("uts", "kernel.hostname"), path("kernel.hostname")},
        {"user", in("user", "user.max_user_namespaces"), ""},
        {"host", in("ipc", "kernel.core_pattern"), path("kernel.core_pattern")},
        {"host", in("ipc", "vm.swappiness"), path("vm.swappiness")},
        {"value",
         in_namespaces({"ipc"}, R"("sysctl":{"kernel.sem":")" + std::string(4096, '1') + "\"}"),
         path("kernel.sem")},
    });
    CHECK(sysctl_path("net.ipv4.conf.eth0/100.mtu") == "net/ipv4/conf/eth0.100/mtu");
    CHECK(sysctl_path("net/ipv4/conf/eth0.100/mtu") == "net/ipv4/conf/eth0.100/mtu");
    CHECK_FALSE(sysctl_path(""));
    CHECK_FALSE(sysctl_path("/a/b"));
    CHECK_FALSE(sysctl_path("a.b."));
}

TEST_CASE("seccomp rules", "[validate]") {
    const std::string allow = R"("defaultAction":"SCMP_ACT_ALLOW")";
    const auto rule = [&](const std::string& members) {
        return seccomp(allow + R"(,"syscalls":[{)" + members + "}]");
    };
    check_cases({
        {"SC-02", seccomp(R"("defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38)"), ""},
        {"SC-02", seccomp(R"("defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096)"),
         "linux.seccomp.defaultErrnoRet"},
        {"SC-02", seccomp(R"("defaultAction":"SCMP_ACT_TRACE","defaultErrnoRet":65535)"), ""},
        {"SC-02", seccomp(allow + R"(,"defaultErrnoRet":1)"), "linux.seccomp.defaultErrnoRet"},
        {"SC-01", seccomp(R"("defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/s")"), ""},
        {"SC-01", seccomp(R"("defaultAction":"SCMP_ACT_NOTIFY")"), "linux.seccomp.listenerPath"},
        {"SC-05", rule(R"("names":["read"],"action":"SCMP_ACT_NOTIFY")"),
         "linux.seccomp.listenerPath"},
        {"SC-05", seccomp(allow + R"(,"listenerPath":"s")"), "linux.seccomp.listenerPath"},
        {"SC-05", seccomp(allow + R"(,"listenerPath":"/)" + std::string(200, 'a') + "\""), ""},
        {"SC-06", seccomp(allow + R"(,"listenerMetadata":"")"), "linux.seccomp.listenerMetadata"},
        {"SC-08", rule(R"("names":[],"action":"SCMP_ACT_KILL")"),
         "linux.seccomp.syscalls[0].names"},
        {"SC-08", rule(R"("names":["a",""],"action":"SCMP_ACT_KILL")"),
         "linux.seccomp.syscalls[0].names[1]"},
        {"SC-10", rule(R"("names":["a"],"action":"SCMP_ACT_KILL","errnoRet":1)"),
         "linux.seccomp.syscalls[0].errnoRet"},
        {"SC-10", rule(R"("names":["a"],"action":"SCMP_ACT_ERRNO","errnoRet":1)"), ""},
        {"SC-11",
         rule(
             R"("names":["a"],"action":"SCMP_ACT_KILL","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}])"),
         "linux.seccomp.syscalls[0].args[0].index"},
    });
}

TEST_CASE("resource rules", "[validate]") {
    const auto devices = [](const std::string& rule) {
        return resources(R"("devices":[{"allow":true,)" + rule + "}]");
    };
    const auto memory = [](const std::string& members) {
        return resources(R"("memory":{)" + members + "}");
    };
    const auto cpu = [](const std::string& members) {
        return resources(R"("cpu":{)" + members + "}");
    };
    const auto io = [](const std::string& members) {
        return resources(R"("blockIO":{)" + members + "}");
    };
    check_cases({
        {"RD-01", devices(R"("type":"c","major":-1,"minor":-1,"access":"mrw")"), ""},
        {"RD-01", devices(R"("access":"rwx")"), "linux.resources.devices[0].access"},
        {"RD-01", devices(R"("type":"a","major":1)"), "linux.resources.devices[0].type"},
        {"RD-01", devices(R"("minor":1)"), "linux.resources.devices[0].type"},
        {"RD-01", devices(R"("type":"b","major":-2)"), "linux.resources.devices[0].major"},
        {"15.2", memory(R"("limit":67108864,"swap":-1)"), ""},
        {"15.2", memory(R"("limit":67108864,"swap":67108864)"), ""},
        {"15.2", memory(R"("limit":67108864,"swap":33554432)"), "linux.resources.memory.swap"},
        {"15.2", memory(R"("swap":134217728)"), "linux.resources.memory.swap"},
        {"15.2", memory(R"("swap":0)"), ""},
        {"15.2", memory(R"("limit":-2)"), "linux.resources.memory.limit"},
        {"15.2", memory(R"("swappiness":101)"), "linux.resources.memory.swappiness"},
        {"26.6", memory(R"("swappiness":18446744073709551615)"), ""},
        {"15.3", cpu(R"("quota":-1,"period":0)"), ""},
        {"15.3", cpu(R"("quota":999)"), "linux.resources.cpu.quota"},
        {"15.3", cpu(R"("period":999)"), "linux.resources.cpu.period"},
        {"15.3", cpu(R"("period":1000001)"), "linux.resources.cpu.period"},
        {"15.3", cpu(R"("quota":2000,"burst":2001)"), "linux.resources.cpu.burst"},
        {"15.3", cpu(R"("idle":2)"), "linux.resources.cpu.idle"},
        {"15.3", cpu(R"("cpus":"0-1,3","mems":"0")"), ""},
        {"15.3", cpu(R"("cpus":"1-")"), "linux.resources.cpu.cpus"},
        {"15.3", cpu(R"("mems":"a")"), "linux.resources.cpu.mems"},
        {"15.4", io(R"("weight":0)"), ""},
        {"15.4", io(R"("weight":9)"), "linux.resources.blockIO.weight"},
        {"15.4", io(R"("weight":1001)"), "linux.resources.blockIO.weight"},
        {"15.4", io(R"("leafWeight":10)"), ""},
        {"15.4", io(R"("weightDevice":[{"major":8,"minor":0,"weight":5}])"),
         "linux.resources.blockIO.weightDevice[0].weight"},
        {"15.4", io(R"("weightDevice":[{"major":8,"minor":0}])"),
         "linux.resources.blockIO.weightDevice[0]"},
        {"15.4", io(R"("throttleReadBpsDevice":[{"major":-8,"minor":0,"rate":1}])"),
         "linux.resources.blockIO.throttleReadBpsDevice[0].major"},
        {"G-07", resources(R"("hugepageLimits":[{"pageSize":"2MB","limit":1}])"), ""},
        {"G-07", resources(R"("hugepageLimits":[{"pageSize":"64kB","limit":1}])"),
         "linux.resources.hugepageLimits[0].pageSize"},
        {"G-07", resources(R"("hugepageLimits":[{"pageSize":"0MB","limit":1}])"),
         "linux.resources.hugepageLimits[0].pageSize"},
        {"15.5", resources(R"("pids":{"limit":0})"), ""},
        {"15.5", resources(R"("network":{"priorities":[{"name":"","priority":1}]})"),
         "linux.resources.network.priorities[0].name"},
        {"15.5", resources(R"("rdma":{"mlx":{}})"), "linux.resources.rdma.mlx"},
        {"15.5", resources(R"("unified":{"memory.high":"1"})"), ""},
        {"15.5", resources(R"("unified":{"../x":"1"})"), R"(linux.resources.unified["../x"])"},
    });
}

TEST_CASE("an update may set a swap limit alone", "[validate]") {
    CHECK(validate(*parse_resources(R"({"memory":{"swap":134217728}})")).empty());
    CHECK(paths_of(validate(*parse_resources(R"({"memory":{"limit":2,"swap":1}})"))) ==
          std::vector<std::string>{"memory.swap"});
}
