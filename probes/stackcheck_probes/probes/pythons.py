"""Which Pythons a target holds, and whether conda is there: each is a place where packages can hide."""

from __future__ import annotations

import os
import re

from stackcheck_probes.machine import files

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` for its constant would cost 10 ms
    from typing import Any

    from stackcheck_probes.facts.python import Pythons

NAME = "pythons"
GRADE = "static"

FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/bin")
ROOTS = ("/opt", "/root", "/usr/local", "/home")
"""Below these, one level deep: /opt/conda/bin, /root/miniconda3/bin, /opt/py313/bin."""
_PYTHON = re.compile(r"python(\d+\.\d+)$")


def run(params: dict[str, Any]) -> Pythons:
    """Return every interpreter that is no link to another, as an environment's python is, and conda's roots.

    `folders` and `roots` can be given in `params`, so that a test needs no real ones.
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
    }
