"""A project that works, made once: its lock, report and baseline, and the caches that go with them.

One stack is good, the other wants a version that exists nowhere: whatever is damaged, the first is not at
fault, and the second does not pass.
"""

from __future__ import annotations

import atexit
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

from tests.integration.index.server import Handler, IndexServer, make_wheel

_STACKS = """\
[[stack]]
id = "{name}"
python = "{python}"
packages = {{ goodpkg = "{version}" }}
[stack.index]
url = "{url}"
"""
_ONCE = threading.Lock()
VERSIONS = {"good": "1.0", "bad": "9.9"}


def template() -> Path:
    """Return a folder with `work`, `cache` and `uv` of a project that was checked, locked and built."""
    with _ONCE:
        return _made()


@cache
def _made() -> Path:
    place = Path(tempfile.mkdtemp(prefix="stackcheck-hostile-made-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    work, python = place / "work", f"{sys.version_info[0]}.{sys.version_info[1]}"
    work.mkdir()
    url = _served()
    for name, version in VERSIONS.items():
        text = _STACKS.format(name=name, python=python, version=version, url=url)
        (work / f"{name}.toml").write_text(text, "utf-8")
        run(place, *CHECK, f"{name}.toml", "--format", "json", "-o", f"{name}.json")
    for words in MAKING:
        run(place, *words)
    return place


CHECK = ("check", "-q")
MAKING = (
    ("lock", "good.toml"),
    (*CHECK, "good.toml", "--bytes"),
    ("verify", "good.toml", "--engine", "venv"),
    ("drift", "good.toml", "--accept", "the first of this project"),
)


def _served() -> str:
    """Start an index that lives as long as this process; return its URL."""
    index = IndexServer()
    index.add("main", make_wheel("goodpkg", "1.0"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Handler,), {"index": index}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    index.host = f"127.0.0.1:{server.server_address[1]}"
    return index.simple("main")


def environ(place: Path) -> dict[str, str]:
    """Return the environment that the campaign gives a call in a folder."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(place / "home"),
        "STACKCHECK_CACHE": str(place / "cache"),
        "UV_CACHE_DIR": str(place / "uv"),
        "PYTHONPATH": os.pathsep.join(sys.path[:1]),
    }


def run(place: Path, *words: str) -> int:
    """Call stackcheck in the work folder of a place; return its exit code."""
    command = [sys.executable, "-m", "stackcheck", *words]
    done = subprocess.run(command, cwd=place / "work", env=environ(place), capture_output=True, check=False)
    return done.returncode


def copy(work: Path) -> None:
    """Make a copy of the project in the folder of an attempt, which is empty."""
    made = template()
    for name in ("work", "cache", "uv", "home"):
        shutil.copytree(made / name, work.parent / name, symlinks=True, dirs_exist_ok=True)
