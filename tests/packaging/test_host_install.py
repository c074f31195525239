"""packaging/host/install: a new version is there and works, or the one before it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from host import SERVICE, SOCKET, Host, was_killed

UNIT = f"etc/systemd/system/{SERVICE}"
CONFIGURATION = "etc/image-cri-shim.yaml"
HEALTH_OF_BAD_ONES = ["crash", "waiting", "deaf"]


@pytest.fixture
def installed(host: Host) -> Host:
    """With version 1, working."""
    ended = host.run(host.payload("1"), "install")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    host.forget_calls()
    return host


# ── A host without it ───────────────────────────────────────────────────────────────────────────────────────────────


def test_fresh_installation_serves(host: Host) -> None:
    ended = host.run(host.payload("1"), "install")

    assert ended.returncode == 0, ended.stderr
    assert (host.current, host.health) == ("1", "good")
    assert host.is_listening()
    assert host.is_enabled(SOCKET) and host.is_enabled(SERVICE)


def test_unit_starts_whatever_is_current(installed: Host) -> None:
    assert "ExecStart=/opt/image-cri-shim/current/bin/image-cri-shim\n" in (installed.root / UNIT).read_text()


def test_configuration_is_made_for_the_runtime_that_is_there(host: Host) -> None:
    (host.root / "run/crio/crio.sock").touch()

    host.run(host.payload("1"), "install")

    assert (host.root / CONFIGURATION).read_text().endswith("cri: /run/crio/crio.sock\n")
    assert (host.root / CONFIGURATION).stat().st_mode & 0o777 == 0o600


def test_configuration_that_is_handed_over_is_used_where_there_is_none(host: Host, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("fallback: deny\n")

    host.run(host.payload("1"), "install", "--config", str(tmp_path / "mine.yaml"))

    assert (host.root / CONFIGURATION).read_text() == "fallback: deny\n"


def test_configuration_that_is_there_is_kept(host: Host, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("fallback: deny\n")
    (host.root / "etc").mkdir()
    (host.root / CONFIGURATION).write_text("debug: true\n")

    host.run(host.payload("1"), "install", "--config", str(tmp_path / "mine.yaml"))

    assert (host.root / CONFIGURATION).read_text() == "debug: true\n"


def test_kubelet_is_left_alone_unless_asked(installed: Host) -> None:
    assert not installed.points_at_shim()


def test_kubelet_is_enabled_after_the_shim_works(host: Host) -> None:
    ended = host.run(host.payload("1"), "install", "--kubelet", "enable")

    assert ended.returncode == 0
    assert host.points_at_shim()
    assert host.calls[-1] == "kubelet enable"


def test_kubelet_that_does_not_take_it_is_tried_once_an_hour(host: Host) -> None:
    host.make_kubelet_stubborn()
    payload = host.payload("1")

    codes = [host.run(payload, "install", "--kubelet", "enable").returncode for _ in range(3)]

    assert codes == [1, 1, 1]
    assert host.calls.count("kubelet enable") == 1
    assert host.health == "good"


@pytest.mark.parametrize("health", HEALTH_OF_BAD_ONES)
def test_first_version_that_does_not_work_leaves_nothing_running(host: Host, health: str) -> None:
    ended = host.run(host.payload("1", health), "install", "--timeout", "1")

    assert ended.returncode == 1
    assert (host.current, host.health, host.is_listening()) == ("", "", False)
    assert UNIT not in host.files()


def test_first_version_that_does_not_work_stays_where_the_kubelet_needs_it(host: Host) -> None:
    host.point_at_shim()

    ended = host.run(host.payload("1", "waiting"), "install", "--timeout", "1")

    assert ended.returncode == 1
    assert host.is_listening()


@pytest.mark.parametrize("folder", ["usr/lib/systemd/system", "etc/systemd/system"])
def test_another_installation_is_not_touched(host: Host, folder: str) -> None:
    unit = host.root / folder / SERVICE
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/image-cri-shim\n")
    before = host.files()

    ended = host.run(host.payload("1"), "install")

    assert ended.returncode == 1
    assert str(unit) in ended.stderr
    assert host.files() == before


# ── A host with an older one ────────────────────────────────────────────────────────────────────────────────────────


def test_upgrade_keeps_the_version_before(installed: Host) -> None:
    ended = installed.run(installed.payload("2"), "install")

    assert ended.returncode == 0, ended.stderr
    assert (installed.current, installed.versions) == ("2", {"1", "2"})
    assert "1-" in str((installed.base / "previous").readlink())


def test_upgrade_does_not_close_the_socket(installed: Host) -> None:
    installed.run(installed.payload("2"), "install")

    closing = ("stop", "restart", "disable")
    assert not [call for call in installed.calls if SOCKET in call and call.startswith(closing)]
    assert f"restart --no-block {SERVICE}" in installed.calls


def test_only_two_versions_are_kept(installed: Host) -> None:
    for number in ("2", "3", "4"):
        installed.run(installed.payload(number), "install")

    assert installed.versions == {"3", "4"}


def test_same_version_again_restarts_nothing(installed: Host) -> None:
    ended = installed.run(installed.folder / "payload-1", "install")

    assert ended.returncode == 0
    assert "already" in ended.stdout
    assert {call.split()[0] for call in installed.calls} == {"show"}


def test_two_builds_of_one_number_are_two_versions(installed: Host) -> None:
    other = installed.folder / "payload-1"
    (other / "lib").mkdir()
    (other / "lib/libc.so").write_text("another one")

    ended = installed.run(other, "install")

    assert ended.returncode == 0
    assert len(list((installed.base / "versions").iterdir())) == 2


@pytest.mark.parametrize("health", HEALTH_OF_BAD_ONES)
def test_version_that_does_not_work_is_taken_back(installed: Host, health: str) -> None:
    ended = installed.run(installed.payload("2", health), "install", "--timeout", "3")

    assert ended.returncode == 1
    assert "1-" in ended.stderr and "runs again" in ended.stderr
    assert (installed.current, installed.health) == ("1", "good")
    assert not (installed.base / "unproven").exists()


def test_version_that_was_taken_back_is_not_tried_again_within_the_hour(installed: Host) -> None:
    bad = installed.payload("2", "crash")
    installed.run(bad, "install")
    installed.forget_calls()

    ended = installed.run(bad, "install", "--timeout", "1")

    assert ended.returncode == 1
    assert "within the last hour" in ended.stderr
    assert installed.calls == []


def test_again_tries_it_once_more(installed: Host) -> None:
    bad = installed.payload("2", "crash")
    installed.run(bad, "install")
    installed.forget_calls()

    installed.run(bad, "install", "--again")

    assert f"restart --no-block {SERVICE}" in installed.calls


def test_running_version_that_fails_with_its_runtime_is_left_running(installed: Host) -> None:
    program = installed.base / "current/bin/image-cri-shim"
    program.write_text(program.read_text().replace("echo good", "echo waiting"))
    (installed.folder / "fake/active" / SERVICE).write_text("waiting")

    ended = installed.run(installed.folder / "payload-1", "install", "--timeout", "1")

    assert ended.returncode == 1
    assert (installed.current, installed.health) == ("1", "waiting")


def test_program_that_does_not_run_here_changes_nothing(installed: Host) -> None:
    other = installed.payload("2")
    (other / "bin/image-cri-shim").write_text("#!/no/such/loader\n")

    ended = installed.run(other, "install")

    assert ended.returncode == 1
    assert (installed.current, installed.versions, installed.health) == ("1", {"1"}, "good")


def test_configuration_that_is_not_valid_for_the_new_version_stops_it_before_the_change(installed: Host) -> None:
    (installed.root / CONFIGURATION).write_text("nonsense\n")

    ended = installed.run(installed.payload("2"), "install")

    assert ended.returncode == 1
    assert "nothing was changed" in ended.stderr
    assert (installed.current, installed.health) == ("1", "good")


def test_two_installations_at_once_are_refused(installed: Host) -> None:
    with subprocess.Popen(["flock", installed.base / ".lock", "sh", "-c", "echo locked; read line"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # fmt: skip
        assert holder.stdout and holder.stdout.readline()

        ended = installed.run(installed.payload("2"), "install")

        holder.communicate(b"\n")
    assert ended.returncode == 1
    assert installed.current == "1"


# ── Killed at each step ─────────────────────────────────────────────────────────────────────────────────────────────


def with_version_1(folder: Path) -> Host:
    host = Host(folder / "template")
    assert host.run(host.payload("1"), "install").returncode == 0
    return host


def assert_whole(host: Host) -> None:
    """What runs, and what would run after a reboot, is a version that is complete."""
    assert host.health == "good"
    assert host.is_listening()
    assert (host.base / "current/bin/image-cri-shim").exists()
    assert (host.base / "current/host/install").exists()


def test_upgrade_killed_at_any_step_leaves_a_whole_version_and_the_next_run_ends_it(tmp_path: Path) -> None:
    template = with_version_1(tmp_path)
    step = 0
    while True:
        step += 1
        host = template.copy(tmp_path / str(step))
        upgrade = host.payload("2")

        ended = host.run(upgrade, "install", kill_at=step)

        if not was_killed(ended):
            break
        assert_whole(host)
        assert host.run(upgrade, "install").returncode == 0, f"after step {step}"
        assert (host.current, host.versions, host.health) == ("2", {"1", "2"}, "good"), f"after step {step}"
        assert not (host.base / "unproven").exists()
    assert step > 20


def test_bad_upgrade_killed_at_any_step_ends_with_the_old_version_at_the_next_boot(tmp_path: Path) -> None:
    template = with_version_1(tmp_path)
    step = 0
    while True:
        step += 1
        host = template.copy(tmp_path / str(step))

        ended = host.run(host.payload("2", "crash"), "install", kill_at=step)
        if was_killed(ended):
            host.reboot()

        assert (host.current, host.health) == ("1", "good"), f"after step {step}"
        assert not (host.base / "unproven").exists(), f"after step {step}"
        if not was_killed(ended):
            break
    assert step > 20


def test_first_installation_killed_at_any_step_is_ended_by_the_next_run(tmp_path: Path) -> None:
    step = 0
    while True:
        step += 1
        host = Host(tmp_path / str(step))
        payload = host.payload("1")

        ended = host.run(payload, "install", "--kubelet", "enable", kill_at=step)

        if not was_killed(ended):
            break
        assert not host.points_at_shim() or host.is_listening(), f"after step {step}"
        assert host.run(payload, "install", "--kubelet", "enable").returncode == 0, f"after step {step}"
        assert_whole(host)
        assert host.points_at_shim()
    assert step > 20


# ── uninstall ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def in_use(installed: Host) -> Host:
    installed.point_at_shim()
    return installed


def test_uninstall_points_the_kubelet_back_before_anything_else(in_use: Host) -> None:
    ended = in_use.run(in_use.folder / "payload-1", "uninstall")

    assert ended.returncode == 0, ended.stderr
    assert not in_use.points_at_shim()
    assert in_use.calls[0] == "kubelet disable"


def test_uninstall_leaves_the_configuration_and_nothing_else(host: Host) -> None:
    before = host.files()
    payload = host.payload("1")
    host.run(payload, "install")

    host.run(payload, "uninstall")

    assert host.files() == before | {CONFIGURATION}
    assert (host.health, host.is_listening(), host.is_enabled(SOCKET)) == ("", False, False)


def test_purge_leaves_nothing(host: Host) -> None:
    before = host.files()
    payload = host.payload("1")
    host.run(payload, "install")
    (host.root / "var/lib/image-cri-shim").mkdir(parents=True)
    (host.root / "var/lib/image-cri-shim/names.json").touch()

    host.run(payload, "uninstall", "--purge")

    assert host.files() == before


def test_uninstall_refuses_where_the_kubelet_cannot_be_pointed_back(in_use: Host) -> None:
    in_use.make_kubelet_stubborn()
    before = in_use.files()

    ended = in_use.run(in_use.folder / "payload-1", "uninstall", "--purge")

    assert ended.returncode == 1
    assert "could not be pointed back, so nothing was removed" in ended.stderr
    assert in_use.files() == before
    assert in_use.health == "good"


def test_uninstall_refuses_where_another_file_sends_the_kubelet_to_the_shim(in_use: Host) -> None:
    (in_use.root / "etc/default").mkdir(parents=True)
    flag = "--image-service-endpoint=/run/image-cri-shim.sock"
    (in_use.root / "etc/default/kubelet").write_text(f"KUBELET_EXTRA_ARGS={flag}\n")

    ended = in_use.run(in_use.folder / "payload-1", "uninstall")

    assert ended.returncode == 1
    assert "etc/default/kubelet still names the shim" in ended.stderr
    assert in_use.health == "good"


def test_kubelet_that_was_pointed_back_by_hand_is_not_looked_at(installed: Host) -> None:
    installed.make_kubelet_stubborn()

    ended = installed.run(installed.folder / "payload-1", "uninstall", "--without-kubelet")

    assert ended.returncode == 0
    assert "kubelet disable" not in installed.calls


def test_uninstall_twice_is_well(installed: Host) -> None:
    payload = installed.folder / "payload-1"
    installed.run(payload, "uninstall")

    ended = installed.run(payload, "uninstall")

    assert ended.returncode == 0
    assert "not installed" in ended.stdout


def test_uninstall_leaves_a_packages_units_alone(host: Host) -> None:
    unit = host.root / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")

    ended = host.run(host.payload("1"), "uninstall")

    assert ended.returncode == 1
    assert unit.exists()


def test_uninstall_killed_at_any_step_never_leaves_the_kubelet_without_a_socket(tmp_path: Path) -> None:
    template = with_version_1(tmp_path)
    template.point_at_shim()
    step = 0
    while True:
        step += 1
        host = template.copy(tmp_path / str(step))
        payload = host.folder / "payload-1"

        ended = host.run(payload, "uninstall", kill_at=step)

        assert not host.points_at_shim() or host.is_listening(), f"after step {step}"
        if not was_killed(ended):
            break
        assert host.run(payload, "uninstall").returncode == 0, f"after step {step}"
        assert host.files() == {"var/lib/kubelet/config.yaml", CONFIGURATION}, f"after step {step}"
    assert step > 5


