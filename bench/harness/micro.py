"""What resolving an image costs when every answer is known: one of bench/micro, as a figure of the page."""

import json
import subprocess

from .measure import progress
from .peers import BenchFailure

BENCHMARK = "resolve_from_known_answers"


def measure_resolving(build, seconds):
    """{number of registries: CPU µs a resolution}"""
    program = build / "bench/micro/bench_micro"
    if not program.exists():
        raise BenchFailure(f"{program} is missing")
    progress(f"{BENCHMARK}: {seconds} s each")
    ended = subprocess.run([program, f"--benchmark_filter=^{BENCHMARK}/", f"--benchmark_min_time={seconds}",
                            "--benchmark_format=json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    runs = json.loads(ended.stdout)["benchmarks"]
    if not runs or any(run.get("error_occurred") for run in runs):
        raise BenchFailure(f"{BENCHMARK} has failed: {runs}")
    return {int(run["name"].rpartition("/")[2]): run["cpu_time"] / 1000 for run in runs}
