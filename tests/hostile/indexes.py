"""Indexes that lie, drip, flood and never end, on 127.0.0.1: none of what they do is the stack's fault.

Each serves an index at /simple/ for a stack that wants goodpkg 1.0. One that says nothing usable must end in
exit 3 (could not be checked), never in 1 (the stack is at fault) or 0.
"""

from __future__ import annotations

import gzip
import http.server
import json
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.hostile.campaign import Attempt, Call
from tests.integration.index.server import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[["Handler"], None]

STACK = """\
[[stack]]
id = "one"
python = "3.11"
packages = {{ goodpkg = "1.0" }}
[stack.index]
url = "{url}"
"""
WHEEL = make_wheel("goodpkg", "1.0")
LINK = f'<a href="/files/{WHEEL.filename}#sha256={WHEEL.sha256}">{WHEEL.filename}</a>\n'
HTML, JSON = "text/html", "application/vnd.pypi.simple.v1+json"
ROW = {"filename": WHEEL.filename, "url": f"/files/{WHEEL.filename}", "hashes": {"sha256": WHEEL.sha256}}
PAGE = f"<!DOCTYPE html><html><body>{LINK}</body></html>".encode()
UNCHECKED = frozenset({3})
ANY_ERROR = frozenset({1, 3})
GOOD = frozenset({0})


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the wheel and its METADATA well, and every page as it is told."""

    protocol_version = "HTTP/1.1"
    serve: Serve
    serve_file: Serve | None = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass

    def do_GET(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            if not self.path.startswith("/files/"):
                type(self).serve(self)
            elif self.serve_file:
                type(self).serve_file(self)  # type: ignore[misc]
            else:
                self.say(200, WHEEL.content, "application/octet-stream")

    do_HEAD = do_GET  # noqa: N815 - the name that the base class looks for

    def head(self, status: int, kind: str = HTML, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def say(self, status: int, body: bytes, kind: str = HTML, **headers: str) -> None:
        self.head(status, kind, **{"Content_Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def endless(self, piece: bytes, kind: str = HTML, start: bytes = b"", **headers: str) -> None:
        self.head(200, kind, **headers)
        self.wfile.write(start)
        end = time.monotonic() + 100
        while time.monotonic() < end:
            self.wfile.write(piece)


def page(body: bytes | str, kind: str = HTML, status: int = 200, **headers: str) -> Serve:
    """Return a server of one page, whatever is asked for."""
    data = body.encode() if isinstance(body, str) else body
    return lambda handler: handler.say(status, data, kind, **headers)


def raw(*pieces: bytes, wait_s: float = 0.0) -> Serve:
    """Return a server that writes bytes as they are, and waits before each further piece."""

    def serve(handler: Handler) -> None:
        for number, piece in enumerate(pieces):
            time.sleep(wait_s if number else 0)
            handler.wfile.write(piece)
            handler.wfile.flush()

    return serve


def _drip(handler: Handler) -> None:
    handler.head(200, Content_Length=str(len(PAGE)))
    for byte in PAGE:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.5)


def _bomb(handler: Handler) -> None:
    import zlib  # noqa: PLC0415 - only here

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    handler.head(200, Content_Encoding="gzip")
    block = LINK.encode() * 20_000
    for _ in range(2_500):
        handler.wfile.write(packer.compress(block))
    handler.wfile.write(packer.flush())


def _links(number: int) -> bytes:
    return b"<html>" + b"".join(
        b'<a href="/files/goodpkg-1.0.%d-py3-none-any.whl">x</a>\n' % each for each in range(number)
    )


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
_LEADING_OUT = "<html><a href='../../../../etc/goodpkg-1.0-py3-none-any.whl'>x</a>"
_SCRIPT = "<html><a href='javascript:alert(1)//goodpkg-1.0-py3-none-any.whl'>x</a>"
_LOCAL = "<html><a href='file:///etc/goodpkg-1.0-py3-none-any.whl'>x</a>"
_TERMINAL = "<html><a href='goodpkg-1.0%1b%5b2J-py3-none-any.whl'>\x1b[2J</a>"
_GOOD_JSON = json.dumps({"meta": {"api-version": "1.1"}, "name": "goodpkg", "files": [ROW]})
_BIG = {"goodpkg-1.0.dist-info/METADATA": b" " * 200_000_000}


def _many(handler: Handler) -> None:
    handler.say(200, _links(120_000) + LINK.encode())


BEHAVIOURS: dict[str, tuple[Serve, frozenset[int]]] = {
    "a good page": (page(PAGE), GOOD),
    "a good page in JSON": (page(_GOOD_JSON, JSON), GOOD),
    "a page without end": (lambda h: h.endless(LINK.encode() * 1000, start=b"<html>"), UNCHECKED),
    "JSON without end": (lambda h: h.endless(b"[" * 100_000, JSON, b'{"files": '), UNCHECKED),
    "blanks without end": (lambda h: h.endless(b" " * 100_000), UNCHECKED),
    "a tag without end": (lambda h: h.endless(b"x" * 100_000, start=b"<html><a href='"), UNCHECKED),
    "a gzip bomb of 3.8 GB": (_bomb, UNCHECKED),
    "a million links": (lambda h: h.say(200, _links(1_000_000)), UNCHECKED),
    "120,000 links, the wheel last": (_many, frozenset({0, 3})),
    "a page that drips": (_drip, frozenset({0, 3})),
    "no answer": (lambda _: time.sleep(100), UNCHECKED),
    "a connection that closes": (raw(), UNCHECKED),
    "half a status line": (raw(b"HTTP/1.1 2"), UNCHECKED),
    "no HTTP at all": (raw(b"220 mail.example ESMTP\r\n"), UNCHECKED),
    "headers without end": (raw(_OK, *[b"X-A: " + b"a" * 60_000 + b"\r\n"] * 500), UNCHECKED),
    "headers that drip": (raw(_OK, *[b"X-A: a\r\n"] * 50, wait_s=2), UNCHECKED),
    "a body that is cut short": (
        raw(_OK + b"Content-Length: 9999\r\nConnection: close\r\n\r\n" + PAGE),
        UNCHECKED,
    ),
    "chunks that are none": (raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + PAGE), UNCHECKED),
    "a gzip that is none": (page(PAGE, Content_Encoding="gzip"), UNCHECKED),
    "a gzip that is cut short": (
        lambda h: h.say(200, gzip.compress(PAGE)[:-9], Content_Encoding="gzip"),
        UNCHECKED,
    ),
    "status 500": (page(b"oops", status=500), UNCHECKED),
    "status 503": (page(b"", status=503), UNCHECKED),
    "status 429": (page(b"slow down", status=429, Retry_After="99999"), UNCHECKED),
    "status 401": (page(b"", status=401, WWW_Authenticate='Basic realm="\x1b[2J"'), UNCHECKED),
    "status 403": (page(b"", status=403), UNCHECKED),
    "status 404 everywhere": (page(b"", status=404), ANY_ERROR),
    "status 299 with a page of nothing": (page(b"<html></html>", status=299), ANY_ERROR),
    "status 204": (page(b"", status=204), UNCHECKED),
    "redirects in a circle": (page(b"", status=302, Location="/simple/again/"), UNCHECKED),
    "a redirect to a file": (page(b"", status=302, Location="file:///etc/passwd"), UNCHECKED),
    "a redirect to nowhere": (page(b"", status=302, Location="http://127.0.0.1:9/"), UNCHECKED),
    "a redirect that is no URL": (page(b"", status=302, Location="http://[::"), UNCHECKED),
    "a login page": (page("<html><form><input type=password></form></html>"), UNCHECKED),
    "an empty page": (page(b""), UNCHECKED),
    "a picture": (page(b"\x89PNG\r\n\x1a\n" + bytes(9999), "image/png"), UNCHECKED),
    "a picture that is called a page": (page(b"\x89PNG\r\n\x1a\n" + bytes(9999)), UNCHECKED),
    "JSON that is none": (page(b"{", JSON), UNCHECKED),
    "JSON of something else": (page(b'{"hello": [1]}', JSON), UNCHECKED),
    "JSON nested 100,000 deep": (page(b"[" * 100_000, JSON), UNCHECKED),
    "JSON with a number of 9,000 digits": (page(b'{"files": [' + b"9" * 9000 + b"]}", JSON), UNCHECKED),
    "JSON with rows that are none": (page(json.dumps({"files": [1, None, {}, {"url": 7}]}), JSON), UNCHECKED),
    "links that lead out": (page(_LEADING_OUT), ANY_ERROR),
    "links to files of this machine": (page(_LOCAL), ANY_ERROR),
    "links that run script": (page(_SCRIPT), ANY_ERROR),
    "names that act on terminals": (page(_TERMINAL), ANY_ERROR),
    "bytes that are no text": (page(b"<html>\xff\xfe" + LINK.encode()), frozenset({0, 3})),
    "a hash that is another's": (page(PAGE.replace(WHEEL.sha256.encode(), b"0" * 64)), frozenset({0, 1, 3})),
}
"""What the pages do, and the exit codes that are right. A hash is looked at when its file is fetched."""

FILES: dict[str, tuple[Serve, frozenset[int]]] = {
    "a wheel without end": (lambda h: h.endless(b"x" * 100_000, "application/zip"), UNCHECKED),
    "a wheel that is none": (page(b"no zip", "application/zip"), frozenset({1, 3})),
    "a wheel that is cut short": (page(WHEEL.content[:-60], "application/zip"), frozenset({1, 3})),
    "a wheel that is not there": (page(b"", status=404), frozenset({1, 3})),
    "a wheel of another package": (
        page(make_wheel("evilpkg", "1.0").content, "application/zip"),
        frozenset({1, 3}),
    ),
    "a wheel of another version": (
        page(make_wheel("goodpkg", "2.0").content, "application/zip"),
        frozenset({1, 3}),
    ),
    "a wheel with METADATA of 200 MB": (
        page(make_wheel("goodpkg", "1.0", more=_BIG).content),
        frozenset({1, 3}),
    ),
}
"""What the file of the wheel does, on a good page."""


def attempts(seed: int) -> list[Attempt]:
    """Return every attempt; the seed changes nothing."""
    del seed
    pages = [Attempt(name, partial(_make, serve, None, may)) for name, (serve, may) in BEHAVIOURS.items()]
    files = [Attempt(name, partial(_make, page(PAGE), serve, may)) for name, (serve, may) in FILES.items()]
    return [*pages, *files]


def _make(serve: Serve, serve_file: Serve | None, may: frozenset[int], folder: Path) -> Call:
    handler = type("Told", (Handler,), {"serve": staticmethod(serve), "serve_file": serve_file})
    if serve_file:
        handler.serve_file = staticmethod(serve_file)  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/simple"
    (folder / "one.toml").write_text(STACK.format(url=url), "utf-8")

    def clean_up() -> None:
        server.shutdown()
        server.server_close()

    patience = {"UV_HTTP_TIMEOUT": "5"}
    words = ("check", "one.toml", "-q", *(["--bytes"] if serve_file else []))
    return Call(words, may=may, environ=patience, seconds=150.0, clean_up=clean_up)
