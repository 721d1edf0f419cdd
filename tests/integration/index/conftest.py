"""Fixtures: a running index server, and options that keep uv's cache and home inside the test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stackcheck.resolve.resolver import Options
from tests.integration.index.server import Handler, IndexServer, Quiet

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[IndexServer]:
    """Serve an index; with a context by https."""
    index = IndexServer()
    handler = type("OneIndex", (Handler,), {"index": index})
    with Quiet(("127.0.0.1", 0), handler) as http_server:
        if context:
            http_server.socket = context.wrap_socket(http_server.socket, server_side=True)
        index.host = f"127.0.0.1:{http_server.server_address[1]}"
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield index
        http_server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with running() as index:
        yield index


@pytest.fixture
def other() -> Iterator[IndexServer]:
    with running() as index:
        yield index


@pytest.fixture
def options(tmp_path: Path) -> Options:
    home = tmp_path / "home"
    home.mkdir()
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
        "UV_HTTP_TIMEOUT": "2",
    }
    return Options(cache=tmp_path / "cache", environ=environ)
