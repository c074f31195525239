"""cri-dockerd on a Docker daemon, which has a containerd of its own."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from processes import Workplace, accepts_connections

from peers.machine import remove_afterwards, remove_cgroups, remove_pods
from peers.programs import go_tool
from peers.runc import runc_without_negative_scores


class CriDockerd:
    """cri-dockerd with its own folders and socket. Pods use the host's network and `sandbox_image`, which Docker pulls
    by itself when the first one starts.
    """

    def __init__(self, workplace: Workplace, sandbox_image: str, name: str = "cri-dockerd") -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.cgroup = f"/ics-{secrets.token_hex(4)}"
        self._workplace = workplace
        self._name = name
        self._sandbox_image = sandbox_image
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self._docker_socket = self._folder / "docker.sock"
        remove_afterwards(workplace, Path("/run/docker"), Path("/etc/docker/key.json"))
        workplace.on_close(lambda: remove_cgroups(self.cgroup))  # after Docker's end
        self._start_containerd()
        self._start_docker()
        self.start()

    def _start_containerd(self) -> None:
        self._containerd_socket = self._folder / "containerd.sock"
        configuration = self._folder / "containerd.toml"
        configuration.write_text(
            f'version = 2\nroot = "{self._folder}/containerd"\nstate = "{self._folder}/containerd-state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
            f'[grpc]\n  address = "{self._containerd_socket}"\n[ttrpc]\n  address = "{self._folder}/ttrpc.sock"\n'
        )
        process = self._workplace.start(f"{self._name}-containerd", ["containerd", "--config", configuration])
        process.wait_until(lambda: accepts_connections(self._containerd_socket), "listening")

    def _start_docker(self) -> None:
        runc = runc_without_negative_scores(self._folder)
        configuration = self._folder / "daemon.json"
        configuration.write_text(
            json.dumps(
                {
                    "hosts": [f"unix://{self._docker_socket}"],
                    "containerd": str(self._containerd_socket),
                    "data-root": str(self._folder / "data"),
                    "exec-root": str(self._folder / "exec"),
                    "pidfile": str(self._folder / "docker.pid"),
                    "storage-driver": "vfs",
                    "bridge": "none",
                    "iptables": False,
                    "ip-masq": False,
                    "exec-opts": ["native.cgroupdriver=cgroupfs"],
                    "runtimes": {"without-negative-scores": {"path": str(runc)}},
                    "default-runtime": "without-negative-scores",
                }
            )
        )
        command = ["dockerd", "--config-file", configuration]
        process = self._workplace.start(f"{self._name}-docker", command)
        process.wait_until(lambda: accepts_connections(self._docker_socket), "listening", seconds=60)

    def start(self) -> None:
        # It would lower the oom_score_adj of every dockerd and containerd of the machine, and without the capability
        # cannot.
        command: list[str | Path] = [
            *["setpriv", "--inh-caps=-sys_resource", "--bounding-set=-sys_resource"],
            go_tool("cri-dockerd"),
            f"--container-runtime-endpoint=unix://{self.socket}",
            f"--docker-endpoint=unix://{self._docker_socket}",
            f"--cri-dockerd-root-directory={self._folder}/cri-dockerd",
            f"--cni-conf-dir={self._folder}/cni",
            f"--cni-cache-dir={self._folder}/cni-cache",
            "--network-plugin=",
            "--streaming-bind-addr=127.0.0.1:0",
            f"--pod-infra-container-image={self._sandbox_image}",
        ]
        self.process = self._workplace.start(self._name, command)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening", seconds=60)
        self._workplace.on_close(self._remove_pods)  # before the process ends

    def restart(self) -> None:
        self.process.stop()
        self.start()

    def _remove_pods(self) -> None:
        if self.process.is_running:
            remove_pods(self.socket)
