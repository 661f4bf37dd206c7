# SPDX-License-Identifier: Apache-2.0
"""The stream of the CRI's Exec: a web socket (RFC 6455) whose messages begin with the number of their channel."""
import base64
import collections
import json
import os
import socket
import struct
import urllib.parse

from cri import tap

STDIN, STDOUT, STDERR, VERDICT = range(4)
BINARY, CLOSE = 2, 8
Result = collections.namedtuple("Result", "output errors status")


class WebSocket:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=20)
        self.socket.sendall((f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                             f"Origin: http://{parts.netloc}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
                             "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        answer = self.file.readline()
        tap.contains(answer.decode(), "101", "the server's answer")
        while self.file.readline().strip():
            pass

    def send(self, channel, content):
        data = bytes([channel]) + content
        tap.check(len(data) < 126, "a short message")
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x80 | BINARY, 0x80 | len(data)]) + mask
                            + bytes(byte ^ mask[number % 4] for number, byte in enumerate(data)))

    def messages(self):
        while True:
            head = self.file.read(2)
            if len(head) < 2 or head[0] & 15 == CLOSE:
                return
            size = head[1] & 127
            if size > 125:
                size = struct.unpack(">H" if size == 126 else ">Q", self.file.read(2 if size == 126 else 8))[0]
            data = self.file.read(size)
            if data:
                yield data[0], data[1:]


def execute(engine, container, command, stdin, tty):
    """Runs the command by Exec; stdin: what it reads at first, or None."""
    answer = engine.cri.call("Exec", container_id=container.id, cmd=command, tty=tty, stdin=stdin is not None,
                             stdout=True, stderr=not tty)
    connection = WebSocket(answer.url)
    if stdin is not None:
        connection.send(STDIN, stdin)
    streams = collections.defaultdict(bytes)
    for channel, data in connection.messages():
        streams[channel] += data
    connection.socket.close()
    verdict = json.loads(streams[VERDICT])
    causes = verdict.get("details", {}).get("causes", [])
    status = next((int(cause["message"]) for cause in causes if cause["reason"] == "ExitCode"), None)
    return Result(streams[STDOUT], streams[STDERR], 0 if verdict["status"] == "Success" else status)
