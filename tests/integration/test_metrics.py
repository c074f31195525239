"""/metrics, health endpoints and `http.address` (DESIGN 8): what they say, to whom, and what is documented of it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from config_map import APP, Follow
from conftest import ROOT
from cri import error_of
from fake_runtime import FakeRuntime, fails, succeeds
from faulty_registry import Fault
from leaks import Secrets
from processes import Workplace, accepts_connections, eventually
from registry import Registry
from shim import IS_RELAY, IS_SANITIZED, Shim

pytestmark = pytest.mark.skipif(IS_RELAY, reason="a relay has no metrics")

ANY_PORT = {"address": "127.0.0.1:0"}
MONITORING = ROOT / "deploy/monitoring"
SERVING = re.compile(r"metrics and health at http://(\S+)/metrics")
SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")

Labels = frozenset[tuple[str, str]]


class Scrape:
    def __init__(self, text: str) -> None:
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.samples: dict[tuple[str, Labels], float] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.match(line).groups()  # type: ignore[union-attr]
            key = name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
            assert key not in self.samples, f"{line} is there twice"
            self.samples[key] = float(value)

    def value(self, name: str, **labels: str) -> float | None:
        return self.samples.get((f"image_cri_shim_{name}", frozenset(labels.items())))

    def label_names(self, family: str) -> set[str]:
        names = {family, f"{family}_bucket", f"{family}_sum", f"{family}_count"}
        return {label for name, labels in self.samples if name in names for label, _ in labels} - {"le"}


def endpoint(shim: Shim) -> tuple[str, int]:
    """Where it serves now."""
    eventually(lambda: SERVING.search(shim.log), "the endpoint is open")
    host, _, port = SERVING.findall(shim.log)[-1].rpartition(":")
    return host.strip("[]"), int(port)


def read_all(connection: socket.socket) -> str:
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def get(where: tuple[str, int], target: str = "/metrics") -> tuple[int, str, str]:
    """Status, head and body."""
    with socket.create_connection(where, timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: shim\r\n\r\n".encode())
        head, _, body = read_all(connection).partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def scrape(shim: Shim) -> Scrape:
    status, head, body = get(endpoint(shim))
    assert status == 200 and "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8" in head
    return Scrape(body)


@pytest.fixture
def promtool() -> str:
    return shutil.which("promtool") or pytest.skip("promtool is in Debian's package prometheus")


@pytest.fixture
def busy(follow: Follow, api, runtime: FakeRuntime, start_registry, start_faulty_registry, workplace: Workplace) -> Shim:
    """A shim that has something to say in every metric."""
    good, empty = start_registry(APP), start_registry()
    down = start_faulty_registry()
    down.fault = Fault.REFUSED
    entries = [{"address": each, "priority": 900 - at} for at, each in enumerate([down.address, empty.address, good.address])]
    api.put(yaml.safe_dump({"version": "v1", "registries": entries}))
    shim = follow(api, registries=entries, http=ANY_PORT)
    api.wait_for_watch()
    runtime.set_pull(good.name(APP), succeeds(1))
    client = shim.client()
    client.version_of_runtime()
    client.pull(APP)
    client.pull(APP)
    return shim


# What is counted.


def test_pull_is_counted_by_its_source(start_shim, start_registry, runtime: FakeRuntime) -> None:
    first, second = start_registry(APP), start_registry(APP)
    entries = [{"address": first.address, "priority": 900}, {"address": second.address, "priority": 800}]
    shim = start_shim(registries=entries, http=ANY_PORT)
    runtime.set_pull(first.name(APP), fails(grpc.StatusCode.UNKNOWN, "broken pipe"))
    runtime.set_pull(second.name(APP), succeeds(1))

    shim.client().pull(APP)

    seen = scrape(shim)
    assert seen.value("pulls_total", registry=first.address, result="failure") == 1
    assert seen.value("pulls_total", registry=second.address, result="success") == 1
    assert seen.value("failovers_total", registry=first.address) == 1
    assert seen.value("failovers_total", registry=second.address) == 0
    assert seen.value("pull_duration_seconds_count", registry=second.address) == 1
    assert seen.value("pull_duration_seconds_count", registry=first.address) is None
    assert seen.value("probes_total", registry=first.address, result="holds") == 1
    assert seen.value("probe_duration_seconds_count", registry=first.address) == 1
    assert seen.value("cache_references") == 1
    assert seen.value("names_remembered") == 1


def test_calls_are_counted_by_method_and_code(start_shim, runtime: FakeRuntime) -> None:
    shim = start_shim(http=ANY_PORT)
    client = shim.client()
    runtime.set_behaviour("/runtime.v1.RuntimeService/Status", code=grpc.StatusCode.INTERNAL.value[0], message="no")

    client.version_of_runtime()
    client.version_of_runtime()
    client.image_status("nginx:1.25")
    error_of(client.start(client.method("RuntimeService", "Status")))
    for name in ("Statu", "Made/Up", "Ünknown"):
        error_of(client.start(f"/runtime.v1.RuntimeService/{name}"))
    error_of(client.start("/grpc.health.v1.Health/Check"))

    seen = scrape(shim)
    assert seen.value("call_duration_seconds_count", method="Version", code="OK") == 2
    assert seen.value("call_duration_seconds_count", method="ImageStatus", code="OK") == 1
    assert seen.value("call_duration_seconds_count", method="Status", code="INTERNAL") == 1
    assert seen.value("call_duration_seconds_count", method="other", code="UNIMPLEMENTED") == 4
    assert seen.value("passthrough_bytes_total", direction="to_client") > 10


def test_call_that_the_client_leaves_is_counted_as_cancelled(start_shim, runtime: FakeRuntime) -> None:
    shim = start_shim(http=ANY_PORT)
    client = shim.client()
    runtime.set_behaviour("/runtime.v1.RuntimeService/Version", hold=True)
    call = client.start(client.method("RuntimeService", "Version"))
    runtime.wait_for_calls("Version")
    eventually(lambda: scrape(shim).value("calls_in_flight") == 1, "the call is in flight")
    assert scrape(shim).value("client_connections") == 1

    call.cancel()

    eventually(
        lambda: scrape(shim).value("call_duration_seconds_count", method="Version", code="CANCELLED") == 1, "it is counted"
    )
    assert scrape(shim).value("calls_in_flight") == 0
    runtime.release()


def test_calls_without_a_runtime_are_counted_as_unavailable(new_shim) -> None:
    shim = new_shim()
    shim.configure(force=True, http=ANY_PORT)
    shim.start()
    client = shim.client()

    error_of(client.start(client.method("RuntimeService", "ListContainers")))
    error_of(client.start(client.method("ImageService", "ListImages")))

    seen = scrape(shim)
    assert seen.value("runtime_up") == 0
    for method in ("ListContainers", "ListImages"):
        assert seen.value("call_duration_seconds_count", method=method, code="UNAVAILABLE") == 1


def test_open_breaker_shows(start_shim, start_faulty_registry) -> None:
    down = start_faulty_registry()
    down.fault = Fault.REFUSED
    shim = start_shim(registries=[{"address": down.address}], probe={"failureThreshold": 1}, http=ANY_PORT)
    assert scrape(shim).value("registry_breaker_open", registry=down.address) == 0

    error_of(shim.client().start_pull(APP))

    seen = scrape(shim)
    assert seen.value("registry_breaker_open", registry=down.address) == 1
    assert seen.value("probes_total", registry=down.address, result="unreachable") == 1


def test_runtime_and_its_version_show(start_shim, runtime: FakeRuntime) -> None:
    shim = start_shim(http=ANY_PORT)
    seen = scrape(shim)
    assert seen.value("runtime_up") == 1
    (labels,) = [dict(labels) for name, labels in seen.samples if name == "image_cri_shim_runtime_info"]
    assert labels["name"] and labels["version"]

    runtime.kill()

    eventually(lambda: scrape(shim).value("runtime_up") == 0, "it is seen to be down")


def test_rejected_file_shows_until_it_is_valid_again(start_shim) -> None:
    shim = start_shim(http=ANY_PORT)
    good = shim.configuration.read_text()
    before = scrape(shim)
    assert before.value("config_rejected", source="file") == 0

    shim.configuration.write_text("shim: [")
    eventually(lambda: scrape(shim).value("config_rejected", source="file") == 1, "the file is rejected")
    assert scrape(shim).value("config_reloads_total", result="failure") == 1
    last = "config_last_reload_success_timestamp_seconds"
    assert scrape(shim).value(last) == before.value(last)

    shim.configuration.write_text(good + "\n")
    eventually(lambda: scrape(shim).value("config_rejected", source="file") == 0, "the file is accepted")
    assert scrape(shim).value(last) > before.value(last)


def test_rejected_config_map_shows(busy: Shim, api) -> None:
    assert scrape(busy).value("configmap_watch_up") == 1
    assert scrape(busy).value("config_rejected", source="configmap") == 0

    api.put("registries: 7\n")

    eventually(lambda: scrape(busy).value("config_rejected", source="configmap") == 1, "it is rejected")


def test_lost_api_server_shows(busy: Shim, api) -> None:
    api.disconnect()

    eventually(lambda: scrape(busy).value("configmap_watch_up") == 0, "the watch is down", 20)
    eventually(lambda: scrape(busy).value("configmap_errors_total") > 0, "the failure is counted", 20)
    assert scrape(busy).value("configmap_last_success_timestamp_seconds") > 0


def test_removed_registry_ends_and_its_counts_stay_in_the_sum(start_shim, start_registry, runtime: FakeRuntime) -> None:
    first = start_registry(APP)
    shim = start_shim(registries=[{"address": first.address}], http=ANY_PORT)
    runtime.set_pull(first.name(APP), succeeds(1))
    shim.client().pull(APP)

    shim.configure(registries=[], http=ANY_PORT)
    eventually(lambda: first.address not in scrape(shim).text, "it is gone")

    seen = scrape(shim)
    assert seen.value("pulls_total", registry="(removed)", result="success") == 1
    assert seen.value("pull_duration_seconds_count", registry="(removed)") == 1


def test_entries_of_one_address_are_one_series(start_shim, start_registry, runtime: FakeRuntime) -> None:
    registry = start_registry(APP)
    entries = [{"address": registry.address, "match": [match]} for match in ("docker.io/team", "quay.io")]
    shim = start_shim(registries=entries, http=ANY_PORT)
    runtime.set_pull(registry.name(APP), succeeds(1))

    shim.client().pull(APP)

    assert scrape(shim).value("pulls_total", registry=registry.address, result="success") == 1


def test_no_image_name_and_no_secret_is_in_it(start_shim, start_registry, runtime: FakeRuntime, secrets: Secrets) -> None:
    registry = start_registry()
    shim = start_shim(
        registries=[{"address": registry.address, "auth": {"username": "robot", "password": secrets.new("password")}}],
        http=ANY_PORT,
    )
    for number in range(20):
        error_of(shim.client().start_pull(f"secret-project-{number}/app:v1"))

    text = scrape(shim).text

    assert "secret-project" not in text
    assert "robot" not in text
    assert secrets.found_in(text) == []


# What is documented.


def test_promtool_finds_nothing_wrong(busy: Shim, promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=scrape(busy).text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    assert (checked.returncode, checked.stdout) == (0, "")


def documented() -> dict[str, tuple[str, set[str]]]:
    """{name: (type, labels)} of the table in docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", (ROOT / "docs/metrics.md").read_text(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_every_metric_is_documented_and_every_documented_one_is_there(busy: Shim) -> None:
    seen = scrape(busy)

    exported = {name: (kind, seen.label_names(name)) for name, kind in seen.types.items()}

    assert exported == documented()


def names_in(expression: str) -> set[str]:
    names = set(re.findall(r"\b(?:image_cri_shim|process)_\w+", re.sub(r'"[^"]*"', "", expression)))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def dashboard_expressions() -> list[str]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def alert_expressions() -> list[str]:
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def documented_expressions() -> list[str]:
    section = (ROOT / "docs/metrics.md").read_text().partition("## Questions")[2].partition("\n## ")[0]
    return [found.replace(r"\|", "|") for found in re.findall(r"^\| [^|]+\? \| `(.+)` \|$", section, re.M)]


EXPRESSIONS = {"dashboard": dashboard_expressions, "alerts": alert_expressions, "page": documented_expressions}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_expressions_use_metrics_that_exist(where: str) -> None:
    expressions = EXPRESSIONS[where]()

    assert len(expressions) > 3
    for expression in expressions:
        assert names_in(expression) <= set(documented()), expression


def test_dashboard_shows_every_metric_of_the_shim() -> None:
    shown = set().union(*map(names_in, dashboard_expressions()))
    left_out = {"cache_references_max", "configmap_last_success_timestamp_seconds", "log_lines_dropped_total"}

    own = {name for name in documented() if name.startswith("image_cri_shim_")}

    assert own - shown == {f"image_cri_shim_{name}" for name in left_out}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_expressions_are_valid(where: str, promtool: str, tmp_path: Path) -> None:
    expressions = [each.replace("$__rate_interval", "5m") for each in EXPRESSIONS[where]()]
    rules = [{"record": f"rule:number_{at}", "expr": expression} for at, expression in enumerate(expressions)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    subprocess.run([promtool, "check", "rules", file], check=True)


def test_alerts_fire_when_they_should(promtool: str) -> None:
    subprocess.run([promtool, "check", "rules", MONITORING / "alerts.yaml"], check=True)
    subprocess.run([promtool, "test", "rules", "alerts_test.yaml"], cwd=MONITORING, check=True)


def test_every_alert_has_a_test() -> None:
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    tests = yaml.safe_load((MONITORING / "alerts_test.yaml").read_text())["tests"]

    fired = {rule["alertname"] for test in tests for rule in test["alert_rule_test"] if rule.get("exp_alerts")}

    assert fired == {rule["alert"] for group in groups for rule in group["rules"]}


# Where it is served.


def test_admin_socket_has_the_metrics_too(start_shim) -> None:
    shim = start_shim()

    status, body = shim.ask_admin("/metrics")

    assert status == 200
    assert Scrape(body).value("runtime_up") == 1


def test_nothing_is_served_over_tcp_by_default(start_shim) -> None:
    shim = start_shim()

    shim.client().version_of_runtime()

    assert not SERVING.search(shim.log)
    listening = Path(f"/proc/{shim.process.pid}/net/tcp").read_text()
    sockets = {link.readlink().name for link in Path(f"/proc/{shim.process.pid}/fd").iterdir() if link.is_symlink()}
    inodes = {re.sub(r"\D", "", name) for name in sockets if name.startswith("socket:")}
    assert not [line for line in listening.splitlines()[1:] if line.split()[3] == "0A" and line.split()[9] in inodes]


def test_endpoints_answer_while_the_runtime_is_waited_for(new_shim, workplace: Workplace) -> None:
    shim = new_shim(workplace.path("no-runtime.sock"))
    shim.configure(http=ANY_PORT)
    shim.launch()
    where = endpoint(shim)

    assert get(where, "/livez")[0] == 200
    assert get(where, "/readyz")[0] == 503
    assert scrape(shim).value("runtime_up") == 0
    assert not accepts_connections(shim.socket)


def test_address_without_a_host_is_loopback(start_shim) -> None:
    shim = start_shim(http={"address": ":0"})

    assert endpoint(shim)[0] == "127.0.0.1"
    assert scrape(shim).value("runtime_up") == 1


def test_address_is_changed_while_it_runs(start_shim) -> None:
    shim = start_shim(http=ANY_PORT)
    first = endpoint(shim)

    shim.configure(http={"address": "[::1]:0"})
    eventually(lambda: endpoint(shim) != first, "it has moved")
    assert get(endpoint(shim), "/livez")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(first)

    second = endpoint(shim)
    shim.configure()

    def is_closed() -> bool:
        try:
            get(second, "/livez")
        except ConnectionRefusedError:
            return True
        return False

    eventually(is_closed, "it is closed")
    shim.client().version_of_runtime()


def test_address_in_use_is_one_error_and_tried_again(start_shim) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        shim = start_shim(http={"address": address})
        shim.client().version_of_runtime()
        assert len(shim.said("error", f"http.address {address}", "Address already in use")) == 1

    eventually(lambda: SERVING.search(shim.log), "it serves there after all", 20)
    assert scrape(shim).value("runtime_up") == 1
    assert len(shim.said("error", "http.address")) == 1


def test_name_that_would_be_looked_up_is_an_error_and_calls_are_served(start_shim) -> None:
    shim = start_shim(http={"address": "metrics.example:9731"})

    shim.client().version_of_runtime()

    assert shim.said("error", "metrics.example is not an IP address")


# Clients that mean harm.


def test_slow_and_greedy_clients_stop_neither_calls_nor_the_admin_socket(start_shim) -> None:
    shim = start_shim(http=ANY_PORT)
    where = endpoint(shim)
    connections = [socket.create_connection(where, timeout=10) for _ in range(40)]
    for connection in connections[:16]:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")

    refused = [connection for connection in connections[16:] if read_all(connection).startswith("HTTP/1.1 503 ")]

    assert len(refused) == 24
    shim.client().version_of_runtime()
    assert shim.ask_admin("/livez")[0] == 200
    for connection in connections:
        connection.close()
    eventually(lambda: get(where, "/livez")[0] == 200, "there is room again")


@pytest.mark.parametrize(
    "request_text, status",
    [
        (b"GET /metrics HTTP/1.1\r\nHost: shim\r\nX-Long: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /metrics HTTP/1.1\r\nHost: shim\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", 431),
        (b"POST /metrics HTTP/1.1\r\nHost: shim\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", 400),
        (b"GET /config HTTP/1.1\r\nHost: shim\r\n\r\n", 404),
        (b"GET /resolve?image=nginx HTTP/1.1\r\nHost: shim\r\n\r\n", 404),
    ],
    ids=["long field", "many fields", "post", "tls", "configuration", "resolve"],
)
def test_requests_that_are_refused(start_shim, request_text: bytes, status: int) -> None:
    shim = start_shim(http=ANY_PORT)

    with socket.create_connection(endpoint(shim), timeout=10) as connection:
        connection.sendall(request_text)
        answer = read_all(connection)

    assert answer.startswith(f"HTTP/1.1 {status} ")


def test_scrapers_in_a_hurry_ask_the_runtime_once_a_second(start_shim, runtime: FakeRuntime) -> None:
    shim = start_shim(http=ANY_PORT)
    where = endpoint(shim)
    before = len(runtime.calls("Version"))

    def scrape_often() -> None:
        for _ in range(25):
            get(where)

    threads = [threading.Thread(target=scrape_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runtime.calls("Version")) - before <= 20  # of 100


def test_hung_runtime_delays_a_scrape_by_a_second(start_shim, runtime: FakeRuntime) -> None:
    shim = start_shim(http=ANY_PORT)
    runtime.set_behaviour("/runtime.v1.RuntimeService/Version", hold=True)

    seen = eventually(lambda: (found := scrape(shim)).value("runtime_up") == 0 and found, "the hang is seen")

    assert seen.value("client_connections") == 0
    runtime.release()
