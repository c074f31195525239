"""The fake API server of the integration tests against the real one: clients of either see the same."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from certificates import Authority, Certificate
from cluster import NAME, Cluster, config_map
from fake_api_server import COLLECTION, FakeApiServer
from processes import Workplace

WATCH = f"{COLLECTION}?watch=true&fieldSelector=metadata.name%3D{NAME}&allowWatchBookmarks=true"
OBJECT = f"{COLLECTION}/{NAME}"


class Peer:
    """One of the two, and how its ConfigMap is changed."""

    def __init__(
        self, port: int, authority: Authority, user: Certificate, put: Callable[[str], None], delete: Callable[[], None],
        compact: Callable[[], None],
    ) -> None:  # fmt: skip
        self._port = port
        self._authority = authority
        self._user = user
        self.put = put
        self.delete = delete
        self.compact = compact

    def ask(self, path: str, with_certificate: bool = True) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self._authority.file))
        if with_certificate:
            context.load_cert_chain(self._user.file, self._user.key)
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=context, timeout=20)
        connection.request("GET", path)
        return connection.getresponse()

    def answer(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        answer = self.ask(path, **options)
        return answer.status, json.loads(answer.read())


@pytest.fixture(params=["fake", "real"])
def peer(request: pytest.FixtureRequest, cluster: Cluster, workplace: Workplace) -> Peer:
    user = cluster.authority.issue("somebody", group="system:masters")
    if request.param == "fake":
        fake = FakeApiServer(cluster.authority)
        fake.users = {"somebody"}
        workplace.on_close(fake.stop)
        return Peer(fake.port, cluster.authority, user, fake.put, fake.delete, fake.compact)
    return Peer(
        cluster.api.port, cluster.authority, user, cluster.apply_config_map, cluster.delete_config_map,
        cluster.forget_the_past,
    )  # fmt: skip


def shape(thing: dict[str, Any]) -> list[Any]:
    return [thing["kind"], thing.get("reason"), thing.get("code"), thing.get("data"), thing["metadata"].get("name")]


def event(answer: http.client.HTTPResponse) -> list[Any]:
    frame = json.loads(answer.readline())
    return [frame["type"], *shape(frame["object"])]


def revision(peer: Peer) -> str:
    return peer.answer(OBJECT)[1]["metadata"]["resourceVersion"]


def test_what_is_not_there(peer: Peer) -> None:
    code, answer = peer.answer(OBJECT)

    assert (code, shape(answer)) == (404, ["Status", "NotFound", 404, None, None])
    assert answer["message"] == f'configmaps "{NAME}" not found'


def test_what_is_there(peer: Peer) -> None:
    peer.put("debug: true\n")

    code, answer = peer.answer(OBJECT)

    assert (code, shape(answer)) == (200, shape(config_map("debug: true\n")))
    assert answer["metadata"]["resourceVersion"].isdigit()


def test_who_is_unknown(peer: Peer) -> None:
    code, answer = peer.answer(OBJECT, with_certificate=False)

    # The real one knows the anonymous user, who has no rights.
    assert (code, answer["reason"]) in [(401, "Unauthorized"), (403, "Forbidden")]


def test_watch_from_a_revision_tells_what_came_after_it(peer: Peer) -> None:
    peer.put("debug: true\n")
    watch = peer.ask(f"{WATCH}&resourceVersion={revision(peer)}")

    peer.put("debug: false\n")
    peer.delete()
    peer.put("debug: true\n")

    assert [event(watch) for _ in range(3)] == [
        ["MODIFIED", *shape(config_map("debug: false\n"))],
        ["DELETED", *shape(config_map("debug: false\n"))],
        ["ADDED", *shape(config_map("debug: true\n"))],
    ]


def test_watch_without_a_revision_begins_with_what_is_there(peer: Peer) -> None:
    peer.put("debug: true\n")

    assert event(peer.ask(WATCH)) == ["ADDED", *shape(config_map("debug: true\n"))]


def test_watch_without_a_revision_waits_where_nothing_is_there(peer: Peer) -> None:
    watch = peer.ask(WATCH)

    peer.put("debug: true\n")

    assert event(watch) == ["ADDED", *shape(config_map("debug: true\n"))]


def test_watch_from_a_compacted_revision_is_gone(peer: Peer) -> None:
    peer.put("debug: true\n")
    old = revision(peer)
    peer.put("debug: false\n")
    peer.compact()

    watch = peer.ask(f"{WATCH}&resourceVersion={old}")

    assert watch.status == 200
    assert event(watch)[:4] == ["ERROR", "Status", "Expired", 410]


def test_watch_ends_when_its_time_is_over(peer: Peer) -> None:
    watch = peer.ask(f"{WATCH}&timeoutSeconds=1")

    assert watch.status == 200
    assert all(json.loads(line)["type"] == "BOOKMARK" for line in watch.read().splitlines())
