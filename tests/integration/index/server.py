"""A real package index on 127.0.0.1: PEP 503 and PEP 691 pages, find-links pages, tiny wheels, and faults."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

Fault = Callable[["Handler"], None]


@dataclass(frozen=True)
class Upload:
    filename: str
    content: bytes
    yanked: bool = False
    requires_python: str = ""
    upload_time: str = "2026-01-02T03:04:05Z"
    listed: bool = True
    metadata: bytes | None = None
    """What PEP 658 offers beside the wheel; None for an index that does not."""

    @property
    def project(self) -> str:
        return self.filename.split("-")[0].replace("_", "-").lower()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def make_wheel(
    name: str,
    version: str,
    *requires: str,
    tag: str = "py3-none-any",
    salt: str = "",
    more: Mapping[str, str | bytes] | None = None,
) -> Upload:
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = "".join(f"Requires-Dist: {each}\n" for each in requires)
    members: dict[str, str | bytes] = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{name.replace('-', '_')}/__init__.py": f"SALT = {salt!r}\n",
    }
    members |= more or {}
    members[f"{stem}.dist-info/RECORD"] = "".join(f"{path},,\n" for path in members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return Upload(f"{stem}-{tag}.whl", buffer.getvalue())


def make_sdist(name: str, version: str) -> Upload:
    return Upload(f"{name.replace('-', '_')}-{version}.tar.gz", b"not opened by any test")


@dataclass
class IndexServer:
    """`indexes["main"]` is served at /main/simple/ (HTML and JSON) and, as one flat page, at /main/links/."""

    host: str = ""
    indexes: dict[str, list[Upload]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    credentials: str = ""
    json_pages: bool = True
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def add(self, index: str, *uploads: Upload) -> None:
        self.indexes.setdefault(index, []).extend(uploads)

    def simple(self, index: str) -> str:
        return f"http://{self.host}/{index}/simple/"

    def links(self, index: str) -> str:
        return f"http://{self.host}/{index}/links/"

    def asked(self, path: str) -> list[dict[str, str]]:
        return [headers for seen, headers in self.requests if seen == path]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: IndexServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.index.requests.append((path, dict(self.headers.items())))
        fault = next((f for prefix, f in self.index.faults.items() if path.startswith(prefix)), None)
        if fault:
            fault(self)
        elif not self._allowed():
            self.answer(401, b"who are you?", headers={"WWW-Authenticate": 'Basic realm="index"'})
        else:
            self._serve(path.strip("/").split("/"))

    do_HEAD = do_GET  # noqa: N815 - the name that the base class looks for

    def _allowed(self) -> bool:
        wanted = "Basic " + base64.b64encode(self.index.credentials.encode()).decode()
        return not self.index.credentials or self.headers.get("Authorization") == wanted

    def _serve(self, parts: list[str]) -> None:
        uploads = self.index.indexes.get(parts[0])
        kind = parts[1] if len(parts) > 1 else ""
        if uploads is None or kind not in ("simple", "links", "files"):
            self.answer(404, b"no such index")
        elif kind == "files":
            self._file(uploads, parts[-1])
        elif kind == "links":
            self._page(parts[0], [u for u in uploads if u.listed], flat=True)
        elif len(parts) == 2:
            names = sorted({u.project for u in uploads})
            self.answer(200, "".join(f'<a href="{n}/">{n}</a>\n' for n in names).encode())
        else:
            self._page(parts[0], [u for u in uploads if u.project == parts[2] and u.listed])

    def _file(self, uploads: list[Upload], name: str) -> None:
        found = next((u for u in uploads if u.filename == name.removesuffix(".metadata")), None)
        content = None if found is None else found.content
        if found is not None and name.endswith(".metadata"):
            content = found.metadata
        if content is None:
            self.answer(404)
        elif wanted := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
            start, stop = int(wanted[1]), min(int(wanted[2]) + 1, len(content))
            where = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
            self.answer(206, content[start:stop], kind="application/octet-stream", headers=where)
        else:
            self.answer(200, content, kind="application/octet-stream")

    def _page(self, index: str, uploads: list[Upload], *, flat: bool = False) -> None:
        if not uploads and not flat:
            self.answer(404, b"no such project")
        elif not flat and self.index.json_pages and "json" in self.headers.get("Accept", ""):
            body = json.dumps(_json_page(index, uploads)).encode()
            self.answer(200, body, kind="application/vnd.pypi.simple.v1+json")
        else:
            self.answer(200, _html_page(index, uploads).encode())

    def answer(
        self,
        status: int,
        body: bytes = b"",
        *,
        kind: str = "text/html",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "ETag": tag, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _json_page(index: str, uploads: list[Upload]) -> dict[str, Any]:
    files = [
        {
            "filename": u.filename,
            "url": f"/{index}/files/{u.filename}",
            "hashes": {"sha256": u.sha256},
            "size": len(u.content),
            "upload-time": u.upload_time,
            "yanked": u.yanked,
            **({"requires-python": u.requires_python} if u.requires_python else {}),
            **({"core-metadata": {"sha256": _sha256(u.metadata)}} if u.metadata is not None else {}),
        }
        for u in uploads
    ]
    return {"meta": {"api-version": "1.1"}, "name": uploads[0].project, "versions": [], "files": files}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _html_page(index: str, uploads: list[Upload]) -> str:
    rows = []
    for u in uploads:
        extra = ' data-yanked="gone bad"' if u.yanked else ""
        if u.requires_python:
            extra += f' data-requires-python="{escape(u.requires_python)}"'
        if u.metadata is not None:
            extra += f' data-core-metadata="sha256={_sha256(u.metadata)}"'
        href = f"/{index}/files/{u.filename.replace('+', '%2B')}#sha256={u.sha256}"
        rows.append(f'<a href="{href}"{extra}>{u.filename}</a><br>')
    return "<!DOCTYPE html><html><body>\n" + "\n".join(rows) + "\n</body></html>"


def status(code: int) -> Fault:
    return lambda handler: handler.answer(code, b"said by the test", kind="text/plain")


def page(body: bytes, kind: str = "text/html") -> Fault:
    return lambda handler: handler.answer(200, body, kind=kind)


def cut_short(handler: Handler) -> None:
    handler.answer(200, b"<!DOCTYPE html><html><body><a href='x-1.0-py3-none-any.whl'>x", length=100_000)
    handler.close_connection = True


def slow(seconds: float) -> Fault:
    def wait(handler: Handler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return wait


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that give up are what these tests are about."""


FAULTS: dict[str, Fault] = {
    "401": status(401),
    "403": status(403),
    "404": status(404),
    "500": status(500),
    "503": status(503),
    "cut": cut_short,
    "slow": slow(6.0),
    "plain": page(b"hello", "text/plain"),
    "garbage": page(b"hello \x00\xff, this is not HTML"),
    "login": page(b"<html><form><input name=user><input type='password' name=p></form></html>"),
}
