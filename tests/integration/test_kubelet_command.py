"""`image-cri-shim kubelet`: points the kubelet at the shim and back, and never leaves it worse than it was."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable

import pytest

from fake_kubelet import CONFIGURATION, FLAGS, IMAGE_FS_INFO, PID, FakeKubelet, as_json
from fake_runtime import FakeRuntime
from processes import Process, Workplace, eventually
from shim import Shim

Ended = subprocess.CompletedProcess[str]
Run = Callable[..., Ended]
BACKUP = ".before-image-cri-shim"


@pytest.fixture
def kubelet(workplace: Workplace, runtime: FakeRuntime) -> FakeKubelet:
    runtime.set_behaviour(IMAGE_FS_INFO, kind="echo")
    return FakeKubelet(workplace)


def words(kubelet: FakeKubelet, action: str, *more: str, timeout: int = 10) -> list[str]:
    places = ["--root", str(kubelet.root)]
    change = [] if action == "status" else ["--systemctl", str(kubelet.systemctl), "--timeout", str(timeout)]
    return ["kubelet", action, *places, *change, *more]


@pytest.fixture
def run(shim: Shim, kubelet: FakeKubelet) -> Run:
    """run("enable", …): with the file of the shim that runs."""
    return lambda action, *more, **options: shim.run(*words(kubelet, action, *more, **options))


def line_of(shim: Shim) -> str:
    return f"imageServiceEndpoint: unix://{shim.socket}\n"


def is_untouched(kubelet: FakeKubelet, text: str) -> bool:
    file = kubelet.path(CONFIGURATION)
    return file.read_text() == text and not kubelet.path(CONFIGURATION + BACKUP).exists()


# ── enable ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_enable_points_the_kubelet_at_the_shim(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()

    ended = run("enable")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert kubelet.path(CONFIGURATION).read_text() == before + line_of(shim)
    assert kubelet.path(CONFIGURATION + BACKUP).read_text() == before
    assert kubelet.restarts == ["restart kubelet"]
    assert "calls the shim" in ended.stdout


def test_enabled_twice_changes_nothing_the_second_time(kubelet: FakeKubelet, run: Run) -> None:
    run("enable")

    ended = run("enable")

    assert ended.returncode == 0
    assert "already" in ended.stdout
    assert len(kubelet.restarts) == 1


def test_dry_run_says_what_would_be_done_and_does_nothing(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()

    ended = run("enable", "--dry-run")

    assert ended.returncode == 0
    assert f"unix://{shim.socket}" in ended.stdout
    assert is_untouched(kubelet, before)
    assert kubelet.restarts == []


def test_enable_refuses_a_shim_that_does_not_answer(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    shim.terminate()
    shim.process.wait()

    ended = run("enable")

    assert ended.returncode == 1
    assert str(shim.socket) in ended.stdout
    assert is_untouched(kubelet, before)
    assert kubelet.restarts == []


def test_enable_refuses_a_shim_without_its_runtime(runtime: FakeRuntime, kubelet: FakeKubelet, run: Run) -> None:
    runtime.kill()

    assert run("enable").returncode == 1
    assert kubelet.restarts == []


def test_enable_refuses_a_kubelet_that_is_not_healthy(kubelet: FakeKubelet, run: Run) -> None:
    kubelet.is_healthy = False

    ended = run("enable")

    assert ended.returncode == 1
    assert "before any change" in ended.stdout
    assert kubelet.restarts == []


def test_enable_refuses_without_a_kubelet(kubelet: FakeKubelet, run: Run) -> None:
    kubelet.end_process()

    ended = run("enable")

    assert (ended.returncode, kubelet.restarts) == (1, [])
    assert "no kubelet runs here" in ended.stdout


def test_kubelet_that_does_not_get_healthy_is_put_back(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    kubelet.refuses = f"unix://{shim.socket}"

    ended = run("enable", timeout=1)

    assert ended.returncode == 1
    assert "put back" in ended.stdout and "healthy again" in ended.stdout
    assert is_untouched(kubelet, before)
    assert kubelet.is_healthy
    assert len(kubelet.restarts) == 2


def test_kubelet_that_does_not_call_the_shim_is_put_back(kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    kubelet.ignores_its_file = True

    ended = run("enable", timeout=1)

    assert ended.returncode == 1
    assert "does not call the shim" in ended.stdout
    assert is_untouched(kubelet, before)


def test_failing_systemctl_puts_the_file_back(kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    kubelet.systemctl_fails = True

    ended = run("enable")

    assert ended.returncode == 1
    assert is_untouched(kubelet, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_enable_puts_the_kubelet_back(
    shim: Shim, kubelet: FakeKubelet, workplace: Workplace, number: signal.Signals
) -> None:
    before = kubelet.configuration()
    kubelet.ignores_its_file = True
    process = workplace.start("enable", shim.command(*words(kubelet, "enable", timeout=30)))
    eventually(lambda: kubelet.restarts, "the kubelet is restarted")

    process.signal(number)

    assert process.wait() == 1
    assert "interrupted" in process.stdout
    assert is_untouched(kubelet, before)


def killed_within_the_restart(shim: Shim, kubelet: FakeKubelet, workplace: Workplace, action: str) -> None:
    processes: list[Process] = []

    def kill() -> None:
        eventually(lambda: processes, "it is known")
        processes[0].kill()

    kubelet.on_restart = kill
    kubelet.systemctl_fails = True
    processes.append(workplace.start(f"killed-{action}", shim.command(*words(kubelet, action))))
    eventually(lambda: not processes[0].is_running, "it is killed", seconds=15)
    kubelet.on_restart = lambda: None
    kubelet.systemctl_fails = False


def test_killed_enable_is_finished_by_the_next_one(
    shim: Shim, kubelet: FakeKubelet, run: Run, workplace: Workplace
) -> None:
    before = kubelet.configuration()
    killed_within_the_restart(shim, kubelet, workplace, "enable")
    assert kubelet.path(CONFIGURATION).read_text() == before + line_of(shim)
    assert kubelet.path(CONFIGURATION + BACKUP).read_text() == before

    ended = run("enable")

    assert ended.returncode == 0, ended.stdout
    assert "calls the shim" in ended.stdout
    assert run("disable").returncode == 0
    assert is_untouched(kubelet, before)


def test_killed_enable_is_put_back_by_the_next_one_where_it_cannot_be(
    shim: Shim, kubelet: FakeKubelet, run: Run, workplace: Workplace
) -> None:
    before = kubelet.configuration()
    killed_within_the_restart(shim, kubelet, workplace, "enable")
    kubelet.refuses = f"unix://{shim.socket}"

    assert run("enable", timeout=1).returncode == 1
    assert is_untouched(kubelet, before)


def test_killed_disable_is_finished_by_the_next_one(
    shim: Shim, kubelet: FakeKubelet, run: Run, workplace: Workplace
) -> None:
    before = kubelet.configuration()
    run("enable")
    killed_within_the_restart(shim, kubelet, workplace, "disable")
    restarts = len(kubelet.restarts)
    assert kubelet.path(CONFIGURATION).read_text() == before

    assert run("disable").returncode == 0

    assert len(kubelet.restarts) == restarts + 1
    assert is_untouched(kubelet, before)


# ── disable ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_disable_gives_the_file_of_before_without_the_shim(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration("maxPods: 110")  # without a line break
    assert run("enable").returncode == 0
    shim.terminate()
    shim.process.wait()

    ended = run("disable")

    assert ended.returncode == 0, ended.stdout
    assert is_untouched(kubelet, before)
    assert len(kubelet.restarts) == 2


def test_disable_works_without_the_shims_configuration(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    run("enable")
    shim.configuration.unlink()

    assert run("disable", "--socket", f"unix://{shim.socket}").returncode == 0
    assert is_untouched(kubelet, before)


def test_disable_keeps_what_was_changed_since(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    run("enable")
    file = kubelet.path(CONFIGURATION)
    file.write_text(file.read_text() + "maxPods: 250\n")

    run("disable")

    assert is_untouched(kubelet, before + "maxPods: 250\n")


def test_disable_brings_back_the_endpoint_of_before(
    runtime: FakeRuntime, kubelet: FakeKubelet, run: Run
) -> None:
    before = kubelet.configuration(f"imageServiceEndpoint: unix://{runtime.socket}  # the plugin\n")

    assert run("enable").returncode == 0
    assert run("disable").returncode == 0

    assert is_untouched(kubelet, before)


def test_disable_takes_back_what_was_written_by_hand(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()
    kubelet.configuration(line_of(shim))

    assert run("disable").returncode == 0
    assert is_untouched(kubelet, before)


def test_disabled_twice_changes_nothing_the_second_time(kubelet: FakeKubelet, run: Run) -> None:
    before = kubelet.configuration()

    ended = run("disable")

    assert ended.returncode == 0
    assert (kubelet.restarts, is_untouched(kubelet, before)) == ([], True)


def test_disable_without_a_kubelet_restarts_none(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    kubelet.configuration(line_of(shim))
    kubelet.end_process()

    assert run("disable").returncode == 0
    assert kubelet.restarts == []
    assert "imageServiceEndpoint" not in kubelet.path(CONFIGURATION).read_text()


def test_disable_does_not_guess_the_runtimes_endpoint(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    text = kubelet.configuration().replace("unix:///run/containerd/containerd.sock", f"unix://{shim.socket}")
    kubelet.write(CONFIGURATION, text)

    ended = run("disable")

    assert ended.returncode == 1
    assert "containerRuntimeEndpoint" in ended.stdout
    assert is_untouched(kubelet, text)


# ── Kinds of kubelets ───────────────────────────────────────────────────────────────────────────────────────────────


def test_kubelet_before_1_27_gets_the_flag(
    shim: Shim, runtime: FakeRuntime, workplace: Workplace
) -> None:
    runtime.set_behaviour(IMAGE_FS_INFO, kind="echo")
    kubelet = FakeKubelet(workplace, minor=26)
    before = kubelet.configuration()
    flags = kubelet.write(FLAGS, 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=pause:3.9"\n')

    ended = shim.run(*words(kubelet, "enable"))

    assert ended.returncode == 0, ended.stdout
    endpoint = f"--image-service-endpoint=unix://{shim.socket}"
    assert flags.read_text() == f'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=pause:3.9 {endpoint}"\n'
    assert is_untouched(kubelet, before)
    assert shim.run(*words(kubelet, "disable")).returncode == 0
    assert flags.read_text() == 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=pause:3.9"\n'


def test_drop_in_that_decides_is_the_one_that_is_edited(
    shim: Shim, runtime: FakeRuntime, kubelet: FakeKubelet, run: Run
) -> None:
    before = kubelet.configuration()
    text = f"kind: KubeletConfiguration\nimageServiceEndpoint: unix://{runtime.socket}\n"
    drop_in = kubelet.write("/etc/kubelet.d/10-plugin.conf", text)
    kubelet.write("/etc/kubelet.d/20-other.conf", "kind: KubeletConfiguration\nmaxPods: 10\n")
    kubelet.flags = ["--config-dir=/etc/kubelet.d"]
    kubelet.run_process()

    assert run("enable").returncode == 0

    assert drop_in.read_text() == "kind: KubeletConfiguration\n" + line_of(shim)
    assert is_untouched(kubelet, before)


def test_configuration_in_json_is_edited(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    text = as_json(kubelet.configuration())
    kubelet.write(CONFIGURATION, text)

    assert run("enable").returncode == 0
    assert json.loads(kubelet.path(CONFIGURATION).read_text())["imageServiceEndpoint"] == f"unix://{shim.socket}"
    assert run("disable").returncode == 0
    assert is_untouched(kubelet, text)


def test_named_configuration_and_unit_are_used(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    kubelet.write("/etc/other.yaml", kubelet.configuration())
    kubelet.ignores_its_file = True

    run("enable", "--config", "/etc/other.yaml", "--unit", "my-kubelet", timeout=1)

    assert kubelet.restarts[0] == "restart my-kubelet"


def test_flag_of_unknown_origin_is_left_to_people(kubelet: FakeKubelet, run: Run) -> None:
    kubelet.flags = ["--image-service-endpoint=unix:///run/other.sock"]
    kubelet.run_process()

    ended = run("enable")

    assert ended.returncode == 1
    assert "systemctl cat kubelet" in ended.stdout
    assert kubelet.restarts == []


@pytest.mark.parametrize(("name", "file"), [("k3s-server", "/etc/rancher/k3s/config.yaml"), ("kubelite", "args/kubelet")])
def test_embedded_kubelet_is_explained(kubelet: FakeKubelet, run: Run, name: str, file: str) -> None:
    kubelet.run_process(name=name)

    ended = run("enable")

    assert ended.returncode == 1
    assert file in ended.stdout


def test_two_kubelets_are_one_too_many(kubelet: FakeKubelet, run: Run) -> None:
    kubelet.run_process(pid=PID + 1)

    ended = run("enable")

    assert ended.returncode == 1
    assert str(PID) in ended.stdout


def test_file_that_is_no_kubelet_configuration_stays(kubelet: FakeKubelet, run: Run) -> None:
    kubelet.write(CONFIGURATION, "kind: Pod\n")

    ended = run("enable")

    assert ended.returncode == 1
    assert CONFIGURATION in ended.stdout
    assert kubelet.path(CONFIGURATION).read_text() == "kind: Pod\n"


# ── status ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_status_before_between_and_after(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    before = run("status")
    run("enable")
    between = run("status")
    shim.terminate()
    shim.process.wait()
    after = run("status")

    assert (before.returncode, between.returncode, after.returncode) == (1, 0, 1)
    assert "unix:///run/containerd/containerd.sock" in before.stdout
    assert f"unix://{shim.socket} ({kubelet.path(CONFIGURATION)})" in between.stdout
    assert "kubelet disable" in after.stdout


def test_status_tells_of_a_kubelet_that_was_not_restarted(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    kubelet.configuration(line_of(shim))

    assert "has not been restarted" in run("status").stdout


def test_status_in_json(shim: Shim, kubelet: FakeKubelet, run: Run) -> None:
    run("enable")

    status = json.loads(run("status", "--json").stdout)

    assert status == {
        "imageEndpoint": f"unix://{shim.socket}",
        "file": str(kubelet.path(CONFIGURATION)),
        "runtimeEndpoint": "unix:///run/containerd/containerd.sock",
        "pid": PID,
        "healthy": True,
        "shim": str(shim.socket),
        "pointsAtShim": True,
        "shimAnswers": True,
        "connected": True,
    }


@pytest.mark.parametrize("action", ["enable", "disable", "status"])
def test_help_has_examples_and_exit_codes(shim: Shim, action: str) -> None:
    said = shim.run("kubelet", action, "--help")

    assert said.returncode == 0
    assert "Examples" in said.stdout and "Exit codes" in said.stdout


def test_words_that_are_not_understood_are_two(shim: Shim) -> None:
    assert shim.run("kubelet").returncode == 2
    assert shim.run("kubelet", "flip").returncode == 2
    assert shim.run("kubelet", "enable", "--timeout", "soon").returncode == 2
