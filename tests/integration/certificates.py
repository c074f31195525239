"""Certificates of a test's own authority, made by the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


class Authority:
    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        own = ["-keyout", self._key, "-out", self.file, "-subj", f"/CN={name}", "-days", "2"]
        _openssl("req", "-x509", *NEW_KEY, *own)

    def issue(self, name: str, *subjects: str, days: int = 2, group: str = "") -> Certificate:
        """For subjects such as `IP:127.0.0.1` and `DNS:registry.test`. With 0 days it has expired when it is made.

        Kubernetes takes the name of a client from it, and with `group` its group.
        """
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        alternatives = ["-addext", f"subjectAltName={','.join(subjects)}"] if subjects else []
        subject = f"/O={group}/CN={name}" if group else f"/CN={name}"
        request = _openssl("req", *NEW_KEY, "-keyout", made.key, "-subj", subject, *alternatives)
        signed = ["-CA", self.file, "-CAkey", self._key, "-days", str(days), "-copy_extensions", "copy"]
        _openssl("x509", "-req", *signed, "-out", made.file, request=request)
        return made


def _openssl(*arguments: str | Path, request: bytes = b"") -> bytes:
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=request, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
