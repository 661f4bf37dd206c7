# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells a tracer of another process' seccomp filter."""
import ctypes
import os

from . import sandbox

SEIZE, INTERRUPT, DETACH, GET_METADATA = 0x4206, 0x4207, 17, 0x420d


def flags_of_filter(pid):
    """The SECCOMP_FILTER_FLAG_* that the kernel keeps of the newest filter: LOG alone."""
    metadata = (ctypes.c_uint64 * 2)(0, 0)

    def ptrace(request, address=0, data=None):
        result = sandbox.libc.ptrace(request, pid, ctypes.c_void_p(address), data)
        if result < 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")
    ptrace(SEIZE)
    ptrace(INTERRUPT)
    os.waitpid(pid, 0x40000000)  # __WALL
    try:
        ptrace(GET_METADATA, ctypes.sizeof(metadata), ctypes.byref(metadata))
    finally:
        ptrace(DETACH)
    return metadata[1]
