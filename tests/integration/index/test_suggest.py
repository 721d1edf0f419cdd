"""`stackcheck suggest` with a real resolver and a real index: what it refuses is repaired, or said."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.index.server import IndexServer, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = """\
[[stack]]
id = "small"
python = "3.11"
platform = "linux/amd64"
glibc = "2.36"
index = {{ url = "{url}" }}

[stack.packages]
alpha = "1.0"
beta = "{beta}"      # what alpha needs
"""


def suggest(folder: Path, url: str, beta: str, *args: str) -> subprocess.CompletedProcess[str]:
    (folder / "small.toml").write_text(DEFINITION.format(url=url, beta=beta), encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "STACKCHECK_CACHE": str(folder / "cache")}
    environ |= {"UV_CACHE_DIR": str(folder / "uv"), "UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "2"}
    return subprocess.run(
        [sys.executable, "-m", "stackcheck", "suggest", "small.toml", "-q", *args],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def serve(server: IndexServer, *betas: str) -> str:
    wheels = (make_wheel("beta", version) for version in betas)
    server.add("main", make_wheel("alpha", "1.0", "beta>=2,<3"), *wheels)
    return server.simple("main")


def test_pins_that_resolve_need_no_change(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "2.0"), "2.0")
    assert done.stdout == (
        "small: nothing to change: no rule fails (checked by the rules and by resolving it)\n"
    ), done.stderr
    assert done.returncode == 0


def test_pins_that_exclude_each_other_get_what_the_resolver_takes(
    server: IndexServer, tmp_path: Path
) -> None:
    done = suggest(tmp_path, serve(server, "1.0", "2.0", "2.1"), "1.0", "--format", "diff")
    assert done.stdout.splitlines()[-2:] == [
        '-beta = "1.0"      # what alpha needs',
        '+beta = "2.0"      # what alpha needs',
    ], done.stderr
    assert done.returncode == 0


def test_a_version_that_no_index_has_gets_one_that_is_there(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "2.0"), "2.7")
    assert done.stdout.splitlines()[0] == (
        "small: 1 change makes it good, the fewest of those known (proven by the rules and by resolving it)"
    )
    assert '    +beta = "2.0"      # what alpha needs' in done.stdout
    assert done.returncode == 0


def test_where_nothing_resolves_that_is_said(server: IndexServer, tmp_path: Path) -> None:
    done = suggest(tmp_path, serve(server, "1.0"), "1.0")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FAIL  small: no change was found that makes it good: ")
    assert lines[2] == "STILL FAILS"
    assert lines[3].startswith("      FAIL LOCK201: ")
    assert done.returncode == 1


def test_an_index_that_is_down_is_not_silence(tmp_path: Path) -> None:
    done = suggest(tmp_path, "http://127.0.0.1:9/simple", "2.0")
    assert done.stdout.splitlines()[0].startswith("small: nothing to change: no rule fails (checked by ")
    assert "whether the pins resolve could not be checked: " in done.stdout
    assert done.returncode == 3
