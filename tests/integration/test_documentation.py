"""The documents agree with the program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, built

DOCS = ROOT / "docs"

# A file for the shim says so in its first line: `# /etc/image-cri-shim.yaml`.
FILES = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(
        re.findall(r"^```yaml\n(# /etc/image-cri-shim\.yaml\n.*?)^```", page.read_text(), re.M | re.S)
    )
]


def table_rows(page: Path) -> list[list[str]]:
    lines = [line for line in page.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# Of each key, by its path.
DEFAULTS = {row[0].strip("`"): row[2] for row in table_rows(DOCS / "configuration-reference.md")}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [built("image-cri-shim"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20
    )


def test_configuration_reference_is_the_one_that_the_program_prints() -> None:
    printed = run("config", "reference")

    assert printed.returncode == 0
    assert (DOCS / "configuration-reference.md").read_text() == printed.stdout, (
        "write it anew: image-cri-shim config reference >docs/configuration-reference.md"
    )


def test_files_are_found() -> None:
    assert len(FILES) >= 4


@pytest.mark.parametrize("text", FILES)
def test_file_of_a_document_is_valid_and_says_nothing_doubtful(text: str, tmp_path: Path) -> None:
    file = tmp_path / "image-cri-shim.yaml"
    file.write_text(text)

    shown = run("config", "show", "--file", str(file), "--admin", str(tmp_path / "nobody"))

    assert shown.returncode == 0, shown.stderr
    assert not re.search(r"image-cri-shim\.yaml:\d+:", shown.stderr), shown.stderr


def test_guide_to_the_keys_has_every_one_with_its_default() -> None:
    """What stands in configuration.md as `key | type | default | meaning`."""
    found = {}
    for key, _, default, *_ in (row for row in table_rows(DOCS / "configuration.md") if len(row) == 4):
        names = re.findall(r"`([^`]+)`", key)
        for name in names:
            path = names[0].rpartition(".")[0] + name if name.startswith(".") else name
            in_entry = f"registries[].{path}"
            found[path if path in DEFAULTS and path not in found else in_entry] = default

    assert not {path for path in DEFAULTS if path not in found and not path.startswith("registries[].")}
    for path, default in found.items():
        expected = DEFAULTS.get(path, "-")
        if len(default.split("`")) == 3 and expected not in ("-", '`""`'):
            assert default.split("`")[1].strip("[]") == expected.strip("`[]"), path
