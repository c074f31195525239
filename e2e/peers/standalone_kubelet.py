"""A real kubelet of any release without an API server: its pods are files in a folder."""

from __future__ import annotations

import ctypes
import json
import re
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from processes import Process, Workplace

from peers.programs import free_port, go_tool

RELEASES = {"1.22": ["v1alpha2"], "1.25": ["v1", "v1alpha2"], "1.33": ["v1"], "1.36": ["v1"]}  # CRI versions
NODE = "node"
# Where every kubelet keeps something, whatever its configuration says: sockets of device plugins; before 1.29 the logs
# of pods, and links to those of containers.
MACHINE_FOLDERS = [Path("/var/lib/kubelet"), Path("/var/log")]
CLONE_NEWNS = 0x00020000


@contextmanager
def hidden_machine_folders() -> Iterator[None]:
    """This process, and what it starts from now on, sees empty folders where kubelets of the machine have theirs.

    A kubelet removes the logs of pods that it does not know. All mounts made from now on are this process's own.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "no mount namespace of its own")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    made = [folder for folder in MACHINE_FOLDERS if not folder.exists()]
    for folder in MACHINE_FOLDERS:
        folder.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder], check=True)
    try:
        yield
    finally:
        for folder in MACHINE_FOLDERS:
            subprocess.run(["umount", "--lazy", folder], check=True)
        for folder in made:
            with suppress(OSError):  # somebody else's kubelet has begun to use it
                folder.rmdir()


def cgroup_hierarchies() -> list[Path]:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():  # version 2
        return [root]
    return [each for each in root.iterdir() if not each.is_symlink()]


def kubelet_program(release: str) -> Path:
    return go_tool("kubernetes/kubelet" if release == "1.33" else f"kubernetes-{release}/kubelet")


class StandaloneKubelet:
    """Needs `hidden_machine_folders`. One endpoint for the runtime service, one for images, often the same.

    Its pods are below `cgroup`, which whoever named it removes: that of the containerd.
    """

    def __init__(
        self, workplace: Workplace, release: str, runtime: Path, images: Path, cgroup: str, name: str = "kubelet"
    ) -> None:
        self._release = tuple(map(int, release.split(".")))
        self._folder = workplace.path(name)
        self._cgroup = cgroup
        for hierarchy in cgroup_hierarchies():
            (hierarchy / cgroup.lstrip("/")).mkdir(exist_ok=True)
        self._port, self._read_only_port = free_port(), free_port()
        self._pods = self._folder / "pods"
        self._pods.mkdir(parents=True)
        endpoints = {"containerRuntimeEndpoint": f"unix://{runtime}", "imageServiceEndpoint": f"unix://{images}"}
        flags = []
        if self._release < (1, 27):
            # As the configuration's fields, which came later.
            flags = [f"--{re.sub('[A-Z]', lambda it: '-' + it[0].lower(), key)}={at}" for key, at in endpoints.items()]
            flags.append("--container-runtime=remote")
            endpoints = {}
        configuration = self._folder / "config.json"
        configuration.write_text(json.dumps({**self._configuration(), **endpoints}, indent=2))
        self.process: Process = workplace.start(
            name,
            [
                kubelet_program(release),
                f"--config={configuration}",
                f"--root-dir={self._folder}/root",
                f"--cert-dir={self._folder}/certificates",
                f"--hostname-override={NODE}",
                "--v=2",
                *flags,
            ],
        )

    def _configuration(self) -> dict[str, Any]:
        configuration = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "staticPodPath": str(self._pods),
            "fileCheckFrequency": "1s",
            "volumePluginDir": str(self._folder / "volume-plugins"),
            "address": "127.0.0.1",
            "port": self._port,
            "readOnlyPort": self._read_only_port,
            "healthzPort": 0,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            # Nothing of this machine but the pod and its cgroup: no limits, swap or score settings of the node's.
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self._cgroup,
            "cgroupsPerQOS": True,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "makeIPTablesUtilChains": False,
            "protectKernelDefaults": False,
            "evictionHard": {"nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "1Mi"},
            "imageGCHighThresholdPercent": 100,
            "featureGates": {"KubeletInUserNamespace": True},  # a missing /dev/kmsg or sysctl is no error
        }
        if self._release >= (1, 25):
            configuration["localStorageCapacityIsolation"] = False
        if self._release >= (1, 31):
            configuration["failCgroupV1"] = False
        return configuration

    def add(self, pod: dict[str, Any]) -> None:
        (self._pods / f"{pod['metadata']['name']}.json").write_text(json.dumps(pod))

    def remove(self, name: str) -> None:
        (self._pods / f"{name}.json").unlink()

    def pod(self, name: str) -> dict[str, Any] | None:
        """As the kubelet reports it."""
        answer = self._get(f"http://127.0.0.1:{self._read_only_port}/pods")
        listed = (json.loads(answer)["items"] or []) if answer else []
        return next((pod for pod in listed if pod["metadata"]["name"] == f"{name}-{NODE}"), None)

    def logs(self, name: str, container: str) -> str:
        """What the container has printed, read by the kubelet."""
        answer = self._get(f"https://127.0.0.1:{self._port}/containerLogs/default/{name}-{NODE}/{container}")
        return (answer or b"").decode()

    def runs_nothing(self) -> bool:
        """No pod and no container, as the runtime tells it."""
        answer = self._get(f"https://127.0.0.1:{self._port}/runningpods/")
        return bool(answer) and not json.loads(answer or b"{}")["items"]

    def _get(self, address: str) -> bytes | None:
        """None while it does not answer."""
        if not self.process.is_running:
            raise AssertionError(f"the kubelet exited with {self.process.exit_status}")
        # Its certificate is its own, and no proxy of the environment knows it.
        certificate = ssl.create_default_context()
        certificate.check_hostname, certificate.verify_mode = False, ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=certificate)
        )
        with suppress(OSError), opener.open(address, timeout=5) as answer:
            content: bytes = answer.read()
            return content
        return None
