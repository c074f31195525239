"""Instructions a call: the same on a quiet machine and on a busy one.

A run of N calls and one of 2 N calls differ by N calls and nothing else, so start and warm-up cancel out.
"""

import re
from pathlib import Path

from .measure import LoadRun, Workload
from .peers import BenchFailure, Process

# `fn=(12) name` names number 12, `fn=(12)` means it again; objects, files and functions are numbered apart.
_NAMED = re.compile(r"^(ob|fn)=\((\d+)\)(?: (.*))?$")
_DEFINED_BY_CALL = re.compile(r"^c(ob|fn)=\((\d+)\) (.*)$")


def _functions(profile):
    """{(function, object): instructions of its own}, from callgrind's output format."""
    names, current, functions = {}, {}, {}
    skips_next = False  # the line after `calls=` is the callee's cost
    for line in profile.read_text().splitlines():
        if match := _NAMED.match(line):
            kind, number, name = match.groups()
            if name is not None:
                names[kind, number] = name
            current[kind] = names[kind, number]
        elif match := _DEFINED_BY_CALL.match(line):
            names[match.group(1), match.group(2)] = match.group(3)
        elif line.startswith("calls="):
            skips_next = True
        elif line[:1] and line[0] in "0123456789+-*":
            cost = line.split()[1:]  # none for zero
            if cost and not skips_next:
                where = Path(current["ob"]).name
                name = f"({where}, without symbols)" if current["fn"].startswith("0x") else current["fn"]
                functions[name, where] = functions.get((name, where), 0) + int(cost[0])
            skips_next = False
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
    functions = {}
    for profile in profiles:
        for key, count in _functions(profile).items():
            functions[key] = functions.get(key, 0) + count
    return functions


def instructions_per_call(load, argv, socket, folder, call, calls):
    """(instructions a call, [(function, object, instructions a call) with the costliest first])"""
    few = _run(load, argv, socket, folder, call, calls)
    many = _run(load, argv, socket, folder, call, 2 * calls)
    functions = [(name, where, (count - few.get((name, where), 0)) / calls) for (name, where), count in many.items()]
    return (sum(many.values()) - sum(few.values())) / calls, sorted(functions, key=lambda f: -f[2])
