"""Verdicts on loading, by the package that they are about: fifty needs of one package are one matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stackcheck.model.evidence import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.inspect.inspection import Contents
    from stackcheck.inspect.owners import Package
    from stackcheck.model.verdict import Evidence, Verdict

BAD = (Outcome.FAIL, Outcome.ERROR, Outcome.WARN)


class Group(NamedTuple):
    """Verdicts of one code and outcome about the same package; `libraries` are the files that they name."""

    package: Package | None
    verdicts: tuple[Verdict, ...]
    libraries: tuple[str, ...]


def grouped(contents: Contents) -> tuple[Group, ...]:
    """Return the verdicts that a reader has to see, merged by rule, outcome and package."""
    found: dict[tuple[str, Outcome, Package | None], list[tuple[Verdict, str]]] = {}
    for verdict in contents.loading:
        if verdict.outcome in BAD:
            named: list[tuple[str, Package | None]] = [*packages_of(contents, verdict)] or [("", None)]
            for package in dict.fromkeys(package for _, package in named):
                paths = [path for path, owner in named if owner == package]
                key = (verdict.code, verdict.outcome, package)
                found.setdefault(key, []).extend((verdict, path) for path in paths)
    return tuple(
        Group(
            package,
            tuple(dict.fromkeys(verdict for verdict, _ in pairs)),
            tuple(dict.fromkeys(path for _, path in pairs if path)),
        )
        for (_code, _outcome, package), pairs in found.items()
    )


def loading_line(contents: Contents) -> str:
    """Say in one line whether the libraries will load."""
    groups = grouped(contents)
    named: dict[str, list[str]] = {}
    for group in groups:
        first = group.verdicts[0]
        word = f"{first.outcome.word} for" if first.counts else "left out:"
        named.setdefault(word, []).append(str(group.package) if group.package else first.code)
    told = [f"{word} {', '.join(dict.fromkeys(names))}" for word, names in named.items()]
    if not any(group.verdicts[0].counts for group in groups):
        made = any(verdict.outcome is Outcome.PASS for verdict in contents.loading)
        told.insert(0, "nothing stands against it" if made or groups else "not checked")
    return f"Loading: {'; '.join(told)}."


def packages_of(contents: Contents, verdict: Verdict) -> list[tuple[str, Package]]:
    """Return the files that a verdict's evidence names, each with its package."""
    paths = dict.fromkeys(path for each in verdict.evidence for path in _paths(each, contents.roots))
    return [(short, contents.owner(short)) for short in map(contents.short, paths)]


def _paths(evidence: Evidence, roots: Sequence[str]) -> Iterator[str]:
    """Yield the file that one piece of evidence is about: the loader's rules name it by its whole path."""
    for text in (evidence.what.partition(" needs ")[0], evidence.source):
        if text.startswith(("/", *(f"{root}/" for root in roots))):
            yield text
            return
