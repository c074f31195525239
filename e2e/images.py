"""Small images made of Debian's busybox-static, and their way into a registry or a containerd: no docker, no skopeo."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import io
import json
import os
import platform
import ssl
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Blob:
    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


def _json(media_type: str, content: object) -> Blob:
    return Blob(media_type, json.dumps(content).encode())


def architecture() -> str:
    """As OCI spells it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@functools.cache
def busybox() -> Path:
    """A statically linked one, from the environment where somebody has looked for it already."""
    named = os.environ.get("ICS_BUSYBOX")
    if named:
        return Path(named)
    found = subprocess.run([ROOT / "scripts/static-busybox"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return Path(found.strip())


@functools.cache
def _applets() -> list[str]:
    listed = subprocess.run([busybox(), "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [applet for applet in listed if applet != "busybox"]


@functools.cache
def _layer(files: frozenset[tuple[str, bytes]], setuid: frozenset[str]) -> tuple[Blob, str]:
    """The layer, and the digest of its content before compression, which the image's configuration names."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:

        def add(name: str, content: bytes = b"", **attributes: object) -> None:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755
            for attribute, value in attributes.items():
                setattr(entry, attribute, value)
            tar.addfile(entry, io.BytesIO(content))

        folders = {"bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "usr/bin", "var", "var/www"}
        folders |= {str(parent) for name, _ in files for parent in Path(name).parents if str(parent) != "."}
        for folder in sorted(folders):
            add(folder, type=tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        add("bin/busybox", busybox().read_bytes())
        for applet in _applets():
            # Hard links: a container can hide one of them and keep the others.
            add(f"bin/{applet}", type=tarfile.LNKTYPE, linkname="bin/busybox")
        for name, content in sorted(files):
            add(name, content, mode=0o4755 if name in setuid else 0o755)
    plain = archive.getvalue()
    return Blob(LAYER, gzip.compress(plain, 6, mtime=0)), "sha256:" + hashlib.sha256(plain).hexdigest()


PASSWD = b"root:x:0:0:root:/:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
GROUP = b"root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"


@dataclass
class Image:
    """One image, for this machine's platform where no other is asked for."""

    entrypoint: Sequence[str]
    command: Sequence[str] = ()
    user: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    setuid: Collection[str] = ()  # of the files: whoever runs them is root
    labels: Mapping[str, str] = field(default_factory=dict)
    architecture: str = field(default_factory=architecture)

    def __post_init__(self) -> None:
        files = {"etc/passwd": PASSWD, "etc/group": GROUP, **self.files}
        layer, plain_digest = _layer(frozenset(files.items()), frozenset(self.setuid))
        process = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Env": ["PATH=/bin:/usr/bin"],
            "User": self.user,
            "Labels": dict(self.labels),
        }
        self.config = _json(
            CONFIG,
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": process,
                "rootfs": {"type": "layers", "diff_ids": [plain_digest]},
            },
        )
        self.layers = [layer]
        self.manifest = _json(
            MANIFEST,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self.config.descriptor,
                "layers": [layer.descriptor for layer in self.layers],
            },
        )

    def save(self, name: str, path: Path) -> None:
        """As an OCI archive, which `ctr images import` reads."""
        reference = {
            **self.manifest.descriptor,
            "annotations": {"io.containerd.image.name": name},
            "platform": {"architecture": self.architecture, "os": "linux"},
        }
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [reference]}
        contents = {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **{
                "blobs/" + blob.digest.replace(":", "/"): blob.content
                for blob in [self.config, self.manifest, *self.layers]
            },
        }
        with tarfile.open(path, "w") as tar:
            for file, content in contents.items():
                entry = tarfile.TarInfo(file)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))


class Index:
    """One name for images of several platforms."""

    def __init__(self, *images: Image) -> None:
        self.images = images
        self.manifest = _json(
            INDEX,
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [
                    {**image.manifest.descriptor, "platform": {"architecture": image.architecture, "os": "linux"}}
                    for image in images
                ],
            },
        )


def says(text: str, **more: Any) -> Image:
    """Prints one line and stays, as a server would."""
    return Image(["/bin/sh", "-c", f"echo '{text}'; exec sleep 2147483647"], **more)


def pause(name: str = "") -> Image:
    """What holds a pod. Those of different names are different images. No `sleep`: tests look for those of containers."""
    return Image(["/bin/tail", "-s", "2147483647", "-f", "/dev/null"], labels={"name": name})


@dataclass(frozen=True)
class RegistryClient:
    """The writing side of the distribution API, with Basic authentication, or a token that somebody else has got."""

    address: str  # http://host:port
    username: str = ""
    password: str = ""
    token: str = ""
    authority: Path | None = None  # whose certificate an https address has

    def push(self, image: Image | Index, name: str) -> None:
        """`team/app:v1`"""
        repository, _, tag = name.rpartition(":")
        if isinstance(image, Index):
            for part in image.images:
                self._push_image(part, repository, part.manifest.digest)
            self._push_manifest(image.manifest, repository, tag)
        else:
            self._push_image(image, repository, tag)

    def _push_image(self, image: Image, repository: str, reference: str) -> None:
        for blob in [image.config, *image.layers]:
            self._push_blob(repository, blob)
        self._push_manifest(image.manifest, repository, reference)

    def _push_manifest(self, manifest: Blob, repository: str, reference: str) -> None:
        url = f"{self.address}/v2/{repository}/manifests/{reference}"
        self._send("PUT", url, manifest.content, manifest.media_type)

    def _push_blob(self, repository: str, blob: Blob) -> None:
        try:
            self._send("HEAD", f"{self.address}/v2/{repository}/blobs/{blob.digest}")
            return
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        started = self._send("POST", f"{self.address}/v2/{repository}/blobs/uploads/", b"")
        location = urljoin(self.address, started["Location"])
        separator = "&" if "?" in location else "?"
        url = location + separator + urlencode({"digest": blob.digest})
        self._send("PUT", url, blob.content, "application/octet-stream")

    def _send(self, method: str, url: str, body: bytes | None = None, media_type: str = "") -> Mapping[str, str]:
        headers = {"Content-Type": media_type} if media_type else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.username:
            pair = f"{self.username}:{self.password}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        request = urllib.request.Request(url, body, headers, method=method)
        # The registries are on loopback: no proxy of the environment knows them.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.authority:
            context = ssl.create_default_context(cafile=self.authority)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=20) as answer:
            return answer.headers
