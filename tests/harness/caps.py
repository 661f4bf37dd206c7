# SPDX-License-Identifier: Apache-2.0
"""Capability names in the kernel's order, and the sets that a process shows."""

NAMES = ["CAP_" + name for name in (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()]
SETS = ("effective", "permitted", "inheritable", "bounding", "ambient")
DEFAULT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]


def names(mask):
    value = int(mask, 16)
    return {name for bit, name in enumerate(NAMES) if value >> bit & 1}


def sets(report):
    """{set name: capability names} of a probe's report."""
    return {name: names(report[f"cap_{name}"]) for name in SETS}


def grantable():
    """What this machine can give: the bounding set of the test itself."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("CapBnd:"):
                return names(line.split()[1])
    return set()
