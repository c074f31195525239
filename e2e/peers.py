"""Real peers with everything private: containerd, docker-registry, crictl, and the shim between them."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/integration"))

from leaks import KEPT_COPY, text_below  # noqa: E402
from processes import Process, Workplace, accepts_connections, eventually  # noqa: E402

import images  # noqa: E402
from certificates import Authority  # noqa: E402
from token_server import TokenServer  # noqa: E402

# With a plain byte relay in the shim's place, to try the peers themselves.
IS_RELAY = bool(os.environ.get("ICS_RELAY"))

ENDING_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

PAUSE = "registry.k8s.io/pause:3.6"
NEEDED = {  # programs, and Debian's packages of them
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
    "htpasswd": "apache2-utils",
}
NEEDED_FOR = {
    "cni": {"/usr/lib/cni/bridge": "containernetworking-plugins", "iptables": "iptables", "ip": "iproute2"},
    "nghttpx": {"nghttpx": "nghttp2-proxy", "socat": "socat"},
}


def missing_packages(*purposes: str) -> list[str]:
    needed = {**NEEDED, **{program: name for purpose in purposes for program, name in NEEDED_FOR[purpose].items()}}
    return sorted({package for program, package in needed.items() if not shutil.which(program)})


def run_as_script(main: Callable[[], int], *purposes: str) -> int:
    """Runs a script that starts peers: says what is missing, and ends what was started however it is told to end."""
    name = Path(sys.argv[0]).name
    problem = ""
    if os.geteuid() != 0:
        problem = "containers need root"
    elif missing := missing_packages(*purposes):
        problem = f"missing: {' '.join(missing)}; scripts/setup installs it"
    elif not shim_binary().exists() and not IS_RELAY:
        problem = f"{shim_binary()} is missing; make builds it"
    if problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1

    def unwind(number: int, _: object) -> None:
        ignore_signals()
        raise SystemExit(128 + number)

    for number in ENDING_SIGNALS:
        signal.signal(number, unwind)
    try:
        return main()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > 128:
            print(f"\n{name}: interrupted; what it started is stopped and removed", file=sys.stderr)
        raise


def ignore_signals() -> None:
    """What cleans up is not to be interrupted."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


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


def answers(port: int, ip: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ip, port)) == 0


@contextmanager
def temporary_workplace() -> Iterator[Workplace]:
    """A folder and all that runs in it, which is gone afterwards, mounts included."""
    workplace = Workplace(Path(tempfile.mkdtemp(prefix="ics-")))
    try:
        yield workplace
    finally:
        handlers = [signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS]
        workplace.close()
        end_processes_of(workplace.folder)
        unmount_below(workplace.folder)
        shutil.rmtree(workplace.folder)
        for number, handler in zip(ENDING_SIGNALS, handlers):
            signal.signal(number, handler)


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
    """docker-registry on a free port, of loopback unless it has another `ip`, with one user; for everybody without a username.

    With a certificate of `authority` it speaks TLS; with a token server it wants that one's tokens instead of Basic.
    """

    def __init__(
        self,
        workplace: Workplace,
        name: str = "registry",
        username: str = "demo",
        authority: Authority | None = None,
        token_server: TokenServer | None = None,
        ip: str = "127.0.0.1",
    ) -> None:
        self.name = name
        self.ip = ip
        self.username = username
        self.password = workplace.secrets.add(secrets.token_hex(8)) if username else ""
        self.authority = authority
        self._certificate = authority.issue(name, f"IP:{ip}") if authority else None
        self._token_server = token_server
        self._workplace = workplace
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self.port = free_port()
        self.start()

    @property
    def host(self) -> str:
        return f"{self.ip}:{self.port}"

    @property
    def address(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.host}"

    @property
    def auth(self) -> str:
        return f"{self.username}:{self.password}"

    def start(self) -> None:
        settings: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
            "http": {"addr": self.host},
        }
        if self._certificate:
            files = {"certificate": str(self._certificate.file), "key": str(self._certificate.key)}
            settings["http"]["tls"] = files
        if self._token_server:
            settings["auth"] = {"token": self._token_server.settings()}
        elif self.username:
            users = self._folder / "htpasswd"
            # The password on stdin, so that no list of processes shows it.
            hashed = subprocess.run(
                ["htpasswd", "-niB", self.username], input=self.password, check=True, stdout=subprocess.PIPE, text=True
            )
            users.write_text(hashed.stdout)
            settings["auth"] = {"htpasswd": {"realm": self.name, "path": str(users)}}
        configuration = self._folder / "config.yml"
        configuration.write_text(json.dumps(settings))
        self.process = self._workplace.start(self.name, ["docker-registry", "serve", configuration])
        self.process.wait_until(lambda: answers(self.port, self.ip), "listening")

    def stop(self) -> None:
        self.process.stop()

    def push(self, image: images.Image | images.Index, name: str) -> None:
        token = self._token_server.token(name.rpartition(":")[0], ["pull", "push"]) if self._token_server else ""
        authority = self.authority.file if self.authority else None
        images.RegistryClient(self.address, self.username, self.password, token, authority).push(image, name)


class Containerd:
    """A containerd with its own folders and socket, and the pause image.

    Pods use the host's network unless it `has_network`: then they get a bridge, with Debian's CNI plugins. `mirrors`
    are addresses that containerd itself pulls from, by the host that images name.
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
            (folder / "hosts.toml").write_text(f'[host."{address}"]\n  capabilities = ["pull", "resolve"]\n')

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
        self.state = workplace.path(f"{name}-state")
        self._fixed = {
            "shim": str(self.socket),
            "cri": str(containerd.socket),
            "image": str(self.state),
            "admin": str(workplace.path(f"{name}-admin.sock")),
            "configMap": {"enabled": False},
        }
        workplace.watch(f"{name}'s state", lambda: text_below(self.state, but=KEPT_COPY))
        self.start(**settings)

    def start(self, **settings: Any) -> None:
        self._workplace.secrets.add_from(settings)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(json.dumps({**self._fixed, **settings}, indent=2) + "\n")
        if IS_RELAY:
            relay = ["socat", "-b65536", f"UNIX-LISTEN:{self.socket},fork,unlink-early", f"UNIX:{self._fixed['cri']}"]
            self._command = list(relay)
        self.process = self._workplace.start(self._name, self._command)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")

    def restart(self, **settings: Any) -> None:
        self.process.stop()
        self.start(**settings)

    def wait_for_log(self, *words: str) -> None:
        eventually(lambda: all(word in self.process.stderr for word in words), f"the log shows {words}")


class CommandError(Exception):
    """A command that ended with an error; the text is what it said."""


class Crictl:
    """crictl on one socket for both services."""

    def __init__(self, socket: Path) -> None:
        self.program = go_tool("crictl")
        self.said: list[str] = []  # all that it printed
        self.endpoints = {
            "CONTAINER_RUNTIME_ENDPOINT": f"unix://{socket}",
            "IMAGE_SERVICE_ENDPOINT": f"unix://{socket}",
        }
        # An empty configuration, so that no /etc/crictl.yaml of the machine has a say.
        self.environment = {**os.environ, **self.endpoints, "CRI_CONFIG_FILE": "/dev/null"}

    def start(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs it to its end, whatever that is."""
        command = [str(self.program), "--timeout", "60s", *map(str, arguments)]
        ended = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90
        )
        self.said += [ended.stdout, ended.stderr]
        return ended

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
        last = ended.stderr.strip().splitlines()[-1]
        message = re.search(r'level=fatal msg=("(?:[^"\\]|\\.)*")', last)
        return str(json.loads(message[1])) if message else last

    def json(self, command: str, *arguments: str | Path) -> Any:
        return json.loads(self.run(command, "--output", "json", *arguments))

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
