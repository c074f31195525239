"""One control plane and one set of registries for all, and a node for each runtime and arrangement in turn."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from node import BOTH, GATES, IMAGE_SERVICE, Node, Registries
from peers import missing_packages, shim_binary, temporary_workplace
from peers.control_plane import ControlPlane
from pods import Pods
from processes import Workplace

RELEASES = ["1.6", "2"]
NODES = [(release, arrangement) for release in RELEASES for arrangement in (IMAGE_SERVICE, BOTH)]


def pytest_configure(config: pytest.Config) -> None:
    # A polite end (a time-out of CI) is to end what tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0:
        pytest.exit("containers need root", 3)
    if missing := [*missing_packages(), *([] if shutil.which("etcd") else ["etcd-server"])]:
        pytest.exit(f"missing: {' '.join(missing)}; scripts/setup conformance installs it", 3)
    if not shim_binary().exists():
        pytest.exit(f"{shim_binary()} is missing; make builds it", 3)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    with temporary_workplace() as workplace:
        yield ControlPlane(workplace, "--feature-gates=" + ",".join(f"{gate}=true" for gate in GATES))


@pytest.fixture(scope="session")
def registries(control_plane: ControlPlane) -> Registries:
    return Registries(control_plane.workplace)


@pytest.fixture(scope="session", params=NODES, ids=[f"containerd {release}, {way}" for release, way in NODES])
def running_node(
    request: pytest.FixtureRequest, control_plane: ControlPlane, registries: Registries
) -> Iterator[Node]:
    with temporary_workplace() as workplace:
        request.session.stash[WORKPLACE] = workplace
        node = Node(workplace, control_plane, registries, *request.param, request.config.stash.setdefault(TOLD, {}))
        yield node
        node.close()


@pytest.fixture
def node(running_node: Node) -> Iterator[Node]:
    """Without the pods of earlier tests."""
    yield running_node
    running_node.pods.clean(Node.BYSTANDER)
    assert not running_node.workplace.leaks()


@pytest.fixture
def pods(node: Node) -> Pods:
    return node.pods


# A run shows what users were told, a failure what every process said.

TOLD = pytest.StashKey[dict[str, str]]()
WORKPLACE = pytest.StashKey[Workplace]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for occasion, event in config.stash.get(TOLD, {}).items():
        terminalreporter.write_line(f"told: {occasion}: {event}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    workplace = item.session.stash.get(WORKPLACE, None)
    if report.failed and workplace and workplace.folder.exists():
        report.sections.extend(workplace.logs())
