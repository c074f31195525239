"""Exit codes, and what is said on the way out (DESIGN 6, 7)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fake_runtime import FakeRuntime
from leaks import Secrets
from shim import Shim


def run(shim: Shim, *arguments: str | Path, file: bool = True) -> subprocess.CompletedProcess[str]:
    if file:
        return shim.run(*map(str, arguments))
    command = [shim.command()[0], *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)


@pytest.fixture
def stopped(runtime: FakeRuntime, new_shim) -> Shim:
    return new_shim(runtime.socket)


def test_missing_file_is_2_and_names_it(stopped: Shim) -> None:
    ended = run(stopped)

    assert ended.returncode == 2
    assert str(stopped.configuration) in ended.stderr


def test_folder_in_the_files_place_is_2(stopped: Shim) -> None:
    stopped.configuration.mkdir()

    assert run(stopped).returncode == 2


@pytest.mark.parametrize(
    "text, said",
    [
        ("registries: [", "shim.yaml:1"),
        ("shim: /tmp/x.sock\nregistries:\n- address: a.test\n  priority: high\n", "registries[0].priority"),
        ("timeout: soon\n", "timeout"),
        ("maxMessageSize: 16Xi\n", "maxMessageSize"),
        ("version: v2\n", "version"),
        ("fallback: maybe\n", "fallback"),
    ],
)
def test_invalid_file_is_2_and_says_where(stopped: Shim, text: str, said: str) -> None:
    stopped.configuration.write_text(text)

    ended = run(stopped)

    assert ended.returncode == 2
    assert "shim.yaml" in ended.stderr
    assert said in ended.stderr


def test_all_errors_are_said_at_once(stopped: Shim) -> None:
    stopped.configuration.write_text("timeout: soon\nfallback: maybe\n")

    ended = run(stopped)

    assert "timeout" in ended.stderr and "fallback" in ended.stderr


def test_unknown_key_is_a_warning_that_names_the_nearest(stopped: Shim) -> None:
    stopped.configure(regestries=[])
    stopped.start()

    stopped.wait_for_log('"regestries"', '"registries"')


@pytest.mark.parametrize("arguments", [["--version"], ["-v"], ["--help"], ["-h"]])
def test_version_and_help_are_0(stopped: Shim, arguments: list[str]) -> None:
    ended = run(stopped, *arguments, file=False)

    assert ended.returncode == 0
    assert ended.stdout


def test_unknown_option_is_2(stopped: Shim) -> None:
    assert run(stopped, "--no-such-option", file=False).returncode == 2


def test_dry_run_shows_the_configuration_without_secrets(stopped: Shim, secrets: Secrets, start_registry) -> None:
    password = secrets.new("password")
    registry = start_registry(credentials=f"admin:{password}")
    stopped.configure(address=registry.address, auth=f"admin:{password}")

    ended = run(stopped, "--dry-run")

    assert ended.returncode == 0, ended.stderr
    assert registry.address in ended.stdout + ended.stderr
    assert ": fake-runtime 1.2.3" in ended.stdout
    assert not secrets.found_in(ended.stdout + ended.stderr)
    assert not stopped.socket.exists()


def test_dry_run_of_an_invalid_file_is_2(stopped: Shim) -> None:
    stopped.configuration.write_text("timeout: soon\n")

    assert run(stopped, "--dry-run").returncode == 2


def test_settings_are_logged_at_start_without_secrets(runtime: FakeRuntime, start_shim, secrets: Secrets) -> None:
    password = secrets.new("password")

    shim = start_shim(address="http://127.0.0.1:5999", auth=f"admin:{password}", timeout="20m", debug=False)

    shim.wait_for_log(
        f"shim-socket: {shim.socket}",
        f"cri-socket: {runtime.socket}",
        "hub-address: http://127.0.0.1:5999",
        "RegistryDomain: 127.0.0.1:5999",
        "Force: false",
        "Debug: false",
        f"ImageDir: {shim.state}",
        "Timeout: {20m0s}",
        "Username: admin",
        "CRIVersion: auto",
    )
