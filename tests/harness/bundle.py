# SPDX-License-Identifier: Apache-2.0
"""Bundles: a root file system of hard links and a config that a case edits as plain data."""
import copy
import json
import os

from . import sandbox

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLETS = ("sh cat echo ls sleep true false kill id mknod mount umount mkdir touch stat ps "
           "readlink env hostname chmod chown dd test head tail wc sync nproc date stty tty "
           "printf rm rmdir mv ln cp grep sed awk expr yes setsid nc ip ifconfig free usleep seq "
           "pwd dmesg chroot cut tr basename find xargs").split()
PROGRAMS = ("busybox", "probe", "syscalls", "nothing", "prey")
CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
NAMESPACES = ("pid", "network", "ipc", "uts", "mount")

MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
     "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs",
     "options": ["nosuid", "noexec", "nodev", "ro"]},
]

DEFAULT = {
    "ociVersion": "1.2.0",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["/bin/probe"],
        "env": [f"PATH={PATH}", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {name: CAPABILITIES for name in ("bounding", "effective", "permitted")},
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "brig",
    "mounts": MOUNTS,
    "linux": {
        "namespaces": [{"type": name} for name in NAMESPACES],
        "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                        "/proc/scsi", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                          "/proc/sysrq-trigger"],
    },
}


def stock(root):
    """The files that every root file system links to; made once per program."""
    base = os.path.join(root, "stock")
    if not os.path.isdir(base):
        os.makedirs(base)
        sources = {name: os.path.join(sandbox.PAYLOAD, name) for name in PROGRAMS[1:]}
        for name, source in {"busybox": "/bin/busybox", **sources}.items():
            with open(source, "rb") as file, open(os.path.join(base, name), "wb") as copy_of:
                copy_of.write(file.read())
            os.chmod(os.path.join(base, name), 0o755)
    return base


def make_rootfs(path, base, folders=("proc", "dev", "sys", "tmp", "etc", "root", "run")):
    os.makedirs(os.path.join(path, "bin"))
    for name in folders:
        os.mkdir(os.path.join(path, name))
    for name in PROGRAMS:
        os.link(os.path.join(base, name), os.path.join(path, "bin", name))
    for name in APPLETS:
        os.symlink("busybox", os.path.join(path, "bin", name))
    if "etc" in folders:
        with open(os.path.join(path, "etc", "passwd"), "w", encoding="ascii") as file:
            file.write("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")


class Bundle:
    """A folder with rootfs/ and config.json. Edit .config, or use the short forms."""

    def __init__(self, path, base, args=None, shell=None):
        self.path = path
        self.rootfs = os.path.join(path, "rootfs")
        os.makedirs(path)
        make_rootfs(self.rootfs, base)
        self.config = copy.deepcopy(DEFAULT)
        if sandbox.stand_in() == "crun":
            self.config["ociVersion"] = "1.0.2"  # 1.8 knows no newer one
        self.text = None  # written instead of the config: for what is not JSON
        if shell is not None:
            args = ["/bin/sh", "-c", shell]
        if args is not None:
            self.process["args"] = list(args)

    @property
    def process(self):
        return self.config["process"]

    @property
    def linux(self):
        return self.config["linux"]

    @property
    def mounts(self):
        return self.config["mounts"]

    def inside(self, path):
        """The host's path of a path in the root file system."""
        return os.path.join(self.rootfs, path.lstrip("/"))

    def file(self, path, content="", mode=0o644):
        host = self.inside(path)
        os.makedirs(os.path.dirname(host), exist_ok=True)
        with open(host, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
        os.chmod(host, mode)
        return host

    def capabilities(self, *names, sets=("bounding", "effective", "permitted")):
        self.process["capabilities"] = {name: list(names) for name in sets}

    def without_namespace(self, *types):
        self.linux["namespaces"] = [entry for entry in self.linux["namespaces"]
                                    if entry["type"] not in types]

    def namespace(self, kind, path=None):
        self.without_namespace(kind)
        entry = {"type": kind}
        if path is not None:
            entry["path"] = path
        self.linux["namespaces"].append(entry)

    def mount(self, destination, kind=None, source=None, options=None, first=False):
        entry = {"destination": destination}
        for name, value in (("type", kind), ("source", source), ("options", options)):
            if value is not None:
                entry[name] = value
        self.mounts.insert(0 if first else len(self.mounts), entry)
        return entry

    def bare_dev(self):
        """No mounts on /dev: the runtime works on the image's own folder (`nodev`)."""
        self.config["mounts"] = [entry for entry in self.mounts
                                 if not entry["destination"].startswith("/dev")]

    def set(self, dotted, value):
        """Sets the member named by its path, such as linux.resources.pids.limit."""
        place = self.config
        *parents, last = dotted.split(".")
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
        if isinstance(place, list):
            place[int(last)] = value
        else:
            place[last] = value
        return self

    def write(self):
        text = self.text if self.text is not None else json.dumps(self.config)
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        with open(os.path.join(self.path, "config.json"), "wb") as file:
            file.write(data)
        return self
