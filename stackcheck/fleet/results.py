"""The folder that a fleet's results are kept in, as they come: documents of reports, and what is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stackcheck.fleet.work import Answer, Outcome
from stackcheck.model.errors import StackcheckError
from stackcheck.report.jsonfile import json_chunks
from stackcheck.storage.folders import sweep_parts, write_atomically
from stackcheck.storage.writable import not_written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from stackcheck.model.report import Report

LEDGER = "fleet.jsonl"
"""A line a document that is there: which tasks it answers, what came of them, and on which node."""
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Folder:
    """Results of a call; what is there already is not done again.

    A document is written whole before the line about it, so that what a line names is there. A line that a
    kill cut short is not read, and its tasks are done again into a document of the same name.
    """

    def __init__(self, path: Path) -> None:
        """Make the folder, and read what is done in it. Raises StackcheckError where it cannot be written."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            sweep_parts(path)
            self._heal()
        except OSError as error:
            raise StackcheckError(f"-o {path}: {not_written(path, error)}") from None
        self.done: dict[str, Outcome] = {}
        self.nodes: dict[str, str] = {}
        for row in self._rows():
            for key, outcome in row["tasks"].items():
                self.done[key], self.nodes[key] = Outcome(*outcome), row["node"]
        # Of an ERROR nothing is known, so the next call tries it again.
        self.done = {key: each for key, each in self.done.items() if each.result != "ERROR"}

    def keep(self, keys: Sequence[str], answer: Answer) -> None:
        """Keep what came of tasks: their document, then the line that says so."""
        name = f"{_named(answer.outcomes)}-{digest(*keys)[:12]}.json"
        tasks = dict(zip(keys, answer.outcomes, strict=True))
        row = {"file": name, "node": answer.node, "tasks": tasks}
        try:
            write_atomically(self.path / name, answer.document.encode())
            with (self.path / LEDGER).open("ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StackcheckError(f"-o {self.path}: {not_written(self.path, error)}") from None
        for key, outcome in tasks.items():
            self.done[key], self.nodes[key] = outcome, answer.node
            self._lost(key).unlink(missing_ok=True)

    def keep_lost(self, key: str, report: Report) -> None:
        """Keep that a task was lost; it is not done, and the next call tries it again."""
        try:
            write_atomically(self._lost(key), "".join(json_chunks([report])).encode())
        except OSError as error:
            raise StackcheckError(f"-o {self.path}: {not_written(self.path, error)}") from None

    def forget(self, keys: Sequence[str]) -> None:
        """Do these tasks again; their documents stay until new ones take their place."""
        for key in keys:
            self.done.pop(key, None)

    def _lost(self, key: str) -> Path:
        return self.path / f"lost-{key}.json"

    def _heal(self) -> None:
        """End a line that a kill has cut short, so that the next one begins at its own."""
        ledger = self.path / LEDGER
        if ledger.exists() and (content := ledger.read_bytes()) and not content.endswith(b"\n"):
            with ledger.open("ab") as file:
                file.write(b"\n")

    def _rows(self) -> list[Mapping[str, Any]]:
        rows = []
        with suppress(FileNotFoundError):
            for line in (self.path / LEDGER).read_text("utf-8", errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    row = json.loads(line)
                    whole = all(len(each) == len(Outcome._fields) for each in row["tasks"].values())
                    if whole and isinstance(row["node"], str) and (self.path / row["file"]).is_file():
                        rows.append(row)
        return rows


def digest(*parts: str) -> str:
    """Return the sha256 of texts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _named(outcomes: Sequence[Outcome]) -> str:
    first = outcomes[0]
    more = f"-and-{len(outcomes) - 1}-more" if len(outcomes) > 1 else ""
    return _NAME.sub("-", f"{first.stack}{more}{'-on-' if first.gpu else ''}{first.gpu}")[:160]
