# SPDX-License-Identifier: Apache-2.0
"""What must not change: the leak oracle (H-3) and the canary (H-2)."""
import os
import stat

CGROUPS = "/sys/fs/cgroup"


# Whose descendants the sandbox's processes are where it has no pid namespace.
TOP = int(os.environ.get("BRIG_TEST_TOP", "1"))


def processes():
    """{pid: (ppid, state, name)} of every process in the sandbox, zombies too."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                text = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        found[int(entry)] = (int(fields[1]), fields[0], name)

    def is_ours(pid):
        while pid in found and pid != TOP:
            pid = found[pid][0]
        return pid == TOP
    return found if TOP == 1 else {pid: how for pid, how in found.items() if is_ours(pid)}


def cgroups():
    """All of them; beside systemd those of the machine's own services and users come and go."""
    found = {folder for folder, _, _ in os.walk(CGROUPS)}
    return found if TOP == 1 else {folder for folder in found
                                   if ".service" not in folder and "/user.slice/" not in folder}


def mounts():
    """The mount table without the ids that differ between equal mounts."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return sorted(" ".join(line.split()[3:]) for line in file)


def tree(root, content=True):
    """{path: (type and mode, owner, size, target or content)} below root, root included."""
    def describe(path):
        st = os.lstat(path)
        detail = None
        if stat.S_ISLNK(st.st_mode):
            detail = os.readlink(path)
        elif content and stat.S_ISREG(st.st_mode) and st.st_size < 1 << 20:
            with open(path, "rb") as file:
                detail = file.read()
        size = st.st_size if stat.S_ISREG(st.st_mode) else 0
        return (stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_rdev, size, detail)

    found = {root: describe(root)}
    for folder, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(folder, name)
            try:
                found[path] = describe(path)
            except FileNotFoundError:
                pass
    return found


class Canary:
    """A folder outside of the container that nobody may touch."""

    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.join(path, "sub"))
        for name in ("marker", "ptmx", "null", "sub/file", "passwd"):
            with open(os.path.join(path, name), "w", encoding="ascii") as file:
                file.write(f"canary {name}\n")
            os.chmod(os.path.join(path, name), 0o640)
        os.mkfifo(os.path.join(path, "pipe"), 0o600)
        os.chown(os.path.join(path, "marker"), 4242, 4243)
        self.before = tree(path)

    def changes(self):
        after = tree(self.path)
        return [f"{path}: {self.before.get(path)} -> {after.get(path)}"
                for path in sorted(self.before.keys() | after.keys())
                if self.before.get(path) != after.get(path)]


def host_devices():
    """{path: type, mode, owner, number} of what every container shares with the host."""
    found = {}
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"):
        st = os.lstat(f"/dev/{name}")
        found[name] = (stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_rdev)
    return found


class Snapshot:
    """Everything that a runtime could leave behind on the host."""

    def __init__(self, state_root):
        self.state_root = state_root
        self.mounts = mounts()
        self.cgroups = cgroups()
        self.processes = processes()
        self.state = self._state()
        self.devices = host_devices()
        # The cache of compiled seccomp filters is there to stay, and what CRIU knows of the kernel.
        self.run = set(os.listdir("/run")) - {"brig", "criu.kdat"}

    def _state(self):
        try:
            # Names that begin with a dot are caches and locks of the root itself.
            return {name for name in os.listdir(self.state_root) if not name.startswith(".")}
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def leaks(self, own):
        """What is there now and was not before; own: pids that belong to the test."""
        now = Snapshot(self.state_root)
        found = [f"mount: {line}" for line in now.mounts if line not in self.mounts]
        found += [f"mount vanished: {line}" for line in self.mounts if line not in now.mounts]
        found += [f"cgroup: {path}" for path in sorted(now.cgroups - self.cgroups)]
        found += [f"cgroup vanished: {path}" for path in sorted(self.cgroups - now.cgroups)]
        found += [f"process: {pid} {now.processes[pid]}"
                  for pid in sorted(now.processes.keys() - self.processes.keys() - own)]
        found += [f"state: {name}" for name in sorted(now.state - self.state)]
        found += [f"device: {name} {self.devices[name]} -> {now.devices[name]}"
                  for name in self.devices if self.devices[name] != now.devices[name]]
        found += [f"/run: {name}" for name in sorted(now.run - self.run)]
        return found
