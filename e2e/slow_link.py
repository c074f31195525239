"""A link to a registry that is slow for as long as it is told to be, and can be cut in the middle of a blob."""

from __future__ import annotations

import socket
import struct
import threading
import time

CHUNK = 16 * 1024


class SlowLink:
    """Forwards connections to a port of 127.0.0.1. While `is_slow`, a blob takes minutes and all else its time."""

    def __init__(self, port: int) -> None:
        self.is_slow = False
        self.is_in_blob = threading.Event()  # some of a blob has gone through
        self._target = port
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._accept_from(self._listening)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    def cut(self) -> None:
        """Every connection is reset, and new ones are refused."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for end in list(self._open):
            _end(end, with_reset=True)
        self._open.clear()

    def mend(self) -> None:
        self.is_slow = False
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._accept_from(self._listening)

    def _accept_from(self, listening: socket.socket) -> None:
        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:  # cut() has closed it
                    return
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {client, server}
                in_blob = threading.Event()
                for source, target, toward_client in [(client, server, False), (server, client, True)]:
                    arguments = [source, target, toward_client, in_blob]
                    threading.Thread(target=self._forward, args=arguments, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def _forward(
        self, source: socket.socket, target: socket.socket, toward_client: bool, in_blob: threading.Event
    ) -> None:
        try:
            while content := source.recv(CHUNK):
                if not toward_client and content.startswith(b"GET "):
                    (in_blob.set if b"/blobs/" in content.partition(b"\r\n")[0] else in_blob.clear)()
                target.sendall(content)
                if toward_client and in_blob.is_set() and self.is_slow:
                    self.is_in_blob.set()
                    time.sleep(1)
        except OSError:
            pass  # one of the ends has gone
        finally:
            for end in [source, target]:
                _end(end)
            self._open -= {source, target}


def _end(end: socket.socket, with_reset: bool = False) -> None:
    try:
        if with_reset:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed already
    end.close()
