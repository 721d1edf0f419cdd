"""What drift runs found over time, in SQLite: since when a change is there, how often it was seen, flapping.

One transaction a run, in the rollback journal's default mode, so that a run that is killed leaves either
nothing or all of itself (sqlite.org/atomiccommit.html); several runs at once wait for each other.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model.errors import StackcheckError
from stackcheck.storage.folders import xdg_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.drift.report import DriftReport

FORMAT = 1
FLAPS = 3
"""So many comings and goings make a change flap."""
_PATIENCE_S = 30.0
_MOST_RUNS = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY, stack TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL,
    exit_code INTEGER NOT NULL, accepted TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS run_by_stack ON run (stack, id);
CREATE TABLE IF NOT EXISTS change (
    run INTEGER NOT NULL REFERENCES run (id), area TEXT NOT NULL, place TEXT NOT NULL, aspect TEXT NOT NULL,
    rank TEXT NOT NULL, what TEXT NOT NULL, before TEXT, after TEXT, PRIMARY KEY (run, area, place, aspect)
);
CREATE TABLE IF NOT EXISTS blind (run INTEGER NOT NULL REFERENCES run (id), area TEXT NOT NULL,
    place TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it is kept: changes by (area, where, aspect), and what it could not look at."""

    started: str
    exit_code: int
    accepted: str
    changes: Mapping[tuple[str, str, str], tuple[str, str, str | None, str | None]]
    blind: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Course:
    """How one change went over the runs.

    `since` is the first run of its present (or last) stretch, `seen` in how many of `looked` runs it was
    there, `flips` how often it came or went; `now` tells whether the last run that looked saw it.
    """

    where: str
    area: str
    aspect: str
    what: str
    rank: str
    before: str | None
    after: str | None
    since: str
    last: str
    seen: int
    looked: int
    flips: int
    now: bool

    @property
    def flapping(self) -> bool:
        """Tell whether it comes and goes."""
        return self.flips >= FLAPS


def history_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return $STACKCHECK_STATE, else `stackcheck` in the XDG state folder, with the file's name."""
    env = os.environ if environ is None else environ
    if stated := env.get("STACKCHECK_STATE"):
        return Path(stated) / "history.sqlite3"
    return xdg_folder(env, "XDG_STATE_HOME", ".local/state") / "history.sqlite3"


def record(path: Path, report: DriftReport) -> None:
    """Keep a run, wholly or not at all; old runs beyond a thousand a stack are dropped.

    Raises StackcheckError when the file cannot be written or is no history.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_open(path)) as db, db:
            db.execute("BEGIN IMMEDIATE")
            _insert(db, report)
    except (OSError, sqlite3.Error) as error:
        raise _failed(path, error) from None


def stacks(path: Path) -> list[str]:
    """Return the stacks of which runs are kept, by name; none when there is no history yet."""
    if not path.exists():
        return []
    try:
        with closing(_open(path)) as db:
            return [str(row[0]) for row in db.execute("SELECT DISTINCT stack FROM run ORDER BY stack")]
    except (OSError, sqlite3.Error) as error:
        raise _failed(path, error) from None


def read(path: Path, stack: str) -> list[Run]:
    """Return the runs of a stack, the oldest first; none when there is no history yet."""
    if not path.exists():
        return []
    try:
        with closing(_open(path)) as db, db:
            db.execute("BEGIN")
            rows = db.execute(
                "SELECT id, started, exit_code, accepted FROM run WHERE stack = ? ORDER BY id", (stack,)
            ).fetchall()
            return [_run(db, row) for row in rows]
    except (OSError, sqlite3.Error) as error:
        raise _failed(path, error) from None


def courses(runs: Sequence[Run]) -> list[Course]:
    """Return the course of every change that was ever seen, those that are there now first. Pure.

    A run that could not look at a change counts neither for nor against it.
    """
    keys = {key for run in runs for key in run.changes}
    found = [_course(key, runs) for key in keys]
    return sorted(found, key=lambda course: (not course.now, course.area, course.where, course.aspect))


def _course(key: tuple[str, str, str], runs: Sequence[Run]) -> Course:
    area, where, aspect = key
    looked = [run for run in runs if key in run.changes or not _was_blind(run, area, where)]
    present = [key in run.changes for run in looked]
    flips = sum(a != b for a, b in zip([False, *present], present, strict=False))
    last = max(number for number, here in enumerate(present) if here)
    first = last
    while first and present[first - 1]:
        first -= 1
    rank, what, before, after = looked[last].changes[key]
    return Course(
        where, area, aspect, what, rank, before, after, looked[first].started, looked[last].started,
        sum(present), len(looked), flips, present[-1],
    )  # fmt: skip


def _was_blind(run: Run, area: str, where: str) -> bool:
    return bool({(area, ""), (area, where)} & run.blind)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        _require_format(version)
        if version == 0:
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def _require_format(version: int) -> None:
    if version not in (0, FORMAT):
        raise sqlite3.DatabaseError(f"format {version} is of another stackcheck")


def _insert(db: sqlite3.Connection, report: DriftReport) -> None:
    values = (report.stack, report.started, report.seconds, report.exit_code(), report.accepted)
    run = db.execute(
        "INSERT INTO run (stack, started, seconds, exit_code, accepted) VALUES (?, ?, ?, ?, ?)", values
    ).lastrowid
    db.executemany(
        "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(run, c.area, c.where, c.aspect, c.rank, c.what, c.before, c.after) for c in report.changes],
    )
    blind = {(gap.area, gap.subject) for gap in report.unchecked if not gap.aspect}
    db.executemany("INSERT INTO blind VALUES (?, ?, ?)", [(run, *each) for each in sorted(blind)])
    old = [row[0] for row in db.execute(
        "SELECT id FROM run WHERE stack = ? ORDER BY id DESC LIMIT -1 OFFSET ?", (report.stack, _MOST_RUNS)
    )]  # fmt: skip
    for table, column in (("change", "run"), ("blind", "run"), ("run", "id")):
        db.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(each,) for each in old])  # noqa: S608 - ours


def _run(db: sqlite3.Connection, row: tuple[int, str, int, str]) -> Run:
    number, started, exit_code, accepted = row
    changes: Iterable[tuple[str, str, str, str, str, str | None, str | None]] = db.execute(
        "SELECT area, place, aspect, rank, what, before, after FROM change WHERE run = ?", (number,)
    )
    blind = db.execute("SELECT area, place FROM blind WHERE run = ?", (number,))
    return Run(
        started, exit_code, accepted,
        {(area, place, aspect): tuple(rest) for area, place, aspect, *rest in changes},  # type: ignore[misc]
        frozenset((str(area), str(place)) for area, place in blind),
    )  # fmt: skip


def _failed(path: Path, error: Exception) -> StackcheckError:
    return StackcheckError(
        f"{path}: the history cannot be used: {error}. Name another folder in STACKCHECK_STATE, or remove it."
    )
