"""`learn` and `refresh` from nothing, against the real index: they give back what ships, for a few packages.

`tools/rebuild_knowledge.py` does it for all of them; docs/rebuilt.md has what came of that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def rebuild(*packages: str, cache: Path) -> subprocess.CompletedProcess[str]:
    tool = str(ROOT / "tools" / "rebuild_knowledge.py")
    command = [sys.executable, tool, "--most-mb", "400", "--keep", str(cache / "kept"), *packages]
    env = {**os.environ, "STACKCHECK_CACHE": str(cache)}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=env)


@pytest.mark.online
def test_learn_from_nothing_gives_back_what_ships(tmp_path: Path) -> None:
    packages = ("cumm-cu128", "spconv-cu126", "deepspeed-kernels", "cuda-toolkit", "cudf-cu12")
    done = rebuild(*packages, cache=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| cumm-cu128 | 1 | 1 | 0 |" in done.stdout
    assert "| spconv-cu126 | 2 | 2 | 0 |" in done.stdout
    assert "| cuda-toolkit | 41 | 41 | 0 |" in done.stdout
    assert done.stdout.endswith("seconds; not read to the end: nothing\n")
    again = rebuild(*packages, cache=tmp_path)
    assert "cudf-cu12: 17 versions, 0 wheels to read" in again.stderr
    assert again.stdout.splitlines()[:-1] == done.stdout.splitlines()[:-1]


@pytest.mark.online
def test_refresh_from_nothing_gives_back_the_toolkits_that_have_wheels() -> None:
    code = (
        "import os, sys; sys.path.insert(0, 'tools'); import rebuild_knowledge as r;"
        "from stackcheck import knowledge;"
        "from stackcheck.knowledge.refresh import refresh_toolkits;"
        "from stackcheck.resolve.index import Fetcher; from stackcheck.resolve.wheelindex import WheelIndex;"
        "cuda = knowledge.load().cuda;"
        "found = refresh_toolkits(WheelIndex(Fetcher(os.environ)), r.emptied_cuda(cuda), r.TODAY);"
        "told = r.compare_told(found.additions)['toolkit'];"
        "print(told.back, told.other.total(), found.unread)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.stdout, done.stderr) == ("17 0 ()\n", "")
