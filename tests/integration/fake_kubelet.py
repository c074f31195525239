"""A kubelet as `image-cri-shim kubelet` sees one: files below a folder, a process in its /proc, systemctl, /healthz.

At a (re)start it reads its configuration and connects to its image endpoint, as the real one does; where that does not
answer, it is not healthy.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import yaml

from cri import Client
from processes import Workplace

CONFIGURATION = "/var/lib/kubelet/config.yaml"
FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
IMAGE_FS_INFO = "/runtime.v1.ImageService/ImageFsInfo"
PID = 4242


class FakeKubelet:
    def __init__(self, workplace: Workplace, minor: int = 33) -> None:
        self.root = workplace.path("node")
        self.minor = minor
        self.flags: list[str] = []  # of its command line, before those of its file of variables
        self.restarts: list[str] = []
        self.ignores_its_file = False
        self.refuses: str = ""  # an endpoint with which it does not get healthy
        self.systemctl_fails = False
        self.on_restart: Callable[[], None] = lambda: None
        self.is_healthy = True
        self._client: Client | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        workplace.on_close(self._stop)
        self._make_node()

    def _stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._client:
            self._client.close()

    # Its files.

    def path(self, path: str) -> Path:
        return Path(f"{self.root}{path}")

    def write(self, path: str, text: str) -> Path:
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def configuration(self, more: str = "") -> str:
        """A KubeletConfiguration with its port; the text that was written."""
        port = self._server.server_address[1]
        text = (
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
            f"# kept\nhealthzPort: {port}\n"
            "containerRuntimeEndpoint: unix:///run/containerd/containerd.sock\n" + more
        )
        self.write(CONFIGURATION, text)
        return text

    def _make_node(self) -> None:
        self.path("/proc").mkdir(parents=True)
        self.path("/proc/net").symlink_to("/proc/net")
        program = self.write("/usr/bin/kubelet", f"#!/bin/sh\necho Kubernetes v1.{self.minor}.1\n")
        program.chmod(0o755)
        self.systemctl = self.write(
            "/systemctl",
            "#!/usr/bin/python3\nimport sys, urllib.request\n"
            f"url = 'http://127.0.0.1:{self._server.server_address[1]}/systemctl?' + '+'.join(sys.argv[1:])\n"
            "urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url)\n",
        )
        self.systemctl.chmod(0o755)
        self.configuration()
        self.run_process()

    def run_process(self, name: str = "kubelet", pid: int = PID) -> None:
        arguments = ["/usr/bin/kubelet", f"--config={CONFIGURATION}", *self.flags, *self._flags_of_variables()]
        self.write(f"/proc/{pid}/comm", name + "\n")
        self.write(f"/proc/{pid}/cmdline", "".join(f"{argument}\0" for argument in arguments))
        exe = self.path(f"/proc/{pid}/exe")
        exe.unlink(missing_ok=True)
        exe.symlink_to(self.path("/usr/bin/kubelet"))

    def end_process(self) -> None:
        self.path(f"/proc/{PID}/comm").unlink()

    def _flags_of_variables(self) -> list[str]:
        file = self.path(FLAGS)
        found = re.search(r"^KUBELET_KUBEADM_ARGS=(.*)$", file.read_text(), re.M) if file.exists() else None
        return shlex.split(shlex.split(found[1])[0]) if found and shlex.split(found[1]) else []

    # Its life.

    def image_endpoint(self) -> str:
        flags = [flag for flag in self._flags_of_variables() if flag.startswith("--image-service-endpoint=")]
        if flags:
            return flags[-1].partition("=")[2]
        settings = yaml.safe_load(self.path(CONFIGURATION).read_text())
        for folder in [flag.partition("=")[2] for flag in self.flags if flag.startswith("--config-dir=")]:
            for drop_in in sorted(self.path(folder).glob("*.conf")):
                settings |= yaml.safe_load(drop_in.read_text())
        return "" if self.minor < 27 else settings.get("imageServiceEndpoint", "")

    def restart(self) -> None:
        if self._client:
            self._client.close()
            self._client = None
        self.run_process()
        endpoint = "" if self.ignores_its_file else self.image_endpoint()
        self.is_healthy = not (self.refuses and endpoint == self.refuses)
        if not endpoint or not self.is_healthy:
            return
        client = Client(Path(endpoint.removeprefix("unix://")))
        try:
            client.unary(IMAGE_FS_INFO, timeout=5)
            self._client = client
        except grpc.RpcError:
            client.close()
            self.is_healthy = False

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                is_good = kubelet.is_healthy
                if path == "/systemctl":
                    kubelet.restarts.append(query.replace("+", " "))
                    kubelet.on_restart()
                    is_good = not kubelet.systemctl_fails
                    if is_good:
                        kubelet.restart()
                body = b"ok" if is_good else b"not ok"
                self.send_response(200 if is_good else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def as_json(text: str) -> str:
    return json.dumps(yaml.safe_load(text), indent=2) + "\n"
