"""Change single lines of a project's own files: requirements, addresses and values. Pure, line ends kept.

What cannot be changed on its line raises CannotEdit with the reason, a clause that a sentence can end in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.intake.poetry import poetry_version
from stackcheck.intake.stated import version_of
from stackcheck.model.versions import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.intake.stack import Package

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_OPERATOR = r"(?:===|==|~=|!=|<=|>=|<|>)"
_CLAUSE = rf"{_OPERATOR}\s*[\w.*+!-]+"
_SPECIFIER = rf"\s*{_CLAUSE}(?:\s*,\s*{_CLAUSE})*"


class CannotEdit(ValueError):  # noqa: N818 - it is caught where a sentence is made of it
    """A change that has no place on the line where its value stands."""


class Text:
    """The lines of one file of a kind, each with its end; numbers count from 1, as readers do."""

    def __init__(self, text: str, kind: str = "") -> None:
        self.lines, self.kind = _LINE.findall(text), kind
        self._before: dict[int, str] = {}
        self._after: dict[int, str] = {}

    def __str__(self) -> str:
        """Return the whole text; lines that were put beside others come with theirs."""
        pieces: list[str] = []
        for number, line in enumerate(self.lines, 1):
            more = self._after.get(number, "")
            ended = line if not more or _end(line) or not line else f"{line}\n"
            pieces += [self._before.get(number, ""), ended, more]
        return "".join(pieces)

    def at(self, number: int) -> str:
        """Return a line; raise CannotEdit for one that is not there."""
        if not 0 < number <= len(self.lines):
            raise CannotEdit("the line on which it stands is not known")
        return str(self.lines[number - 1])

    def change(self, number: int, changed: Callable[[str], str]) -> None:
        """Put in the place of a line what a function makes of it."""
        self.lines[number - 1] = changed(self.at(number))

    def put(self, number: int, line: str) -> None:
        """Put a whole line, or nothing, in the place of another."""
        self.change(number, lambda _old: line)

    def put_before(self, number: int, line: str) -> None:
        """Put a line before another, with the same line end."""
        end = _end(self.at(number)) or "\n"
        self._before[number] = f"{self._before.get(number, '')}{line}{end}"

    def put_after(self, number: int, line: str) -> None:
        """Put a line after another, with the same line end."""
        end = _end(self.at(number)) or "\n"
        self._after[number] = f"{self._after.get(number, '')}{line}{end}"

    def logical(self, number: int) -> range:
        """Return the numbers of the lines that a backslash at the end holds together with this one."""
        first = last = number
        while first > 1 and _continues(self.at(first - 1)):
            first -= 1
        while last < len(self.lines) and _continues(self.at(last)):
            last += 1
        return range(first, last + 1)

    def replace_address(self, old: str, new: str, numbers: range | None = None) -> int:
        """Replace an address wherever it stands whole, outside comments; return on how many lines."""
        whole, count = re.compile(rf"(?<![\w/:.@-]){re.escape(old.rstrip('/'))}(?=/?(?:[\s\"',\\;]|$))"), 0
        for number in numbers or range(1, len(self.lines) + 1):
            line = self.at(number)
            if not line.lstrip().startswith("#") and whole.search(line):
                self.lines[number - 1] = whole.sub(new.rstrip("/").replace("\\", r"\\"), line)
                count += 1
        return count


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _continues(line: str) -> bool:
    return line.rstrip().endswith("\\")


def with_version(  # noqa: PLR0913 - a line, what it says, and what it shall say
    line: str, name: str, old: Package, new: Package, after: str = "", *, quoted: bool = True
) -> str:
    """Return a line that states a requirement (PEP 508) with another version of it, and `after` behind it.

    A line of a shell is not `quoted` as a whole: there a range has to stand in quotes.
    """
    match = found_requirement(line, name, old)
    wanted, quote = spelled(new.version), line[match.start() - 1 : match.start()]
    in_quotes = quote in {"'", '"'} and line[match.end() : match.end() + 1] == quote
    if not (quoted or in_quotes or wanted.startswith("==")):
        raise CannotEdit("a shell would take the signs of a range for its own")
    end = match.end() + bool(after and in_quotes)
    return f"{line[: match.end('name')]}{wanted}{line[match.end() : end]}{after}{line[end:]}"


def renamed(line: str, name: str, other: str, old: Package) -> str:
    """Return a line with a requirement under another name."""
    match = found_requirement(line, name, old)
    return f"{line[: match.start('bare')]}{other}{line[match.end('bare') :]}"


def found_requirement(line: str, name: str, old: Package) -> re.Match[str]:
    """Find the one requirement of a line that states a package as it was read."""
    spelled = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))
    code = line.partition(" #")[0]
    found = re.compile(
        rf"(?<![\w./@\[-])(?P<name>(?P<bare>{spelled})(?:\s*\[[^\]]*\])?)(?P<version>{_SPECIFIER})?"
        r"(?![\w.+*!-]|\s*[(@=<>!~\[,])",
        re.IGNORECASE,
    )
    fits = [match for match in found.finditer(code) if _states(match["version"], old.version)]
    if len(fits) != 1:
        raise CannotEdit("it does not stand there in so many words" if not fits else "it stands there twice")
    return fits[0]


def _states(specifier: str | None, version: str) -> bool:
    try:
        stated = version_of(Requirement(f"x{specifier or ''}")) or LATEST
    except InvalidRequirement:
        return False
    return stated == version or _sorted(stated) == _sorted(version)


def _sorted(specifier: str) -> list[str]:
    return sorted(each.strip() for each in specifier.split(","))


def spelled(version: str) -> str:
    """Return a version or range as a requirement has it."""
    return "" if version == LATEST else version if version[0] in "<>=!~" else f"=={version}"


def with_poetry_version(line: str, name: str, old: Package, new: Package) -> str:
    """Return a line of Poetry's dependencies (`torch = "^2.5"`) with another version."""
    spelled = "[-_.]+".join(map(re.escape, re.split(r"[-_.]+", name)))
    found = re.match(
        rf"""\s*["']?{spelled}["']?\s*=\s*(?:\{{.*?\bversion\s*=\s*)?(["'])(?P<value>[^"']*)\1""",
        line,
        re.IGNORECASE,
    )
    try:
        stated = poetry_version(found["value"]) or LATEST if found else ""
    except ValueError:
        stated = ""
    if found is None or _sorted(stated) != _sorted(old.version):
        raise CannotEdit("it does not stand there in so many words")
    return f"{line[: found.start('value')]}{new.version}{line[found.end('value') :]}"


def with_value(line: str, old: str, new: str) -> str:
    """Return a line with a value that stands on it once, and whole, as another."""
    whole = re.compile(rf"(?<![\w./-]){re.escape(old)}(?![\w/]|\.\d)")
    if len(whole.findall(line)) != 1:
        raise CannotEdit("it does not stand there in so many words")
    return whole.sub(lambda _: new, line)
