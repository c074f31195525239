"""The status page in a browser (DESIGN 8): what it shows, to whom, and what it cannot be made to do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import grpc
import pytest

from chromium import Chromium, Page
from cri import error_of
from fake_runtime import FakeRuntime, fails, succeeds

NGINX, REDIS = "library/nginx:1.25", "library/redis:7.2"
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1360, 900)}
HOSTILE = """"'></td></table></style><img src=x onerror=alert(1)><script>alert(2)</script><a href=javascript:alert(3)>"""

# The least contrast between the text of an element and what is behind it (WCAG 2.2, 1.4.3), and that element.
LEAST_CONTRAST = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => channels(colour).slice(0, 3)
    .map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  return texts.map((element) => {
    const [low, high] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), element.outerHTML.slice(0, 200)];
  }).sort((a, b) => a[0] - b[0])[0];
})()"""


@pytest.fixture
def troubled(start_shim, start_registry, runtime: FakeRuntime) -> str:
    """The address of a page that has something to say in each of its parts."""
    good, locked = start_registry(NGINX, REDIS), start_registry(NGINX, credentials="robot:right-password")
    down = start_registry()
    shim, url = start_shim(
        address=good.address,
        auth="admin:passw0rd-of-the-page",
        registries=[
            {"address": down.address, "priority": 2000},
            {"address": locked.address, "priority": 1500, "auth": "robot:wrong-password"},
            {"address": "https://quay.io"},
        ],
        fallback="deny",
        probe={"failureThreshold": 1, "recoveryInterval": "60s"},
    )
    down.stop()
    for number, image in enumerate((NGINX, REDIS), 1):
        runtime.set_pull(good.name(image), succeeds(number))
    client = shim.client()
    client.pull("nginx:1.25", namespace="team-a")
    client.pull("redis:7.2")
    error_of(client.start_pull("ghcr.io/org/a-rather-long-name-of-an-image/with/a/deep/path:v1.2.3-rc.4"))
    return url


def open_in(browser: Chromium, url: str, size: str, scheme: str = "light") -> Page:
    width, height = SIZES[size]
    return browser.open(url + "?pause", width, height, scheme)


def test_shows_what_happened_and_what_to_do(browser: Chromium, troubled: str) -> None:
    text = open_in(browser, troubled, "desktop").text()

    assert "2 things need attention" in text
    assert "connection refused" in text and "is used again by itself" in text
    assert 'refused user "robot"' in text
    assert "nginx:1.25" in text and "priority 1000, has it; not http://127.0.0.1:" in text
    assert "namespace team-a" in text
    assert "cannot pull ghcr.io/org/" in text
    assert "passw0rd" not in text and "wrong-password" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_is_readable(browser: Chromium, troubled: str, screenshots: Path, size: str, scheme: str) -> None:
    page = open_in(browser, troubled, size, scheme)

    page.screenshot(screenshots / f"{size}-{scheme}.png")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls to one side"
    contrast, element = page.evaluate(LEAST_CONTRAST)
    assert contrast >= 4.5, element


@pytest.mark.parametrize("size", SIZES)
def test_is_a_document_with_tables_to_a_screen_reader(browser: Chromium, troubled: str, size: str) -> None:
    page = open_in(browser, troubled, size)

    roles = page.roles()

    assert {"main", "heading", "table", "row", "cell", "columnheader", "rowheader", "list"} <= set(roles)
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("[...document.querySelectorAll('table')].every((table) => table.caption.textContent)")
    states = page.evaluate("[...document.querySelectorAll('.state')].map((each) => each.textContent)")
    assert all(states), "a state that is told by its colour alone"


def test_asks_for_nothing_and_violates_nothing(browser: Chromium, troubled: str) -> None:
    page = open_in(browser, troubled, "desktop")

    assert page.requests() == [troubled + "?pause"]
    assert page.complaints() == []
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none", "its policy has blocked its style"


def test_cannot_be_made_to_run_or_load_anything(browser: Chromium, troubled: str) -> None:
    page = open_in(browser, troubled, "desktop")

    page.evaluate("""document.body.insertAdjacentHTML('beforeend',
        '<img src="http://127.0.0.1:1/x"><b onclick="window.has_run = true"></b><style>body { max-width: 1px }</style>');
        document.querySelector('b').click()""")

    page.wait_for("Network.loadingFailed")
    assert page.blocked() == ["csp"], "by its policy, before a connection"
    assert page.evaluate("window.has_run") is None
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "1px"


def test_is_made_anew_by_the_browser(browser: Chromium, troubled: str) -> None:
    page = browser.open(troubled)
    assert page.evaluate("document.querySelector('meta[http-equiv=refresh]').content") == "5"
    assert open_in(browser, troubled, "desktop").evaluate("document.querySelector('meta[http-equiv=refresh]')") is None


class Skeleton(HTMLParser):
    """Tags and attributes of a document, without its texts and what differs from one moment to the next."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, [each for each in attributes if each[0] != "datetime"]))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append((f"/{tag}", []))


def test_shows_no_markup_of_others(
    browser: Chromium, start_shim, start_registry, runtime: FakeRuntime, screenshots: Path
) -> None:
    registry = start_registry(NGINX, REDIS)
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    pages = {}
    for name, words in (("harmless", "words"), ("hostile", HOSTILE)):
        runtime.set_pull(registry.name(REDIS), fails(grpc.StatusCode.UNKNOWN, words))
        shim, url = start_shim(
            name, address=registry.address, fallback="deny",
            configMap={"enabled": False, "name": "a", "kubeconfig": f"/nowhere/{words}"},
        )  # fmt: skip
        client = shim.client()
        client.pull("nginx:1.25", namespace=words)
        with pytest.raises(grpc.RpcError):
            client.pull("redis:7.2", namespace=words)
        shim.configuration.write_text(f"{words}: [")
        shim.hang_up()
        shim.wait_for_log("is not used")
        pages[name] = open_in(browser, url, "desktop")
        assert pages[name].evaluate("window.has_run") is None
        assert pages[name].complaints() == []
        assert pages[name].requests() == [url + "?pause"]
        dom = pages[name].dom()
        pages[name + " skeleton"] = Skeleton(dom).parts
        if name == "hostile":
            pages[name].screenshot(screenshots / "hostile.png")
            assert len(re.findall(re.escape("&lt;script&gt;alert(2)"), dom)) >= 4, "it was shown, as text"

    assert pages["hostile skeleton"] == pages["harmless skeleton"]
