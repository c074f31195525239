"""A TCP relay that can be cut: the network between one node and the API server."""

from __future__ import annotations

import socket
import threading

from processes import Workplace


class Relay:
    """On a free port of 127.0.0.1, which keeps its number while it is cut."""

    def __init__(self, workplace: Workplace, target: int) -> None:
        self._target = ("127.0.0.1", target)
        self._endpoint = ("127.0.0.1", 0)
        self._open: set[socket.socket] = set()
        self.mend()
        workplace.on_close(self.cut)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._endpoint[1]}"

    def mend(self) -> None:
        self._listener = socket.create_server(self._endpoint)
        self._endpoint = self._listener.getsockname()
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        """Connections end, and new ones are refused."""
        for each in [self._listener, *self._open]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # cut() has closed it
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:  # the API server is away
                client.close()
                continue
            self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=[source, sink], daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
