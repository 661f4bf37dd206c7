# SPDX-License-Identifier: Apache-2.0
"""A block device over a file."""
import contextlib
import subprocess

from .lab import need


@contextlib.contextmanager
def loop_device(backing):
    """The open device, which goes with its last descriptor, even if this program is killed."""
    made = subprocess.run(["losetup", "--find", "--show", backing], check=False,
                          capture_output=True, text=True)
    need(made.returncode == 0, f"no loop device: {made.stderr.strip()}")
    with open(made.stdout.strip(), "rb") as device:
        # While it is open that only sets LO_FLAGS_AUTOCLEAR.
        subprocess.run(["losetup", "--detach", device.name], check=True)
        yield device
