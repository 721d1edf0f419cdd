"""A registry on 127.0.0.1 that keeps what is pushed in memory: as much of its API as docker asks for.

Source: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md, checked 2026-11-30.
"""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")
_BLOB = re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>sha256:[0-9a-f]+)")
_UPLOAD = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<id>[^/]*)")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes]
    manifests: dict[str, tuple[str, bytes]]
    uploads: dict[str, bytes]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/v2/":
            self._say(200)
        elif (match := _BLOB.fullmatch(path)) and match["digest"] in self.blobs:
            self._say(200, self.blobs[match["digest"]], {"Docker-Content-Digest": match["digest"]})
        elif (
            match := _MANIFEST.fullmatch(path)
        ) and f"{match['name']}@{match['reference']}" in self.manifests:
            kind, content = self.manifests[f"{match['name']}@{match['reference']}"]
            self._say(200, content, {"Content-Type": kind, "Docker-Content-Digest": _digest(content)})
        else:
            self._say(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self._body()
        self._go_on(uuid.uuid4().hex, b"")

    def do_PATCH(self) -> None:
        self._go_on(self._upload(), self._body())

    def do_PUT(self) -> None:
        url, body = urlsplit(self.path), self._body()
        if match := _MANIFEST.fullmatch(url.path):
            kept = (self.headers["Content-Type"], body)
            for reference in (match["reference"], _digest(body)):
                self.manifests[f"{match['name']}@{reference}"] = kept
            self._say(201, b"", {"Docker-Content-Digest": _digest(body), "Location": self.path})
            return
        content = self.uploads.pop(self._upload(), b"") + body
        digest = parse_qs(url.query)["digest"][0]
        assert _digest(content) == digest
        self.blobs[digest] = content
        self._say(201, b"", {"Docker-Content-Digest": digest, "Location": url.path})

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _upload(self) -> str:
        match = _UPLOAD.fullmatch(urlsplit(self.path).path)
        assert match
        return match["id"]

    def _go_on(self, upload: str, body: bytes) -> None:
        self.uploads[upload] = self.uploads.get(upload, b"") + body
        folder = urlsplit(self.path).path.rpartition("/")[0]
        end = max(0, len(self.uploads[upload]) - 1)
        self._say(
            202, b"", {"Location": f"{folder}/{upload}", "Docker-Upload-UUID": upload, "Range": f"0-{end}"}
        )

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _say(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def registry() -> Iterator[str]:
    """Yield the address of a registry that is empty."""
    handler = type("Handler", (_Handler,), {"blobs": {}, "manifests": {}, "uploads": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
