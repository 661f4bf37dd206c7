# SPDX-License-Identifier: Apache-2.0
"""Callers of the runtime that have no right over the machine: an ordinary user, and who is root of a user
namespace only. as_caller() makes all calls of a case theirs."""
import os

from . import namespaces, sandbox
from .lab import read, write
from .tap import eventually

UID = 1000
BELOW = 100000
COUNT = 65536
DROP = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
CLEAN = ["env", "--unset=XDG_RUNTIME_DIR"]
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000

# What the caller is: words for titles.
USER = "an ordinary user"
FAKE = "root of a user's own namespace"
FAKE_MOUNTS = "the same with a mount namespace"
MAPPED = "root of a namespace with many ids"
CALLERS = (USER, FAKE, FAKE_MOUNTS, MAPPED)


def one_id(host):
    return [{"containerID": 0, "hostID": host, "size": 1}]


class Caller:
    """Who makes the calls of a case. prefix: the words in front of each."""

    def __init__(self, lab, kind):
        self.lab, self.kind = lab, kind
        os.chmod(lab.path, 0o777)
        os.chmod(os.path.dirname(lab.path), 0o755)
        os.chown(lab.root, UID, UID)
        self.prefix = [*CLEAN, *DROP]
        if kind in (FAKE, FAKE_MOUNTS):
            options = ["--mount"] if kind == FAKE_MOUNTS else []
            holder = lab.popen([*DROP, "unshare", "--user", "--map-root-user", *options,
                                "sleep", "1000"])
            eventually(lambda: "0" in read(f"/proc/{holder.pid}/uid_map").split()[:1],
                       "a user namespace")
            eventually(lambda: read(f"/proc/{holder.pid}/comm") == "sleep\n", "its program")
            self.prefix += ["nsenter", f"--target={holder.pid}", "--user", *options,
                            "--preserve-credentials"]
        elif kind == MAPPED:
            holder = lab.popen(["sleep", "1000"], preexec_fn=unshare_with_maps)
            eventually(lambda: read(f"/proc/{holder.pid}/comm") == "sleep\n", "its program")
            self.prefix = [*CLEAN, "nsenter", f"--target={holder.pid}", "--user", "--mount",
                           "--setuid=0", "--setgid=0"]
        words = lab.words
        lab.words = lambda *rest, **how: [*self.prefix, *words(*rest, **how)]

    @property
    def has_many_ids(self):
        return self.kind == MAPPED

    def fit(self, made):
        """A bundle that is the caller's own, with no more ids than he has."""
        if self.kind == USER:
            made.namespace("user")
            made.linux["uidMappings"] = made.linux["gidMappings"] = one_id(UID)
        if not self.has_many_ids:
            for entry in made.mounts:
                entry["options"] = [option for option in entry.get("options", [])
                                    if not option.startswith("gid=")]
        made.write()
        namespaces.give(made.path, UID, UID)
        return made

    def map_inside(self):
        """The words of uid_map in a container of his."""
        if self.kind == MAPPED:  # as it is seen from the user's own namespace
            return f"0 {UID} 1 1 {BELOW} {COUNT}".split()
        return f"0 {UID} 1".split()

    def host_id(self, inside):
        """The host's number of a user of the caller's containers."""
        return UID if inside == 0 else BELOW + inside - 1


def unshare_with_maps():
    """For preexec_fn, as root: into a user namespace as `podman unshare` has it."""
    pid = os.getpid()
    there, told = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.read(there, 1)
        for name in ("uid_map", "gid_map"):
            write(f"/proc/{pid}/{name}", f"0 {UID} 1\n1 {BELOW} {COUNT}\n")
        os._exit(0)
    if sandbox.libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        os._exit(126)
    os.write(told, b"x")
    os.waitpid(helper, 0)
    os.setgid(0)
    os.setuid(0)


def as_caller(lab, kind):
    """All calls of the runtime in this case are by such a caller."""
    return Caller(lab, kind)
