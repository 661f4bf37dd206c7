#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How containers of pods start, run commands and end, as the kubelet sees it; what holds when containerd or a shim
dies; and which calls the shim makes for that. See cri.t."""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cri  # noqa: E402  pylint: disable=wrong-import-position
import cri_stream  # noqa: E402  pylint: disable=wrong-import-position
from cri import tap  # noqa: E402  pylint: disable=wrong-import-position

suite = cri.Suite()


def exists(pid):
    return os.path.exists(f"/proc/{pid}")


def state_of(identity):
    return os.path.exists(f"{cri.STATE}/{identity}")


# --- exec ------------------------------------------------------------------------------------------

@suite.case("CALL-07 ExecSync gives status, output and errors")
def exec_sync(engine):
    container = engine.pod().start()
    tap.equal(container.execute("sh", "-c", "echo out; echo err >&2; exit 9"), (9, "out\n", "err\n"), "result")
    tap.equal(container.execute("sh", "-c", "kill -9 $$")[0], 137, "killed by a signal")
    with cri.refused("no such file or directory"):
        container.execute("/no/such")
    tap.equal(container.execute("cat", "/proc/self/comm"), (0, "cat\n", ""), "the container is as it was")


@suite.case("ExecSync that outlasts its timeout is killed")
def exec_timeout(engine):
    container = engine.pod().start()
    start = time.monotonic()
    with cri.refused("timeout 1s exceeded"):
        container.execute("sleep", "777", timeout=1)
    tap.check(time.monotonic() - start < 10, "it took long")
    tap.check("sleep 777" not in container.inside("ps"), "no process of it is left")


@suite.case("Exec with pipes: standard input, output, errors and status are streamed")
def exec_stream(engine):
    container = engine.pod().start()
    script = "read -r line; echo $line; echo err >&2; exit 4"
    result = cri_stream.execute(engine, container, ["sh", "-c", script], b"word\n", False)
    tap.equal((result.output, result.errors, result.status), (b"word\n", b"err\n", 4), "result")


@suite.case("CALL-08 TRAP-13 TRAP-14 Exec with a terminal")
def exec_terminal(engine):
    container = engine.pod().start()
    # Without standard input this containerd loses output of a terminal, whatever the runtime.
    result = cri_stream.execute(engine, container, ["sh", "-c", "tty; read -r line; exit 3"], b"\n", True)
    tap.check(re.search(rb"/dev/pts/\d+\r\n", result.output), f"it writes {result.output!r}")
    tap.equal(result.status, 3, "status")


@suite.case("CALL-03 TRAP-03 TRAP-13 TRAP-14 a container with a terminal starts and has it as its own")
def terminal(engine):
    container = engine.pod().start(["sh", "-c", "tty; cut -d ' ' -f 7 /proc/self/stat"], tty=True)
    container.wait()
    name, device = container.text().split()
    tap.check(re.fullmatch("/dev/(pts/0|console)", name), f"tty says {name}")
    tap.check(device != "0", "it has a controlling terminal")


@suite.case("ten execs at once, beside ten containers that start at once")
def at_once(engine):
    pod = engine.pod()
    container = pod.start()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        execs = [pool.submit(container.execute, "sh", "-c", f"exit {number}") for number in range(10)]
        names = [f"at-once-{number}" for number in range(10)]
        others = [pool.submit(pod.output, ["echo", name], name=name) for name in names]
        tap.equal([done.result()[0] for done in execs], list(range(10)), "exit statuses")
        tap.equal([done.result() for done in others], [f"{name}\n" for name in names], "outputs")


# --- ends ------------------------------------------------------------------------------------------

@suite.case("a container that ends: Completed, Error, and 128 and the number of its signal")
def ends(engine):
    pod = engine.pod()
    for script, code, reason in (("exit 0", 0, "Completed"), ("exit 3", 3, "Error"),
                                 ("sh -c 'kill -9 $$'; exit $?", 137, "Error"),
                                 ("sh -c 'kill -15 $$'; exit $?", 143, "Error")):
        container = pod.start(["sh", "-c", script])
        status = container.wait()
        tap.equal((status.exit_code, status.reason), (code, reason), script)
        tap.check(status.started_at > 0 and status.finished_at > 0, "its times")


@suite.case("a container that runs out of memory: OOMKilled and 137")
def out_of_memory(engine):
    container = engine.pod().start(["sh", "-c", "a=x; while :; do a=$a$a; done"],
                                   resources={"memory_limit_in_bytes": 16 << 20})
    status = container.wait()
    # systemd removes the empty scope, and now and then before the shim has read its memory.events; with runc, too.
    reasons = ("OOMKilled", "Error") if os.environ.get("ENGINE_CGROUPS") == "systemd" else ("OOMKilled",)
    tap.equal(status.exit_code, 137, "exit code")
    tap.check(status.reason in reasons, f"the reason is {status.reason}")


@suite.case("TRAP-18 TRAP-39 StartError and 128 for a program that is missing or no program")
def start_errors(engine):
    pod = engine.pod()
    for program, words in (("/no/such", "no such file or directory"), ("no-such", "not found"),
                           ("/etc", "is a directory|permission denied"), ("/bin/notexec", "permission denied"),
                           ("/etc/passwd/x", "not a directory")):
        container = pod.create([program])
        try:
            container.start()
            raise tap.Failure(f"{program} started")
        except cri.grpc.RpcError as error:
            tap.check(re.search(words, error.details()), f"{program}: {error.details()}")
        status = container.status()
        tap.equal((status.state, status.exit_code, status.reason), (cri.EXITED, 128, "StartError"), program)
        tap.check(re.search(words, status.message), f"{program}: {status.message}")
        tap.check(not state_of(container.id), "its state is gone")


def start_trapping(pod, trap, **options):
    """A container that has set a trap in its shell."""
    container = pod.start(["sh", "-c", f"trap {trap}; echo ready; while :; do sleep 0.1; done"], **options)
    tap.eventually(container.text, "it is ready")
    return container


@suite.case("CALL-10 CALL-13 StopContainer: TERM, and KILL when the grace is over")
def stop(engine):
    pod = engine.pod()
    polite = start_trapping(pod, "'exit 5' TERM")
    start = time.monotonic()
    polite.stop(timeout=20)
    tap.equal(polite.status().exit_code, 5, "one that ends by TERM")
    tap.check(time.monotonic() - start < 10, "it ended at once")
    deaf = start_trapping(pod, "'' TERM")
    start = time.monotonic()
    deaf.stop(timeout=1)
    tap.equal(deaf.status().exit_code, 137, "one that is deaf to TERM")
    tap.check(1 <= time.monotonic() - start < 10, "it had its grace")
    for container in (polite, deaf):
        container.remove()
        tap.check(not state_of(container.id), "its state is gone")


@suite.case("CALL-10 StopContainer sends the signal of the image, RTMIN+3")
def stop_signal(engine):
    container = start_trapping(engine.pod(), "'exit 6' 37", image="docker.io/library/signal:latest")
    container.stop(timeout=20)
    tap.equal(container.status().exit_code, 6, "exit code")


@suite.case("CALL-12 TRAP-23 hostPID: what the first process leaves running dies with the container")
def kill_all(engine):
    pod = engine.pod(pid=cri.NODE)
    container = pod.start(["sh", "-c", "sleep 4321 & echo $!; exec sleep 1"])
    tap.eventually(container.text, "it writes")
    left = int(container.text())
    tap.check(exists(left), "the one left runs")
    container.wait()
    tap.eventually(lambda: not exists(left), "the one left is dead")


@suite.case("TRAP-21 a container that was created and never started is removed")
def created(engine):
    pod = engine.pod()
    container = pod.create()
    tap.equal(container.status().state, cri.CREATED, "state")
    container.remove()
    with cri.refused("not found"):
        container.status()


@suite.case("RemovePodSandbox ends what still runs in it")
def remove_running(engine):
    pod = engine.pod()
    pids = [pod.start().pid for _ in range(3)] + [pod.info()["pid"]]
    engine.remove(pod)
    tap.equal([pid for pid in pids if exists(pid)], [], "what still runs")


# --- what dies beside them -------------------------------------------------------------------------

@suite.case("containerd dies and comes back: pods go on, and what ended meanwhile is known")
def restart(engine):
    pod = engine.pod(network=cri.POD)
    stays, ends_meanwhile = pod.start(), pod.start(["sh", "-c", "sleep 1; exit 8"])
    pid = stays.pid
    engine.stop(signal.SIGKILL)
    time.sleep(1.2)
    engine.start()
    tap.equal((stays.status().state, stays.pid), (cri.RUNNING, pid), "the one that runs")
    status = ends_meanwhile.wait()
    if not cri.is_containerd_2():  # which forgets what it was, whatever the runtime
        tap.equal(status.exit_code, 8, "the one that ended")
    tap.equal(stays.execute("sh", "-c", "exit 4")[0], 4, "exec")
    tap.equal(pod.output(["echo", "word"]), "word\n", "another container")
    engine.cri.call("UpdateContainerResources", container_id=stays.id, linux={"cpu_shares": 99})
    tap.equal(stays.limits("shares"), [cri.as_shares(99)], "an update")
    stays.stop()
    tap.equal(stays.status().exit_code, 137, "stopped")


def shim_of(pod):
    with open(f"/proc/{pod.info()['pid']}/stat", encoding="ascii") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


@suite.case("CALL-14 TRAP-24 TRAP-25 the shim dies: its containers are ended and removed by delete --force")
def shim_dies(engine):
    if cri.is_containerd_2():
        raise tap.Skip("containerd 2.1 forgets the containers of a dead shim, whatever the runtime")
    pod = engine.pod(network=cri.POD)
    container = pod.start(["sh", "-c", "sleep 4321 & exec sleep 1000"])
    pids = [container.pid, pod.info()["pid"]]
    os.kill(shim_of(pod), signal.SIGKILL)
    tap.eventually(lambda: container.status().state == cri.EXITED, "the container is known to have ended", 15)
    tap.eventually(lambda: not any(map(exists, pids)), "its processes are dead", 15)
    tap.eventually(lambda: not state_of(container.id) and not state_of(pod.id), "their state is gone", 15)
    tap.eventually(lambda: pod.state() == 1, "the pod is not ready", 15)


# --- the options of a handler, and the calls -------------------------------------------------------

def restart_with(engine, name, binary, **options):
    """containerd again, with one more handler, or another of that name."""
    handler = f'plugins."{cri.plugin()}".containerd.runtimes.{name}'
    lines = "".join(f"{key} = {value}\n" for key, value in options.items())
    engine.stop()
    engine.handlers[name] = (f'\n[{handler}]\nruntime_type = "io.containerd.runc.v2"\n[{handler}.options]\n'
                             f'BinaryName = "{binary}"\n{lines}')
    engine.start()


def recorder(engine):
    """A program that writes down how it is called and goes on as BRIG."""
    record, program = engine.scratch / "calls", engine.scratch / "recorder"
    program.write_text(f'#!/bin/sh\necho "$*" >>{record}\nexec {cri.sandbox.brig()} "$@"\n')
    program.chmod(0o755)
    return program, record


@suite.case("CALL-04 CALL-61 NoPivotRoot, NoNewKeyring, Root and CriuPath of a handler")
def handler_options(engine):
    program, record = recorder(engine)
    elsewhere = engine.scratch / "elsewhere"
    restart_with(engine, "options", program, NoPivotRoot="true", NoNewKeyring="true", Root=f'"{elsewhere}"',
                 CriuPath='"/usr/sbin/criu"')
    pod = engine.pod("options")
    container = pod.start()
    tap.check((elsewhere / "k8s.io" / container.id).is_dir(), "state beneath Root")
    tap.equal(container.inside("ls /bin/busybox; ls -d /proc/self"), "/bin/busybox\n/proc/self", "inside")
    tap.check("/mnt" not in container.inside("cat /proc/mounts | cut -d ' ' -f 2 | grep -E '^/(mnt|usr)' ; true"),
              "no mount of the host")
    calls = record.read_text()
    record.unlink()
    criu = "" if cri.is_containerd_2() else "--criu /usr/sbin/criu "
    call = rf"^--root {elsewhere}/k8s\.io .*{criu}create .*--no-pivot --no-new-keyring {container.id}"
    tap.check(re.search(call, calls, re.M), f"the calls were {calls}")


CALLS = {
    "CALL-02": r"{G} create --bundle {B} --pid-file {B}/init\.pid {ID}",
    "CALL-03": r"{G} create --bundle {B} --pid-file {B}/init\.pid --console-socket \S+/pty\.sock {ID}",
    "CALL-06": r"{G} start {ID}",
    "CALL-07": r"{G} exec --process \S+ --detach --pid-file {B}/\w+\.pid {ID}",
    "CALL-08": r"{G} exec --process \S+ --console-socket \S+/pty\.sock --detach --pid-file {B}/\w+\.pid {ID}",
    "CALL-10": r"{G} kill {ID} (15|9)",
    "CALL-12": r"{G} kill --all {ID} 9",
    "CALL-13": r"{G} delete {ID}",
    "CALL-14": r"--root {R} --log \S+/log\.json --log-format json delete --force {ID}",
    "CALL-15": r"{G} ps --format json {ID}",
    "CALL-17": r"{G} (pause|resume) {ID}",
    "CALL-19": r"{G} update --resources[ =]- {ID}",
}
WORDS = {"R": r"/run/containerd/runc/k8s\.io", "B": r"\S+/io\.containerd\.runtime\.v2\.task/k8s\.io/[0-9a-f]{64}",
         "ID": "[0-9a-f]{64}"}
WORDS["G"] = r"--root {R} --log {B}/log\.json --log-format json".format(**WORDS)
if cri.is_containerd_2():
    CALLS["CALL-23"] = "features"
recorded = []  # nothing when that failed, after which each of these cases fails
tried = []


def record_calls(engine):
    """A pod with all that the shim has calls for; what it called."""
    program, record = recorder(engine)
    restart_with(engine, "recorded", program)
    pod = engine.pod("recorded", pid=cri.NODE)
    container, sleeper = pod.start(), pod.start(["sleep", "1"])
    pod.start(["sh", "-c", "exit 0"], tty=True).wait()
    container.inside("true")
    cri_stream.execute(engine, container, ["true"], None, True)
    engine.cri.call("UpdateContainerResources", container_id=container.id, linux={"cpu_shares": 99})
    for command in (["ps"], ["pause"], ["resume"]):
        subprocess.run(["ctr", "--address", cri.SOCKET, "-n", "k8s.io", "task", *command, container.id], check=True,
                       stdout=subprocess.DEVNULL)
    sleeper.wait()
    container.stop(timeout=1)
    container.remove()
    os.kill(shim_of(pod), signal.SIGKILL)
    tap.eventually(lambda: pod.state() == 1, "the pod is not ready", 15)
    tap.eventually(lambda: not state_of(pod.id), "its state is gone", 15)
    engine.remove_pods()
    return record.read_text().splitlines()


def recorded_call(identity):
    @suite.case(f"{identity} the shim makes this call, and all is well: {CALLS[identity].format(**NAMES)}")
    def call(engine):
        if not tried:
            tried.append(True)
            recorded.extend(record_calls(engine))
        pattern = CALLS[identity].format(**WORDS)
        tap.check(any(re.fullmatch(pattern, line) for line in recorded),
                  f"no call like {pattern} among\n" + "\n".join(recorded))


NAMES = {"G": "G", "R": "R", "B": "B", "ID": "ID"}
for row in CALLS:
    recorded_call(row)
suite.main()
