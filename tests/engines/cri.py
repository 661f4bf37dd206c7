# SPDX-License-Identifier: Apache-2.0
"""A private containerd inside tests/sandbox, its CRI socket as the kubelet uses it, and the cases that drive it."""
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from harness import oracle, sandbox, tap  # noqa: E402  pylint: disable=wrong-import-position

try:
    import grpc
except ImportError:
    sandbox.leave("python3-grpcio is not installed")

EXAMPLES = REPO / "man/examples"
SOCKET = "/run/containerd/containerd.sock"
BUSYBOX = "docker.io/library/busybox:latest"
STATE = "/run/containerd/runc/k8s.io"
TASKS = "/run/containerd/io.containerd.runtime.v2.task/k8s.io"
POD, CONTAINER, NODE, TARGET = range(4)
PRIVATE, FROM_HOST, BOTH_WAYS = range(3)
RUNTIME_DEFAULT, UNCONFINED, LOCALHOST = range(3)
CREATED, RUNNING, EXITED = range(3)


def shell(script, **variables):
    """Runs a line that may use tests/engines/lib.sh; its output."""
    environment = dict(os.environ, **{name: str(value) for name, value in variables.items()})
    done = subprocess.run(["bash", "-c", f'set -eu; source "{HERE}/lib.sh"; {script}'], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    tap.check(done.returncode == 0, f"{script}: {done.stderr}")
    return done.stdout


def as_shares(shares):
    """What limits() says of cpu.shares."""
    return shell('as_shares "$SHARES"', SHARES=shares).strip()


def parent(name):
    """A group of that name, as the kubelet names it to containerd."""
    return shell('parent_named "/$NAME"', NAME=name).strip().replace("//", "/")


class Cri:
    """The calls of the CRI by name: cri.call("StopContainer", container_id=id, timeout=3)."""

    def __init__(self, scratch):
        generated = scratch / "generated"
        generated.mkdir()
        subprocess.run(["protoc", f"--proto_path={HERE}", f"--python_out={generated}", "cri.proto"], check=True)
        sys.path.insert(0, str(generated))
        import cri_pb2  # pylint: disable=import-error,import-outside-toplevel
        self.messages = cri_pb2
        self.channel = None

    def connect(self):
        self.channel = grpc.insecure_channel(f"unix://{SOCKET}")

    def disconnect(self):
        self.channel.close()

    def call(self, method, seconds=60, **fields):
        request = getattr(self.messages, f"{method}Request")(**fields)
        response = getattr(self.messages, f"{method}Response")
        service = "ImageService" if "Image" in method else "RuntimeService"
        return self.channel.unary_unary(f"/runtime.v1.{service}/{method}", type(request).SerializeToString,
                                        response.FromString)(request, timeout=tap.patient(seconds))


def may_lower_oom_score():
    CAP_SYS_RESOURCE = 24
    return bool(int(status_field("self", "CapBnd")[0], 16) >> CAP_SYS_RESOURCE & 1)


@contextlib.contextmanager
def refused(words):
    """The block is one call that fails with these words."""
    try:
        yield
    except grpc.RpcError as error:
        tap.contains(error.details(), words, "the error")
        return
    raise tap.Failure(f"succeeded, but should have failed with {words!r}")


def of_containerd(*arguments):
    return subprocess.run(["containerd", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


@functools.cache
def is_containerd_2():
    return bool(shutil.which("containerd") and re.search(r" v?2\.", of_containerd("--version")))


def plugin():
    return "io.containerd.cri.v1.runtime" if is_containerd_2() else "io.containerd.grpc.v1.cri"


class Engine:
    """containerd, started from the file that brig ships."""

    def __init__(self):
        self.scratch = pathlib.Path(os.environ["SCRATCH"])
        self.cri = Cri(self.scratch)
        self.process = None
        self.log = self.scratch / "containerd.log"
        self.pods = []
        self.number = 0
        self.baseline = None
        self.pause = re.search("registry.k8s.io/pause:[0-9.]+", of_containerd("config", "default"))[0]
        shipped = (EXAMPLES / f"containerd-config-v{3 if is_containerd_2() else 2}.toml").read_text()
        tap.equal(shipped.count("/usr/local/bin/brig"), 1, "paths in the shipped file")
        self.handlers = {}  # those of the cases, by name: text for the end of the file
        self.config = shipped.replace("/usr/local/bin/brig", sandbox.brig())
        if sandbox.with_systemd():
            driver = "\n  SystemdCgroup = true\n"
            self.config = re.sub(r"(?<=\n)( *BinaryName = .*)\n", rf"\1{driver}", self.config)
            self.handlers["runc"] = f'\n[plugins."{plugin()}".containerd.runtimes.runc.options]{driver}'
        if not may_lower_oom_score():  # a node without that right needs this line, whatever its runtime
            self.config += f'\n[plugins."{plugin()}"]\nrestrict_oom_score_adj = true\n'

    def prepare(self):
        """The network that a node has, and the images, without which no pod starts."""
        for folder in ("/etc", "/opt"):
            layers = self.scratch / f"overlay{folder}"
            for name in ("upper", "work"):
                (layers / name).mkdir(parents=True)
            subprocess.run(["mount", "-t", "overlay", "-o",
                            f"lowerdir={folder},upperdir={layers}/upper,workdir={layers}/work", "overlay", folder],
                           check=True)
        os.makedirs("/opt/cni", exist_ok=True)
        os.symlink("/usr/lib/cni", "/opt/cni/bin")
        networks = pathlib.Path("/etc/cni/net.d")
        networks.mkdir(parents=True, exist_ok=True)
        for old in networks.iterdir():
            old.unlink()
        (networks / "10-pods.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "pods", "plugins": [
                {"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.88.7.0/24",
                                         "dataDir": str(self.scratch / "cni")}}]}))
        self.start()
        shell(r"""
            make_rootfs "$SCRATCH/fs"
            make_image "$SCRATCH/busybox.tar" "$SCRATCH/fs" busybox:latest
            make_image "$SCRATCH/user.tar" "$SCRATCH/fs" user:latest 1000
            STOP_SIGNAL=RTMIN+3 make_image "$SCRATCH/signal.tar" "$SCRATCH/fs" signal:latest
            IMAGE_CMD='["sleep", "1000000"]' make_image "$SCRATCH/pause.tar" "$SCRATCH/fs" %s
            for name in busybox user signal pause; do
                ctr -n k8s.io image import "$SCRATCH/$name.tar" >/dev/null
            done""" % self.pause)
        tap.eventually(lambda: self.cri.call("ImageStatus", image={"image": self.pause}).image.id, "the images", 10)
        for handler in ("brig", ""):  # the first pods leave folders that stay
            self.remove(self.pod(handler, network=POD))
        self.baseline = self.snapshot()

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            path = self.scratch / "config.toml"
            path.write_text(self.config + "".join(self.handlers.values()))
            self.process = subprocess.Popen(
                ["containerd", "--config", str(path), "--root", str(self.scratch / "containerd"),
                 "--state", "/run/containerd", "--address", SOCKET], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def listens():
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(SOCKET) == 0

        def ready():
            try:
                return self.cri.call("Version", seconds=2).runtime_name
            except grpc.RpcError:
                return ""
        tap.eventually(listens, "containerd listens", 30)  # grpc waits for seconds between two attempts of its own
        self.cri.connect()
        tap.eventually(ready, "containerd answers", 30)

    def stop(self, number=signal.SIGTERM):
        self.cri.disconnect()
        self.process.send_signal(number)
        self.process.wait(tap.patient(30))

    def pod(self, handler="brig", **options):
        self.number += 1
        pod = Pod(self, f"pod{self.number}", handler, **options)
        self.pods.append(pod)
        pod.run()
        return pod

    def remove(self, pod):
        self.pods.remove(pod)
        pod.remove()

    def remove_pods(self):
        for pod in list(self.pods):
            self.remove(pod)

    @staticmethod
    def snapshot():
        return oracle.Snapshot(STATE)

    def expect_clean(self):
        """No process, mount, cgroup, state or network namespace is there that was not before."""
        def leaks():
            found = self.baseline.leaks({self.process.pid})
            return found + [f"network namespace: {name}" for name in os.listdir("/run/netns")]
        deadline = time.monotonic() + tap.patient(15)
        while leaks() and time.monotonic() < deadline:
            time.sleep(0.02)
        tap.equal(leaks(), [], "left behind")


class Pod:
    """A pod and its containers; the network is the node's unless the case asks for one."""

    def __init__(self, engine, name, handler, pid=CONTAINER, ipc=POD, network=NODE, security=None, **config):
        self.engine, self.cri, self.handler = engine, engine.cri, handler
        self.namespaces = {"network": network, "pid": pid, "ipc": ipc}
        self.logs = engine.scratch / "logs" / name
        self.logs.mkdir(parents=True)
        linux = config.pop("linux", {})
        if sandbox.with_systemd():  # every pod of a kubelet's has a parent
            linux = {"cgroup_parent": parent("pods"), **linux}
        self.config = {"metadata": {"name": name, "uid": f"uid-{name}", "namespace": "tests"},
                       "log_directory": str(self.logs),
                       "linux": {"security_context": {"namespace_options": self.namespaces, **(security or {})},
                                 **linux}, **config}
        self.id = ""
        self.number = 0

    def run(self):
        self.id = self.cri.call("RunPodSandbox", config=self.config, runtime_handler=self.handler).pod_sandbox_id

    def create(self, command=("sleep", "1000"), image=BUSYBOX, resources=None, namespaces=None, name="", **options):
        """A container; options are those of the security context, and those of the container's own level."""
        self.number += 1
        name = name or f"c{self.number}"
        security = {key: options.pop(key) for key in list(options) if key in SECURITY}
        security = {"namespace_options": {**self.namespaces, **(namespaces or {})}, **security}
        config = {"metadata": {"name": name}, "image": {"image": image}, "command": command,
                  "log_path": f"{name}.log",
                  "linux": {"security_context": security, "resources": resources or {}}, **options}
        made = self.cri.call("CreateContainer", pod_sandbox_id=self.id, config=config, sandbox_config=self.config)
        return Container(self, made.container_id, self.logs / f"{name}.log")

    def start(self, *arguments, **options):
        container = self.create(*arguments, **options)
        container.start()
        return container

    def output(self, *arguments, **options):
        """What a container that ends by itself has written."""
        container = self.start(*arguments, **options)
        container.wait()
        return container.text()

    def info(self):
        return json.loads(self.cri.call("PodSandboxStatus", pod_sandbox_id=self.id, verbose=True).info["info"])

    def state(self):
        return self.cri.call("PodSandboxStatus", pod_sandbox_id=self.id).status.state

    def remove(self):
        if self.id:
            self.cri.call("StopPodSandbox", pod_sandbox_id=self.id)
            self.cri.call("RemovePodSandbox", pod_sandbox_id=self.id)


SECURITY = {"capabilities", "privileged", "run_as_user", "run_as_username", "run_as_group", "readonly_rootfs",
            "supplemental_groups", "no_new_privs", "masked_paths", "readonly_paths", "seccomp"}


class Container:
    def __init__(self, pod, identity, log):
        self.pod, self.cri, self.id, self.log = pod, pod.cri, identity, log

    def start(self):
        self.cri.call("StartContainer", container_id=self.id)

    def stop(self, timeout=0):
        self.cri.call("StopContainer", container_id=self.id, timeout=timeout)

    def remove(self):
        self.cri.call("RemoveContainer", container_id=self.id)

    def status(self):
        return self.cri.call("ContainerStatus", container_id=self.id).status

    def wait(self, seconds=20):
        tap.eventually(lambda: self.status().state == EXITED, "the container ends", seconds)
        return self.status()

    @property
    def pid(self):
        return json.loads(self.cri.call("ContainerStatus", container_id=self.id, verbose=True).info["info"])["pid"]

    def text(self):
        """What it wrote; each line of the log is "TIME STREAM F TEXT"."""
        return "".join(line.split(" ", 3)[3] for line in self.log.read_text().splitlines(keepends=True))

    def execute(self, *command, timeout=0):
        done = self.cri.call("ExecSync", container_id=self.id, cmd=command, timeout=timeout)
        return done.exit_code, done.stdout.decode(), done.stderr.decode()

    def inside(self, script):
        status, output, errors = self.execute("sh", "-c", script)
        tap.equal((status, errors), (0, ""), f"{script}: status and standard error")
        return output.strip()

    def namespace(self, name):
        return os.readlink(f"/proc/{self.pid}/ns/{name}")

    def limits(self, *names):
        """Limits of its cgroup by the names of limit_of in lib.sh, as strings."""
        return shell('for name in $NAMES; do limit_of "$PID" "$name"; done', PID=self.pid,
                     NAMES=" ".join(names)).split("\n")[:-1]

    def group(self):
        return shell('group_of "$PID"', PID=self.pid).strip()


def status_field(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(f"{field}:"):
                return line.split(":", 1)[1].split()
    raise tap.Failure(f"no {field} in the status of {pid}")


class Suite:
    """The cases of cri.t: functions that take the engine; each must leave nothing behind."""

    def __init__(self):
        self.cases = []

    def case(self, title):
        def add(function):
            self.cases.append((title, function))
            return function
        return add

    def main(self):
        sandbox.enter(view=["--systemd"] if sandbox.with_systemd() else [])
        sandbox.be_no_subreaper()  # the sandbox's PID 1 reaps shims, as a node's does
        for program in ("containerd", "ctr", "protoc"):
            if subprocess.run(["which", program], stdout=subprocess.DEVNULL, check=False).returncode:
                sandbox.leave(f"{program} is not installed")
        sys.stdout.reconfigure(line_buffering=True)
        engine = Engine()
        engine.prepare()
        chosen = [case for case in self.cases if all(word in case[0] for word in sys.argv[1:])]
        print(f"1..{len(chosen)}")
        failed = 0
        for number, (title, function) in enumerate(chosen, 1):
            start = time.monotonic()
            verdict, notes = self.run_one(engine, function)
            failed += verdict == "not ok"
            skip = f" # SKIP {notes}" if verdict == "skip" else ""
            print(f"{'ok' if verdict == 'skip' else verdict} {number} - {title}{skip}")
            if os.environ.get("BRIG_TEST_TIMES"):
                print(f"#   took {time.monotonic() - start:.1f} s")
            if verdict == "not ok":
                print("\n".join(f"#   {line}" for line in notes.splitlines()))
        engine.stop()
        sys.stdout.flush()
        os._exit(1 if failed else 0)

    @staticmethod
    def run_one(engine, function):
        verdict, notes = "ok", ""
        written = engine.log.stat().st_size
        try:
            function(engine)
        except tap.Skip as skip:
            verdict, notes = "skip", str(skip)
        except tap.Failure as failure:
            verdict, notes = "not ok", str(failure)
        except Exception:  # a broken test is a failed test, and the next one still runs
            verdict, notes = "not ok", traceback.format_exc()
        try:
            engine.remove_pods()
            engine.expect_clean()
        except Exception as error:
            verdict, notes = "not ok", f"{notes}\nafterwards: {error}"
        if verdict == "not ok":
            with open(engine.log, encoding="utf-8") as file:
                file.seek(written)
                notes += "\n" + "".join(file.readlines()[-12:])
        return verdict, notes
