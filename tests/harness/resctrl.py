#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file system that behaves as resctrl does, by FUSE, for machines whose processor has none.

usage: resctrl.py FOLDER [CLASSES [MONITORS]]: serves it until it is unmounted. As the kernel: mkdir
makes a group with its files, tasks takes one living pid per write and takes it out of the other
groups, schemata keeps known lines and answers EINVAL else, with the reason in info/last_cmd_status;
the number of groups is limited. Documentation/filesystems/resctrl.rst.
"""
import ctypes
import errno
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, RMDIR, OPEN, READ, WRITE = 1, 2, 3, 4, 9, 11, 14, 15, 16
STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = 17, 18, 25, 26, 27, 28, 29
BATCH_FORGET = 42
SCHEMATA = {"L3": {"0": "7ff", "1": "7ff"}, "MB": {"0": "100", "1": "100"}}
DIRECT_IO = 1


class Refused(Exception):
    def __init__(self, code, reason=""):
        super().__init__(reason)
        self.code, self.reason = code, reason


class Node:
    def __init__(self, kind, parent=None, group=None):
        self.kind, self.parent, self.group = kind, parent, group
        self.children = {}  # of a folder
        self.tasks, self.schemata = set(), None  # of a group


class Resctrl:
    def __init__(self, classes=4, monitors=4):
        self.nodes, self.numbers = {}, {}
        self.classes, self.monitors = classes, monitors
        self.status = "ok"
        self.root = self.group(None, is_class=True)
        self.number(self.root)
        info = self.add(self.root, "info", "folder")
        self.add(info, "last_cmd_status", "status")
        # Everybody is in the default class at first.
        self.root.tasks = {int(name) for name in os.listdir("/proc") if name.isdigit()}

    def number(self, node):
        if node not in self.numbers:
            self.numbers[node] = len(self.numbers) + 1
            self.nodes[self.numbers[node]] = node
        return self.numbers[node]

    def add(self, parent, name, kind, group=None):
        parent.children[name] = Node(kind, parent, group)
        return parent.children[name]

    def group(self, parent, is_class, name=None):
        node = Node("group", parent)
        if parent is not None:
            parent.children[name] = node
        self.add(node, "tasks", "tasks", node)
        if is_class:
            node.schemata = {kind: dict(domains) for kind, domains in SCHEMATA.items()}
            self.add(node, "schemata", "schemata", node)
            self.add(node, "mon_groups", "monitors", node)
        return node

    def groups(self, node=None):
        node = node or self.root
        if node.kind == "group":
            yield node
        for child in node.children.values():
            yield from self.groups(child)

    def mkdir(self, parent, name):
        self.status = "ok"
        if name in parent.children:
            raise Refused(errno.EEXIST)
        is_class = parent is self.root
        if not is_class and parent.kind != "monitors":
            raise Refused(errno.EPERM)
        used = sum(1 for group in self.groups() if bool(group.schemata) == is_class)
        if used >= (self.classes if is_class else self.monitors):
            raise Refused(errno.ENOSPC, f"Out of {'CLOSIDs' if is_class else 'RMIDs'}")
        return self.group(parent, is_class, name)

    def rmdir(self, parent, name):
        node = parent.children.get(name)
        if node is None:
            raise Refused(errno.ENOENT)
        if node.kind != "group":
            raise Refused(errno.EPERM)
        for group in self.groups(node):
            self.root.tasks |= group.tasks
        del parent.children[name]

    def content(self, node):
        if node.kind == "status":
            return self.status + "\n"
        if node.kind == "tasks":
            living = sorted(pid for pid in node.group.tasks if os.path.exists(f"/proc/{pid}"))
            return "".join(f"{pid}\n" for pid in living)
        return "".join(f"    {kind}:" + ";".join(f"{domain}={value:>4}" for domain, value
                                                 in domains.items()) + "\n"
                       for kind, domains in node.group.schemata.items())

    def write(self, node, text):
        self.status = "ok"
        if node.kind == "tasks":
            self.move(node.group, text.strip())
        elif node.kind == "schemata":
            if not text.endswith("\n"):
                raise Refused(errno.EINVAL)
            for line in text.splitlines():
                self.set_line(node.group.schemata, line)
        else:
            raise Refused(errno.EACCES)

    def move(self, group, text):
        if not text.isdigit() or not os.path.exists(f"/proc/{text}"):
            raise Refused(errno.ESRCH, f"No task {text}")
        pid = int(text)
        if group.schemata is None and pid not in group.parent.group.tasks:
            raise Refused(errno.EINVAL, "Can't move task to different control group")
        for other in self.groups():
            # A task of a monitoring group stays one of its class.
            if group.schemata is not None or other.schemata is None:
                other.tasks.discard(pid)
        group.tasks.add(pid)

    def set_line(self, schemata, line):
        kind, _, values = line.partition(":")
        if kind.strip() not in schemata:
            raise Refused(errno.EINVAL, f"Unknown or unsupported resource name '{kind}'")
        domains = schemata[kind.strip()]
        for item in values.split(";"):
            domain, _, value = item.partition("=")
            if domain.strip() not in domains:
                raise Refused(errno.EINVAL, f"Unknown domain {domain}")
            if kind.strip() == "L3" and int(value, 16) > 0x7ff:
                raise Refused(errno.EINVAL, f"Mask {value} out of range")
            domains[domain.strip()] = value.strip().lower().lstrip("0") or "0"

    # The protocol; linux/fuse.h.

    def attributes(self, node):
        is_file = node.kind in ("status", "tasks", "schemata")
        mode = stat.S_IFREG | 0o644 if is_file else stat.S_IFDIR | 0o755
        return struct.pack("<QQQQQQIIIIIIIIII", self.number(node), 0, 0, 0, 0, 0, 0, 0, 0, mode,
                           1, 0, 0, 0, 4096, 0)

    def entry(self, node):
        return struct.pack("<QQQQII", self.number(node), 0, 0, 0, 0, 0) + self.attributes(node)

    def listing(self, node, offset):
        data = b""
        for place, (name, child) in enumerate(node.children.items()):
            if place >= offset:
                raw = name.encode()
                item = struct.pack("<QQII", self.number(child), place + 1, len(raw), 0) + raw
                data += item + b"\0" * (-len(item) % 8)
        return data

    def answer(self, opcode, node, body):
        name = body.split(b"\0", 1)[0].decode("utf-8", "replace")
        if opcode == INIT:
            return struct.pack("<IIIIHHIIHHIIII", 7, 31, 65536, 0, 12, 12, 65536, 1, 0, 0, 0, 0,
                               0, 0).ljust(64, b"\0")
        if opcode == LOOKUP:
            if name not in node.children:
                raise Refused(errno.ENOENT)
            return self.entry(node.children[name])
        if opcode in (GETATTR, SETATTR):
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if opcode == MKDIR:
            return self.entry(self.mkdir(node, body[8:].split(b"\0", 1)[0].decode()))
        if opcode == RMDIR:
            self.rmdir(node, name)
            return b""
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, DIRECT_IO if opcode == OPEN else 0, 0)
        if opcode in (READ, READDIR):
            _, offset, size = struct.unpack_from("<QQI", body)
            if opcode == READDIR:
                return self.listing(node, offset)[:size]
            return self.content(node).encode()[offset:offset + size]
        if opcode == WRITE:
            size = struct.unpack_from("<QQI", body)[2]
            self.write(node, body[40:40 + size].decode())
            return struct.pack("<II", size, 0)
        if opcode == STATFS:
            return b"\0" * 80
        if opcode in (RELEASE, RELEASEDIR, FLUSH):
            return b""
        raise Refused(errno.ENOSYS)

    def serve(self, device):
        while True:
            try:
                request = os.read(device, 1 << 17)
            except OSError:
                return  # unmounted
            _, opcode, unique, number = struct.unpack_from("<IIQQ", request)
            if opcode in (FORGET, BATCH_FORGET):
                continue
            code, data = 0, b""
            try:
                data = self.answer(opcode, self.nodes.get(number), request[40:])
            except Refused as refused:
                code = refused.code
                if refused.reason:
                    self.status = refused.reason
            os.write(device, struct.pack("<IiQ", 16 + len(data), -code, unique) + data)


def main():
    folder, *numbers = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"resctrl", folder.encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    Resctrl(*map(int, numbers)).serve(device)


if __name__ == "__main__":
    main()
