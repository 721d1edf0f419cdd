"""Score how files of public projects are read and judged: statements understood, the right verdict offline.

    python -m tests.cases.projects                    # the open set, beside this file
    python -m tests.cases.projects FOLDER --details   # another set of the same form, with every miss
    python -m tests.cases.projects FOLDER --digest    # the sha256 that fixes a set; nothing is scored

Each project is read by `stackcheck.intake.project.take` and judged by `stackcheck check --offline`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.intake.project import take
from stackcheck.model.errors import ReportError, StackcheckError
from stackcheck.model.verdict import Outcome
from stackcheck.report.jsonfile import from_json
from tests.cases.second import is_about

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.intake.project import Taken
    from stackcheck.model.verdict import Verdict

HERE = Path(__file__).parent
_STATEMENT = re.compile(r"(?P<key>\S+) = (?P<value>.*) @ (?P<file>.+):(?P<line>\d+)")
_QUIET = frozenset({"PIN101", "STACK102"})
"""Codes that warn of what is open and of no fault: they are no alarm on a good project."""
_FAULT = frozenset({Outcome.FAIL, Outcome.ERROR})
_READ = ("at line", "read")
_SPELLED = {"--gpus": "--gpu"}
"""How `check` spells an option of `given`."""
_ELSEWHERE = {"image": ("image.base", "image.ready"), "arch_list": ("env.TORCH_CUDA_ARCH_LIST",)}
"""Keys of a definition that a key of a statement may stand under."""
_SOURCES = frozenset({"git", "url", "path"})
_NEAR = 1
"""Lines that a place may be away: the name and the version of a lock's package stand on two."""


@dataclass(frozen=True)
class Statement:
    """One thing that has to be read: a key of a definition, its value, and where it stands."""

    key: str
    value: str
    file: str
    line: int


@dataclass(frozen=True)
class Scored:
    """One project: statements asked, understood, of these at the right line, wrong; and the verdict.

    `loud` is any WARN on a good project, `at` whether a right finding names the line, `refused` whether the
    command ended without a report, `said` what it told instead.
    """

    name: str
    kind: str
    verdict: str
    asked: int
    understood: int
    at_line: int
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    right: bool
    at: bool
    loud: bool
    refused: bool
    said: tuple[str, ...]


def statement(text: str) -> Statement:
    """Return a statement of the set; raise ValueError for another form."""
    match = _STATEMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Statement(match["key"], match["value"], match["file"], int(match["line"]))


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the projects of a set."""
    return list(tomllib.loads((folder / "projects.toml").read_text(encoding="utf-8"))["project"])


def digest(folder: Path) -> str:
    """Return the sha256 of a set, as a tar (ustar) of projects.toml and projects/.

    Members stand in the order of their paths, with mode 644, and owner and time 0.
    """
    files = sorted(path for path in (folder / "projects").rglob("*") if path.is_file())
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in [folder / "projects.toml", *files]:
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                tar.addfile(info, content)
    return hashlib.sha256(held.getvalue()).hexdigest()


def score(folder: Path, row: Mapping[str, Any]) -> Scored:
    """Read and judge one project."""
    home = folder / "projects" / row["name"]
    paths = [home / name for name in row.get("take", ())] or [home]
    asked = [statement(text) for text in row["understood"]]
    stacks = _taken(paths)
    found = [_read_by(each, stacks) for each in asked]
    pairs = list(zip(asked, found, strict=True))
    verdicts, error = _judged(paths, row.get("given", ()))
    right, at = _right(row, verdicts) if not error else (False, False)
    return Scored(
        name=row["name"],
        kind=row["kind"],
        verdict=row["verdict"],
        asked=len(asked),
        understood=sum(state in _READ for state in found),
        at_line=found.count("at line"),
        wrong=tuple(f"{each.key} {state}" for each, state in pairs if state.startswith("wrong")),
        missed=tuple(each.key for each, state in pairs if state == "missed"),
        right=right,
        at=at,
        loud=any(each.outcome is Outcome.WARN and each.code not in _QUIET for each in verdicts),
        refused=bool(error),
        said=(error,) if error else tuple(_told(verdicts)),
    )


def _taken(paths: Sequence[Path]) -> tuple[Taken, ...]:
    try:
        return take(paths)
    except StackcheckError:
        return ()


def _read_by(asked: Statement, stacks: Iterable[Taken]) -> str:
    """Return "at line", "read", "missed", or "wrong" with what was read: the best of all stacks."""
    states = [_state(asked, each) for each in stacks]
    best = next((state for state in _READ if state in states), "")
    return best or next((state for state in states if state.startswith("wrong")), "missed")


def _state(asked: Statement, taken: Taken) -> str:
    values = list(_values(asked.key, taken.row))
    if not values:
        return "missed"
    if not any(_same(asked.key, asked.value, value) for value in values):
        # Another entry of a list does not contradict; a single value does.
        return "missed" if _is_list(asked.key) else f"wrong: {values[0]}"
    key = ".".join(asked.key.split(".")[:2])
    places = (taken.places.get(each) for each in (key, *_ELSEWHERE.get(key, ())))
    place = next((each for each in places if each is not None), None)
    near = place is not None and place.file.endswith(asked.file) and abs(place.line - asked.line) <= _NEAR
    return "at line" if near else "read"


def _is_list(key: str) -> bool:
    return key in {"overrides", "no_build_isolation", "index.extra", "index.find_links"} or key.endswith(
        ".index"
    )


def _values(key: str, row: Mapping[str, Any]) -> list[str]:
    """Return what a row of a definition holds under a key of a statement."""
    first, _, rest = key.partition(".")
    if first == "packages":
        return _of_package(rest, row)
    if first == "image":
        image = row.get("image", {})
        return [image[each] for each in ("base", "ready", "build_base") if image.get(each)]
    if first == "arch_list":
        stated = row.get("arch_list", ()) or row.get("env", {}).get("TORCH_CUDA_ARCH_LIST", "")
        return [stated if isinstance(stated, str) else ";".join(stated)] if stated else []
    held = row.get(first, {}).get(rest, ()) if rest else row.get(first, ())
    return [str(held)] if isinstance(held, str | bool) else [str(each) for each in held]


def _of_package(key: str, row: Mapping[str, Any]) -> list[str]:
    name, _, what = key.partition(".")
    held = row.get("packages", {}).get(name)
    if held is None:
        return []
    entry = held if isinstance(held, dict) else {"version": held}
    if not what:
        return [str(entry.get("version", "latest"))]
    if what == "index":
        return [text for text in (entry.get("index"), row.get("index", {}).get("url")) if text]
    # An address may stand under the word for its kind or under `from`.
    return [str(entry[each]) for each in ("from", *sorted(_SOURCES)) if entry.get(each)]


def _same(key: str, asked: str, read: str) -> bool:
    """Tell whether a value says what was asked for: versions by meaning, addresses by their text."""
    if key == "arch_list":
        return set(re.split(r"[;, ]+", asked)) == set(re.split(r"[;, ]+", read))
    if key in {"python", "cuda", "toolkit", "glibc"}:
        return _version(asked)[:2] == _version(read)[:2]
    if key == "image":
        return asked == read
    if key.count(".") == 1 and key.startswith("packages."):
        return asked == read or _specifiers(asked) == _specifiers(read)
    return asked.rstrip("/") in read


def _version(text: str) -> tuple[int, ...]:
    try:
        return Version(text).release
    except InvalidVersion:
        return ()


def _specifiers(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(f"=={Version(text)}")
    except InvalidVersion:
        pass
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet(f"==={text}")


def _judged(paths: Sequence[Path], given: Sequence[str]) -> tuple[list[Verdict], str]:
    """Return the verdicts of `check --offline` on all stacks of a project, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "stackcheck",
            "check",
            "--offline",
            "-q",
            "--locks",
            f"{folder}/locks",
        ]
        command += ["--format", "json", *(_SPELLED.get(word, word) for word in given), *map(str, paths)]
        # What somebody's caches hold decides nothing: empty ones say the same on every machine.
        caches = {"UV_CACHE_DIR": f"{folder}/uv", "STACKCHECK_CACHE": f"{folder}/stackcheck"}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **caches}
        )
    try:
        reports = from_json(done.stdout)
    except ReportError:
        return [], f"exit {done.returncode}: {done.stderr.strip()[:300]}"
    return [each for report in reports for each in report.verdicts if not each.waived], ""


def _right(row: Mapping[str, Any], verdicts: Sequence[Verdict]) -> tuple[bool, bool]:
    """Tell whether the verdict is right, and whether a finding about it names the line."""
    failed = [each for each in verdicts if each.outcome in _FAULT]
    if row["verdict"] == "PASS":
        return not failed, False
    heard = (
        failed if row["verdict"] == "FAIL" else [each for each in verdicts if each.outcome is Outcome.WARN]
    )
    about = [each for each in heard if each.code != "PIN101" and is_about(each, row["about"])]
    file, _, line = row["at"].rpartition(":")
    at = any(_near(each.place, file, int(line)) for each in about)
    return bool(about) and not (row["verdict"] == "WARN" and failed), at


def _near(place: str, file: str, line: int) -> bool:
    name, _, number = place.rpartition(":")
    return name.endswith(file) and number.isdecimal() and abs(int(number) - line) <= _NEAR


def _told(verdicts: Iterable[Verdict]) -> Iterable[str]:
    for each in verdicts:
        if each.outcome in {*_FAULT, Outcome.WARN}:
            yield f"{each.outcome.name} {each.code} {each.place}: {each.message[:160]}"


def render(scored: Sequence[Scored]) -> str:
    """Return the table: a row a kind of file, and the sum."""
    titles = ("projects", "understood", "at line", "wrong", "verdict", "refused", "alarms", "at line")
    lines = [f"{'kind':18}" + "".join(f"{title:>11}" for title in titles)]
    kinds = sorted({each.kind for each in scored})
    lines += [_line(kind, [each for each in scored if each.kind == kind]) for kind in kinds]
    lines.append(_line("all", scored))
    for word in ("FAIL", "WARN", "PASS"):
        rows = [each for each in scored if each.verdict == word]
        loud = (
            f", {sum(each.right and not each.loud for each in rows)} without a warning"
            if word == "PASS"
            else ""
        )
        lines.append(f"verdict {word}: {sum(each.right for each in rows)} of {len(rows)} right{loud}")
    return "\n".join(lines) + "\n"


def _line(name: str, rows: Sequence[Scored]) -> str:
    good = [each for each in rows if each.verdict == "PASS"]
    faults = [each for each in rows if each.verdict != "PASS"]
    cells = (
        len(rows),
        f"{sum(each.understood for each in rows)}/{sum(each.asked for each in rows)}",
        sum(each.at_line for each in rows),
        sum(len(each.wrong) for each in rows),
        f"{sum(each.right for each in rows)}/{len(rows)}",
        sum(each.refused for each in rows),
        f"{sum(not each.right and not each.refused for each in good)}/{len(good)}",
        f"{sum(each.at for each in faults)}/{len(faults)}",
    )
    return f"{name:18}" + "".join(f"{cell:>11}" for cell in cells)


def details(scored: Iterable[Scored]) -> str:
    """Return every miss with what was said instead."""
    return "".join(
        f"{each.name} ({each.kind}, {each.verdict}): {'right' if each.right else 'WRONG'}"
        f"; missed {', '.join(each.missed) or 'nothing'}; wrong {'; '.join(each.wrong) or 'nothing'}\n"
        + "".join(f"    {text}\n" for text in each.said)
        for each in scored
        if not each.right or each.missed or each.wrong
    )


def main() -> None:
    """Score a set, or print its digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HERE, help="where projects.toml stands")
    parser.add_argument("--details", action="store_true", help="print every miss")
    parser.add_argument("--digest", action="store_true", help="print the sha256 of the set and end")
    args = parser.parse_args()
    if args.digest:
        sys.stdout.write(f"{digest(args.folder)}  projects\n")
        return
    scored = [score(args.folder, row) for row in read(args.folder)]
    if args.details:
        sys.stdout.write(details(scored))
    sys.stdout.write(render(scored))


if __name__ == "__main__":
    main()
