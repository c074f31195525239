"""What tests start: a fake runtime, registries and the shim, in a temporary folder each."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from cri import Client
from crossed import DIFFERENT, Crossed
from fake_api_server import FakeApiServer
from fake_runtime import FakeRuntime
from faulty_registry import FaultyRegistry
from http2 import Handler, RawRuntime
from leaks import Secrets
from name_server import NameServer
from processes import Workplace
from registry import Registry
from shim import IS_RELAY, Shim

ROOT = Path(__file__).parent.parent.parent
BUILD = Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute()


def built(name: str) -> Path:
    binary = BUILD / name
    if not binary.exists():
        pytest.exit(f"{binary} is missing: build it, or name another build folder in ICS_BUILD_DIR", 3)
    return binary


def pytest_configure(config: pytest.Config) -> None:
    # A polite end (a time-out of CI) is to end what tests have started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Tests with a thousand connections have one end of each here.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


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
def secrets(workplace: Workplace) -> Secrets:
    """All that the processes said, to whomever, is searched for them when the test ends."""
    return workplace.secrets


@pytest.fixture
def start_runtime(workplace: Workplace) -> Callable[..., FakeRuntime]:
    return lambda **options: FakeRuntime(workplace, built("fake-runtime"), **options)


@pytest.fixture
def runtime(start_runtime: Callable[..., FakeRuntime]) -> FakeRuntime:
    return start_runtime()


@pytest.fixture
def start_registry(workplace: Workplace) -> Callable[..., Registry]:
    def start(*manifests: str, **options: Any) -> Registry:
        registry = Registry(manifests=set(manifests), **options)
        workplace.on_close(registry.stop)
        workplace.secrets.add(registry.token)
        workplace.secrets.add(registry.credentials.partition(":")[2])
        return registry

    return start


@pytest.fixture
def start_faulty_registry(workplace: Workplace) -> Callable[..., FaultyRegistry]:
    def start(**options: Any) -> FaultyRegistry:
        registry = FaultyRegistry(**options)
        workplace.on_close(registry.stop)
        return registry

    return start


@pytest.fixture
def start_name_server(workplace: Workplace) -> Callable[..., NameServer]:
    """start_name_server({"name.test": "127.0.0.1"}): for a shim that is started with its `private_resolution`."""
    if os.geteuid() != 0:
        pytest.skip("a name server's port, and a mount namespace, need root")

    def start(addresses: Mapping[str, str]) -> NameServer:
        server = NameServer(addresses)
        workplace.on_close(server.stop)
        return server

    return start


@pytest.fixture
def start_raw_runtime(workplace: Workplace) -> Callable[..., RawRuntime]:
    """start_raw_runtime(on_request): a runtime of the test's own frames on `runtime.sock`."""

    def start(on_request: Handler, **options: Any) -> RawRuntime:
        runtime = RawRuntime(workplace.path("runtime.sock"), on_request, **options)
        runtime.start_accepting()
        workplace.on_close(runtime.close)
        return runtime

    return start


@pytest.fixture
def new_shim(workplace: Workplace) -> Iterator[Callable[..., Shim]]:
    """A shim in front of a runtime's socket, not configured and not started."""
    binary = Path("socat") if IS_RELAY else built("image-cri-shim")
    shims: list[Shim] = []

    def new(runtime_socket: Path | None = None, **options: Any) -> Shim:
        shims.append(Shim(workplace, binary, runtime_socket or workplace.path("runtime.sock"), **options))
        return shims[-1]

    yield new
    workplace.close()
    if not IS_RELAY:
        for shim in shims:
            shim.check_exits()


@pytest.fixture
def start_shim(new_shim: Callable[..., Shim], runtime: FakeRuntime) -> Callable[..., Shim]:
    """start_shim(registries=[…], …): a running shim with these settings in front of the runtime."""

    def start(**settings: Any) -> Shim:
        shim = new_shim(runtime.socket)
        shim.configure(**settings)
        shim.start()
        return shim

    return start


@pytest.fixture(scope="module", params=DIFFERENT, ids=lambda pair: f"{pair[0]}-on-{pair[1]}")
def crossed_pair(request: pytest.FixtureRequest) -> Iterator[tuple[Crossed, Workplace]]:
    caller, spoken = request.param
    with tempfile.TemporaryDirectory(prefix="ics-") as folder:
        workplace = Workplace(Path(folder))
        try:
            runtime = FakeRuntime(workplace, built("fake-runtime"), versions=spoken)
            registry = Registry()
            workplace.on_close(registry.stop)
            shim = Shim(workplace, built("image-cri-shim"), runtime.socket)
            shim.configure(registries=[{"address": registry.address, "match": ["docker.io/mirrored"]}])
            shim.start()
            yield Crossed(caller, spoken, runtime, shim, shim.client(version=caller), registry), workplace
        finally:
            workplace.close()
        assert not workplace.leaks()
        shim.check_exits()


@pytest.fixture
def crossed(request: pytest.FixtureRequest, crossed_pair: tuple[Crossed, Workplace]) -> Crossed:
    """Shared by the tests of a file, each of which sets how the methods behave that it calls."""
    pair, request.node.stash[WORKPLACE] = crossed_pair
    return pair


@pytest.fixture
def start_api(workplace: Workplace) -> Callable[..., FakeApiServer]:
    """start_api(authority): with TLS where there is one."""

    def start(authority: Authority | None = None) -> FakeApiServer:
        api = FakeApiServer(authority)
        workplace.on_close(api.stop)
        return api

    return start


@pytest.fixture
def api(start_api: Callable[..., FakeApiServer]) -> FakeApiServer:
    return start_api()


@pytest.fixture
def follow(
    new_shim: Callable[..., Shim], runtime: FakeRuntime, workplace: Workplace
) -> Callable[..., Shim]:
    """follow(api, text): a running shim that follows the ConfigMap there, with this text in its file.

    `user` is that of its kubeconfig; `kubeconfig` one of the test's own; `wrapper` is made of the file's path.
    """

    def start(
        api: FakeApiServer | None = None,
        text: str = "",
        name: str = "shim",
        user: Mapping[str, Any] | None = None,
        kubeconfig: Path | None = None,
        enabled: bool | str = True,
        environment: Mapping[str, str] | None = None,
        wrapper: Callable[[Path], Sequence[str | Path]] | None = None,
        **settings: Any,
    ) -> Shim:
        if api:
            kubeconfig = api.write_kubeconfig(workplace.path(f"{name}.conf"), **(user or {}))
        shim = new_shim(runtime.socket, name=name)
        if wrapper:
            shim.wrapper = wrapper(shim.configuration)
        shim.configure_in_blocks(text, configMap={"enabled": enabled, "kubeconfig": str(kubeconfig)}, **settings)
        shim.start(environment=environment)
        return shim

    return start


@pytest.fixture
def shim(start_shim: Callable[..., Shim]) -> Shim:
    """With no registries: it forwards everything."""
    return start_shim()


@pytest.fixture
def bare_shim(new_shim: Callable[..., Shim]) -> Shim:
    """With no registries, in front of whatever is on `runtime.sock`."""
    shim = new_shim()
    shim.configure(force=True)
    shim.start()
    return shim


@pytest.fixture
def client(shim: Shim) -> Client:
    return shim.client()


@pytest.fixture(scope="session")
def grpc_go_client() -> Path:
    """scripts/tools/grpc-go-client, built on first use."""
    built_path = subprocess.run([ROOT / "scripts/go-tools", "grpc-go-client"], check=True, stdout=subprocess.PIPE)
    return Path(built_path.stdout.decode().strip())


# A failure shows what every process said.

WORKPLACE = pytest.StashKey[Workplace]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    workplace = item.stash.get(WORKPLACE, None)
    if report.failed and workplace and call.when == "call":
        report.sections.extend(workplace.logs())
