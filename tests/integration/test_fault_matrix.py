"""What each way for a registry to fail does to a pull (DESIGN 3): which registry serves it, how long that takes, what
the error says, when the registry is left out, and that it is used again once it is well.

Two entries, and no fallback to the original. `ICS_FAULT_TABLE` names a file for the table of durations; `pytest -s`
shows it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, fails, succeeds
from faulty_registry import INDEX_DIGEST, Certificates, Fault, FaultyRegistry
from leaks import Secrets
from name_server import Mood, NameServer
from processes import Workplace, eventually
from shim import Shim

PROBE_TIMEOUT = 0.5
# Far more than any wait of the shim's, and far less than a hang.
HANG = 20 * PROBE_TIMEOUT
PROBE = {"timeout": "500ms", "hedgeDelay": "50ms", "failureThreshold": 2, "recoveryInterval": "200ms"}
PATIENT_PROBE = {**PROBE, "timeout": "20s", "hedgeDelay": "5s"}
# Pulls until a registry is left out: one is enough after a time-out, a Retry-After; never where it answered.
AT_ONCE, AT_THE_THRESHOLD, NEVER = 1, 2, 0


@dataclass(frozen=True)
class Row:
    fault: Fault | Mood
    cause: str  # in the error, beside the registry
    left_out: int  # after so many pulls
    is_ruled_out: bool = False  # what it answered shows that a pull would fail
    serves: bool = False  # it has the image all the same
    by_digest: bool = False

    def __str__(self) -> str:
        names = {Mood.DENIES: "DNS failure", Mood.SILENT: "DNS hang"}
        return names[self.fault] if isinstance(self.fault, Mood) else self.fault.value

    @property
    def is_of_tls(self) -> bool:
        return str(self).startswith("TLS")

    @property
    def is_of_names(self) -> bool:
        return isinstance(self.fault, Mood)

    @property
    def pulls_until_known(self) -> int:
        """How many have to meet the fault so that those to come are served as well as they ever are."""
        return self.left_out or 1


ROWS = [
    Row(Fault.REFUSED, "connection refused", AT_THE_THRESHOLD),
    Row(Fault.BLACK_HOLED, "no connection to ", AT_ONCE),
    Row(Fault.HUNG_AFTER_ACCEPT, ", but no answer within", AT_ONCE),
    Row(Fault.HUNG_AFTER_HEADERS, ", but its answer did not end within", AT_ONCE),
    Row(Fault.SLOW_DRIP, ", but its answer did not end within", AT_ONCE),
    Row(Fault.RESET, "connection lost", AT_THE_THRESHOLD),
    Row(Fault.TLS_WRONG_HOST, "its certificate is not valid for the name", AT_THE_THRESHOLD),
    Row(Fault.TLS_EXPIRED, "its certificate has expired", AT_THE_THRESHOLD),
    Row(Fault.TLS_UNKNOWN_CA, "its certificate is not signed by an authority in tls.ca", AT_THE_THRESHOLD),
    Row(Fault.UNAUTHORIZED, "401 Unauthorized", NEVER),
    Row(Fault.FORBIDDEN, "403 Forbidden", NEVER),
    Row(Fault.NOT_FOUND, "404 Not Found", NEVER, is_ruled_out=True),
    Row(Fault.NOT_FOUND_PAGE, "404 Not Found with an HTML page", NEVER, is_ruled_out=True),
    Row(Fault.THROTTLED, "429 Too Many Requests", AT_ONCE),
    Row(Fault.BROKEN, "500 Internal Server Error", AT_THE_THRESHOLD),
    Row(Fault.OVERLOADED, "503 Service Unavailable", AT_THE_THRESHOLD),
    Row(Fault.REDIRECT_LOOP, "redirects more than 5 times", NEVER),
    Row(Fault.REDIRECTED, "", NEVER, serves=True),
    Row(Fault.ENDLESS_BODY, "is longer than 4194304 bytes", AT_THE_THRESHOLD),
    Row(Fault.GARBAGE, "", AT_THE_THRESHOLD),
    Row(Fault.WRONG_DIGEST, "another digest", NEVER, is_ruled_out=True, by_digest=True),
    Row(Mood.DENIES, "cannot resolve ", AT_THE_THRESHOLD),
    Row(Mood.SILENT, "no answer of the name server within", AT_ONCE),
]


@dataclass
class Measured:
    """Pulls in units of `probe.timeout`; the first one meets the fault, the later one knows of it."""

    of_primary: list[float] = field(default_factory=list)
    of_all: list[float] = field(default_factory=list)


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, Measured]]:
    rows: dict[str, Measured] = {}
    yield rows
    lines = [
        "| fault | first pull | later pulls | all registries: first pull | later pulls |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {fault} | " + " | ".join(f"{duration:.2f}" for duration in [*row.of_primary, *row.of_all]) + " |"
            for fault, row in rows.items()
        ),
    ]
    text = "\n".join(lines)
    print(f"\nPulls in units of probe.timeout:\n\n{text}")
    if path := os.environ.get("ICS_FAULT_TABLE"):
        Path(path).write_text(text + "\n")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"), "IP:127.0.0.1")


class Site:
    """Two registries, a runtime, and a shim that prefers the first of them."""

    def __init__(self, row: Row, primary: FaultyRegistry, secondary: FaultyRegistry, runtime: FakeRuntime) -> None:
        self.row = row
        self.primary = primary
        self.secondary = secondary
        self.runtime = runtime
        self.name_server: NameServer | None = None
        self.shim: Shim
        self.client: Client
        self._pulls = 0

    def break_down(self, *registries: FaultyRegistry) -> None:
        for registry in registries:
            self._set(registry, self.row.fault)

    def repair(self, *registries: FaultyRegistry) -> None:
        for registry in registries:
            self._set(registry, Mood.ANSWERS if self.row.is_of_names else Fault.NONE)

    def _set(self, registry: FaultyRegistry, fault: Fault | Mood) -> None:
        if isinstance(fault, Mood):
            assert self.name_server
            self.name_server.moods[registry.name] = fault
        else:
            registry.fault = fault

    def pull(self) -> tuple[list[str], float]:
        """Of an image that no pull has named before: the registries that the runtime was sent to, and how long."""
        call, sent, duration = self._pull(succeeds(1))
        assert call.code() is grpc.StatusCode.OK, call.details()
        return sent, duration

    def failed_pull(self) -> tuple[str, list[str], float]:
        """As pull(), with a runtime that can pull from neither; and the error."""
        call, sent, duration = self._pull(fails(grpc.StatusCode.UNKNOWN, "the runtime has met it, too"))
        return error_of(call).details(), sent, duration

    def _pull(self, outcome: dict[str, Any]) -> tuple[Any, list[str], float]:
        self._pulls += 1
        image = f"team/app-{self._pulls}" + (f"@{INDEX_DIGEST}" if self.row.by_digest else ":v1")
        for registry in [self.primary, self.secondary]:
            self.runtime.set_pull(f"{registry.host}/{image}", outcome)
        before = len(self.runtime.calls("PullImage"))
        started = time.monotonic()
        call = self.client.start_pull(image)
        call.exception()  # waits for its end
        duration = time.monotonic() - started
        assert duration < HANG
        sent = [name.partition("/")[0] for name in self.runtime.pulled_names()[before:]]
        return call, sent, duration / PROBE_TIMEOUT

    def wait_for_left_out(self, *registries: FaultyRegistry) -> None:
        self.shim.wait_for_log(*(f"registry {registry.address} is left out" for registry in registries))

    def wait_for_recovery(self, *registries: FaultyRegistry) -> None:
        self.shim.wait_for_log(*(f"registry {registry.address} answers again" for registry in registries))


@pytest.fixture
def new_site(
    request: pytest.FixtureRequest,
    workplace: Workplace,
    runtime: FakeRuntime,
    new_shim: Callable[..., Shim],
    start_faulty_registry: Callable[..., FaultyRegistry],
    certificates: Certificates,
    secrets: Secrets,
) -> Callable[..., Site]:
    def new(row: Row, probe: dict[str, Any] = PROBE) -> Site:
        options: dict[str, Any] = {"certificates": certificates if row.is_of_tls else None}
        if row.fault is Fault.REDIRECTED:
            options["elsewhere"] = start_faulty_registry().address
        names = ["primary.test", "secondary.test"] if row.is_of_names else ["", ""]
        site = Site(row, *(start_faulty_registry(name=name, **options) for name in names), runtime)
        wrapper: list[str] = []
        if row.is_of_names:
            site.name_server = request.getfixturevalue("start_name_server")(dict.fromkeys(names, "127.0.0.1"))
            wrapper = site.name_server.private_resolution(workplace)
        site.shim = new_shim(runtime.socket, wrapper=wrapper)
        tls = {"tls": {"ca": str(certificates.trusted)}} if row.is_of_tls else {}
        site.shim.configure(
            registries=[
                {"address": registry.address, "auth": f"robot:{secrets.new('password')}", "priority": rank, **tls}
                for rank, registry in [(900, site.primary), (800, site.secondary)]
            ],
            probe=probe,
            fallback="deny",
        )
        site.shim.start(environment={"NO_PROXY": "*"})
        site.client = site.shim.client()
        return site

    return new


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_primary(row: Row, new_site: Callable[..., Site], measured: dict[str, Measured]) -> None:
    site = new_site(row)
    primary, secondary = site.primary, site.secondary
    serving = primary if row.serves else secondary
    site.break_down(primary)

    durations = []
    for _ in range(row.pulls_until_known):
        assert "is left out" not in site.shim.log
        sent, duration = site.pull()
        assert sent == [serving.host]
        durations.append(duration)
    if row.left_out:
        site.wait_for_left_out(primary)
    asked = len(primary.manifests_asked())
    sent, later = site.pull()
    assert sent == [serving.host]
    assert (len(primary.manifests_asked()) == asked) == (bool(row.left_out) or not primary.manifests_asked())
    measured.setdefault(str(row), Measured()).of_primary = [durations[0], later]

    site.repair(primary)
    if row.left_out:
        site.wait_for_recovery(primary)
        assert not [asked for asked in primary.manifests_asked() if asked.fault is Fault.NONE]
    else:
        assert "is left out" not in site.shim.log
    sent, _ = site.pull()
    assert sent == [primary.host]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_secondary(row: Row, new_site: Callable[..., Site]) -> None:
    """Nobody asks it, so nobody notices."""
    site = new_site(row, PATIENT_PROBE)
    site.break_down(site.secondary)

    for _ in range(2):
        sent, _ = site.pull()
        assert sent == [site.primary.host]

    assert site.secondary.asked == []
    assert site.secondary.connections == 0
    assert "is left out" not in site.shim.log


def failed_pull(site: Site) -> float:
    """One that meets the fault at both registries; how long it takes. One may be left out already, and so be last."""
    error, sent, duration = site.failed_pull()
    both = [site.primary, site.secondary]
    assert sorted(sent) == ([] if site.row.is_ruled_out else sorted(registry.host for registry in both))
    for registry in both:
        _, found, said = error.partition(registry.host)
        # Nobody waits past the budget for a probe that began within it.
        is_cut_off = site.row.left_out == AT_ONCE and registry is site.secondary and "no answer within" in said
        assert found and (site.row.cause in said or is_cut_off), error
    return duration


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_all(row: Row, new_site: Callable[..., Site], measured: dict[str, Measured]) -> None:
    site = new_site(row)
    both = [site.primary, site.secondary]
    site.break_down(*both)

    durations = []
    for _ in range(row.pulls_until_known):
        durations.append(failed_pull(site))
    if row.left_out:
        site.wait_for_left_out(*both)
    durations.append(failed_pull(site))
    measured.setdefault(str(row), Measured()).of_all = [durations[0], durations[-1]]

    site.repair(*both)
    if row.left_out:
        site.wait_for_recovery(*both)
    sent, _ = site.pull()
    assert sent == [site.primary.host]
