"""`stackcheck learn` against a local index of small wheels that answers range requests."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY = (Path(__file__).parents[1] / "data" / "gpucode" / "uneven.so").read_bytes()
NAMES = [f"fast-1.{number}-cp39-abi3-manylinux_2_28_x86_64.whl" for number in range(5)]
METADATA = "Name: fast\nVersion: 1.0\nRequires-Dist: torch>=2.5\n"
BROKEN = "fast-0.9-cp39-abi3-manylinux_2_28_x86_64.whl"


def wheel() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("fast/_C.abi3.so", LIBRARY)
        archive.writestr("fast/large.bin", bytes(3_000_000))
        archive.writestr(
            "fast-1.0.dist-info/METADATA", "Name: fast\nVersion: 1.0\nRequires-Dist: torch>=2.5\n"
        )
    return packed.getvalue()


class Handler(BaseHTTPRequestHandler):
    content: ClassVar[bytes] = wheel()
    sent: ClassVar[list[tuple[str, int]]] = []
    slow: ClassVar[bool] = False

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name.endswith(".whl"):
            self.piece(name)
            return
        links = "".join(f'<a href="/files/{each}">{each}</a>' for each in [*NAMES, BROKEN])
        listed = links if self.path.rstrip("/").endswith("/fast") else ""
        self.answer(200, f"<!DOCTYPE html><html><body>{listed}</body></html>".encode(), "text/html")

    def piece(self, name: str) -> None:
        content = b"not a wheel" * 1000 if name == BROKEN else self.content
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert match
        body = content[int(match[1]) : int(match[2]) + 1]
        self.sent.append((name, len(body)))
        if self.slow and name in {NAMES[0], NAMES[1], BROKEN}:  # the last three; they are read side by side
            time.sleep(30)
        self.answer(206, body, "application/octet-stream", f"bytes 0-0/{len(content)}")

    def answer(self, status: int, body: bytes, kind: str, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Stay quiet."""


@pytest.fixture
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Handler.sent.clear()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    Handler.slow = False
    server.shutdown()
    server.server_close()
    thread.join()


def command(tmp_path: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    home = {
        "STACKCHECK_DATA": "",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "STACKCHECK_CACHE": str(tmp_path / "cache"),
    }
    return [sys.executable, "-m", "stackcheck", *arguments], {**os.environ, **home}


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words, env = command(tmp_path, *arguments)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=env)


def test_what_is_learned_is_in_the_users_own_folder_and_every_command_reads_it(
    index: str, tmp_path: Path
) -> None:
    done = run(tmp_path, "learn", "Fast", "--index", index)
    path = tmp_path / "data" / "stackcheck" / "knowledge" / "measured" / "fast.toml"
    assert done.returncode == 3, "one of the wheels is broken"
    assert re.sub(r"\d+ MB", "N MB", done.stdout) == (
        f"fast: 6 versions, 5 wheels read (N MB), 1 not read; written to {path}\n"
    )
    lines = done.stderr.splitlines()
    assert lines[0] == "fast: 6 versions, 6 wheels to read"
    assert lines[-1].startswith(
        f"fast 0.9 (6 of 6): not read: {BROKEN} cannot be read as a wheel: no zip file"
    )
    per_wheel = sum(size for name, size in Handler.sent if name == NAMES[0])
    assert per_wheel < len(Handler.content) / 2, "what is not a binary is not fetched"
    shown = run(tmp_path, "tables", "measured/fast")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "requires = ['torch>=2.5']" in " ".join(shown.stdout.split())
    assert "sm_80 sm_90a compute_90" in " ".join(shown.stdout.split())


def test_a_run_that_is_killed_goes_on_where_it_was(index: str, tmp_path: Path) -> None:
    Handler.slow = True
    words, env = command(tmp_path, "learn", "fast", "--index", index)
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env)
    assert process.stderr is not None
    for line in process.stderr:
        if "(3 of 6)" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    Handler.slow = False
    Handler.sent.clear()
    done = run(tmp_path, "learn", "fast", "--index", index)
    assert "fast: 6 versions, 2 wheels read " in done.stdout
    assert {name for name, _ in Handler.sent} == {NAMES[0], NAMES[1], BROKEN}


def test_a_folder_a_name_or_an_index_that_will_not_do_is_said(index: str, tmp_path: Path) -> None:
    installed = Path(pytest.__file__).parents[1]
    refused = run(tmp_path, "learn", "fast", "--index", index, "--to", str(installed))
    assert (refused.returncode, refused.stdout) == (2, "")
    says = "this belongs to an installed package; name a folder of your own."
    assert refused.stderr == f"stackcheck: error: --to {installed}: {says}\n"
    assert not (installed / "measured").exists()
    named = run(tmp_path, "learn", "../fast", "--index", index)
    assert (named.returncode, named.stderr) == (
        2,
        "stackcheck: error: '../fast' is not the name of a package.\n",
    )
    nothing = run(tmp_path, "learn", "slow", "--index", index)
    assert (nothing.returncode, nothing.stdout) == (3, "slow: the index lists no wheel of it.\n")
    down = run(tmp_path, "learn", "fast", "--index", "http://127.0.0.1:9/simple")
    assert (down.returncode, down.stdout) == (
        3,
        "http://127.0.0.1:9/simple/fast/: the connection was refused\n",
    )
    blocked = tmp_path / "file"
    blocked.touch()
    full = run(tmp_path, "learn", "fast", "--index", index, "--to", str(blocked))
    assert full.returncode == 3
    assert full.stderr.splitlines()[-1].startswith(
        f"stackcheck: error: {blocked}/measured/fast.toml: this cannot be written: "
    )
