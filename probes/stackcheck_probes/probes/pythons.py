"""Which Pythons a target holds, and whether conda is there: each is a place where packages can hide."""

from __future__ import annotations

import os
import re

from stackcheck_probes.machine import files, torchfile

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from collections.abc import Iterator
    from typing import Any

    from stackcheck_probes.facts.python import Pythons, TorchPlace

NAME = "pythons"
GRADE = "static"

FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/bin")
ROOTS = ("/opt", "/root", "/usr/local", "/home")
"""Below these, one level deep: /opt/conda/bin, /root/miniconda3/bin, /opt/py313/bin."""
_PYTHON = re.compile(r"python(\d+\.\d+)$")


WHERE = ("/opt", "/root", "/home", "/srv", "/app", "/usr", "/var/lib", "/workspace", "/code", "/venv", "/env")
"""Below these torches are looked for, wherever an environment lies."""
MAX_FOLDERS = 20_000
DEEPEST = 7
_PACKAGES = ("site-packages", "dist-packages")
_SKIPPED = frozenset({"node_modules", "__pycache__", "share", "include", "pkgs"})
_HIDDEN = (".venv", ".local", ".conda", ".pyenv", ".virtualenvs")
"""Of hidden folders those in which environments lie: caches hold copies that nobody runs."""


def run(params: dict[str, Any]) -> Pythons:
    """Return the interpreters that are no links to others, conda's roots, and torches with their interpreter.

    `folders`, `roots` and `where` can be given in `params`, so that a test needs no real ones.
    """
    roots = params.get("roots", ROOTS)
    places = [os.path.join(root, name) for root in roots for name in files.names(root)]
    folders = [*params.get("folders", FOLDERS), *(os.path.join(place, "bin") for place in places)]
    found: dict[str, str] = {}
    for folder in folders:
        for name in files.names(folder):
            match = _PYTHON.match(name)
            real = os.path.realpath(os.path.join(folder, name))
            if match and os.access(real, os.X_OK):
                found.setdefault(real, match.group(1))
    return {
        "pythons": [{"path": path, "version": version} for path, version in sorted(found.items())],
        "conda": sorted(place for place in places if os.path.isdir(os.path.join(place, "conda-meta"))),
        "torches": _torches(params.get("where", WHERE)),
    }


def _torches(where: tuple[str, ...]) -> list[TorchPlace]:
    """Return every torch in a folder of packages, with the python of the environment that it lies in."""
    found: dict[str, TorchPlace] = {}
    for site in _sites(where):
        path = os.path.join(site, "torch")
        version = torchfile.read(path).get("__version__")
        if version:
            found.setdefault(
                os.path.realpath(path), {"path": path, "version": version, "python": _python(site)}
            )
    return list(found.values())


def _sites(where: tuple[str, ...]) -> Iterator[str]:
    looked = 0
    for root in where:
        for folder, names, _ in os.walk(root):
            looked += 1
            if looked > MAX_FOLDERS:
                return
            yield from (os.path.join(folder, name) for name in names if name in _PACKAGES)
            deep = folder[len(root) :].count(os.sep) >= DEEPEST
            names[:] = [] if deep else sorted(filter(_may_hold, names))


def _may_hold(name: str) -> bool:
    """Tell whether environments may lie below a folder of this name."""
    return name not in _SKIPPED and name not in _PACKAGES and (name[:1] != "." or name in _HIDDEN)


def _python(site: str) -> str | None:
    """Return the python of an environment: PREFIX/bin/python3 for PREFIX/lib/python3.11/site-packages."""
    prefix = site.partition("/lib/python")[0] if "/lib/python" in site else site.partition("/lib64/python")[0]
    version = site.rpartition("/python")[2].partition("/")[0]
    names = ("python" + version, "python3", "python")
    prefixes = (prefix, "/usr") if prefix == "/usr/local" else (prefix,)  # Debian's packages of pip
    paths = [os.path.join(each, "bin", name) for each in prefixes for name in names]
    return next((path for path in paths if os.access(path, os.X_OK)), None)
