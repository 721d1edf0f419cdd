"""Read the lock files of other tools: every package that they pin, with the place where it comes from.

uv.lock, pylock.toml (PEP 751), poetry.lock, pdm.lock and Pipfile.lock. Formats: the tools' own documents and
files that they write, 2026-11-30.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows, table
from stackcheck.intake.pyproject import python_stated
from stackcheck.intake.stated import Found, Open, Stated, found_of, package
from stackcheck.intake.tomllines import Lines
from stackcheck.model import markers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIND = "lock file"
_PYPI = ("https://pypi.org/simple", "https://pypi.org/simple/")
_OWN = ("virtual", "editable", "directory", "workspace")
"""Sources of uv.lock that are the project itself, or a part of it."""


def read(text: str, document: Mapping[str, Any], shown: str) -> Found:
    """Read a uv.lock, pylock.toml, poetry.lock or pdm.lock from its text and what it parses to.

    A package that is locked in several versions has a row for each, with its marker: `held` chooses.
    """
    lines = Lines(text, shown)
    rows = document.get("packages") if "lock-version" in document else document.get("package")
    said: list[Stated | Open] = list(_python(document, lines))
    found = (
        _package(row, lines) for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict)
    )
    return found_of(KIND, shown, [*said, *filter(None, found)])


def _python(document: Mapping[str, Any], lines: Lines) -> Iterator[Stated | Open]:
    metadata = document.get("metadata")
    poetry = metadata.get("python-versions") if isinstance(metadata, dict) else None
    wanted = document.get("requires-python", poetry)
    if isinstance(wanted, str):
        yield from python_stated(wanted, lines.place("python"))


def _package(row: Mapping[str, Any], lines: Lines) -> Stated | None:
    name, version = row.get("name"), row.get("version")
    if not isinstance(name, str):
        return None
    place = lines.place(f'name = "{name}"')
    source = row.get("source") if isinstance(row.get("source"), dict) else {}
    assert isinstance(source, dict)  # noqa: S101 - for the type alone
    if any(key in source for key in _OWN) or "directory" in row:
        return None
    return package(
        name, place, version=version if isinstance(version, str) else None,
        index=_index(row, source), marker=_marker(row), **_reference(row, source),
    )  # fmt: skip


def _index(row: Mapping[str, Any], source: Mapping[str, Any]) -> str | None:
    legacy = source.get("url") if source.get("type") == "legacy" else None
    url = source.get("registry") or row.get("index") or legacy
    return url if isinstance(url, str) and "://" in url and url not in _PYPI else None


def _marker(row: Mapping[str, Any]) -> str | None:
    """Return the marker of a row: uv.lock states one for each of several versions of a package."""
    several = row.get("resolution-markers")
    texts = several if isinstance(several, list) else [row.get("marker") or row.get("markers")]
    good = [text for text in texts if isinstance(text, str) and not markers.fault_of(text)]
    return " or ".join(f"({text})" for text in good) if len(good) > 1 else next(iter(good), None)


def _reference(row: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    vcs = row.get("vcs")
    if isinstance(vcs, dict) and isinstance(vcs.get("url"), str):
        revision = vcs.get("commit-id") or vcs.get("requested-revision")
        return {"git": f"git+{vcs['url']}@{revision}" if revision else f"git+{vcs['url']}"}
    git = source.get("git") or (source.get("url") if source.get("type") == "git" else None)
    if isinstance(git, str):
        address, _, commit = git.partition("#")
        commit = commit or str(source.get("resolved_reference") or "")
        return {"git": f"git+{address.partition('?')[0]}" + (f"@{commit}" if commit else "")}
    url = source.get("url") if source.get("type", "url") == "url" else None
    archive = row.get("archive")
    if url is None and isinstance(archive, dict):
        url = archive.get("url")
    return {"url": url} if isinstance(url, str) else {}


def held(found: Found, python: str | None, platform: str) -> Found:
    """Return a lock with the one row of each package that holds for a Python on a platform ("linux/amd64").

    Where several may hold, the first is taken, and that is said.
    """
    names: dict[str, list[Stated]] = {}
    for each in found.stated:
        names.setdefault(each.key, []).append(each)
    said = [one for rows in names.values() for one in _one_of(rows, python, platform)]
    stated = tuple(each for each in said if isinstance(each, Stated))
    return replace(
        found, stated=stated, open=(*found.open, *(each for each in said if isinstance(each, Open)))
    )


def _one_of(found: list[Stated], python: str | None, platform: str) -> Iterator[Stated | Open]:
    if len(found) == 1:
        yield found[0]
        return
    host = {"python": python, "platform": platform}
    asked = [(each, each.value.get("marker")) for each in found]
    holding = [each for each, marker in asked if not marker or markers.holds(marker, **host) is not False]
    name = found[0].key.removeprefix("packages.")
    if not holding:
        return
    if len({each.value["version"] for each in holding}) > 1:
        versions = ", ".join(each.value["version"] for each in holding)
        yield Open(f"{name} is locked as {versions}: the first of them was taken.", holding[0].place)
    row = {key: value for key, value in holding[0].value.items() if key != "marker"}
    yield Stated(holding[0].key, row, holding[0].place)


def read_pipfile_lock(document: Mapping[str, Any], text: str, shown: str) -> Found:
    """Read a Pipfile.lock from its text and what it parses to."""
    lines = Lines(text, shown)
    meta = document.get("_meta") if isinstance(document.get("_meta"), dict) else {}
    assert isinstance(meta, dict)  # noqa: S101 - for the type alone
    sources = {
        row["name"]: row["url"]
        for row in rows(meta, "sources")
        if isinstance(row, dict) and isinstance(row.get("name"), str) and isinstance(row.get("url"), str)
    }
    said: list[Stated | Open] = []
    wanted = (
        meta.get("requires", {}).get("python_version") if isinstance(meta.get("requires"), dict) else None
    )
    if isinstance(wanted, str):
        said.append(Stated("python", wanted, lines.place("python_version")))
    for name, row in table(document, "default").items():
        if isinstance(row, dict):
            said.append(_pipenv_package(name, row, sources, lines))
    return found_of(KIND, shown, said)


def _pipenv_package(name: str, row: Mapping[str, Any], sources: Mapping[str, str], lines: Lines) -> Stated:
    url = sources.get(str(row.get("index")))
    git = row.get("git")
    return package(
        name, lines.place(f'"{name}"'), version=str(row.get("version", "")).removeprefix("==") or None,
        extras=row.get("extras"), marker=row.get("markers"), index=url if url not in _PYPI else None,
        git=f"git+{git}@{row.get('ref')}" if isinstance(git, str) else None,
    )  # fmt: skip
