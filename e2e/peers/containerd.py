"""containerd with runc, and the containers that it runs."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

import images
from processes import Workplace, accepts_connections

from peers.crictl import Crictl
from peers.workplace import remove_cgroup

PAUSE = "registry.k8s.io/pause:3.6"


class Containerd:
    """A containerd with its own folders and socket, and the pause image.

    Pods use the host's network unless it `has_network`: then they get a bridge, with Debian's CNI plugins. `mirrors`
    are addresses that containerd itself pulls from, and from nowhere else, by the host that images name.
    """

    def __init__(
        self,
        workplace: Workplace,
        name: str = "containerd",
        has_network: bool = False,
        mirrors: Mapping[str, str] | None = None,
    ) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.cgroup = f"/ics-{secrets.token_hex(4)}"
        self._workplace = workplace
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self._configure_network(has_network)
        self._configure_mirrors(mirrors or {})
        configuration = self._folder / "config.toml"
        configuration.write_text(self._configuration())
        workplace.on_close(self._remove_cgroups)  # after containerd's end
        self.process = workplace.start(name, ["containerd", "--config", configuration])
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")
        workplace.on_close(self._remove_pods)
        self.import_image(images.pause("sandbox"), PAUSE)

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

    def _configuration(self) -> str:
        return f"""
version = 2
root = "{self._folder}/root"
state = "{self._folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{self.socket}"
[ttrpc]
  address = "{self._folder}/ttrpc.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # A negative score needs CAP_SYS_RESOURCE, which containers and CI machines lack.
  restrict_oom_score_adj = true
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

    def trust(self, host: str, authority: Path) -> None:
        """What an operator puts into certs.d for a registry with a private authority."""
        folder = self._folder / "hosts" / host
        folder.mkdir(parents=True)
        server = f"https://{host}"
        (folder / "hosts.toml").write_text(f'server = "{server}"\n[host."{server}"]\n  ca = "{authority}"\n')

    def import_image(self, image: images.Image, name: str) -> None:
        archive = self._folder / "import.tar"
        image.save(name, archive)
        self._ctr("images", "import", "--no-unpack=false", str(archive))
        archive.unlink()

    def _ctr(self, *arguments: str) -> None:
        command = ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def _remove_pods(self) -> None:
        if not self.process.is_running:
            return
        crictl = Crictl(self.socket)
        for pod in crictl.json("pods")["items"]:
            crictl.run("rmp", "--force", pod["id"])

    def _remove_cgroups(self) -> None:
        for hierarchy in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]:
            remove_cgroup(hierarchy / self.cgroup.lstrip("/"))
