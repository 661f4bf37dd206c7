# SPDX-License-Identifier: Apache-2.0
"""Mounts of the test's own, and what a mount's flags let a process do."""
import contextlib
import os
import shutil
import stat
import subprocess
import time

from . import sandbox

OLD = 1_000_000_000  # 2001
FUTURE = 10_000  # after the last change, whenever that is
EVERYTHING = {"write", "exec", "dev", "symfollow", "suid"}


def call(*words):
    subprocess.run(words, check=True)


@contextlib.contextmanager
def mounted(path, options="", kind="tmpfs", source="tmpfs", shared=False):
    """A file system on `path` for the time of the block, with all that comes to lie on it."""
    os.makedirs(path, exist_ok=True)
    call("mount", "-t", kind, *(["-o", options] if options else []), source, path)
    try:
        if shared:
            call("mount", "--make-shared", path)
        yield path
    finally:
        call("umount", "--recursive", "--lazy", path)


def fill(path):
    """Puts there what `trials` tries."""
    os.chmod(path, 0o777)
    shutil.copy(os.path.join(sandbox.PAYLOAD, "probe"), f"{path}/su")
    os.chmod(f"{path}/su", 0o4755)
    shutil.copy("/bin/busybox", f"{path}/true")
    os.mknod(f"{path}/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    os.chmod(f"{path}/zero", 0o666)
    os.symlink("target", f"{path}/link")
    os.mkdir(f"{path}/dir")
    for name in ("target", "new", "changed", "read"):
        with open(f"{path}/{name}", "w", encoding="ascii") as file:
            file.write("text\n")
    os.chmod(f"{path}/new", 0o666)
    now = time.time()
    os.utime(f"{path}/changed", (OLD, now))
    os.utime(f"{path}/read", (now + FUTURE, OLD))
    os.utime(f"{path}/dir", (OLD, now))
    return path


def trials(place):
    """Shell text that tries everything below `place` as an ordinary user and says what worked."""
    return (f"cd {place}; echo x > new && echo write; ./true && echo exec; "
            "head -c 1 zero > /dev/null && echo dev; cat link > /dev/null && echo symfollow; "
            "./su | grep -q '\"uids\": .1000, 0' && echo suid; cat changed read; ls dir; true")


def worked(text):
    """What of EVERYTHING the output of `trials` says."""
    return EVERYTHING & set(text.split())


def access_times(path):
    """Which reads left a mark: of a file that has changed since the last, of one that has not, of
    a folder."""
    times = {name: os.stat(f"{path}/{name}").st_atime for name in ("changed", "read", "dir")}
    return (times["changed"] > OLD, times["read"] < time.time() + FUTURE / 2, times["dir"] > OLD)
