#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a pod asks for, as the kubelet asks it: containerd's CRI plugin, set up by the files in man/examples, calls
BRIG. cri_life.t has how pods and containers end."""
import json
import os
import subprocess
import sys

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cri  # noqa: E402  pylint: disable=wrong-import-position
from cri import tap  # noqa: E402  pylint: disable=wrong-import-position

suite = cri.Suite()
DEFAULT_CAPABILITIES = 0xa80425fb
CAP_CHOWN, CAP_NET_ADMIN = 0, 12


def known_to_brig(identity):
    return subprocess.run([cri.sandbox.brig(), "--root", cri.STATE, "state", identity], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def example(name):
    return yaml.safe_load((cri.EXAMPLES / name).read_text())


# --- the shipped files -----------------------------------------------------------------------------

@suite.case("CALL-02 CALL-06 runtimeclass.yaml: a pod of its handler is brig's")
def handler(engine):
    pod = engine.pod(handler=example("runtimeclass.yaml")["handler"])
    tap.equal(pod.state(), 0, "SANDBOX_READY")
    container = pod.start()
    tap.equal(container.status().state, cri.RUNNING, "state")
    for identity in (pod.id, container.id):
        tap.check(known_to_brig(identity), "brig knows it")


@suite.case("containerd-config: a pod that asks for no handler is runc's")
def default_handler(engine):
    if cri.sandbox.stand_in():
        raise tap.Skip(f"{cri.sandbox.stand_in()} reads the state of runc's containers")
    pod = engine.pod(handler="")
    tap.check(not known_to_brig(pod.id), "brig does not know it")


@suite.case("a handler that no file tells of is refused")
def no_handler(engine):
    with cri.refused("no runtime for"):
        engine.pod(handler="another")


@suite.case("pod.yaml: runs, with what its securityContext says")
def shipped_pod(engine):
    shipped = example("pod.yaml")["spec"]["containers"][0]
    wanted = shipped["securityContext"]
    pod = engine.pod(network=cri.POD)
    container = pod.start(shipped["command"], image=shipped["image"], run_as_user={"value": wanted["runAsUser"]},
                          run_as_group={"value": wanted["runAsGroup"]},
                          no_new_privs=not wanted["allowPrivilegeEscalation"],
                          capabilities={"drop_capabilities": wanted["capabilities"]["drop"]},
                          seccomp={"profile_type": wanted["seccompProfile"]["type"]})
    tap.eventually(container.text, "it writes")
    tap.equal(container.text().strip(), "uid=1000(app) gid=1000(app) groups=1000(app)", "what it wrote")
    tap.equal(cri.status_field(container.pid, "CapBnd"), ["0" * 16], "CapBnd")
    tap.equal(cri.status_field(container.pid, "NoNewPrivs"), ["1"], "NoNewPrivs")
    tap.equal(cri.status_field(container.pid, "Seccomp"), ["2"], "Seccomp")


# --- who runs --------------------------------------------------------------------------------------

@suite.case("runAsUser, runAsGroup and supplementalGroups hold for the container and for exec")
def identity(engine):
    container = engine.pod().start(run_as_user={"value": 1000}, run_as_group={"value": 2000},
                                   supplemental_groups=[3000, 4000])
    tap.equal(cri.status_field(container.pid, "Uid"), ["1000"] * 4, "Uid")
    tap.equal(cri.status_field(container.pid, "Gid"), ["2000"] * 4, "Gid")
    tap.equal(set(cri.status_field(container.pid, "Groups")) - {"2000", "1000"}, {"3000", "4000"}, "Groups")
    tap.equal(container.inside("id -u; id -g"), "1000\n2000", "exec")


@suite.case("runAsUserName is looked up in the image; USER of the image is the default")
def user_names(engine):
    pod = engine.pod()
    tap.equal(pod.output(["id", "-u"], run_as_username="app"), "1000\n", "by name")
    tap.equal(pod.output(["id", "-u"], image="docker.io/library/user:latest"), "1000\n", "by image")
    tap.equal(pod.output(["id", "-u"], image="docker.io/library/user:latest", run_as_user={"value": 0}), "0\n",
              "the pod overrides the image")


@suite.case("TRAP-42 TRAP-46 the umask is 0022, HOME is the user's, the environment as given")
def surroundings(engine):
    pod = engine.pod()
    said = pod.output(["sh", "-c", "umask; echo $HOME $A; pwd"], run_as_user={"value": 1000}, working_dir="/made/here",
                      envs=[{"key": "A", "value": "b c"}])
    tap.equal(said, "0022\n/home/app b c\n/made/here\n", "said")


def capabilities(container):
    return int(cri.status_field(container.pid, "CapEff")[0], 16)


@suite.case("capabilities: the default ones, one added, one dropped, all dropped, for each container of a pod")
def capability_lists(engine):
    pod = engine.pod()
    tap.equal(capabilities(pod.start()), DEFAULT_CAPABILITIES, "default")
    tap.equal(capabilities(pod.start(capabilities={"add_capabilities": ["NET_ADMIN"]})),
              DEFAULT_CAPABILITIES | 1 << CAP_NET_ADMIN, "added")
    tap.equal(capabilities(pod.start(capabilities={"drop_capabilities": ["CHOWN"]})),
              DEFAULT_CAPABILITIES & ~(1 << CAP_CHOWN), "dropped")
    tap.equal(capabilities(pod.start(capabilities={"drop_capabilities": ["ALL"]})), 0, "all dropped")
    tap.equal(capabilities(pod.start(capabilities={"drop_capabilities": ["ALL"], "add_capabilities": ["NET_ADMIN"]})),
              1 << CAP_NET_ADMIN, "all but one")


@suite.case("privileged: every capability, the host's devices, nothing masked or read-only")
def privileged(engine):
    pod = engine.pod(security={"privileged": True})
    container = pod.start(privileged=True)
    tap.equal(cri.status_field(container.pid, "CapEff"), cri.status_field("self", "CapBnd"), "CapEff")
    tap.equal(cri.status_field(container.pid, "Seccomp"), ["0"], "Seccomp")
    host = {name for name in os.listdir("/dev") if not os.path.isdir(f"/dev/{name}")
            and not os.path.islink(f"/dev/{name}") and name not in ("console", "ptmx")}
    inside = set(os.listdir(f"/proc/{container.pid}/root/dev"))
    tap.equal(sorted(host - inside), [], "devices of the host that are missing inside")
    tap.equal(container.inside("echo 1 >/proc/sys/net/ipv4/ip_forward; wc -c </proc/timer_list | grep -v '^0$' "
                               ">/dev/null; grep ' /sys ' /proc/mounts | grep -o ' rw,'"), "rw,", "/sys")


@suite.case("readOnlyRootFilesystem: only what is mounted takes a write")
def read_only_root(engine):
    container = engine.pod().start(readonly_rootfs=True)
    status, _, errors = container.execute("touch", "/file")
    tap.equal(status, 1, "status")
    tap.contains(errors, "Read-only file system", "the error")
    container.inside("touch /dev/shm/file")


@suite.case("allowPrivilegeEscalation is no_new_privs")
def new_privileges(engine):
    pod = engine.pod()
    for wanted in (True, False):
        tap.equal(cri.status_field(pod.start(no_new_privs=wanted).pid, "NoNewPrivs"), [str(int(wanted))], "NoNewPrivs")


@suite.case("masked and read-only paths are those that the kubelet lists")
def paths(engine):
    container = engine.pod().start(masked_paths=["/etc/passwd", "/home"], readonly_paths=["/data"])
    tap.equal(container.inside("cat /etc/passwd; ls /home"), "", "what is masked")
    tap.contains(container.execute("touch", "/data/file")[2], "Read-only file system", "what is read-only")
    tap.check(container.inside("head -n 1 /proc/timer_list"), "what is not listed is there")
    plain = engine.pod().start(masked_paths=["/proc/timer_list"], readonly_paths=["/proc/sys"])
    tap.equal(plain.inside("cat /proc/timer_list"), "", "/proc/timer_list")
    tap.contains(plain.execute("sh", "-c", "echo 1 >/proc/sys/vm/swappiness")[2], "Read-only file system", "/proc/sys")


@suite.case("seccompProfile: RuntimeDefault, Unconfined and Localhost, each its own filter")
def seccomp(engine):
    pod = engine.pod()
    profile = engine.scratch / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}))
    default = pod.start(seccomp={"profile_type": cri.RUNTIME_DEFAULT})
    tap.equal(cri.status_field(default.pid, "Seccomp"), ["2"], "RuntimeDefault")
    tap.equal(cri.status_field(pod.start(seccomp={"profile_type": cri.UNCONFINED}).pid, "Seccomp"), ["0"], "Unconfined")
    local = pod.start(seccomp={"profile_type": cri.LOCALHOST, "localhost_ref": str(profile)})
    tap.contains(local.execute("mkdir", "/new")[2], "not supported", "a call that the profile refuses")
    tap.equal(default.inside("mkdir /new && echo made"), "made", "the same by the default profile")


# --- namespaces ------------------------------------------------------------------------------------

def shared(one, other):
    return {name for name in ("cgroup", "ipc", "mnt", "net", "pid", "uts")
            if one.namespace(name) == other.namespace(name)}


@suite.case("two containers of a pod share its network, ipc and uts namespaces")
def shared_namespaces(engine):
    pod = engine.pod(network=cri.POD, hostname="a-pod")
    one, other = pod.start(), pod.start()
    tap.equal(shared(one, other) - {"cgroup"}, {"ipc", "net", "uts"}, "shared")
    tap.check(one.namespace("net") != os.readlink("/proc/self/ns/net"), "the network is not the node's")
    tap.equal([container.inside("hostname; cat /proc/1/comm") for container in (one, other)], ["a-pod\nsleep"] * 2,
              "hostname and PID 1")
    one.inside("echo word >/dev/shm/file")
    tap.equal(other.inside("cat /dev/shm/file"), "word", "/dev/shm")


@suite.case("TRAP-54 a pod's network is there before its containers: address and lo, both up")
def network(engine):
    pod = engine.pod(network=cri.POD)
    address = engine.cri.call("PodSandboxStatus", pod_sandbox_id=pod.id).status.network.ip
    tap.contains(address, "10.88.7.", "the pod's address")
    one = pod.start()
    tap.contains(one.inside("ip address show dev eth0"), f"inet {address}/", "eth0")
    tap.contains(one.inside("ip link show dev lo"), "LOWER_UP", "lo")


@suite.case("hostNetwork and hostIPC: the node's own namespaces")
def node_namespaces(engine):
    container = engine.pod(network=cri.NODE, ipc=cri.NODE).start()
    for name in ("net", "ipc", "uts"):
        tap.equal(container.namespace(name), os.readlink(f"/proc/self/ns/{name}"), name)


@suite.case("TRAP-01 shareProcessNamespace: one pid namespace, and exec's exit status comes through")
def shared_pids(engine):
    pod = engine.pod(pid=cri.POD)
    one, other = pod.start(), pod.start(["sleep", "2000"])
    tap.equal(shared(one, other) - {"cgroup"}, {"ipc", "net", "pid", "uts"}, "shared")
    tap.contains(one.inside("ps"), "sleep 2000", "the processes that a container sees")
    tap.check(cri.status_field(one.pid, "NSpid")[1] != "1", "PID 1 is the pause container")
    for status in (0, 7, 255):
        tap.equal(one.execute("sh", "-c", f"exit {status}")[0], status, "exit status")


@suite.case("hostPID: the container sees the node's processes")
def node_pids(engine):
    container = engine.pod(pid=cri.NODE).start()
    tap.equal(container.namespace("pid"), os.readlink("/proc/self/ns/pid"), "pid namespace")
    tap.contains(container.inside("ps"), "containerd", "what it sees")


@suite.case("an ephemeral container joins the pid namespace of its target")
def target_pids(engine):
    pod = engine.pod()
    target = pod.start()
    guest = pod.start(["sleep", "2000"], namespaces={"pid": cri.TARGET, "target_id": target.id})
    tap.equal(guest.namespace("pid"), target.namespace("pid"), "pid namespace")
    tap.equal(guest.inside("cat /proc/1/cmdline | head -c 5"), "sleep", "PID 1 is the target")


@suite.case("sysctls of the pod hold in its namespaces")
def sysctls(engine):
    pod = engine.pod(network=cri.POD, linux={"sysctls": {"net.ipv4.ip_local_port_range": "20000 21000",
                                                         "kernel.shm_rmid_forced": "1"}})
    tap.equal(pod.start().inside("cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced")
              .split(), ["20000", "21000", "1"], "values")


# --- files and devices -----------------------------------------------------------------------------

def shared_folder(engine, name):
    folder = engine.scratch / name
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    subprocess.run(["mount", "--make-shared", folder], check=True)
    return folder


@suite.case("mountPropagation: None, HostToContainer and Bidirectional")
def propagation(engine):
    folder = shared_folder(engine, "propagation")
    (folder / "host").mkdir()
    (folder / "inside").mkdir()
    try:
        pod = engine.pod(security={"privileged": True})

        def start(mode):
            return pod.start(privileged=True, mounts=[{"container_path": "/volume", "host_path": str(folder),
                                                       "propagation": mode}])
        private, slave, both = map(start, (cri.PRIVATE, cri.FROM_HOST, cri.BOTH_WAYS))
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder / "host"], check=True)
        (folder / "host/file").touch()
        tap.equal([container.inside("ls /volume/host") for container in (private, slave, both)], ["", "file", "file"],
                  "a mount that the host makes")
        for container, seen in ((slave, False), (both, True)):
            tap.equal(container.execute("/bin/busybox", "mount", "-t", "tmpfs", "tmpfs", "/volume/inside")[0], 0,
                      "mount inside")
            tap.equal(os.path.ismount(folder / "inside"), seen, "a mount that the container makes")
        engine.remove_pods()
    finally:
        subprocess.run(["umount", "--recursive", folder], check=True)
        folder.rmdir()


@suite.case("a volume that is read-only, and one that is not")
def volumes(engine):
    folder = engine.scratch / "volume"
    folder.mkdir()
    container = engine.pod().start(mounts=[
        {"container_path": "/ro", "host_path": str(folder), "readonly": True},
        {"container_path": "/rw", "host_path": str(folder)}])
    container.inside("echo word >/rw/file")
    tap.equal((folder / "file").read_text(), "word\n", "the host sees it")
    tap.contains(container.execute("touch", "/ro/file")[2], "Read-only file system", "the error")


@suite.case("a device has the permissions that were given, and a node made inside has none")
def devices(engine):
    # One that the runtime's own list lacks.
    found = next((path for path in ("/dev/loop-control", "/dev/fuse", "/dev/kvm", "/dev/hpet")
                  if os.path.exists(path)), None)
    if not found:
        raise tap.Skip("the host has no device to give")
    number = os.stat(found).st_rdev
    container = engine.pod().start(devices=[{"container_path": "/dev/given", "host_path": found, "permissions": "r"}],
                                   capabilities={"add_capabilities": ["MKNOD"]})
    container.inside(": </dev/given")
    tap.contains(container.execute("sh", "-c", ": >/dev/given")[2], "Operation not permitted", "writing")
    other = engine.pod().start(capabilities={"add_capabilities": ["MKNOD"]})
    other.inside(f"/bin/busybox mknod /dev/made c {os.major(number)} {os.minor(number)}")
    tap.contains(other.execute("sh", "-c", ": </dev/made")[2], "Operation not permitted", "reading one not given")


@suite.case("TRAP-45 the program is found by the container's PATH")
def search(engine):
    tools = engine.scratch / "tools"
    tools.mkdir()
    (tools / "tool").write_text("#!/bin/sh\necho found\n")
    (tools / "tool").chmod(0o755)
    said = engine.pod().output(["tool"], envs=[{"key": "PATH", "value": "/bin:/tools"}],
                               mounts=[{"container_path": "/tools", "host_path": str(tools)}])
    tap.equal(said, "found\n", "said")


# --- resources -------------------------------------------------------------------------------------

LIMITS = {"memory_limit_in_bytes": 64 << 20, "cpu_shares": 333, "cpu_quota": 50000, "cpu_period": 100000,
          "cpuset_cpus": "0"}


def remove_parent(engine):
    """The pod's cgroup is the kubelet's to remove."""
    engine.remove_pods()
    cri.shell("wait_until 5 remove_groups kubepods")


def expect_limits(container, wanted):
    tap.equal(container.limits("memory", "shares", "quota", "period", "cpus"),
              [str(wanted["memory_limit_in_bytes"]), cri.as_shares(wanted["cpu_shares"]), str(wanted["cpu_quota"]),
               str(wanted["cpu_period"]), wanted["cpuset_cpus"]], "limits")


@suite.case("resources of a container are in its cgroup, beneath the pod's")
def resources(engine):
    container = engine.pod(linux={"cgroup_parent": cri.parent("kubepods")}).start(resources=LIMITS)
    name = f".slice/cri-containerd-{container.id}.scope" if cri.sandbox.with_systemd() else f"/{container.id}"
    tap.equal(container.group(), f"/kubepods{name}", "cgroup")
    expect_limits(container, LIMITS)
    remove_parent(engine)


@suite.case("CALL-19 TRAP-51 TRAP-52 UpdateContainerResources: limits go up and down, devices stay usable")
def update(engine):
    container = engine.pod().start(resources=LIMITS)
    for memory, shares, quota in ((256 << 20, 777, 80000), (32 << 20, 55, 20000)):
        wanted = {**LIMITS, "memory_limit_in_bytes": memory, "cpu_shares": shares, "cpu_quota": quota}
        engine.cri.call("UpdateContainerResources", container_id=container.id, linux=wanted)
        expect_limits(container, wanted)
    container.inside("head -c 1 /dev/urandom >/dev/null; echo >/dev/null")


@suite.case("TRAP-49 the oom score is the pod's, for exec too")
def oom_score(engine):
    container = engine.pod().start(resources={"oom_score_adj": 500})
    with open(f"/proc/{container.pid}/oom_score_adj", encoding="ascii") as file:
        tap.equal(file.read().strip(), "500", "of the container")
    tap.equal(container.inside("cat /proc/self/oom_score_adj"), "500", "of exec")


@suite.case("stats of a container and of a pod are not zero")
def stats(engine):
    pod = engine.pod(linux={"cgroup_parent": cri.parent("kubepods")})
    container = pod.start(["sh", "-c", "for i in $(cat /proc/kallsyms | head -n 2000); do :; done; exec sleep 1000"])

    def used():
        of = engine.cri.call("ContainerStats", container_id=container.id).stats
        return of.cpu.usage_core_nano_seconds.value and of.memory.working_set_bytes.value
    tap.eventually(used, "processor time and memory of the container")
    found = {of.attributes.id: of.linux for of in engine.cri.call("ListPodSandboxStats").stats}
    tap.check(found[pod.id].memory.usage_bytes.value > 0, "memory of the pod")
    tap.check(found[pod.id].process.process_count.value >= 1, "processes of the pod")
    remove_parent(engine)


suite.main()
