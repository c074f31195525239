"""Every secret of a test, and whether it stands anywhere that people may read."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

SHORTEST = 8  # what is shorter may stand in a text by chance


class Secrets:
    def __init__(self) -> None:
        self._secrets: list[str] = []

    def new(self, name: str) -> str:
        return self.add(f"{name}-{os.urandom(8).hex()}")

    def add(self, secret: str) -> str:
        if len(secret) >= SHORTEST and secret not in self._secrets:
            self._secrets.append(secret)
        return secret

    def add_from(self, settings: Any) -> None:
        """The passwords and tokens in a shim's settings, wherever there is an `auth`."""
        if isinstance(settings, list):
            for value in settings:
                self.add_from(value)
        if not isinstance(settings, dict):
            return
        for key, value in settings.items():
            if key in ("password", "identityToken"):
                self._add_literal(value)
            elif key == "auth" and isinstance(value, str):
                self._add_literal(value.partition(":")[2])
            else:
                self.add_from(value)

    def _add_literal(self, value: Any) -> None:
        if isinstance(value, str) and "${" not in value:
            self.add(value)

    def found_in(self, text: str) -> list[str]:
        # Encodings of a longer text, `user:secret`, contain one of three, as the secret starts at any byte of a group.
        def forms(secret: str) -> list[str]:
            inside = [base64.b64encode(b"x" * shift + secret.encode())[4:-4].decode() for shift in range(3)]
            in_json = [json.dumps(secret, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)]
            return [secret, quote(secret), secret.encode().hex(), *in_json, *inside]

        return [secret for secret in self._secrets if any(form in text for form in forms(secret))]


KEPT_COPY = "last-good.yaml"  # of the configuration: it has the configuration's secrets, and its mode


def text_below(folder: Path, but: str = "") -> str:
    """The names and contents of all files in it but those of one name."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != but]
    return "\n".join(f"{path}\n{path.read_text(errors='replace')}" for path in files)
