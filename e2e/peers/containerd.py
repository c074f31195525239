"""containerd with runc, and the containers that it runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import images
from processes import Process, Workplace, accepts_connections

from peers.crictl import Crictl
from peers.programs import go_tool
from peers.workplace import remove_cgroup

PAUSE = "registry.k8s.io/pause:3.6"
RELEASES = {"1.5": ["v1alpha2"], "1.6": ["v1", "v1alpha2"], "1.7": ["v1", "v1alpha2"], "2": ["v1"]}  # CRI versions
DEBIAN = "1.6"  # the machine's own; the others are built by scripts/go-tools


class Containerd:
    """A containerd with its own folders and socket, and the pause image.

    Pods use the host's network unless it `has_network`: then they get a bridge, with Debian's CNI plugins. `mirrors`
    are addresses that containerd itself pulls from, and from nowhere else, by the host that images name. Its folders
    outlive its process: `stop` and `start`, or `restart`, and pods go on meanwhile.
    """

    def __init__(
        self,
        workplace: Workplace,
        name: str = "containerd",
        has_network: bool = False,
        mirrors: Mapping[str, str] | None = None,
        release: str = DEBIAN,
    ) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.cgroup = f"/ics-{secrets.token_hex(4)}"
        self.release = release
        self._name = name
        self._workplace = workplace
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self._configure_network(has_network)
        self._configure_mirrors(mirrors or {})
        workplace.on_close(self._remove_cgroups)  # after containerd's end
        self.process = self.start()
        self.import_image(images.pause("sandbox"), PAUSE)

    @property
    def cri_versions(self) -> list[str]:
        return RELEASES[self.release]

    def start(self) -> Process:
        configuration = self._folder / "config.toml"
        configuration.write_text(self._configuration_of_2() if self.release == "2" else self._configuration_of_1())
        programs = self._program("containerd-shim-runc-v2").parent
        self.process = self._workplace.start(
            self._name,
            [self._program("containerd"), "--config", configuration],
            # Where it looks for its containerd-shim-runc-v2.
            environment={"PATH": f"{programs}:{os.environ['PATH']}"},
        )
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")
        # It listens before its CRI service does more than refuse.
        self.process.wait_until(self._speaks_cri, "speaking CRI")
        self._workplace.on_close(self.remove_pods)
        return self.process

    def stop(self) -> None:
        self.process.stop()

    def restart(self, release: str = "") -> None:
        """As another release, where one is named: an upgrade of the node."""
        self.stop()
        self.release = release or self.release
        self.start()

    def _program(self, name: str) -> Path:
        if self.release != DEBIAN:
            return go_tool(f"containerd-{self.release}/{name}")
        found = shutil.which(name)
        assert found, f"{name} is not installed"
        return Path(found)

    def _configure_network(self, has_network: bool) -> None:
        folder = self._folder / "cni"
        folder.mkdir()
        if not has_network:
            return
        self.bridge = f"ics{secrets.token_hex(3)}"
        subnet = f"10.{secrets.randbelow(100) + 100}.{secrets.randbelow(250)}.0/24"
        bridge = {
            "type": "bridge",
            "bridge": self.bridge,
            "isGateway": True,
            "ipam": {
                "type": "host-local",
                "dataDir": str(folder / "leases"),
                "ranges": [[{"subnet": subnet}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
        plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
        (folder / "10-bridge.conflist").write_text(
            json.dumps({"cniVersion": "0.4.0", "name": self.bridge, "plugins": plugins})
        )
        remove = ["ip", "link", "delete", self.bridge]
        self._workplace.on_close(lambda: subprocess.run(remove, check=False, stderr=subprocess.DEVNULL) and None)

    def _configure_mirrors(self, mirrors: Mapping[str, str]) -> None:
        for host, address in mirrors.items():
            folder = self._folder / "hosts" / host
            folder.mkdir(parents=True)
            host_table = f'[host."{address}"]\n  capabilities = ["pull", "resolve"]\n'
            (folder / "hosts.toml").write_text(f'server = "{address}"\n{host_table}')

    def _configuration_of_1(self) -> str:
        return f"""
version = 2
{self._common_configuration()}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # A negative score needs CAP_SYS_RESOURCE, which containers and CI machines lack.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{self._folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{self._folder}/hosts"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "{self._folder}/runc"
"""

    def _configuration_of_2(self) -> str:
        return f"""
version = 3
{self._common_configuration()}
[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{self._folder}/hosts"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{self._folder}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "{self._folder}/runc"
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
"""

    def _common_configuration(self) -> str:
        return f"""
root = "{self._folder}/root"
state = "{self._folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{self.socket}"
[ttrpc]
  address = "{self._folder}/ttrpc.sock"
"""

    def trust(self, host: str, authority: Path) -> None:
        """What an operator puts into certs.d for a registry with a private authority."""
        folder = self._folder / "hosts" / host
        folder.mkdir(parents=True, exist_ok=True)
        server = f"https://{host}"
        (folder / "hosts.toml").write_text(f'server = "{server}"\n[host."{server}"]\n  ca = "{authority}"\n')

    def import_image(self, image: images.Image, name: str) -> None:
        archive = self._folder / "import.tar"
        image.save(name, archive)
        self._ctr("images", "import", "--no-unpack=false", str(archive))
        archive.unlink()

    def _ctr(self, *arguments: str) -> str:
        command = [self._program("ctr"), "--address", self.socket, "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout

    def remove_pods(self) -> None:
        if not self.process.is_running:
            return
        if "v1" in self.cri_versions:
            crictl = Crictl(self.socket)
            for pod in crictl.json("pods")["items"]:
                crictl.run("rmp", "--force", pod["id"])
            return
        for pod in self._ctr("containers", "list", "--quiet", 'labels."io.cri-containerd.kind"==sandbox').split():
            request = b"\x0a" + bytes([len(pod)]) + pod.encode()  # pod_sandbox_id = 1
            self._call_v1alpha2("StopPodSandbox", request)
            self._call_v1alpha2("RemovePodSandbox", request)

    def _speaks_cri(self) -> bool:
        if "v1" in self.cri_versions:
            return Crictl(self.socket).start("version").returncode == 0
        return self._call_v1alpha2("Version")

    def _call_v1alpha2(self, method: str, request: bytes = b"") -> bool:
        """Whether it succeeds. No crictl of today speaks to a runtime without CRI v1."""
        import grpc

        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            call = channel.unary_unary(f"/runtime.v1alpha2.RuntimeService/{method}")
            try:
                call(request, timeout=60)
            except grpc.RpcError:
                return False
        return True

    def _remove_cgroups(self) -> None:
        for hierarchy in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]:
            remove_cgroup(hierarchy / self.cgroup.lstrip("/"))
