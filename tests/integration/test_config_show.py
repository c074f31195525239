"""`config show`: the effective configuration, each value with where it comes from (DESIGN 6, 7)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from leaks import Secrets
from processes import accepts_connections, eventually
from shim import IS_RELAY, Shim

pytestmark = pytest.mark.skipif(IS_RELAY, reason="a relay has no configuration")


def admin(shim: Shim) -> Path:
    return Path(json.loads(shim.configuration.read_text())["admin"])


@pytest.fixture
def running(start_shim) -> Shim:
    shim = start_shim(debug=True, reloadInterval="24h")
    eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")
    return shim


def show(shim: Shim, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shim.command("config", "show", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, **options
    )


def show_file(shim: Shim, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [shim.command()[0], "config", "show", "-f", file, *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)


def setting(shim: Shim, path: str, *words: str) -> dict[str, Any]:
    (found,) = [each for each in json.loads(show(shim, "--json", *words).stdout)["settings"] if each["path"] == path]
    return found


def line_of(file: Path, key: str) -> int:
    (number,) = [number for number, line in enumerate(file.read_text().splitlines(), 1) if f'"{key}":' in line]
    return number


def edit(shim: Shim, /, **settings: Any) -> None:
    shim.configuration.write_text(json.dumps({**json.loads(shim.configuration.read_text()), **settings}, indent=2))


def test_values_of_the_running_shim_name_their_line(running: Shim) -> None:
    ended = show(running)

    assert ended.returncode == 0 and ended.stderr == ""
    assert f"debug: true  # {running.configuration}:{line_of(running.configuration, 'debug')}\n" in ended.stdout
    assert "timeout: 15m0s  # default\n" in ended.stdout
    assert setting(running, "debug")["origin"] == "file"
    assert setting(running, "force") == {"path": "force", "value": False, "origin": "default"}


def test_what_is_shown_is_a_configuration(running: Shim, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(show(running).stdout)

    first, second = show(running), show_file(running, again, "--admin", "/nowhere")

    assert second.returncode == 0
    assert [line.split("  # ")[0] for line in second.stdout.splitlines()[1:]] == [
        line.split("  # ")[0] for line in first.stdout.splitlines()[1:]
    ]


def test_secrets_are_not_shown(start_shim, secrets: Secrets) -> None:
    password, token = secrets.new("password"), secrets.new("token")
    shim = start_shim(
        address="http://127.0.0.1:1",
        auth=f"robot:{password}",
        registries=[{"address": "http://127.0.0.1:2", "auth": {"identityToken": token}}],
    )
    eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")

    for ended in (show(shim), show(shim, "--json"), show(shim, "--admin", "/nowhere")):
        assert ended.returncode == 0
        assert "(set)" in ended.stdout and "robot" in ended.stdout
        assert not secrets.found_in(ended.stdout + ended.stderr)


def test_a_change_is_shown_when_it_has_effect(running: Shim) -> None:
    edit(running, timeout="7m")

    eventually(lambda: setting(running, "timeout")["value"] == "7m0s", "the change has effect")
    assert setting(running, "timeout")["line"] == line_of(running.configuration, "timeout")


def test_a_key_that_waits_for_a_restart_is_named(running: Shim) -> None:
    before = setting(running, "shim")["value"]
    edit(running, shim="/tmp/another.sock", timeout="7m")
    eventually(lambda: setting(running, "timeout")["value"] == "7m0s", "the change has effect")

    ended = show(running)

    assert f"# shim: /tmp/another.sock needs a restart; in use is {before}\n" in ended.stdout
    assert setting(running, "shim")["value"] == before


def test_a_bad_file_is_said_and_the_last_good_one_shown(running: Shim) -> None:
    edit(running, timeout="soon", debug=True)
    eventually(lambda: "its last good version" in show(running).stdout, "the file is found to be bad")

    ended = show(running)

    assert ended.returncode == 0
    assert "timeout: expected a duration" in ended.stdout.splitlines()[1]
    assert "timeout: 15m0s  # default" in ended.stdout


def test_without_a_shim_the_file_alone_is_shown(new_shim) -> None:
    shim = new_shim()
    shim.configure(timeout="7m")

    ended = show(shim)

    assert ended.returncode == 0
    assert "no shim is running" in ended.stderr and "the file alone" in ended.stderr
    assert "timeout: 7m0s  # " in ended.stdout


def test_a_bad_file_without_a_shim_is_2(new_shim) -> None:
    shim = new_shim()
    shim.configure(timeout="soon")

    ended = show(shim)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "timeout: expected a duration" in ended.stderr


def test_another_file_than_the_shims_is_said(running: Shim, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(running.configuration.read_text())

    ended = show_file(running, other)

    assert ended.returncode == 0
    assert f"reads {running.configuration}, not {other}" in ended.stderr


def test_variables_are_named_and_only_the_shim_needs_them(new_shim, runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARBOR", "127.0.0.1:1")
    shim = new_shim(runtime.socket)
    shim.configure(address="http://${HARBOR}")
    shim.start()
    eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")
    monkeypatch.delenv("HARBOR")

    found = setting(shim, "address")

    assert found["value"] == "http://127.0.0.1:1"
    assert found["variables"] == ["HARBOR"]
