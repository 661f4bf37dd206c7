# SPDX-License-Identifier: Apache-2.0
"""BPF programs on a cgroup's devices, as others than the runtime attach them; by bpf(2)."""
import ctypes
import os
import struct

from . import sandbox
from .cgroups import BPF_CALL, BPF_CGROUP_DEVICE

PROG_LOAD, PROG_ATTACH = 5, 8
TYPE_CGROUP_DEVICE = 15
ALLOW_OVERRIDE, ALLOW_MULTI = 1, 2


def _bpf(command, *fields):
    """fields: a format of struct, and its values."""
    attributes = ctypes.create_string_buffer(struct.pack(*fields), 128)
    result = sandbox.libc.syscall(BPF_CALL, command, attributes, len(attributes))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"bpf({command}): {os.strerror(code)}")
    return result


def load(allow):
    """A program that allows, or denies, all; its descriptor."""
    code = struct.pack("BBhi", 0xb7, 0, 0, int(allow)) + struct.pack("BBhi", 0x95, 0, 0, 0)
    program, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    return _bpf(PROG_LOAD, "IIQQ", TYPE_CGROUP_DEVICE, 2, ctypes.addressof(program),
                ctypes.addressof(licence))


def attach(group, program, flags):
    """To a group; closes the program's descriptor."""
    descriptor = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _bpf(PROG_ATTACH, "IIII", descriptor, program, BPF_CGROUP_DEVICE, flags)
    finally:
        os.close(descriptor)
        os.close(program)
