"""Real peers with everything private: containerd, docker-registry, crictl, and the shim between them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from processes import Process, Workplace, accepts_connections, eventually  # noqa: E402

import images  # noqa: E402

PAUSE = "registry.k8s.io/pause:3.6"
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
    "htpasswd": "apache2-utils",
    str(images.BUSYBOX): "busybox-static",
}


def missing_packages() -> list[str]:
    return sorted({package for program, package in NEEDED.items() if not shutil.which(program)})


def shim_binary() -> Path:
    return Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute() / "image-cri-shim"


def go_tool(name: str) -> Path:
    built = subprocess.run([ROOT / "scripts/go-tools", name], check=True, stdout=subprocess.PIPE)
    return Path(built.stdout.decode().strip())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def temporary_workplace() -> Iterator[Workplace]:
    """A folder and all that runs in it, which is gone afterwards, mounts included."""
    workplace = Workplace(Path(tempfile.mkdtemp(prefix="ics-")))
    try:
        yield workplace
    finally:
        workplace.close()
        end_processes_of(workplace.folder)
        unmount_below(workplace.folder)
        shutil.rmtree(workplace.folder)


def end_processes_of(folder: Path) -> None:
    """Those whose command line names the folder: what an interrupt left unrecorded, and containerd's shims."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in command and int(process.name) != os.getpid():
            end(int(process.name))


def end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
    # Until a zombie at most is left of it, which holds no file and no mount.
    eventually(lambda: not Path(f"/proc/{process}/exe").exists(), f"process {process} ends")


def unmount_below(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed([point for point in mounted if Path(point).is_relative_to(folder)]):
        subprocess.run(["umount", "--lazy", point], check=False)


class Registry:
    """docker-registry on a free port of loopback, with one user."""

    def __init__(self, workplace: Workplace, name: str = "registry", username: str = "demo") -> None:
        self.name = name
        self.username = username
        self.password = secrets.token_hex(8)
        self._workplace = workplace
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self.port = free_port()
        self.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    @property
    def auth(self) -> str:
        return f"{self.username}:{self.password}"

    def start(self) -> None:
        users = self._folder / "htpasswd"
        # The password on stdin, so that no list of processes shows it.
        hashed = subprocess.run(
            ["htpasswd", "-niB", self.username], input=self.password, check=True, stdout=subprocess.PIPE, text=True
        )
        users.write_text(hashed.stdout)
        configuration = self._folder / "config.yml"
        configuration.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "warn", "accesslog": {"disabled": True}},
                    "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
                    "auth": {"htpasswd": {"realm": self.name, "path": str(users)}},
                    "http": {"addr": self.host},
                }
            )
        )
        self.process = self._workplace.start(self.name, ["docker-registry", "serve", configuration])
        self.process.wait_until(lambda: answers(self.port), "listening")

    def stop(self) -> None:
        self.process.stop()

    def push(self, image: images.Image, name: str) -> None:
        images.RegistryClient(self.address, self.username, self.password).push(image, name)


class Containerd:
    """A containerd with its own folders and socket, and the pause image; pods use the host's network."""

    def __init__(self, workplace: Workplace) -> None:
        self.socket = workplace.path("containerd.sock")
        self.cgroup = f"/ics-{secrets.token_hex(4)}"
        self._workplace = workplace
        self._folder = workplace.path("containerd")
        self._folder.mkdir()
        configuration = self._folder / "config.toml"
        configuration.write_text(self._configuration())
        workplace.on_close(self._remove_cgroups)  # after containerd's end
        self.process = workplace.start("containerd", ["containerd", "--config", configuration])
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")
        workplace.on_close(self._remove_pods)
        self.import_image(images.pause(), PAUSE)

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
    bin_dir = "{self._folder}/cni"
    conf_dir = "{self._folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "{self._folder}/runc"
"""

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


def remove_cgroup(folder: Path) -> None:
    """With the processes in it: none, where the pods could be removed."""
    if not folder.is_dir():
        return
    for child in folder.iterdir():
        if child.is_dir():
            remove_cgroup(child)
    for process in (folder / "cgroup.procs").read_text().split():
        end(int(process))
    eventually(lambda: not (folder / "cgroup.procs").read_text(), f"{folder} is empty")
    folder.rmdir()


class Shim:
    """The shim in front of a containerd."""

    def __init__(self, workplace: Workplace, containerd: Containerd, name: str = "shim", **settings: Any) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.configuration = workplace.path(f"{name}.yaml")
        self._command: list[str | Path] = [shim_binary(), "-f", self.configuration]
        self._workplace = workplace
        self._name = name
        self._fixed = {
            "shim": str(self.socket),
            "cri": str(containerd.socket),
            "image": str(workplace.path(f"{name}-state")),
            "admin": str(workplace.path(f"{name}-admin.sock")),
            "configMap": {"enabled": False},
        }
        self.start(**settings)

    def start(self, **settings: Any) -> None:
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(json.dumps({**self._fixed, **settings}, indent=2) + "\n")
        if os.environ.get("ICS_RELAY"):
            relay = ["socat", "-b65536", f"UNIX-LISTEN:{self.socket},fork,unlink-early", f"UNIX:{self._fixed['cri']}"]
            self._command = list(relay)
        self.process = self._workplace.start(self._name, self._command)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")

    def restart(self, **settings: Any) -> None:
        self.process.stop()
        self.start(**settings)


class CommandError(Exception):
    """A command that ended with an error; the text is what it said."""


class Crictl:
    """crictl on one socket for both services."""

    def __init__(self, socket: Path) -> None:
        self.program = go_tool("crictl")
        self.endpoints = {
            "CONTAINER_RUNTIME_ENDPOINT": f"unix://{socket}",
            "IMAGE_SERVICE_ENDPOINT": f"unix://{socket}",
        }
        # An empty configuration, so that no /etc/crictl.yaml of the machine has a say.
        self.environment = {**os.environ, **self.endpoints, "CRI_CONFIG_FILE": "/dev/null"}

    def start(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs it to its end, whatever that is."""
        command = [str(self.program), "--timeout", "60s", *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90
        )

    def run(self, *arguments: str | Path) -> str:
        ended = self.start(*arguments)
        if ended.returncode:
            raise CommandError(f"crictl {' '.join(map(str, arguments))}: {ended.stderr.strip()}")
        return ended.stdout

    def error_of(self, *arguments: str | Path) -> str:
        """What it says when it fails, which it has to."""
        ended = self.start(*arguments)
        if not ended.returncode:
            raise CommandError(f"crictl {' '.join(map(str, arguments))} succeeded: {ended.stdout.strip()}")
        # The last line; the ones before are its library's log of the same.
        return ended.stderr.strip().splitlines()[-1]

    def json(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(*arguments, "--output", "json"))

    def image_names(self) -> list[str]:
        return sorted(tag for image in self.json("images")["images"] for tag in image["repoTags"])

    def run_container(self, workplace: Workplace, containerd: Containerd, image: str, name: str = "web") -> str:
        """Starts a container of the image in a pod of its own, and returns the container's ID."""
        pod = workplace.path(f"{name}-pod.json")
        host_network = {"network": 2, "pid": 1}
        pod.write_text(
            json.dumps(
                {
                    "metadata": {"name": name, "namespace": "default", "uid": name, "attempt": 1},
                    "log_directory": str(workplace.folder),
                    "linux": {
                        "cgroup_parent": containerd.cgroup,
                        "security_context": {"namespace_options": host_network},
                    },
                }
            )
        )
        container = workplace.path(f"{name}-container.json")
        container.write_text(
            json.dumps(
                {
                    "metadata": {"name": name},
                    "image": {"image": image},
                    "log_path": f"{name}.log",
                    "linux": {"security_context": {"namespace_options": host_network}},
                }
            )
        )
        sandbox = self.run("runp", pod).strip()
        created = self.run("create", "--no-pull", sandbox, container, pod).strip()
        self.run("start", created)
        return created

    def logs(self, container: str) -> str:
        """What the container has printed, once it has printed anything."""
        return eventually(lambda: self.run("logs", container), "the container prints something")
