"""The table in the terminal and docs/benchmarks.md."""

import os
import platform
import re
import subprocess
from pathlib import Path

STREAM_MIB = 64


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def _match(pattern, text, default="?"):
    found = re.search(pattern, text, re.M)
    return found.group(1).strip() if found else default


def machine(build):
    """[(what, which)]"""
    cache = Path(build, "CMakeCache.txt").read_text() if Path(build, "CMakeCache.txt").exists() else ""
    compiler = _match(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, "c++")
    boost = Path("/usr/include/boost/version.hpp")
    boost_version = _match(r'BOOST_LIB_VERSION "(.*)"', boost.read_text() if boost.exists() else "").replace("_", ".")
    memory_kib = int(_match(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), "0"))
    return [
        ("CPU", f"{_match(r'^model name.*: (.*)$', Path('/proc/cpuinfo').read_text())}, {os.cpu_count()} cores"),
        ("Memory", f"{memory_kib / (1 << 20):.0f} GiB"),
        ("Kernel", f"Linux {_match(r'^([0-9.]+)', platform.release())}"),
        ("Distribution", _match(r'^PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())),
        ("Compiler", f"{_output(compiler, '--version').splitlines()[0]}, "
                     f"{_match(r'^CMAKE_BUILD_TYPE:.*=(.*)$', cache)}"),
        ("Libraries", f"nghttp2 {_output('pkg-config', '--modversion', 'libnghttp2')}, Boost {boost_version}, "
                      f"gRPC C++ {_output('pkg-config', '--modversion', 'grpc++')}"),
        ("Peers", f"socat {_match(r'socat version ([0-9.]+)', _output('socat', '-V'))}, "
                  f"{_output('nghttpx', '--version')}"),
    ]


def table(header, rows):
    """Markdown that is a table in a terminal, too: first column left, the others right."""
    widths = [max(len(row[n]) for row in [header, *rows]) for n in range(len(header))]
    def line(cells):
        return "| " + " | ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(cells, widths))) + " |"
    rule = "|" + "|".join(("-" * (w + 2)) if n == 0 else ("-" * (w + 1) + ":") for n, w in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def workload_table(workload, rows):
    if workload.call == "stream":
        header = ["", "p50 ms", "p99 ms", "added p50 ms", "MiB/s", "of direct", "CPU ms"]
        time_unit, per_call = 1e3, STREAM_MIB
    else:
        header = ["", "p50 µs", "p99 µs", "added p50 µs", "calls/s", "of direct", "CPU µs"]
        time_unit, per_call = 1.0, 1
    def cells(name, row):
        is_direct = name == "direct"
        return [name, f"{row.p50_us / time_unit:.1f}", f"{row.p99_us / time_unit:.1f}",
                "" if is_direct else f"{row.added_p50_us / time_unit:+.1f}",
                f"{row.calls_per_second * per_call:,.0f}",
                "" if is_direct else f"{row.share_of_direct:.0%}",
                "" if is_direct else f"{row.cpu_us / time_unit:.1f}"]
    return table(header, [cells(name, row) for name, row in rows.items()])


def memory_table(memory, calls):
    return table(["", f"RSS MiB after {calls:,} calls", "RssAnon MiB"],
                 [[name, f"{rss / 1024:.1f}", f"{anonymous / 1024:.1f}"] for name, (rss, anonymous) in memory.items()])


def start_table(ready, loading):
    rows = [[name, f"{value:.1f}"] for name, value in ready.items()]
    if loading is not None:
        rows.append(["of which image-cri-shim --version (loading the libraries)", f"{loading:.1f}"])
    return table(["", "start to first answer, ms"], rows)


def pull_start_table(pull_start):
    rows = [[title, f"{row.first:.1f}", f"{row.later:.1f}", f"{row.latest:.1f}", f"{row.again:.1f}" if row.again else ""]
            for title, row in pull_start.items()]
    return table(["pull start, ms", "first", "later", "the longest", "of an image known"], rows)


def instructions_table(instructions):
    calls = list(next(iter(instructions.values())))
    return table(["instructions a call (user space)", *calls],
                 [[name, *(f"{by_call[call][0]:,.0f}" for call in calls)] for name, by_call in instructions.items()])


def functions_table(functions, count=10):
    def short(name):
        return re.sub(r"\s+", " ", name.replace("|", "\\|"))[:100]
    return table(["function", "object", "instructions a call"],
                 [[f"`{short(name)}`", where, f"{value:,.0f}"] for name, where, value in functions[:count]])


def objects_table(functions, least=100):
    sums = {}
    for _, where, value in functions:
        sums[where] = sums.get(where, 0) + value
    rows = sorted(((value, where) for where, value in sums.items() if value >= least), reverse=True)
    return table(["object", "instructions a call"], [[where, f"{value:,.0f}"] for value, where in rows])


def target_row(what, limit, measured, unit, at_least=False):
    """[what, target, measured, ratio to the target, verdict]"""
    holds = measured >= limit if at_least else measured <= limit
    sign = "≥" if at_least else "≤"
    return [what, f"{sign} {limit:.1f} {unit}", f"{measured:.1f} {unit}", f"{measured / limit:.2f}",
            "✓" if holds else "✗"]


def resolving_table(resolving):
    return table(["registries that match", "CPU µs a resolution"],
                 [[str(count), f"{cpu_us:.1f}"] for count, cpu_us in resolving.items()])


def resolving_targets(resolving):
    most = max(resolving)
    return [target_row(f"CPU, resolve from known answers, {most} registries", 20.0, resolving[most], "µs")]


def pull_start_targets(pull_start, probe_timeout_ms):
    if not pull_start:
        return []
    well, black_holed = pull_start["image-cri-shim, all well"], pull_start["image-cri-shim, 3 of 4 black-holed"]
    return [
        target_row("first pull with 3 of 4 registries black-holed: probe.timeout + 0.5 s", probe_timeout_ms + 500,
                   black_holed.first, "ms"),
        target_row("… later pulls: added", 1.0, black_holed.later - well.later, "ms"),
    ]


def target_rows(results, memory, ready):
    """DESIGN's targets for calls. Empty without the shim's row."""
    shim = {name: rows["image-cri-shim"] for name, rows in results.items() if "image-cri-shim" in rows}
    if not shim:
        return []
    peer = lambda workload, name: results[workload].get(name)
    out = []

    def target(what, limit, measured, unit, at_least=False):
        if limit is not None and measured is not None:
            out.append(target_row(what, limit, measured, unit, at_least))

    nghttpx, socat = peer("status-1", "nghttpx"), peer("status-1", "socat")
    added = shim["status-1"].added_p50_us
    target("added p50, ImageStatus, 1 client: no more than nghttpx", nghttpx and nghttpx.added_p50_us, added, "µs")
    target("… aim: 1.5 × the floor", socat and 1.5 * socat.added_p50_us, added, "µs")
    target("throughput, 8 clients, ends as busy as kubelet and containerd, share of direct", 85.0,
           100 * shim["status-8-busy"].share_of_direct, "%", at_least=True)
    nghttpx = peer("status-8-busy", "nghttpx")
    target("… no less than nghttpx", nghttpx and 100 * nghttpx.share_of_direct,
           100 * shim["status-8-busy"].share_of_direct, "%", at_least=True)
    for workload, what in (("status-1", "1 client"), ("status-8", "8 clients")):
        nghttpx = peer(workload, "nghttpx")
        target(f"CPU a call, ImageStatus, {what}: no more than nghttpx", nghttpx and nghttpx.cpu_us,
               shim[workload].cpu_us, "µs")
        target("… aim: half of it", nghttpx and nghttpx.cpu_us / 2, shim[workload].cpu_us, "µs")
    if "image-cri-shim" in memory:
        rss, anonymous = memory["image-cri-shim"]
        target("RSS", 20.0, rss / 1024, "MiB")
        target("RssAnon", 6.0, anonymous / 1024, "MiB")
    target("start to first answer", 20.0, ready.get("image-cri-shim"), "ms")
    return out


def targets_table(rows):
    return table(["target", "limit", "measured", "measured ÷ limit", ""], rows)
