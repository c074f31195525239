"""What shells complete, in the shells themselves, and the manual page: made from one command line (DESIGN 7)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import built
from processes import Workplace


def say(*words: str) -> str:
    command = [str(built("image-cri-shim")), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def in_bash(line: str, script: Path, folder: Path) -> list[str]:
    words = line.split(" ")
    ask = f"""
    source {script}
    COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
    compopt() {{ :; }}  # it wants a completion under way
    _image_cri_shim
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = subprocess.run(
        ["bash", "--norc", "-euc", ask], cwd=folder, check=True, capture_output=True, text=True, timeout=20
    )
    assert not ended.stderr
    return ended.stdout.split()


def in_fish(line: str, script: Path, folder: Path) -> list[str]:
    ask = f"source {script}; complete -C '{line}'"
    ended = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=folder, check=True, capture_output=True, text=True, timeout=20
    )
    assert not ended.stderr
    return [answer.split("\t")[0] for answer in ended.stdout.splitlines()]


def in_zsh(line: str, script: Path, folder: Path) -> list[str]:
    """What it gives to compadd and _describe, by functions in their place."""
    words = line.split(" ")
    ask = f"""
    compdef() {{ :; }}
    _files() {{ print -l -- *(N); }}
    _describe() {{ print -l -- ${{${{(P)@[-1]}}%%:*}}; }}
    source {script}
    words=({" ".join(f"'{word}'" for word in words)}) CURRENT={len(words)}
    _image_cri_shim
    """
    ended = subprocess.run(
        ["zsh", "-fc", ask], cwd=folder, check=False, capture_output=True, text=True, timeout=20
    )
    assert not ended.stderr
    prefix = words[-1]
    return [word for word in ended.stdout.split() if word.startswith(prefix)]


SHELLS = [
    pytest.param("bash", in_bash, id="bash"),
    pytest.param("fish", in_fish, marks=needs("fish"), id="fish"),
    pytest.param("zsh", in_zsh, marks=needs("zsh"), id="zsh"),
]


@pytest.mark.parametrize(("shell", "complete"), SHELLS)
@pytest.mark.parametrize(
    ("line", "expected", "unexpected"),
    [
        ("image-cri-shim ", {"check", "resolve", "pull", "config", "kubelet", "completion"}, {"man", "show"}),
        ("image-cri-shim ch", {"check"}, {"resolve"}),
        ("image-cri-shim config ", {"show"}, {"check"}),
        ("image-cri-shim config show --", {"--json", "--admin", "--file"}, {"--namespace"}),
        ("image-cri-shim -f check.yaml re", {"resolve"}, set()),
        ("image-cri-shim -f check kubelet ", {"enable", "disable", "status"}, {"show"}),
        ("image-cri-shim pull nginx --cr", {"--creds"}, set()),
        ("image-cri-shim completion ", {"bash", "zsh", "fish"}, {"check"}),
        ("image-cri-shim --fi", {"--file"}, set()),
        ("image-cri-shim -f sh", {"shim.yaml"}, {"show"}),
        ("image-cri-shim pull --creds ", set(), {"check", "shim.yaml"}),
    ],
)
def test_completes(
    shell: str, complete, line: str, expected: set[str], unexpected: set[str], workplace: Workplace
) -> None:
    script = workplace.path("completion")
    script.write_text(say("completion", shell))
    folder = workplace.path("files")
    folder.mkdir()
    (folder / "shim.yaml").touch()

    answers = set(complete(line, script, folder))

    assert expected <= answers
    assert not unexpected & answers


@pytest.mark.parametrize("shell", ["bash", pytest.param("zsh", marks=needs("zsh")), pytest.param("fish", marks=needs("fish"))])
def test_script_is_valid(shell: str, workplace: Workplace) -> None:
    script = workplace.path("completion")
    script.write_text(say("completion", shell))

    assert subprocess.run([shell, "-n", str(script)], capture_output=True, timeout=20).stderr == b""


def test_other_shells_are_not_known() -> None:
    ended = subprocess.run([str(built("image-cri-shim")), "completion", "tcsh"], capture_output=True, timeout=20)

    assert ended.returncode == 2


# ── The manual page ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def page(workplace: Workplace) -> Path:
    page = workplace.path("image-cri-shim.8")
    page.write_text(say("man"))
    return page


@needs("mandoc")
def test_manual_page_is_valid_to_mandoc(page: Path) -> None:
    ended = subprocess.run(["mandoc", "-T", "lint", "-W", "error", str(page)], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stdout


@needs("groff")
def test_manual_page_is_valid_to_groff(page: Path) -> None:
    ended = subprocess.run(
        ["groff", "-man", "-Tutf8", "-wall", "-rLL=120n", str(page)], capture_output=True, text=True
    )

    assert ended.stderr == ""


@needs("mandoc")
def test_manual_page_reads_as_the_help_does(page: Path) -> None:
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", str(page)], capture_output=True, check=True, text=True)
    text = re.sub("_\b|.\b(?=.)", "", shown.stdout)

    for word in ["EXIT STATUS", "EXAMPLES", "FILES", "resolve IMAGE", "kubelet enable", "--namespace", "config show"]:
        assert word in text, word


# ── Help ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


COMMANDS = [
    [], ["check"], ["resolve"], ["pull"], ["config", "show"], ["completion"],
    ["kubelet", "enable"], ["kubelet", "disable"], ["kubelet", "status"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "program")
def test_help_has_exit_codes_and_examples(command: list[str]) -> None:
    text = say(*command, "--help")

    assert "Exit codes:" in text
    examples = text.partition("Examples:\n")[2]
    assert f"image-cri-shim {' '.join(command)}".strip() in examples
