"""The kubelet, as a node of a control plane."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import Process, Workplace

from peers.control_plane import ControlPlane
from peers.programs import free_port, go_tool

# Folders that every kubelet makes, whatever its configuration says: links to logs, sockets of device plugins.
LOG_LINKS = Path("/var/log/containers")
FIXED_FOLDERS = [Path("/var/lib/kubelet"), Path("/var/lib/kubelet/device-plugins"), LOG_LINKS]

START_SECONDS = 60.0  # a busy machine; it takes four

# How klog marks errors and warnings, and what a broken connection to the runtime or the image service leaves there.
COMPLAINT = re.compile(r"^[EW]\d{4} ", re.MULTILINE)
LOST_CONNECTION = re.compile(
    r"code = (Unavailable|Internal|Unknown|DataLoss)|connection (refused|reset|error)|transport:|failed to connect"
    r"|error reading from server|keepalive|GOAWAY|RST_STREAM|stream terminated|dial unix"
)


class Kubelet:
    """A node whose name is an address of loopback, its own; there the API server reaches it, and probes its pods.

    Pods have the host's network; nothing of the machine changes but cgroups, those of its pods below `cgroup`.
    `cri` and `images` are the sockets of the two services, `settings` fields of its configuration; a restart can add
    some for as long as that process lives. Stopped and started again it has its past.
    """

    def __init__(
        self,
        workplace: Workplace,
        control_plane: ControlPlane,
        cri: Path,
        images: Path,
        cgroup: str,
        **settings: Any,
    ) -> None:
        self.node = "127." + ".".join(str(secrets.randbelow(250) + 2) for _ in range(3))
        self.process: Process
        self._workplace = workplace
        self._control_plane = control_plane
        self._folder = workplace.path("kubelet")
        self._folder.mkdir()
        self._port = free_port()
        self._fixed = self._configuration(cri, images, cgroup)
        self._fixed["featureGates"] |= settings.pop("featureGates", {})
        self._fixed |= settings
        self._file = self._folder / "config.json"
        self._made_folders = [folder for folder in FIXED_FOLDERS if not folder.exists()]
        workplace.on_close(self._remove_what_it_left)
        self._command = [
            go_tool("kubelet"),
            f"--config={self._file}",
            f"--kubeconfig={control_plane.node_kubeconfig(self._folder, self.node)}",
            f"--root-dir={self._folder}/root",
            f"--cert-dir={self._folder}/certificates",
            f"--hostname-override={self.node}",
            "--v=2",
        ]
        self.start()

    def _configuration(self, cri: Path, images: Path, cgroup: str) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{cri}",
            "imageServiceEndpoint": f"unix://{images}",
            "podLogsDir": str(self._folder / "logs"),
            "volumePluginDir": str(self._folder / "volume-plugins"),
            "address": self.node,
            "port": self._port,
            "readOnlyPort": 0,
            "healthzPort": 0,
            "authentication": {
                "x509": {"clientCAFile": str(self._control_plane.authority.file)},
                "anonymous": {"enabled": False},
                "webhook": {"enabled": False},
            },
            "authorization": {"mode": "Webhook"},
            "nodeStatusUpdateFrequency": "1s",
            # Nothing of this machine but the pods: no cgroup hierarchy, no swap or score settings of the node's.
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroup,
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "makeIPTablesUtilChains": False,
            "protectKernelDefaults": False,
            "localStorageCapacityIsolation": False,
            "evictionHard": {"nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "1Mi"},
            "imageGCHighThresholdPercent": 100,
            "featureGates": {"KubeletInUserNamespace": True},  # a missing /dev/kmsg or sysctl is no error
        }

    def start(self, **settings: Any) -> None:
        self._file.write_text(json.dumps({**self._fixed, **settings}, indent=2))
        self.process = self._workplace.start("kubelet", self._command)
        self.process.wait_until(self._is_registered, "registered", START_SECONDS)

    def stop(self) -> None:
        self.process.stop()

    def restart(self, **settings: Any) -> None:
        self.stop()
        self.start(**settings)

    def _is_registered(self) -> bool:
        found = self._control_plane.kubectl.start("get", "--raw", f"/api/v1/nodes/{self.node}")
        return found.returncode == 0 and "kubeletEndpoint" in found.stdout

    def complaints(self, since: int = 0) -> Sequence[str]:
        """Its log's errors and warnings about the connection to the runtime and the image service."""
        lines = self.process.stderr[since:].splitlines()
        return [line for line in lines if COMPLAINT.match(line) and LOST_CONNECTION.search(line)]

    def _remove_what_it_left(self) -> None:
        for link in LOG_LINKS.glob("*"):
            if link.is_symlink() and link.readlink().is_relative_to(self._folder):
                link.unlink()
        for folder in reversed(self._made_folders):
            shutil.rmtree(folder, ignore_errors=True)
