"""Real peers for each test module: starting containerd takes half a second, so tests of a module share it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from peers import Containerd, Crictl, Registry, Shim, missing_packages, temporary_workplace
from processes import Workplace


def pytest_configure(config: pytest.Config) -> None:
    # A polite end (a time-out of CI) is to end what tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        pytest.exit("containers need root", 3)
    if missing := missing_packages():
        pytest.exit(f"missing: {' '.join(missing)}; scripts/setup installs it", 3)


@pytest.fixture(scope="module")
def workplace(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    with temporary_workplace() as workplace:
        request.node.stash[WORKPLACE] = workplace
        yield workplace


@pytest.fixture(scope="module")
def containerd(workplace: Workplace) -> Containerd:
    return Containerd(workplace)


@pytest.fixture
def start_shim(workplace: Workplace, containerd: Containerd) -> Iterator[Callable[..., tuple[Shim, Crictl]]]:
    """start_shim(address=…, …): a shim with these settings, and a crictl on its socket."""
    started: list[Shim] = []

    def start(**settings: Any) -> tuple[Shim, Crictl]:
        shim = Shim(workplace, containerd, name=f"shim{len(workplace.processes)}", **{"debug": True, **settings})
        started.append(shim)
        crictl = Crictl(shim.socket)
        workplace.watch("crictl", lambda: "\n".join(crictl.said))
        return shim, crictl

    yield start
    for shim in started:
        shim.process.stop()
    assert not workplace.leaks()


@pytest.fixture(scope="module")
def start_registry(workplace: Workplace) -> Callable[..., Registry]:
    return lambda name, **options: Registry(workplace, name, **options)


@pytest.fixture(autouse=True)
def no_images(containerd: Containerd) -> None:
    """Each test starts with the pause image only; containerd is asked directly."""
    crictl = Crictl(containerd.socket)
    for pod in crictl.json("pods")["items"]:
        crictl.run("rmp", "--force", pod["id"])
    for image in crictl.json("images")["images"]:
        if not any("pause" in tag for tag in image["repoTags"]):
            crictl.run("rmi", image["id"])


WORKPLACE = pytest.StashKey[Workplace]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    module = item.getparent(pytest.Module)
    workplace = module.stash.get(WORKPLACE, None) if module else None
    if report.failed and workplace and workplace.folder.exists():
        report.sections.extend(workplace.logs())
