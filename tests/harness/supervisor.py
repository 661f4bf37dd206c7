# SPDX-License-Identifier: Apache-2.0
"""A seccomp supervisor: takes listeners from a unix socket and answers their notifications."""
import array
import errno
import fcntl
import json
import os
import select
import socket
import struct
import threading

RECV, SEND = 0xc0502100, 0xc0182101  # SECCOMP_IOCTL_NOTIF_*
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


class Supervisor:
    """Each connection brings one state, kept in .states; each call is kept in .calls.

    answer(number, pid, arguments) gives None to let the call go on, or (value, errno).
    """

    def __init__(self, path, answer=lambda number, pid, arguments: None, on_state=None):
        self.path, self.answer, self.on_state = path, answer, on_state
        self.states, self.calls, self.extra = [], [], []
        self.stopping = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(os.path.dirname(path), os.O_PATH)
        self.socket.bind(f"/proc/self/fd/{folder}/.new")  # bind(2) takes no long path
        os.rename(".new", path, src_dir_fd=folder)
        os.close(folder)
        self.socket.listen()
        self.threads = []

    def __enter__(self):
        self._go(self._accept)
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        self.socket.close()
        os.unlink(self.path)

    def _go(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        self.threads.append(thread)
        thread.start()

    def _ready(self, fd):
        while not self.stopping:
            waiting = select.poll()
            waiting.register(fd, select.POLLIN)
            events = waiting.poll(20)
            if events:
                return bool(events[0][1] & select.POLLIN)
        return False

    def _accept(self):
        while self._ready(self.socket.fileno()):
            connection, _ = self.socket.accept()
            self._go(self._receive, connection)

    def _receive(self, connection):
        data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(64))
        fds = array.array("i")
        for level, kind, content in control:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(content)
        rest = b""
        while part := connection.recv(65536):  # until the runtime closes
            rest += part
        connection.close()
        if not data:
            return  # the runtime has failed in between
        self.extra.append(len(fds))
        state = json.loads(data + rest)
        if self.on_state:
            self.on_state(state)
        self.states.append(state)
        for fd in fds:
            self._serve(fd)

    def _serve(self, listener):
        while self._ready(listener):
            notice = bytearray(80)
            try:
                fcntl.ioctl(listener, RECV, notice)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue  # whoever asked was killed
                break
            identity, pid, _, number = struct.unpack_from("QIIi", notice)
            arguments = struct.unpack_from("6Q", notice, 32)
            self.calls.append(number)
            verdict = self.answer(number, pid, arguments)
            value, error = verdict or (0, 0)
            flags = 0 if verdict else CONTINUE
            try:
                fcntl.ioctl(listener, SEND, struct.pack("QqiI", identity, value, -error, flags))
            except OSError as error:
                if error.errno != errno.ENOENT:
                    break
        os.close(listener)
