# SPDX-License-Identifier: Apache-2.0
"""The CRIU that checkpoint and restore are tested with; CRIU=PROGRAM names another one."""
import os
import shutil
import subprocess

from .lab import need
from .sandbox import BUILD

CRIU = os.environ.get("CRIU") or shutil.which("criu", path=f"{BUILD}/criu:{os.environ['PATH']}")
_unusable = None


def need_criu():
    """Skips the case unless that CRIU knows this kernel."""
    global _unusable
    if _unusable is None:
        _unusable = "no criu in PATH"
        if CRIU:
            checked = subprocess.run([CRIU, "check"], capture_output=True, text=True, check=False)
            lines = [line for line in checked.stderr.splitlines() if "Error" in line]
            _unusable = "" if checked.returncode == 0 else f"criu check: {(lines or ['failed'])[0]}"
    need(not _unusable, _unusable)
