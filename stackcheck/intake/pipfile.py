"""Read a Pipfile: pipenv's own file, whose rows are in pip's words.

Format: https://github.com/pypa/pipfile and https://pipenv.pypa.io/en/latest/pipfile.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.stated import Found, Open, Stated, found_of, package
from stackcheck.intake.tomllines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIND = "project file"
_PYPI = ("https://pypi.org/simple", "https://pypi.org/simple/")


def read(text: str, document: Mapping[str, Any], shown: str) -> Found:
    """Read a Pipfile from its text and what it parses to; what only developers install is left out."""
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    python = text_at(table(document, "requires"), "python_version")
    if python:
        said.append(Stated("python", python, lines.place("python_version")))
    sources = {text_at(row, "name"): text_at(row, "url") for row in rows(document, "source")}
    for name, value in table(document, "packages").items():
        said += _package(name, value, sources, lines)
    return found_of(KIND, shown, said)


def _package(name: str, value: Any, sources: Mapping[str, str], lines: Lines) -> Iterator[Stated | Open]:
    row = value if isinstance(value, dict) else {"version": value}
    place = lines.place(name)
    version = str(row.get("version", "*")).replace(" ", "")
    exact = version.removeprefix("==")
    url = sources.get(str(row.get("index")))
    git, extras = row.get("git"), row.get("extras")
    if row.get("editable") and not git:
        yield Open(f"{name} is a folder of its own: what it requires was not read.", place)
        return
    yield package(
        name, place,
        version=None if version == "*" else exact if exact[:1].isdigit() and "*" not in exact else version,
        extras=[each for each in extras if isinstance(each, str)] if isinstance(extras, list) else None,
        marker=_marker(row), index=url if url not in _PYPI else None,
        git=(f"git+{git}" + (f"@{row['ref']}" if isinstance(row.get("ref"), str) else ""))
        if isinstance(git, str) else None,
        url=row.get("file") if isinstance(row.get("file"), str) else None,
        path=row.get("path") if isinstance(row.get("path"), str) else None,
    )  # fmt: skip


def _marker(row: Mapping[str, Any]) -> str | None:
    """Return the markers of a row: pipenv also takes each variable as a key of its own."""
    named = ("sys_platform", "platform_machine", "platform_system", "os_name", "python_version")
    parts = [f"{name} {row[name]}" for name in named if isinstance(row.get(name), str)]
    parts += [row["markers"]] if isinstance(row.get("markers"), str) else []
    return " and ".join(f"({part})" for part in parts) if len(parts) > 1 else next(iter(parts), None)
