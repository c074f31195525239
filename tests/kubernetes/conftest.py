"""One control plane for the whole run: it takes seconds to start. Each test gets it without a ConfigMap and without rights."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster import Cluster
from fake_runtime import FakeRuntime
from peers import ROOT, temporary_workplace
from processes import Workplace
from registry import Registry
from shim import Shim

BUILD = Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute()
NEEDED = {"etcd": "etcd-server", "etcdctl": "etcd-client"}


def pytest_configure(config: pytest.Config) -> None:
    # A polite end (a time-out of CI) is to end what tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if missing := [package for program, package in NEEDED.items() if not shutil.which(program)]:
        pytest.exit(f"missing: {' '.join(missing)}; scripts/setup conformance installs it", 3)
    for name in ("image-cri-shim", "fake-runtime"):
        if not (BUILD / name).exists():
            pytest.exit(f"{BUILD / name} is missing: build it, or name another build folder in ICS_BUILD_DIR", 3)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    with temporary_workplace() as workplace:
        yield Cluster(workplace)


@pytest.fixture
def cluster(control_plane: Cluster) -> Iterator[Cluster]:
    yield control_plane
    if not control_plane.api.process.is_running:
        control_plane.api.start()
    control_plane.clean()


@pytest.fixture
def workplace(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    # Not pytest's tmp_path: a unix socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ics-") as folder:
        workplace = Workplace(Path(folder))
        request.node.stash[WORKPLACE] = workplace
        try:
            yield workplace
        finally:
            workplace.close()
        assert not workplace.leaks()


@pytest.fixture
def runtime(workplace: Workplace) -> FakeRuntime:
    return FakeRuntime(workplace, BUILD / "fake-runtime")


@pytest.fixture
def start_registry(workplace: Workplace) -> Callable[..., Registry]:
    def start(*manifests: str, **options: Any) -> Registry:
        registry = Registry(manifests=set(manifests), **options)
        workplace.on_close(registry.stop)
        workplace.secrets.add(registry.credentials.partition(":")[2])
        return registry

    return start


@pytest.fixture
def start_shim(workplace: Workplace, runtime: FakeRuntime) -> Iterator[Callable[..., Shim]]:
    """start_shim(kubeconfig, text): a running shim that follows the ConfigMap, with this text in its file.

    Without a kubeconfig it has to find its way by itself.
    """
    shims: list[Shim] = []

    def start(
        kubeconfig: Path | None = None,
        text: str = "",
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str | Path] = (),
        **settings: Any,
    ) -> Shim:
        shim = Shim(workplace, BUILD / "image-cri-shim", runtime.socket, wrapper=wrapper)
        shims.append(shim)
        shim.configure_in_blocks(text, configMap={"enabled": True, "kubeconfig": str(kubeconfig or "")}, **settings)
        shim.start(environment=environment)
        return shim

    yield start
    workplace.close()
    for shim in shims:
        shim.check_exits()


# A run shows what it has measured, a failure what every process said.

MEASURED = pytest.StashKey[list[str]]()
WORKPLACE = pytest.StashKey[Workplace]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the run."""
    return request.config.stash.setdefault(MEASURED, [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(MEASURED, []):
        terminalreporter.write_line(f"measured: {line}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    workplace = item.stash.get(WORKPLACE, None)
    if report.failed and workplace and call.when == "call":
        report.sections.extend(workplace.logs())
