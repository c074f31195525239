#!/usr/bin/python3
"""docs/conformance.md, from what the scripts in scripts/conformance/ found.

    scripts/conformance_report.py            puts the results that are there into the document; the rest of it stays
    scripts/conformance_report.py --check    exit status 1 where a result is not what the document says

A script leaves its result with `write`. Two runs of a script have to give the same text: no times, ports, paths or
random names. A script that runs a part of its cases (--quick) leaves fewer rows, each the same as in a whole run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/conformance.md"


@dataclass(frozen=True)
class Table:
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]  # the first cell, or cells, name what the row is about
    caption: str = ""  # a sentence above it


def results_folder() -> Path:
    return Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute() / "conformance"


def write(name: str, title: str, text: str, *tables: Table) -> None:
    """Leaves the result of scripts/conformance/NAME. The document needs a place for it: `<!-- NAME -->`."""
    results_folder().mkdir(parents=True, exist_ok=True)
    result = {"title": title, "text": text, "tables": [asdict(table) for table in tables]}
    (results_folder() / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def line_of(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"


def section_of(name: str, result: dict[str, object]) -> str:
    lines = [f"## {result['title']}", "", f"`scripts/conformance/{name}`. {result['text']}"]
    for table in result["tables"]:  # type: ignore[attr-defined]
        lines += ["", table["caption"]] if table["caption"] else []
        lines += ["", line_of(table["columns"]), "|" + "---|" * len(table["columns"])]
        lines += [line_of(row) for row in table["rows"]]
    return "\n".join(lines)


def place_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {re.escape(name)} -->\n).*?(?=\n<!-- /{re.escape(name)} -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, compare")
    options = parser.parse_args()
    document = DOCUMENT.read_text()
    differing = 0
    for file in sorted(results_folder().glob("*.json")):
        section = section_of(file.stem, json.loads(file.read_text()))
        place = place_of(file.stem)
        stored = place.search(document)
        if not stored:
            sys.exit(f"{DOCUMENT.name} has no place for the result of {file.stem}: <!-- {file.stem} --> and its end")
        if not options.check:
            document = place.sub(lambda _: section, document)
            continue
        known = set(stored[0].splitlines())
        for line in section.splitlines():
            # The text may tell of the cases that a quick run leaves out; rows may not differ.
            if line.startswith("|") and line not in known:
                differing += 1
                print(f"{file.stem}: {DOCUMENT.name} does not say: {line}")
    if not options.check:
        DOCUMENT.write_text(document)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
