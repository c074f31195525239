"""CRI-O with conmon and runc."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from processes import Workplace, accepts_connections

from peers.machine import remove_afterwards, remove_cgroups, remove_pods
from peers.programs import ROOT, go_tool
from peers.runc import runc_without_negative_scores


def build_pinns(folder: Path) -> Path:
    """CRI-O's program for namespaces, in C, from the module that crio is built of."""
    pinned = re.search(r"github.com/cri-o/cri-o v\S+", (ROOT / "scripts/tools/cri-o/go.mod").read_text())
    assert pinned
    # Outside of any module, so that no go.mod of this project meets a Go that is too old to read it.
    download = ["go", "mod", "download", "-json", pinned[0].replace(" ", "@")]
    downloaded = subprocess.run(download, cwd="/", check=True, stdout=subprocess.PIPE, text=True)
    sources = sorted(Path(json.loads(downloaded.stdout)["Dir"]).glob("pinns/src/*.c"))
    built = folder / "pinns"
    subprocess.run(["cc", "-std=c99", "-Os", "-o", built, *sources], check=True)
    return built


class CriO:
    """A CRI-O with its own folders and socket. Pods use the host's network and `sandbox_image`, which CRI-O pulls by
    itself when the first one starts. Names without a host are looked for in `search`. CRI-O speaks plain HTTP only to
    hosts that its registries.conf calls insecure, ports included: these `plain_hosts`.
    """

    def __init__(
        self,
        workplace: Workplace,
        sandbox_image: str,
        plain_hosts: Sequence[str],
        name: str = "cri-o",
        search: Sequence[str] = (),
    ) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.cgroup = f"/ics-{secrets.token_hex(4)}"
        self._workplace = workplace
        self._name = name
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self._configuration = self._folder / "crio.conf"
        self._configuration.write_text(self._settings(sandbox_image))
        (self._folder / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        (self._folder / "registries.conf").write_text(
            f"unqualified-search-registries = {json.dumps(list(search))}\n"
            + "".join(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in plain_hosts)
        )
        (self._folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self._folder}/root"\nrunroot = "{self._folder}/run"\n'
        )
        remove_afterwards(workplace, Path("/var/lib/containers"))  # a cache of where blobs were seen
        workplace.on_close(lambda: remove_cgroups(self.cgroup))  # after CRI-O's end
        self.start()

    def _settings(self, sandbox_image: str) -> str:
        folder = self._folder
        runc = runc_without_negative_scores(folder)
        return f"""
[crio]
root = "{folder}/root"
runroot = "{folder}/run"
storage_driver = "vfs"
log_dir = "{folder}/log"
version_file = "{folder}/version"
version_file_persist = "{folder}/version-persistent"
clean_shutdown_file = "{folder}/clean.shutdown"
[crio.api]
listen = "{self.socket}"
stream_address = "127.0.0.1"
stream_port = "0"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
pinns_path = "{build_pinns(folder)}"
namespaces_dir = "{folder}/namespaces"
container_exits_dir = "{folder}/exits"
container_attach_socket_dir = "{folder}/attach"
hooks_dir = []
cdi_spec_dirs = []
seccomp_profile = ""
irqbalance_config_file = ""
irqbalance_config_restore_file = "disable"
enable_criu_support = false
default_runtime = "runc"
[crio.runtime.runtimes.runc]
runtime_path = "{runc}"
runtime_type = "oci"
runtime_root = "{folder}/runc-state"
monitor_path = "/usr/bin/conmon"
monitor_cgroup = "pod"
[crio.image]
pause_image = "{sandbox_image}"
pause_command = ""
signature_policy = "{folder}/policy.json"
signature_policy_dir = "{folder}/policies"
namespaced_auth_dir = "{folder}/auth"
big_files_temporary_dir = "{folder}"
[crio.network]
network_dir = "{folder}/cni"
plugin_dirs = ["/usr/lib/cni"]
[crio.metrics]
enable_metrics = false
[crio.nri]
enable_nri = false
"""

    def start(self) -> None:
        # All that it would otherwise look for on the machine.
        environment = {
            "CONTAINERS_STORAGE_CONF": str(self._folder / "storage.conf"),
            "REGISTRY_AUTH_FILE": str(self._folder / "auth.json"),
        }
        command: list[str | Path] = [
            go_tool("crio"),
            f"--config={self._configuration}",
            f"--config-dir={self._folder}/crio.conf.d",
            f"--registries-conf={self._folder}/registries.conf",
            f"--registries-conf-dir={self._folder}/registries.conf.d",
        ]
        self.process = self._workplace.start(self._name, command, environment=environment)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening", seconds=60)
        self._workplace.on_close(self._remove_pods)  # before the process ends

    def restart(self) -> None:
        self.process.stop()
        self.start()

    def _remove_pods(self) -> None:
        if self.process.is_running:
            remove_pods(self.socket)
