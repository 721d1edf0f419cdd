"""Probe: the names that importing each distribution takes from others here, and that these do not have.

Read from the Python files; nothing is imported. Only what importing a package runs in any case counts, and
only what is certainly not there: see `stackcheck_probes.imports`.
"""

from __future__ import annotations

import os

from stackcheck_probes.binaries.builds import python_of
from stackcheck_probes.imports.needs import MAX_MODULES, needs, roots
from stackcheck_probes.imports.tree import BINARY, Tree
from stackcheck_probes.machine import files
from stackcheck_probes.probes import distributions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Dict, List, Optional, Tuple

    from stackcheck_probes.facts.packages import ImportNames, MissingName
    from stackcheck_probes.facts.python import Distribution

NAME = "import_names"
GRADE = "static"
LOOKS_IN = "sys_path"

MAX_RECORD = 8 << 20
MAX_FILE = 4 << 20
MAX_READ = 12 << 20
"""Bytes of Python that are read for what packages import: some 5 s."""
MAX_ROWS = 200
_ASKS_FOR = "torch"
_DEFERS = 314
"""The first Python that does not evaluate the signatures of functions at import (PEP 649)."""


def run(params: dict[str, Any]) -> ImportNames:
    """Return the names that are missing, of the distributions that name torch among their requirements.

    params: `sys_path` (folders; default: sys.path). `looked_at`: the distributions of which everything was
    read that importing them runs; `untold`: those among them that need something of a module whose names are
    not all written in it; `left_out`: those of which not everything was read, for want of room or of a file
    that can be read. One that brings nothing to import is in none.
    """
    folders = params.get("sys_path")
    first: Dict[str, Distribution] = {}
    for row in distributions.run({"sys_path": folders})["distributions"]:
        first.setdefault(row["name"], row)
    installed = {name: _Installed(row) for name, row in first.items()}
    tops = _owners(installed.values())
    asking = [each for name, each in sorted(installed.items()) if name != "torch" and each.asks_for_torch()]
    missing: List[MissingName] = []
    looked_at: List[str] = []
    left_out: List[str] = []
    untold: List[str] = []
    read = 0
    for each in asking:
        starts = roots(each.tree, each.name)
        if read > MAX_READ:
            left_out += [each.name] if starts else []
            continue
        rows, whole, certain = _missing(each, starts, tops)
        missing += rows
        read += each.read
        if starts:
            (looked_at if whole else left_out).append(each.name)
            untold += [each.name] if whole and not certain else []
    return {"missing": missing[:MAX_ROWS], "looked_at": looked_at, "untold": untold, "left_out": left_out}


class _Installed:
    """The files of one distribution, as its RECORD names them."""

    def __init__(self, row: Distribution) -> None:
        self.name, self.version, self.requires = row["name"], row["version"], row["requires"]
        self.read = 0
        python = python_of([row["location"]])
        self.defers = int(python or _DEFERS) >= _DEFERS
        self._folder = row["location"]
        record = (
            distributions.read(os.path.join(row["location"], row["metadata"], "RECORD"), MAX_RECORD) or ""
        )
        paths = (line.partition(",")[0].strip('"') for line in record.splitlines())
        code = [
            path for path in paths if path.endswith((".py", *BINARY)) and not path.startswith(("/", ".."))
        ]
        self.tree = Tree(code, self._text)

    def asks_for_torch(self) -> bool:
        """Tell whether it requires torch, in an extra or not."""
        return any(distributions.required(each) == _ASKS_FOR for each in self.requires)

    def tops(self) -> Iterator[str]:
        """Yield the modules at the top that it brings."""
        for name in {path.partition("/")[0].partition(".")[0] for path in self.tree.paths}:
            if self.tree.kind(name) in ("package", "module"):
                yield name

    def _text(self, path: str) -> Optional[str]:
        content = files.content(os.path.join(self._folder, path), MAX_FILE)
        if content is None or len(content) >= MAX_FILE:
            return None
        self.read += len(content)
        return content.decode("utf-8", "replace")


def _owners(installed: Iterable[_Installed]) -> Dict[str, _Installed]:
    """Return who brings each module at the top; one that several bring is left out."""
    found: Dict[str, List[_Installed]] = {}
    for each in installed:
        for top in each.tops():
            found.setdefault(top, []).append(each)
    return {top: owners[0] for top, owners in found.items() if len(owners) == 1}


def _missing(
    each: _Installed, starts: List[str], tops: Dict[str, _Installed]
) -> Tuple[List[MissingName], bool, bool]:
    """Return the first thing that each other one lacks.

    And whether every file was read that is run, and whether it is known of everything else that it is there.
    """
    found: Dict[str, MissingName] = {}
    whole = certain = True
    for root in starts:
        asked, run = needs(each.tree, [root])
        code = [name for name in run if each.tree.kind(name) in ("package", "module")]
        whole = whole and len(run) < MAX_MODULES and all(map(each.tree.source, code))
        for need in asked:
            owner = tops.get(need.module.partition(".")[0])
            if owner is None or owner is each or owner.name in found or (need.annotation and each.defers):
                continue
            what = owner.tree.lacks(need.module, need.name, need.attribute)
            certain = certain and what is not None
            if what:
                found[owner.name] = {
                    "distribution": each.name,
                    "version": each.version,
                    "root": root,
                    "of": owner.name,
                    "of_version": owner.version,
                    "what": what,
                    "at": need.path + ":" + str(need.line),
                }
    return list(found.values()), whole, certain
