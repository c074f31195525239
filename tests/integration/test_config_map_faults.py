"""An API server that is away, hung, refusing or talking nonsense: it costs the node nothing, and ends by itself."""

from __future__ import annotations

import signal
import time

import pytest

from config_map import APP, Follow, Source, registries, wait_until_read
from fake_api_server import COLLECTION, NAME, FakeApiServer, Fault
from fake_runtime import FakeRuntime
from processes import eventually
from shim import IS_SANITIZED, Shim

GET_FAULTS = [
    Fault.HUNG,
    Fault.HUNG_IN_ANSWER,
    Fault.RESET,
    Fault.GARBAGE,
    Fault.PAGE,
    Fault.ENDLESS,
    Fault.WRONG_OBJECT,
    Fault.NOT_TEXT,
    Fault.THROTTLED,
    Fault.BROKEN,
    Fault.UNAVAILABLE,
    Fault.REDIRECTED,
]
WATCH_FAULTS = [
    Fault.HUNG,
    Fault.SILENT,
    Fault.RESET,
    Fault.GARBAGE,
    Fault.PAGE,
    Fault.ENDLESS,
    Fault.WRONG_OBJECT,
    Fault.NOT_TEXT,
    Fault.THROTTLED,
    Fault.BROKEN,
    Fault.GONE,
    Fault.GONE_FRAME,
    Fault.ERROR_FRAME,
    Fault.CLOSED_AT_ONCE,
]
ENOUGH_BYTES = 32 * 1024 * 1024  # of 100: what two attempts, and the kernel between, have taken before they hang up


def name_of(fault: Fault) -> str:
    return fault.value


def holds_no_more_than(shim: Shim, before: int) -> bool:
    """A sanitizer keeps what is freed, so there `ENOUGH_BYTES` alone shows that a body is not taken in whole."""
    return IS_SANITIZED or shim.process.resident_bytes() < before + 16 * 1024 * 1024


@pytest.mark.parametrize("fault", GET_FAULTS, ids=name_of)
def test_fault_of_a_get_disturbs_nothing_and_is_over_when_it_is_over(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry, fault: Fault
) -> None:
    local, cluster = start_registry(), start_registry()
    api.put(registries(cluster))
    api.faults["get"] = fault

    shim = follow(api, f"address: {local.address}\n")
    memory = shim.process.resident_bytes()
    source = Source(shim, runtime)
    source.holds(local, cluster)
    api.wait_for("get")
    assert source.now() == local.name(APP)
    assert api.bytes_sent < ENOUGH_BYTES
    api.put(registries(cluster, offlinePriority=100))
    api.heal()

    source.wait_until(cluster)
    assert holds_no_more_than(shim, memory)
    assert {asked.path for asked in api.asked} <= {COLLECTION, f"{COLLECTION}/{NAME}"}  # no redirect is followed


@pytest.mark.parametrize("fault", WATCH_FAULTS, ids=name_of)
def test_fault_of_a_watch_disturbs_nothing_and_is_over_when_it_is_over(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry, fault: Fault
) -> None:
    before, after = start_registry(), start_registry()
    api.put(registries(before))
    api.faults["watch"] = fault

    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(before, after)
    api.wait_for("watch")
    source.wait_until(before)
    memory = shim.process.resident_bytes()
    api.put(registries(after))
    api.heal()

    source.wait_until(after)
    assert api.bytes_sent < ENOUGH_BYTES
    assert holds_no_more_than(shim, memory)


@pytest.mark.parametrize("verb, fault", [("get", Fault.HUNG), ("get", Fault.ENDLESS), ("watch", Fault.SILENT)])
def test_end_of_the_shim_does_not_wait_for_the_api_server(
    api: FakeApiServer, follow: Follow, verb: str, fault: Fault
) -> None:
    api.put("debug: true\n")
    api.faults[verb] = fault
    shim = follow(api)
    api.wait_for(verb)

    began = time.monotonic()
    shim.terminate()

    assert shim.process.wait() == 0
    assert time.monotonic() - began < 2  # less than `drainTimeout`


def test_api_server_that_is_away_delays_nothing(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    local, cluster = start_registry(), start_registry()
    api.put(registries(cluster, offlinePriority=100))
    api.stop()

    shim = follow(api, f"address: {local.address}\n")
    source = Source(shim, runtime)
    source.holds(local, cluster)
    assert source.now() == local.name(APP)
    api.start()

    source.wait_until(cluster)


def test_api_server_that_goes_and_returns_is_followed_again(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    api.put(registries(before))
    source = Source(follow(api), runtime)
    source.holds(before, after)
    api.wait_for_watch()

    api.stop()
    source.wait_until(before)
    api.put(registries(after))
    api.start()

    source.wait_until(after)
    assert len(api.requests("get")) <= 2  # one more at most; the watch itself goes on from where it was


# How often it asks.


def requests_in(seconds: float, api: FakeApiServer) -> int:
    """An observation of how much happens in a time has no other end than that time."""
    before = len(api.asked)
    ends = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= ends, "time goes by", seconds + 5)
    return len(api.asked) - before


@pytest.mark.parametrize(
    "verb, fault",
    [
        ("get", Fault.BROKEN),
        ("get", Fault.PAGE),
        ("watch", Fault.CLOSED_AT_ONCE),
        ("watch", Fault.GONE_FRAME),
        ("watch", Fault.NOT_TEXT),
        ("watch", Fault.ERROR_FRAME),
    ],
)
def test_fault_that_stays_is_not_answered_by_hammering(
    api: FakeApiServer, follow: Follow, verb: str, fault: Fault
) -> None:
    api.put("debug: true\n")
    api.faults[verb] = fault

    follow(api, reloadInterval="1s")
    api.wait_for(verb)

    # Pauses of up to 1, 2, 4 seconds, at random, and a GET beside each watch where the revision is gone.
    assert requests_in(2, api) <= 16


def test_retry_after_is_kept_to(api: FakeApiServer, follow: Follow) -> None:
    api.put("debug: true\n")
    api.faults["get"] = Fault.THROTTLED
    api.retry_after = 3

    follow(api)

    first, second = api.wait_for("get", 2)[:2]
    assert second.at - first.at >= 3


def test_nothing_is_asked_at_rest(api: FakeApiServer, follow: Follow) -> None:
    api.put("debug: true\n")
    follow(api, reloadInterval="1s")
    api.wait_for_watch()

    assert requests_in(3, api) == 0


def test_bookmark_moves_on_where_the_next_watch_begins(api: FakeApiServer, follow: Follow) -> None:
    api.put("debug: true\n")
    follow(api)
    api.wait_for_watch()

    revision = api.bookmark()
    eventually(lambda: "BOOKMARK" in api.events_sent, "the bookmark is sent")
    api.disconnect()

    second = api.wait_for("watch", 2)[1]
    assert second.query["resourceVersion"] == revision
    assert second.query["allowWatchBookmarks"] == "true"
    assert len(api.requests("get")) == 1


def test_watch_from_a_revision_that_is_gone_begins_anew(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    api.put(registries(before))
    source = Source(follow(api), runtime)
    source.holds(before, after)
    source.wait_until(before)
    api.wait_for_watch()

    api.stop()
    api.put(registries(after))
    api.compact()
    api.start()

    source.wait_until(after)
    assert len(api.requests("get")) == 2


def test_hangup_looks_although_a_watch_is_silent(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    api.put(registries(before))
    api.faults["watch"] = Fault.SILENT
    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(before, after)
    api.wait_for_watch()
    source.wait_until(before)

    api.put(registries(after))
    wait_until_read(api, shim)

    source.wait_until(after)


def test_answer_that_does_not_come_is_given_up(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    """Only the connection that it hung on hangs: nothing but its own time-out helps."""
    registry = start_registry()
    api.put(registries(registry))
    api.faults["get"] = Fault.HUNG
    source = Source(follow(api), runtime)
    source.holds(registry)
    api.wait_for("get")

    api.faults["get"] = Fault.NONE

    source.wait_until(registry, seconds=30)


def test_paused_shim_has_missed_nothing_when_it_goes_on(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    first, last = start_registry(), start_registry()
    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(first, last)
    api.wait_for_watch()

    shim.process.signal(signal.SIGSTOP)
    for number in range(200):
        api.put(registries(first, offlinePriority=number + 1))
    api.put(registries(last))
    shim.process.signal(signal.SIGCONT)

    source.wait_until(last)
