"""packaging/host/on-node: what the DaemonSet's pod does on its node."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from host import Host

CONFIGURATION = "etc/image-cri-shim.yaml"
INCOMING = "opt/image-cri-shim-incoming"


def test_install_installs_on_the_host_and_shows_what_it_said(host: Host) -> None:
    ended = host.on_node(host.payload("1"), "install")

    assert ended.returncode == 0, ended.stderr
    assert (host.current, host.health) == ("1", "good")
    assert "is installed and works" in ended.stdout


def test_install_hands_arguments_and_configuration_over(host: Host, tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text("fallback: deny\n")

    ended = host.on_node(host.payload("1"), "install", "--kubelet", "enable", CONFIG=str(tmp_path / "node.yaml"))

    assert ended.returncode == 0, ended.stdout
    assert (host.root / CONFIGURATION).read_text() == "fallback: deny\n"
    assert host.points_at_shim()


def test_failure_on_the_host_is_the_pods(host: Host) -> None:
    ended = host.on_node(host.payload("1", "crash"), "install")

    assert ended.returncode == 1
    assert "failed on this node" in ended.stderr
    assert "was taken away again" in ended.stdout


def test_install_after_one_that_failed_is_a_new_one(host: Host) -> None:
    host.on_node(host.payload("1", "crash"), "install")

    ended = host.on_node(host.payload("2"), "install")

    assert ended.returncode == 0, ended.stdout
    assert host.current == "2"


def test_nothing_stays_of_what_the_image_brought(host: Host) -> None:
    host.on_node(host.payload("1"), "install")

    assert not (host.root / INCOMING).exists()


def test_uninstall_points_the_kubelet_back_and_takes_the_shim_away(host: Host) -> None:
    payload = host.payload("1")
    host.on_node(payload, "install", "--kubelet", "enable")

    ended = host.on_node(payload, "uninstall")

    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert not host.points_at_shim()
    assert not host.base.exists()


def test_uninstall_that_the_host_refuses_fails(host: Host) -> None:
    payload = host.payload("1")
    host.on_node(payload, "install", "--kubelet", "enable")
    host.make_kubelet_stubborn()

    ended = host.on_node(payload, "uninstall")

    assert ended.returncode == 1
    assert host.health == "good"


def test_ready_is_whether_the_shim_serves(host: Host) -> None:
    payload = host.payload("1")
    assert host.on_node(payload, "ready").returncode != 0

    host.on_node(payload, "install")

    assert host.on_node(payload, "ready").returncode == 0


def test_follow_shows_the_journal_since_the_installation_and_goes_on_when_it_ends(host: Host) -> None:
    payload = host.payload("1")
    host.on_node(payload, "install")
    since = (host.folder / "state/since").read_text().strip()
    host.forget_calls()
    # Each call of journalctl ends at once, as when journald's files are taken away; the third one ends the pod.
    (host.folder / "commands/journalctl").write_text(
        '#!/bin/sh\necho "$*" >>"$FAKE/calls"\necho "a line"\n[ $(wc -l <"$FAKE/calls") -lt 3 ] || kill -TERM $PPID\n'
    )

    ended = host.on_node(payload, "follow")

    assert ended.returncode in (0, -signal.SIGTERM)
    assert ended.stdout.startswith("a line\na line\n")
    assert f"--since @{since} --lines 1000 --follow" in host.calls[0]


def test_words_that_are_not_understood_are_answered_with_the_ones_that_are(host: Host) -> None:
    ended = host.on_node(host.payload("1"), "dance")

    assert ended.returncode == 2
    assert "on-node follow" in ended.stdout


def test_every_script_parses_as_posix_shell() -> None:
    folder = Path(__file__).resolve().parent.parent.parent / "packaging/host"
    for name in ("install", "uninstall", "on-node", "layout.sh"):
        subprocess.run(["dash", "-n", folder / name], check=True)
