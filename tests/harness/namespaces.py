# SPDX-License-Identifier: Apache-2.0
"""Namespaces as tests need them: names, who is in which, and programs that hold some."""
import fcntl
import os
import subprocess

from .tap import eventually

# Type in config.json: file in /proc/PID/ns.
FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts",
         "user": "user", "cgroup": "cgroup", "time": "time"}
NS_GET_USERNS = 0xb701  # ioctl_ns(2)
MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def own(kind):
    """The caller's namespace, as `net:[4026531840]`."""
    return os.readlink(f"/proc/self/ns/{FILES[kind]}")


def path_of(pid, kind):
    return f"/proc/{pid}/ns/{FILES[kind]}"


def of(pid, kind):
    return os.readlink(path_of(pid, kind))


def owner_of(path):
    """The user namespace that owns the one at a path, as `user:[4026531837]`."""
    with open(path, "rb") as file:
        owner = fcntl.ioctl(file.fileno(), NS_GET_USERNS)
    try:
        return os.readlink(f"/proc/self/fd/{owner}")
    finally:
        os.close(owner)


def give(folder, uid=100000, gid=100000):
    """Changes the owner of a tree, but not of files that bundles share by hard links."""
    for place, names, files in os.walk(folder):
        for name in [place, *(os.path.join(place, entry) for entry in names + files)]:
            if not (os.path.islink(name) or os.path.ismount(name)) and os.lstat(name).st_nlink < 3:
                os.lchown(name, uid, gid)


def userns(made, uid_map=None, gid_map=None):
    """Turns a bundle into one with its own user namespace, and gives it its files."""
    made.namespace("user")
    made.linux["uidMappings"] = MAP if uid_map is None else uid_map
    made.linux["gidMappings"] = MAP if gid_map is None else gid_map
    give(made.path)
    os.chmod(os.path.dirname(made.path), 0o755)
    return made


def hold(lab, *options, kind):
    """A program in new namespaces (options of unshare); gives its pid once it is there."""
    process = lab.popen(["unshare", *options, "sleep", "1000"])
    eventually(lambda: of(process.pid, kind) != own(kind), f"a {kind} namespace")
    return process.pid


def bind(lab, source, name):
    """A namespace that is mounted on a file; ended by unbind."""
    place = f"{lab.path}/{name}"
    with open(place, "w", encoding="ascii"):
        pass
    subprocess.run(["mount", "--bind", source, place], check=True)
    return place


def unbind(place):
    subprocess.run(["umount", place], check=True)
