# SPDX-License-Identifier: Apache-2.0
"""Terminals: the engine's end of a console socket, and a person's pty around a call."""
import array
import fcntl
import os
import select
import socket
import struct
import termios
import time

from .tap import Failure, check, patient


class ConsoleSocket:
    """Listens as an engine does and takes the one descriptor that it is sent."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(patient(5))
        self.payload = b""
        self.master = None

    def accept(self):
        """Accepts after the runtime has ended, which is when containerd does."""
        connection, _ = self.listener.accept()
        connection.settimeout(patient(5))
        self.payload, control, _, _ = connection.recvmsg(4096, 256)
        descriptors = array.array("i")
        check(len(control) == 1, f"one control message, got {len(control)}")
        level, kind, data = control[0]
        check((level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS), "SCM_RIGHTS")
        descriptors.frombytes(data)
        check(len(descriptors) == 1, f"one descriptor, got {len(descriptors)}")
        self.master = descriptors[0]
        rest = connection.recv(16)
        check(rest == b"", "the runtime closes the connection after one message")
        connection.close()
        return self.master

    def close(self):
        self.listener.close()
        if self.master is not None:
            os.close(self.master)
            self.master = None


def read_until(master, part, seconds=5):
    """Reads from a pty master until part was seen or the other side is gone."""
    seconds = patient(seconds)
    deadline = time.monotonic() + seconds
    text = b""
    part = part.encode() if isinstance(part, str) else part
    while part not in text:
        ready, _, _ = select.select([master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Failure(f"no {part!r} from the terminal within {seconds} s, got {text!r}")
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if not data:
            raise Failure(f"no {part!r} before the terminal's end, got {text!r}")
        text += data
    return text.decode("utf-8", "replace")


def read_all(master, seconds=5):
    seconds = patient(seconds)
    deadline = time.monotonic() + seconds
    text = b""
    while True:
        ready, _, _ = select.select([master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise Failure(f"the terminal did not end within {seconds} s, got {text!r}")
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    return text.decode("utf-8", "replace")


def set_size(descriptor, rows, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def get_size(descriptor):
    return struct.unpack("HHHH", fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8))[:2]


def take_terminal():
    """For preexec_fn: makes descriptor 0 the controlling terminal of a new session."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
