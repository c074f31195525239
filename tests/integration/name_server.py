"""A name server that answers, denies or says nothing, and a way to start a process that asks it and no other."""

from __future__ import annotations

import os
import shlex
import socket
import struct
import threading
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from processes import Workplace

PORT = 53
TYPE_A = 1


class Mood(Enum):
    ANSWERS = "answers"
    DENIES = "denies"  # NXDOMAIN
    SILENT = "silent"


class NameServer:
    """On an address of loopback that only this test process uses. Needs root: its port is 53.

    It denies names that `addresses` does not have. Change its attributes at any time.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.address = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
        self.addresses = dict(addresses)
        self.moods = dict.fromkeys(addresses, Mood.ANSWERS)
        self.asked: list[str] = []  # names, in order
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, PORT))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._socket.sendto(b"", (self.address, PORT))
        self._thread.join()
        self._socket.close()

    def private_resolution(self, workplace: Workplace) -> list[str]:
        """What to put before a command, so that it resolves names here only, /etc/hosts included."""
        files: Mapping[str, str] = {
            "/etc/resolv.conf": f"nameserver {self.address}\n",
            "/etc/nsswitch.conf": "hosts: dns\n",
        }
        steps = []
        for target, content in files.items():
            source = workplace.path(Path(target).name)
            source.write_text(content)
            steps.append(f"mount --bind {shlex.quote(str(source))} {target}")
        return ["unshare", "--mount", "sh", "-c", f'{" && ".join(steps)} && exec "$@"', "sh"]

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            if not query:  # what stop() sends
                return
            name, question_end = _question(query)
            self.asked.append(name)
            mood = self.moods.get(name, Mood.DENIES)
            if mood is Mood.ANSWERS:
                self._socket.sendto(self._found(query, name, question_end), client)
            elif mood is Mood.DENIES:
                self._socket.sendto(_header(query, answers=0, code=3) + query[12:question_end], client)

    def _found(self, query: bytes, name: str, question_end: int) -> bytes:
        kind = struct.unpack_from("!H", query, question_end - 4)[0]
        if kind != TYPE_A:  # the name exists, and has nothing of that kind
            return _header(query, answers=0) + query[12:question_end]
        address = socket.inet_aton(self.addresses[name])
        record = b"\xc0\x0c" + struct.pack("!HHIH", TYPE_A, 1, 0, len(address)) + address
        return _header(query, answers=1) + query[12:question_end] + record


def _header(query: bytes, answers: int, code: int = 0) -> bytes:
    flags = 0x8180 | code  # a response, recursion wanted and available
    return query[:2] + struct.pack("!HHHHH", flags, 1, answers, 0, 0)


def _question(query: bytes) -> tuple[str, int]:
    """The name asked for, and where the question ends."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower(), at + 5
