"""Instructions a call: the same on a quiet machine and on a busy one.

A run of N calls and one of 2 N calls differ by N calls and nothing else, so start and warm-up cancel out.
"""

import re
import subprocess
from pathlib import Path

from .measure import LoadRun, Workload
from .peers import BenchFailure, Process

_LINE = re.compile(r"^\s*([\d,]+)\s+\([\d. ]+%\)\s+(.*?)(?:\s+\[(/.*)\])?$")


def _functions(profile):
    """{function: (instructions, object or "")}. What was inlined from several files is one function's again."""
    listing = subprocess.run(["callgrind_annotate", "--threshold=99.99", "--auto=no", str(profile)],
                             capture_output=True, text=True, check=True).stdout
    functions = {}
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match and match.group(2) != "PROGRAM TOTALS":
            name, where = match.group(2).split(":", 1)[-1], Path(match.group(3) or "").name
            if name.startswith("0x"):
                name = f"({where}, without symbols)"
            count, known = functions.get(name, (0, ""))
            functions[name] = (count + int(match.group(1).replace(",", "")), known or where)
    return functions


def _run(load, argv, socket, folder, call, calls):
    for old in Path(folder).glob("callgrind.*"):
        old.unlink()
    command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.%p", *argv]
    with Process(command, socket, folder, patience=120.0):
        with LoadRun(load, socket, Workload("", "", call, 1, warmup=50), ["--calls", str(calls)]) as run:
            run.go()
    profiles = list(Path(folder).glob("callgrind.*"))  # one for each process of the tree
    if not profiles:
        raise BenchFailure(f"callgrind left no profile of {argv[0]}")
    total, functions = 0, {}
    for profile in profiles:
        total += int(re.search(r"^(?:totals|summary): (\d+)", profile.read_text(), re.M).group(1))
        for name, (count, where) in _functions(profile).items():
            functions[name] = (functions.get(name, (0, ""))[0] + count, where)
    return total, functions


def instructions_per_call(load, argv, socket, folder, call, calls):
    """(instructions a call, [(function, object or "", instructions a call) with the costliest first])"""
    few, few_functions = _run(load, argv, socket, folder, call, calls)
    many, many_functions = _run(load, argv, socket, folder, call, 2 * calls)
    functions = [(name, where, (count - few_functions.get(name, (0, ""))[0]) / calls)
                 for name, (count, where) in many_functions.items()]
    return (many - few) / calls, sorted(functions, key=lambda f: -f[2])
