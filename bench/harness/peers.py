"""The proxies that are compared, each a process (tree) between a listening socket and the runtime's socket."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# Of nghttpx and of the load generator's stream; grpc-go's grow to such a size by themselves.
STREAM_WINDOW = (1 << 20) - 1


def maybe_on_one_core(argv, on_one_core):
    """`argv` confined to the last core that we may use."""
    return ["taskset", "--cpu-list", str(max(os.sched_getaffinity(0))), *argv] if on_one_core else argv


class BenchFailure(Exception):
    """Something that is not a time went wrong: a wrong answer, a peer that does not start."""


@dataclass(frozen=True)
class Peer:
    name: str
    about: str
    command: tuple  # with {listen}, {runtime} and {folder}
    config: str = ""  # written to {folder}/NAME.yaml where not empty

    def argv(self, listen, runtime, folder):
        values = {"listen": listen, "runtime": runtime, "folder": folder}
        if self.config:
            Path(folder, f"{self.name}.yaml").write_text(self.config.format(**values))
        return [part.format(**values) for part in self.command]


SHIM_CONFIG = """\
shim: {listen}
cri: {runtime}
version: auto
image: {folder}/state
force: true
address: http://127.0.0.1:9   # nothing listens there: an image status must not need it
fallback: upstream
configMap: {{enabled: false}}
admin: {folder}/admin.sock
"""


def all_peers(shim, grpc_proxy):
    """In the order of the table. `direct` is no process: the load generator talks to the runtime itself."""
    return [
        Peer("direct", "no proxy", ()),
        Peer("socat", "raw byte relay, one process a connection: the floor",
             ("socat", "-b", "65536", "UNIX-LISTEN:{listen},fork,backlog=128", "UNIX-CONNECT:{runtime}")),
        Peer("image-cri-shim", "this project", (str(shim), "-f", "{folder}/image-cri-shim.yaml"), SHIM_CONFIG),
        Peer("nghttpx", "HTTP/2 proxy on nghttp2 and libev, one worker",
             ("nghttpx", "--conf=/dev/null", "--frontend=unix:{listen};no-tls",
              "--backend=unix:{runtime};;proto=h2", "--workers=1", "--accesslog-file=/dev/null",
              "--errorlog-file={folder}/nghttpx.log", "--no-via", "--no-add-x-forwarded-proto",
              f"--backend-http2-window-size={STREAM_WINDOW}")),
        Peer("grpc_proxy", "gRPC C++, generic callback service and stub",
             (str(grpc_proxy), "{listen}", "{runtime}")),
    ]


def missing_program(peer):
    """The program of `peer` that is not installed or not built, or None."""
    if peer.command and shutil.which(peer.command[0]) is None:
        return peer.command[0]
    return None


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _listens(path):
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(path)) == 0


class Process:
    """A started process and all its children; ends with the `with` block."""

    def __init__(self, argv, listen, folder, patience=10.0, on_one_core=False):
        self.argv, self.socket, self.patience, self.on_one_core = argv, listen, patience, on_one_core
        self.log = Path(folder, Path(argv[0]).name + ".out")

    def __enter__(self):
        Path(self.socket).unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(maybe_on_one_core(self.argv, self.on_one_core), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            process_group=0)
        give_up = time.monotonic() + self.patience
        while not _listens(self.socket):
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise BenchFailure(f"{' '.join(self.argv)} does not listen:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """SIGTERM, and as long as `patience` for the whole tree to end: a profile is written at the end."""
        give_up = time.monotonic() + self.patience
        tree = self.tree()
        self.process.terminate()
        while any(map(_is_alive, tree)) and time.monotonic() < give_up:
            self.process.poll()
            time.sleep(0.005)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group that we made for it, and nobody else
        except ProcessLookupError:
            pass
        self.process.wait()

    def tree(self):
        pids, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            pids.append(pid)
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    waiting += [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                pass
        return pids

    def cpu_seconds(self):
        """User and system time of the tree, ended threads included.

        The same sum as utime + stime of /proc/PID/stat, from the process's CPU clock: nanoseconds, not ticks of 10 ms.
        """
        total = 0.0
        for pid in self.tree():
            try:
                total += time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of clock_getcpuclockid(3)
            except OSError:
                pass
        return total

    def memory_kib(self):
        """(VmRSS, RssAnon), summed over the tree: pages that its processes share count once for each."""
        rss = anonymous = 0
        for pid in self.tree():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            rss += int(fields.get("VmRSS", "0 kB").split()[0])
            anonymous += int(fields.get("RssAnon", "0 kB").split()[0])
        return rss, anonymous
