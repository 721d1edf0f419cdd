"""A team's own knowledge in a test project, and bundles of it from a file and from an index."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from stackcheck.knowledge.folders import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPS = """checked = 2026-11-30

[[requirement]]
versions = ">=3,<4"
other = "torch"
accepts = "==2.9.*"
effect = "its operators miss symbols of another torch"
source = "https://git.acme.example/ops/blob/v3.1/build.md"
"""
STACK = """[[stack]]
id = "ours"
python = "3.12"
platform = "linux/amd64"
packages = { torch = "2.8.0", our-ops = "3.1" }
"""
IMAGE = """checked = 2026-11-30

[[nvidia_pytorch]]
tag = "25.10"
torch = "2.9.0"
cuda = "12.9"
python = "3.12"
source = "https://git.acme.example/images/25.10.md"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose pyproject.toml names its folder of knowledge."""
    (tmp_path / "house" / "told").mkdir(parents=True)
    (tmp_path / "house" / "told" / "our-ops.toml").write_text(OPS)
    (tmp_path / "pyproject.toml").write_text('[tool.stackcheck]\nknowledge = ["house"]\n')
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "ours.toml").write_text(STACK)
    return tmp_path


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "STACKCHECK_DATA": str(folder / "data"), **variables}
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def needs(folder: Path, *words: str, **variables: str) -> list[str]:
    """Return what NEEDS102 said of the stack: outcome, and its sources."""
    done = run(folder, "check", "ours", "--offline", "--format", "json", *words, **variables)
    report = json.loads(done.stdout)["reports"][0]
    (found,) = [each for each in report["verdicts"] if each["code"] == "NEEDS102"] or [None]
    return [found["outcome"], *(each["source"] for each in found["evidence"])] if found else []


def test_a_row_of_the_project_decides_and_the_report_says_so(project: Path) -> None:
    page, stated = "https://git.acme.example/ops/blob/v3.1/build.md", "stated in house/told/our-ops.toml"
    source = f"{page} (checked 2026-11-30; {stated})"
    assert needs(project) == ["FAIL", source]
    done = run(project, "check", "ours", "--offline")
    assert re.search(r"knowledge of 2026-\d\d-\d\d, with house;", " ".join(done.stdout.split()))
    (project / "pyproject.toml").write_text("[tool.stackcheck]\n")
    assert needs(project) == []
    assert needs(project, "--knowledge", "house") == ["FAIL", source]
    assert needs(project, STACKCHECK_KNOWLEDGE=str(project / "house")) == ["FAIL", source]


def test_a_row_against_ours_is_refused_with_both_places_until_it_says_why(project: Path) -> None:
    path = project / "house" / "told" / "images.toml"
    path.write_text(IMAGE)
    refused = run(project, "check", "ours", "--offline", "-q")
    ours = rf"{re.escape(str(SHIPPED))}/told/images\.toml:\d+"
    assert refused.returncode == 2
    assert re.fullmatch(
        r"stackcheck: error: house/told/images\.toml:3: nvidia_pytorch: overrides: this row says otherwise "
        rf"than {ours}; state in `overrides` why it is right, or leave it out\.\n",
        refused.stderr,
    )
    path.write_text(IMAGE + 'overrides = "our mirror of the tag holds a build of our own"\n')
    stack = STACK.replace('"ours"', '"image"') + 'image = { ready = "nvcr.io/nvidia/pytorch:25.10-py3" }\n'
    (project / "matrices" / "ours.toml").write_text(stack.replace('"3.12"', '"3.11"'))
    shown = " ".join(run(project, "check", "image", "--offline").stdout.split())
    assert "in the place of what ships: our mirror of the tag holds a build of our own" in shown


def test_a_broken_row_is_exit_code_2_with_file_and_line_and_not_a_fault_of_stackcheck(project: Path) -> None:
    path = project / "house" / "told" / "our-ops.toml"
    path.write_text(OPS.replace("accepts", "acepts"))
    done = run(project, "check", "ours", "--offline", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "stackcheck: error: house/told/our-ops.toml:6: requirement: acepts: unknown key; known: accepts, "
    )
    source = "https://git.acme.example/ops/blob/v3.1/build.md"
    path.write_text(OPS.replace("accepts", "acepts") + OPS.partition("\n\n")[2].replace(source, "our wiki"))
    told = run(project, "tables", "check", "house")
    assert (told.returncode, told.stderr) == (2, "")
    lines = told.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "house/told/our-ops.toml:6:",
        "house/told/our-ops.toml:14:",
        "2",
    ]
    path.write_text(OPS)
    good = run(project, "tables", "check", "house")
    assert (good.returncode, good.stdout) == (0, "1 row in told/, 0 faults\n")


def test_a_project_states_how_old_is_old(project: Path) -> None:
    (project / "stackcheck.toml").write_text('knowledge = "house"\nknowledge_days = 1\n')
    old = OPS.replace("2026-11-30", "2020-01-10")
    (project / "house" / "told" / "our-ops.toml").write_text(old)
    done = run(project, "check", "ours", "--offline", STACKCHECK_KNOWLEDGE_DAYS="")
    assert "WARN KNOW101" in " ".join(done.stdout.split())
    assert re.search(
        r"What is known of our-ops.* is up to \d+ days old: it was last checked on 2020-01-10\.",
        " ".join(done.stdout.split()),
    )
    silent = run(project, "check", "ours", "--offline", STACKCHECK_KNOWLEDGE_DAYS="100000")
    assert "KNOW101" not in silent.stdout


class Index(BaseHTTPRequestHandler):
    """A simple index with one wheel, its digest stated or a wrong one."""

    files: dict[str, bytes]
    digest = ""

    def do_GET(self) -> None:
        name = self.path.rstrip("/").rpartition("/")[2]
        body = self.files.get(name)
        if body is None:
            digests = {each: hashlib.sha256(content).hexdigest() for each, content in self.files.items()}
            links = "".join(
                f'<a href="/files/{each}#sha256={self.digest or digest}">{each}</a>'
                for each, digest in digests.items()
            )
            body = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Stay quiet."""


@pytest.fixture
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_bundle_is_packed_published_taken_and_given_back(project: Path, index: str) -> None:
    (project / "pyproject.toml").write_text("[tool.stackcheck]\n")
    packed = run(project, "knowledge", "pack", "house", "--name", "acme-gpu-knowledge", "--to", "out")
    (wheel,) = (project / "out").iterdir()
    assert wheel.name == "acme_gpu_knowledge-2026.11.30-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert packed.stdout.strip().endswith(f"sha256 {digest}")
    Index.files, Index.digest = {wheel.name: wheel.read_bytes()}, "0" * 64
    wrong = run(project, "knowledge", "update", index, "acme-gpu-knowledge")
    assert (wrong.returncode, needs(project)) == (2, [])
    assert f"its sha256 is {digest}, and {'0' * 64} was promised; it was not taken." in wrong.stderr
    Index.digest = ""
    taken = run(project, "knowledge", "update", index, "Acme_GPU_Knowledge")
    assert (taken.returncode, taken.stderr) == (0, "")
    assert "acme-gpu-knowledge 2026.11.30 is read from now on" in taken.stdout
    assert needs(project)[0] == "FAIL"
    told = json.loads(run(project, "knowledge", "info", "--format", "json").stdout)
    assert [each["name"] for each in told["bundles"]] == ["acme-gpu-knowledge"]
    back = run(project, "knowledge", "rollback", "acme-gpu-knowledge")
    assert (back.returncode, needs(project)) == (0, [])
    again = run(project, "knowledge", "update", str(wheel), "--sha256", digest)
    assert (again.returncode, needs(project)[0]) == (0, "FAIL")


def test_a_bundle_of_an_installed_package_is_read_without_more(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.stackcheck]\n")
    run(project, "knowledge", "pack", "house", "--name", "acme-gpu-knowledge", "--to", "out")
    (wheel,) = (project / "out").iterdir()
    site = project / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    assert needs(project, PYTHONPATH=str(site))[0] == "FAIL"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("update", "absent.whl"), "absent.whl: there is no such file."),
        (("update", "pyproject.toml"), "pyproject.toml: this is not a bundle of knowledge: "),
        (("pack", "house"), "knowledge pack house: name the package that it becomes"),
        (("pack", "absent", "--name", "x"), "absent: this is not a folder of knowledge."),
        (("rollback", "x"), "no bundle 'x' is read; those that are: none."),
        (("info", "x"), "knowledge info: 'x' is one word too many; see `knowledge --help`."),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_one_sentence(
    project: Path, words: tuple[str, ...], says: str
) -> None:
    done = run(project, "knowledge", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"stackcheck: error: {says}")
    assert "Traceback" not in done.stderr
