"""Runs the load generator through the peers, interleaved, and reduces the rounds to medians."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

from .peers import STREAM_WINDOW, BenchFailure, maybe_on_one_core


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    call: str
    clients: int
    on_one_core: bool = False  # load generator, proxy and runtime share one: what they do adds up, nothing else does
    busy_ends: bool = False  # both ends burn the CPU of a real kubelet and runtime
    window: int = 65535
    warmup: int = 200


# grpc-go 1.68's client takes 28 us of CPU a call and containerd 1.6 takes 53 us for ImageStatus (8 clients, the machine
# of docs/benchmarks.md). Shared evenly, since each end of ours has one thread, and less the 5 us that it takes anyway.
BUSY_MICROSECONDS = 35

WORKLOADS = [
    Workload("status-1", "ImageStatus, 1 client, all on one core", "image-status", 1, on_one_core=True),
    Workload("status-1-free", "ImageStatus, 1 client, cores as the scheduler likes", "image-status", 1),
    Workload("status-8", "ImageStatus, 8 clients", "image-status", 8),
    Workload("status-8-busy", "ImageStatus, 8 clients, ends as busy as kubelet and containerd", "image-status", 8,
             busy_ends=True),
    Workload("list-1", "ListImages of 100 images, 1 client, all on one core", "list-images", 1, on_one_core=True),
    Workload("list-8", "ListImages of 100 images, 8 clients", "list-images", 8),
    Workload("stream-1", "Server stream of 64 MiB in 32 KiB messages, 1 client, all on one core", "stream", 1,
             on_one_core=True, window=STREAM_WINDOW, warmup=1),
]


@dataclass
class Slice:
    """One peer in one round of one workload."""
    p50_us: float
    p99_us: float
    calls_per_second: float
    cpu_us: float  # of the proxy, a call
    calls: int


class LoadRun:
    """The load generator, held between its warm-up and its measurement, and again before it disconnects."""

    def __init__(self, load, socket, workload, amount):
        self.argv = [str(load), "--socket", str(socket), "--call", workload.call, "--clients", str(workload.clients),
                     "--window", str(workload.window), "--warmup", str(workload.warmup), *amount, "--hold"]
        if workload.busy_ends:
            self.argv += ["--busy", str(BUSY_MICROSECONDS)]
        self.argv = maybe_on_one_core(self.argv, workload.on_one_core)

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._line()
        return self

    def __exit__(self, *_):
        self.process.communicate()

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise BenchFailure(self.process.communicate()[1].strip() or "the load generator died")
        return line

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self._line())


def run_slice(load, proxy, socket, workload, amount):
    """`proxy` is None for direct calls."""
    with LoadRun(load, socket, workload, amount) as run:
        before = proxy.cpu_seconds() if proxy else 0.0
        result = run.go()
        used = (proxy.cpu_seconds() if proxy else 0.0) - before
    return Slice(result["p50_us"], result["p99_us"], result["calls_per_second"], used / result["calls"] * 1e6,
                 int(result["calls"]))


def run_rounds(workload, names, rounds, slice_of):
    """{name: [Slice for each round]}. Every round starts with another peer, so that none is always after the same."""
    results = {name: [] for name in names}
    for n in range(rounds):
        for name in names[n % len(names):] + names[:n % len(names)]:
            results[name].append(slice_of(name, workload))
    return results


@dataclass
class Row:
    """Medians over the rounds; what compares with direct is paired within each round first."""
    p50_us: float
    p99_us: float
    added_p50_us: float
    calls_per_second: float
    share_of_direct: float
    cpu_us: float


def reduce_rounds(slices, direct):
    return Row(
        p50_us=median(s.p50_us for s in slices),
        p99_us=median(s.p99_us for s in slices),
        added_p50_us=median(s.p50_us - d.p50_us for s, d in zip(slices, direct)),
        calls_per_second=median(s.calls_per_second for s in slices),
        share_of_direct=median(s.calls_per_second / d.calls_per_second for s, d in zip(slices, direct)),
        cpu_us=median(s.cpu_us for s in slices),
    )


def ready_ms(load, argv, socket, repeats):
    """Median of fork to first answered call."""
    command = [str(load), "--socket", str(socket), "--call", "image-fs-info", "--start", "--", *argv]
    times = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchFailure(done.stderr[-2000:])
        times.append(json.loads(done.stdout.splitlines()[-1])["ready_ms"])
    return median(times)


def loading_ms(program, repeats):
    """Median of fork to exit of `program --version`: the dynamic linker's part, and static initialisation."""
    times = []
    null = os.open(os.devnull, os.O_WRONLY)
    for _ in range(repeats):
        started = time.perf_counter()
        pid = os.posix_spawn(program, [program, "--version"], os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
        os.waitpid(pid, 0)
        times.append((time.perf_counter() - started) * 1e3)
    os.close(null)
    return median(times)


def progress(text):
    print(text, file=sys.stderr, flush=True)
