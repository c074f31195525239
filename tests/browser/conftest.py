"""One browser for the whole run; each test has a shim of its own, with the page on a TCP port."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from admin_relay import AdminRelay
from chromium import Chromium
from fake_runtime import FakeRuntime
from processes import Workplace, accepts_connections, eventually
from registry import Registry
from shim import Shim

ROOT = Path(__file__).parent.parent.parent
BUILD = Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute()


def pytest_configure(config: pytest.Config) -> None:
    # A polite end (a time-out of CI) is to end what tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not shutil.which("chromium"):
        pytest.exit("missing: chromium; scripts/setup browser installs it", 3)
    for name in ("image-cri-shim", "fake-runtime"):
        if not (BUILD / name).exists():
            pytest.exit(f"{BUILD / name} is missing: build it, or name another build folder in ICS_BUILD_DIR", 3)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where to look at what the tests saw."""
    return BUILD / "screenshots"


@pytest.fixture
def workplace() -> Iterator[Workplace]:
    # Not pytest's tmp_path: a unix socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ics-") as folder:
        workplace = Workplace(Path(folder))
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
        return registry

    return start


@pytest.fixture
def start_shim(workplace: Workplace, runtime: FakeRuntime) -> Callable[..., tuple[Shim, str]]:
    """start_shim(registries=[…], …): a running shim with these settings, and the page's address."""

    def start(name: str = "shim", **settings: Any) -> tuple[Shim, str]:
        shim = Shim(workplace, BUILD / "image-cri-shim", runtime.socket, name)
        shim.configure(**settings)
        shim.start()
        admin = Path(json.loads(shim.configuration.read_text())["admin"])
        eventually(lambda: accepts_connections(admin), "the admin socket answers")
        relay = AdminRelay(admin)
        workplace.on_close(relay.close)
        return shim, relay.url

    return start
