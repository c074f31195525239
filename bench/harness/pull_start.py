"""How long a pull waits for the choice of its registry: from the call to the runtime's receipt of it.

With the peers of the integration tests: the fake runtime, which notes when it receives a call, and registries that can
be black holes. Next to the shim stands what asks the registries one after the other, each with the same time-out.
"""

import http.client
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .measure import progress
from .peers import BenchFailure

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tests" / "integration"))

REGISTRIES = 4


@dataclass
class PullStart:
    """Milliseconds from a pull's begin to the runtime."""
    first: float  # nothing is known yet; median of fresh shims
    later: float  # of images that nobody has pulled: median
    latest: float  # … and the longest
    again: float = 0.0  # of an image that was pulled before: median; 0 where that is no case of its own


def measure_pull_start(build, probe_timeout_ms, repeats, pulls):
    """{title: PullStart}, of the shim and of asking one after the other, with three of four registries black holes."""
    progress(f"pull start: {repeats} shims, {pulls} pulls each, probe.timeout {probe_timeout_ms} ms")
    return {
        "image-cri-shim, all well": _shim(build, probe_timeout_ms, repeats, pulls, black_holes=0),
        "image-cri-shim, 3 of 4 black-holed": _shim(build, probe_timeout_ms, repeats, pulls, black_holes=3),
        "one after the other, all well": _one_after_the_other(probe_timeout_ms, pulls, black_holes=0),
        "one after the other, 3 of 4 black-holed": _one_after_the_other(probe_timeout_ms, 2, black_holes=3),
    }


@contextmanager
def _registries(black_holes):
    from faulty_registry import Fault, FaultyRegistry
    registries = [FaultyRegistry() for _ in range(REGISTRIES)]
    try:
        for registry in registries[:black_holes]:
            registry.fault = Fault.BLACK_HOLED
        yield registries
    finally:
        for registry in registries:
            registry.stop()


def _shim(build, probe_timeout_ms, repeats, pulls, black_holes):
    runs = []
    with _registries(black_holes) as registries:
        for _ in range(repeats):
            with tempfile.TemporaryDirectory(prefix="ics-bench-") as folder:
                runs.append(_run_of_a_shim(build, Path(folder), registries, probe_timeout_ms, pulls, black_holes))
    first, later, again = zip(*runs)
    return PullStart(median(first), median(map(median, later)), max(map(max, later)), median(map(median, again)))


def _run_of_a_shim(build, folder, registries, probe_timeout_ms, pulls, black_holes):
    """(first, [later], [again])"""
    from fake_runtime import FakeRuntime, succeeds
    from processes import Workplace
    from shim import Shim
    with closing(Workplace(folder)) as workplace:
        runtime = FakeRuntime(workplace, Path(build, "fake-runtime"))
        shim = Shim(workplace, Path(build, "image-cri-shim"), runtime.socket)
        shim.configure(registries=[{"address": registry.address} for registry in registries], fallback="deny",
                       probe={"timeout": f"{probe_timeout_ms}ms"})
        shim.start()
        client = shim.client()
        client.version_of_runtime()

        def start_ms(image):
            well = registries[black_holes].host
            runtime.set_pull(f"{well}/{image}", succeeds(1))
            began = time.monotonic_ns()
            client.pull(image)
            call = runtime.calls("PullImage")[-1]
            if call.image != f"{well}/{image}":
                raise BenchFailure(f"the pull went to {call.image}")
            return (call.received_ns - began) / 1e6

        first = start_ms("team/first:v1")
        # Those that were asked after the first have their own time-out.
        shim.wait_for_log(*(f"registry {registry.address} is left out" for registry in registries[:black_holes]))
        later = [start_ms(f"team/later-{number}:v1") for number in range(pulls)]
        again = [start_ms("team/first:v1") for _ in range(pulls)]
        return first, later, again


def _one_after_the_other(probe_timeout_ms, pulls, black_holes):
    """The choice alone, without a call to it and one to the runtime."""
    def choose_ms(registries, image):
        began = time.monotonic_ns()
        for registry in registries:
            if _has(registry.port, image, probe_timeout_ms):
                return (time.monotonic_ns() - began) / 1e6
        raise BenchFailure("no registry answers")

    with _registries(black_holes) as registries:
        first, *later = [choose_ms(registries, f"team/app-{number}") for number in range(pulls + 1)]
    return PullStart(first, median(later), max(later))


def _has(port, repository, timeout_ms):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_ms / 1e3)) as connection:
        try:
            connection.request("HEAD", f"/v2/{repository}/manifests/v1")
            return connection.getresponse().status == 200
        except TimeoutError:
            return False
