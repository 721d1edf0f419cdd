"""`stackcheck fits` on wheels whose libraries gcc makes, in files and on a local index."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to make small libraries")

OLD = "_ZN3c105ErrorC2ENS_14SourceLocationESs"
NEW = "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"


def module(folder: Path, wants: str) -> bytes:
    """Return a library that wants one symbol of libc10.so."""
    stub, made, source = folder / "libc10.so", folder / "made.so", folder / "made.c"
    source.write_text(f'extern void want(void) __asm__("{wants}");void own(void) {{ want(); }}')
    gcc = ("gcc", "-shared", "-nostdlib", "-fPIC")
    subprocess.run([*gcc, "-Wl,-soname,libc10.so", "-x", "c", "/dev/null", "-o", stub], check=True)
    subprocess.run([*gcc, "-Wl,--no-as-needed", "-o", made, source, stub], check=True)
    return made.read_bytes()


def wheel(version: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    info = f"small-{version}.dist-info"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small/_C.so", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: small\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
    return packed.getvalue()


def name(version: str) -> str:
    return f"small-{version}-cp311-cp311-manylinux_2_28_x86_64.whl"


def fits(*words: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "STACKCHECK_CACHE": str(cache)}
    command = [sys.executable, "-m", "stackcheck", "fits", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


class Handler(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    sent: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        file = self.path.rpartition("/")[2]
        if file in self.files:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match
            self.sent.append(file)
            self.answer(206, self.files[file][int(match[1]) : int(match[2]) + 1], len(self.files[file]))
        elif self.path.strip("/").endswith("small"):
            self.answer(200, "".join(f'<a href="/files/{each}">{each}</a>' for each in self.files).encode())
        else:
            self.answer(404, b"")

    def answer(self, status: int, body: bytes, whole: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if status == 200 else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes 0-0/{whole}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        return


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, bytes]:
    old, new = module(tmp_path, OLD), module(tmp_path, NEW)
    return {
        name("1.0"): wheel("1.0", old),
        name("2.0"): wheel("2.0", new),
        name("3.0a1"): wheel("3.0a1", new),
    }


@pytest.fixture
def index(wheels: dict[str, bytes]) -> Iterator[str]:
    Handler.files, Handler.sent = wheels, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("version", "torch", "code"),
    [
        ("1.0", "2.5", 0),
        ("1.0", "2.5,2.6.0", 0),
        ("1.0", ">=2.5,<2.8", 1),
        ("2.0", ">=2.7", 0),
        ("2.0", "all", 1),
        ("2.0", "2.7.0+cu118", 3),
    ],
)
def test_a_wheel_is_held_against_the_torches_that_are_asked_for(
    wheels: dict[str, bytes], tmp_path: Path, version: str, torch: str, code: int
) -> None:
    path = tmp_path / name(version)
    path.write_bytes(wheels[path.name])
    found = fits(path, "--torch", torch, cache=tmp_path / "cache")
    assert found.returncode == code, found.stdout + found.stderr
    assert "c10::Error::Error(c10::SourceLocation, std::" in found.stdout


def test_a_library_alone_is_judged_as_one_in_a_wheel(tmp_path: Path) -> None:
    path = tmp_path / "_C.cpython-311-x86_64-linux-gnu.so"
    path.write_bytes(module(tmp_path, NEW))
    found = fits(path, "--format", "json", cache=tmp_path / "cache")
    [subject] = json.loads(found.stdout)["subjects"]
    assert (found.returncode, subject["torch"].split(" ")[0]) == (0, "2.7.0")


def test_a_release_on_an_index_is_read_once(index: str, tmp_path: Path) -> None:
    first = fits(
        "small==1.0", "--torch", "2.6", "--index", index, "--platform", "linux/amd64", cache=tmp_path
    )
    assert first.returncode == 0, first.stderr
    assert set(Handler.sent) == {name("1.0")}
    assert first.stdout.startswith("PASS  small 1.0: can be loaded with torch 1.13.0 - 2.6.0\n")


def test_the_versions_of_a_package_that_fit_a_torch_are_listed_newest_first(
    index: str, tmp_path: Path
) -> None:
    found = fits(
        "small", "--torch", "2.8.0", "--index", index, "--platform", "linux/amd64", "-q", cache=tmp_path
    )
    rows = [re.split(r"\s{2,}", line)[:2] for line in found.stdout.splitlines() if line.startswith("small")]
    assert rows == [["small 2.0", "can be loaded"], ["small 1.0", "cannot"]]
    assert (found.returncode, found.stderr) == (0, "")
    none = fits("small", "--torch", "2.2,2.8", "--index", index, "--platform", "linux/amd64", cache=tmp_path)
    assert none.returncode == 1


def test_a_table_for_a_readme(index: str, tmp_path: Path) -> None:
    words = ("small==2.0", "small==1.0", "--markdown", "--index", index, "--platform", "linux/amd64")
    found = fits(*words, cache=tmp_path)
    assert [line.split(" | ")[0] for line in found.stdout.splitlines() if line.startswith("| `")] == [
        "| `small 2.0`",
        "| `small 1.0`",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.whl"], "gone.whl: there is no such file, and it is neither NAME==VERSION nor NAME."),
        (["text.txt"], "text.txt is not a binary: neither an ELF file nor one that holds GPU code."),
        (["broken.whl"], "broken.whl cannot be read as a wheel"),
        (["small==9.9"], "small==9.9: no wheel of it for linux/amd64; the newest is 3.0a1."),
        (["torch==2.8.0"], "torch==2.8.0: torch is what other wheels are held against; name one of them."),
        (["small==x"], "is neither NAME==VERSION nor NAME."),
        (["text.txt", "--torch", "new"], "--torch: 'new' is not all"),
        (["text.txt", "--torch", ">=9"], "--torch: '>=9' holds no measured release; the newest is "),
    ],
)
def test_a_wrong_call_is_told_in_a_sentence(index: str, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "broken.whl").write_bytes(b"PK\x03\x04 and nothing else")
    files = [str(tmp_path / each) if each.endswith(("txt", "whl")) else each for each in words]
    found = fits(*files, "--index", index, "--platform", "linux/amd64", cache=tmp_path / "cache")
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
    assert len(found.stderr.splitlines()) == 1
