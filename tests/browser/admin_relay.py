"""A shim's admin socket on a TCP port: browsers know no unix sockets."""

from __future__ import annotations

import socket
import threading
from pathlib import Path


class AdminRelay:
    def __init__(self, admin: Path) -> None:
        self._admin = admin
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, browser: socket.socket) -> None:
        with browser, socket.socket(socket.AF_UNIX) as shim:
            try:
                request = browser.recv(65536)  # one segment, as a GET is
                shim.connect(str(self._admin))
                shim.sendall(request)
                while octets := shim.recv(65536):
                    browser.sendall(octets)
            except OSError:
                pass
