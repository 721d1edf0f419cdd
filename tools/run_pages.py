"""Run the commands of a page, and write what they print into it: python tools/run_pages.py PAGE...

A page holds its commands in ```console blocks, a line `$ COMMAND` before what it printed. A block that begins
with `# FILE:` is that file, written before the commands that follow. All of a page runs in one empty folder,
or in the repository where it says so, with an empty cache of its own, in a terminal of 88 columns.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"(```(\w+)\n)(.*?)(```\n)", re.DOTALL)
_IN_ROOT = "<!-- run in the folder of the repository -->"
_FILE = re.compile(r"# FILE: (\S+)\n")
_TIME = r"(?:\d+ min )?\d+(?:\.\d+)? s\b"
_VARIES = (
    (re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\\?\+00:00,\s+in {_TIME}"), "(time)"),
    (re.compile(_TIME), "(time)"),
    (re.compile(r"knowledge\s+of\s+\d{4}-\d\d-\d\d"), "knowledge of (day)"),
    (re.compile(r"-{3,}"), "---"),
)


def rerun(text: str, folder: Path, caches: Path) -> str:
    """Return a page with what its commands print now."""
    return _BLOCK.sub(lambda block: _block(block, folder, caches), text)


def _block(block: re.Match[str], folder: Path, caches: Path) -> str:
    begin, language, body, end = block.groups()
    if named := _FILE.match(body):
        (folder / named[1]).write_text(body[named.end() :], encoding="utf-8")
        return block[0]
    if language != "console":
        return block[0]
    commands = [line for line in body.splitlines() if line.startswith("$ ")]
    return (
        begin + "\n".join(f"{command}\n{_printed(command[2:], folder, caches)}" for command in commands) + end
    )


def _printed(command: str, folder: Path, cache: Path) -> str:
    """Return what a shell prints for a command, and its exit code where that is not 0."""
    caches = {name: str(cache / name.lower()) for name in ("UV_CACHE_DIR", "STACKCHECK_CACHE")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, **caches, "PATH": path, "COLUMNS": "88", "NO_COLOR": "1"}
    done = subprocess.run(
        ["/bin/bash", "-c", command], cwd=folder, env=environ, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout.rstrip("\n")
    code = f"(exit code {done.returncode})" if done.returncode else ""
    return "".join(f"{part}\n" for part in (said, code) if part)


def settled(text: str) -> str:
    """Return a page without what differs from run to run: times, and how lines that hold them are broken."""
    text = " ".join(text.split())
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text


def fresh(page: Path) -> str:
    """Return a page as it would be written now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "service"
        folder.mkdir()
        text = page.read_text(encoding="utf-8")
        return rerun(text, ROOT if _IN_ROOT in text else folder, folder.parent)


def main() -> None:
    """Rewrite the pages that are named."""
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(fresh(page), encoding="utf-8")
        sys.stdout.write(f"{page}: written\n")


if __name__ == "__main__":
    main()
