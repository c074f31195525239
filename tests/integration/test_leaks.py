"""That the search for secrets, which every test ends with, would find one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from processes import Workplace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """Not the test's own workplace, whose leaks would fail the test."""
    workplace = Workplace(tmp_path)
    yield workplace
    workplace.close()


@pytest.mark.parametrize(
    "form",
    [
        lambda secret: secret,
        lambda secret: quote(secret),
        lambda secret: secret.encode().hex(),
        lambda secret: json.dumps({"message": secret}),
        lambda secret: json.dumps({"message": secret}, ensure_ascii=False),
        lambda secret: base64.b64encode(f"u:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"us:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    ],
)
def test_secret_is_found_in_every_form(place: Workplace, form: Callable[[str], str]) -> None:
    text = form(place.secrets.new('pass/"wörd'))
    place.watch("errors", lambda: f"it says {text}.")

    assert len(place.leaks()) == 1


@pytest.mark.parametrize("script", ["printf SECRET", "printf SECRET >&2", ": SECRET"])
def test_secret_is_found_in_outputs_and_command_lines(place: Workplace, script: str) -> None:
    secret = place.secrets.new("password")
    command = f"{script.replace('SECRET', '$SECRET' if 'printf' in script else secret)}; echo done; tail --pid=$$ -f /dev/null"
    process = place.start("shell", ["sh", "-c", command], environment={"SECRET": secret})
    process.wait_until(lambda: "done" in process.stdout, "done")
    place.close()

    assert len(place.leaks()) == 1


def test_nothing_is_found_where_nothing_is(place: Workplace) -> None:
    place.secrets.new("password")
    place.watch("errors", lambda: "password-0123456789abcdef")

    assert place.leaks() == []


def test_secrets_in_settings_are_searched_for(place: Workplace) -> None:
    secrets = place.secrets
    secrets.add_from({"auth": "user:first-secret", "offline": {"auth": {"password": "second-secret"}}})
    secrets.add_from({"registries": [{"auth": {"identityToken": "third-secret"}}, {"auth": "user:${VARIABLE}"}]})

    assert len(secrets.found_in("first-secret second-secret third-secret ${VARIABLE}")) == 3
