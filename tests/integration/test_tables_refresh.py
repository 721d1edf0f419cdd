"""`stackcheck tables refresh` against a local index that answers range requests, and one that does not."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from stackcheck.knowledge.folders import SHIPPED
from stackcheck.knowledge.measured import load
from stackcheck.knowledge.refresh import NOT_LOOKED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TORCHVISION = load().package("torchvision")
LAST = TORCHVISION.last if TORCHVISION else None
BEHIND = (
    f"~ measured/torchvision: ends with {LAST}, the index has 9.0.0; "
    "`stackcheck learn torchvision` reads it\n"
)
WHEEL = "torchvision-9.0.0-cp312-cp312-manylinux_2_28_x86_64.whl"


def wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("torchvision/_C.so", bytes(2_000_000))
        archive.writestr(
            "torchvision-9.0.0.dist-info/METADATA", "Name: torchvision\nRequires-Dist: torch==9.9.0\n"
        )
    return packed.getvalue()


class Handler(BaseHTTPRequestHandler):
    content: ClassVar[bytes] = wheel()
    ranges: ClassVar[bool] = True
    sent: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        body, status = self.content, 200
        if not self.path.endswith(".whl"):
            name = self.path.strip("/").rpartition("/")[2]
            link = f'<a href="/files/{WHEEL}">{WHEEL}</a>' if name == "torchvision" else ""
            body = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
        elif self.ranges:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match
            body, status = self.content[int(match[1]) : int(match[2]) + 1], 206
            self.sent.append(len(body))
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if status == 200 else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes 0-0/{len(self.content)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Stay quiet."""


class NoRanges(Handler):
    ranges = False


@contextmanager
def served(handler: type[Handler]) -> Iterator[str]:
    """Serve an index on this machine; yield its root."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=[Handler, NoRanges], ids=["ranges", "no-ranges"])
def index(request: pytest.FixtureRequest) -> Iterator[tuple[str, type[Handler]]]:
    with served(request.param) as url:
        yield url, request.param


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stackcheck", "tables", *arguments]
    env = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)


def test_refresh_prints_the_rows_that_it_would_add_and_reads_little(
    index: tuple[str, type[Handler]],
) -> None:
    url, handler = index
    handler.sent.clear()
    done = run("refresh", "--index", url)
    assert done.stderr == ""
    if handler is NoRanges:
        address = url.replace("/simple", f"/files/{WHEEL}")
        assert done.stdout.endswith(
            f"{BEHIND}? not read: torchvision 9.0.0: {address}: it does not answer range requests\n"
            f"1 new rows, 1 changes, 1 not read\n{NOT_LOOKED_AT}\n"
        )
        assert done.returncode == 3
        return
    assert re.sub(r"\d{4}-\d\d-\d\d", "DAY", done.stdout) == (
        "+ [[companion]]\n"
        '+ version = "9.0.0"\n'
        '+ torch = "==9.9.0"\n'
        '+ python = { "linux/amd64" = "3.12" }\n'
        '+ made = "stackcheck tables refresh"\n'
        "+ checked = DAY\n"
        '+ source = "METADATA and file names of the torchvision 9.0.0 wheels, '
        'pypi.org/project/torchvision/9.0.0"\n'
        "\n"
        "+ [[newest]]\n"
        '+ version = "9.0.0"\n'
        '+ made = "stackcheck tables refresh"\n'
        "+ checked = DAY\n"
        '+ source = "the names of the files at https://pypi.org/simple/torchvision/"\n'
        "\n"
        f"{BEHIND}2 new rows, 1 changes, 0 not read\n{NOT_LOOKED_AT}\n"
    )
    assert done.returncode == 0
    assert sum(handler.sent) < len(handler.content) / 5


@pytest.mark.parametrize("index", [Handler], indirect=True)
def test_refresh_writes_into_the_users_own_folder_and_every_command_reads_it(
    index: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    home = {"STACKCHECK_DATA": "", "XDG_DATA_HOME": str(tmp_path)}
    shipped = {path: path.read_bytes() for path in SHIPPED.glob("told/*.toml")}
    done = run("refresh", "--write", "--index", index[0], **home)
    path = tmp_path / "stackcheck" / "knowledge" / "told" / "torchvision.toml"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"2 new rows, 1 changes, 0 not read\n{NOT_LOOKED_AT}\nadded to {path}\n")
    assert {path: path.read_bytes() for path in SHIPPED.glob("told/*.toml")} == shipped
    shown = "".join(run("torchvision", **home).stdout.split())
    assert f"{path}:checked" in shown
    assert (
        run("refresh", "--index", index[0], **home).stdout
        == f"{BEHIND}0 new rows, 1 changes, 0 not read\n{NOT_LOOKED_AT}\n"
    )
    path.write_text(path.read_text("utf-8").replace("python", "pyhton"), "utf-8")
    broken = run("2.5.0", **home)
    assert broken.returncode == 2
    assert broken.stderr.startswith(f"stackcheck: error: {path}:6: companion: pyhton: unknown key; known: ")


def test_an_index_that_is_not_there_is_said_and_costs_exit_code_3() -> None:
    done = run("refresh", "--index", "http://127.0.0.1:9/simple")
    assert done.returncode == 3
    assert "? not read: torch: http://127.0.0.1:9/simple/torch/: the connection was refused\n" in done.stdout


def test_a_version_is_shown_with_its_sources_and_an_unknown_one_is_a_usage_error() -> None:
    known = run("2.5.0")
    assert known.returncode == 0
    assert known.stdout.startswith("torch 2.5.0, released 2024-10-17\n")
    unknown = run("99.1")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith(
        "stackcheck: error: nothing is known about '99.1': the tables end with torch "
    )
