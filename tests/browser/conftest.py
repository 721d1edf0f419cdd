"""A real browser over real pages, and what npm packages bring to look at them."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AXE = ("axe-core@4.14.1", "package/axe.min.js")
SARIF = ("@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json")
"""The package of an exact version, and the one file that is taken out of it; nothing of it is run by npm."""
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--hide-scrollbars",
)  # fmt: skip
_ASK = """
axe.run(document, {resultTypes: ["violations"]}).then(found => parent.postMessage({
  wide: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  violations: found.violations.map(each => [each.impact, each.id, each.nodes.length, each.nodes[0].html]),
}, "*"));
"""


@pytest.fixture(scope="session")
def from_npm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, str]], str]:
    """Return what reads one file of a package of the npm registry, by the ordinary client."""

    def read(wanted: tuple[str, str]) -> str:
        package, member = wanted
        folder = tmp_path_factory.mktemp("npm")
        command = ["npm", "pack", "--silent", "--ignore-scripts", package]
        packed = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        ).stdout.split()
        with tarfile.open(folder / packed[-1]) as archive:
            content = archive.extractfile(member)
            assert content is not None
            return content.read().decode()

    return read


@pytest.fixture(scope="session")
def axe(from_npm: Callable[[tuple[str, str]], str]) -> str:
    """Return axe-core, the checker of pages for accessibility."""
    return from_npm(AXE)


@pytest.fixture
def looked_at(axe: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return what shows a page in a frame of a width, and tells what axe-core and the layout say of it."""

    def look(page: str, width: int, *, dark: bool = False) -> dict[str, Any]:
        framed = _with_script(page, axe + _ASK)
        outer = tmp_path / "outer.html"
        outer.write_text(
            f'<!doctype html><title>frame</title><iframe width="{width}" height="900" style="border:0" '
            f'srcdoc="{html.escape(framed)}"></iframe><pre id="told"></pre><script>'
            'addEventListener("message", '
            'told => document.getElementById("told").textContent = JSON.stringify(told.data))</script>',
            encoding="utf-8",
        )
        answer: dict[str, Any] = _told(outer, tmp_path / "profile", dark=dark)
        return answer

    return look


def _with_script(page: str, script: str) -> str:
    """Return the page with a script at its end; its policy, which allows none, is taken away for that."""
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', page)
    assert policy is not None
    return page.replace(policy[0], "").replace("</body>", f"<script>{script}</script></body>")


def _told(outer: Path, profile: Path, *, dark: bool, at: str = "", virtual: bool = True) -> Any:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    assert browser is not None, "no Chromium is installed (Debian: chromium)"
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    clock = ("--virtual-time-budget=30000",) if virtual else ()
    command = [browser, *_FLAGS, *scheme, *clock, f"--user-data-dir={profile}", "--dump-dom",
               outer.as_uri() + at]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told = re.search(r'<pre id="told">(.+?)</pre>', done.stdout, re.DOTALL)
    assert told is not None, done.stderr[-2000:]
    return json.loads(html.unescape(told[1]))


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Any]:
    """Return what opens a page at an address in it, and tells what an expression of JavaScript is there.

    The page's own policy is taken away, so that a script of the test runs. With `policy` it stays, and the
    owner of the frame asks instead. Without `virtual` the browser's clock is the real one.
    """

    def ask(page: str, what: str, *, at: str = "", policy: bool = False, virtual: bool = True) -> Any:
        outer = tmp_path / "asked.html"
        outer.write_text(_framed(page, what) if policy else _with_script(page, _says(what)), encoding="utf-8")
        return _told(outer, tmp_path / "profile", dark=False, at=at, virtual=virtual)

    return ask


def _says(what: str) -> str:
    """Return a script that writes what an expression is to the end of its document, once that has loaded."""
    return f"""addEventListener("load", () => {{
      const said = JSON.stringify({what}), told = document.createElement("pre");
      told.id = "told"; told.textContent = said; document.body.append(told);
    }});"""


def _framed(page: str, what: str) -> str:
    inside = f"(document => {what})(document.getElementById('page').contentDocument)"
    return (
        f"<!doctype html><title>frame</title><script>{_says(inside)}</script>"
        f'<iframe id="page" srcdoc="{html.escape(page)}"></iframe>'
    )
