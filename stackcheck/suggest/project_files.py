"""Write the changes of a suggestion into the files of a project that a stack was read from.

A change is about a key of a definition; the stack knows on which line of which file its value stands. Only
those lines change. What has no place there, such as an entry of a lock, is left to the user as a sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck.intake.recognise import DOCKERFILE, kind_of
from stackcheck.intake.stack import Package
from stackcheck.suggest.change import spell
from stackcheck.suggest.project_entries import (
    add_option,
    add_requirement,
    change_variable,
    remove_option,
    remove_requirement,
)
from stackcheck.suggest.project_lines import (
    CannotEdit,
    Text,
    renamed,
    with_poetry_version,
    with_value,
    with_version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.suggest.suggestion import Change

_MADE = {"lock", "pipfile"}
_IN_A_LINE = {"version", "index", "find_links"}
_IN_URLS = ("index", "find_links")
_OPTIONS = {"url": "--index-url", "extra": "--extra-index-url", "find_links": "--find-links"}


def made_in_files(
    stack: Stack, changes: Sequence[Change], read: Callable[[str], str]
) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Make changes in the files that a stack was read from.

    `read` returns a text with its line ends, and raises ValueError, a clause, for a file that cannot be
    edited. Returned are the texts that change, before and after, by file, and a sentence for each change
    that is left to the user.
    """
    edit = _Editing(stack, read)
    # What comes is put beside a line that may change too: it comes last.
    every = sorted(_joined(changes), key=lambda each: each[0].before is None)
    left = [sentence for change in every if (sentence := edit.made(*change))]
    return edit.changed(), tuple(left)


def _joined(changes: Iterable[Change]) -> list[tuple[Change, str]]:
    """Return changes, each with another name: a package that goes while its like comes is renamed."""
    every = list(changes)
    come = {each.path: each for each in every if each.before is None and each.path[0] == "packages"}
    found: list[tuple[Change, str]] = []
    for each in every:
        gone = each.after is None and each.path[0] == "packages"
        other = next((path for path, new in come.items() if gone and new.after == each.before), None)
        if other is not None:
            del come[other]
            every = [change for change in every if change.path != other]
        found.append((each, other[1] if other else ""))
    return [(change, other) for change, other in found if change in every]


class _Editing:
    def __init__(self, stack: Stack, read: Callable[[str], str]) -> None:
        self.stack, self._read = stack, read
        self._texts: dict[str, tuple[str, Text]] = {}
        self._now: dict[str, Package] = {}
        """The packages whose lines have changed, as they are stated now."""

    def text(self, file: str) -> Text:
        if file not in self._texts:
            try:
                found = self._read(file)
            except UnicodeDecodeError:
                raise CannotEdit("the file is not UTF-8") from None
            except ValueError as error:
                raise CannotEdit(str(error).rstrip(".")) from None
            self._texts[file] = found, Text(found, kind_of(Path(file)))
        return self._texts[file][1]

    def changed(self) -> dict[str, tuple[str, str]]:
        rows = {file: (before, str(text)) for file, (before, text) in self._texts.items()}
        return {file: row for file, row in rows.items() if row[0] != row[1]}

    def made(self, change: Change, other: str) -> str:
        """Make a change; return "" or the sentence that leaves it to the user."""
        key = ".".join(change.path)
        place = self.stack.places.get(key, "")
        try:
            if change.path[0] == "index":
                self._index(change.path[1], _tuple(change.before), _tuple(change.after))
            elif change.path[0] == "env":
                self._variable(place, change)
            elif change.path[0] == "packages" and change.before is None:
                self._come(change.path[1], change.after)
            else:
                self._at(place, change, other)
        except CannotEdit as error:
            where = place or "not stated in these files"
            return f"{where}: {key}: {spell(change.before)} -> {spell(change.after)} is left to you: {error}."
        return ""

    def _at(self, place: str, change: Change, other: str) -> None:
        file, _, number = place.rpartition(":")
        if file not in self.stack.read_from or not number.isdecimal():
            raise CannotEdit("no line of these files states it")
        if kind_of(Path(file)) in _MADE:
            raise CannotEdit("a lock is not edited: change what it is made from, and lock again")
        if isinstance(change.before, Package):
            self._package(file, int(number), change, other)
        elif (old := _word(change.before)) and (new := _word(change.after)):
            self.text(file).change(int(number), lambda line: with_value(line, old, new))
        else:
            raise CannotEdit("a whole entry comes or goes")

    def _package(self, file: str, number: int, change: Change, other: str) -> None:
        text, name, old, new = self.text(file), change.path[1], change.before, change.after
        if any("--hash" in text.at(each) for each in text.logical(number)):
            raise CannotEdit("its hashes have to be made again, by what has made the file")
        if other:
            text.change(number, lambda line: renamed(line, name, other, old))
        elif new is None:
            remove_requirement(text, number, name, old)
        else:
            self._version(file, number, name, (old, new))
            self._now[name] = new

    def _version(self, file: str, number: int, name: str, pair: tuple[Package, Package]) -> None:
        old, new = pair
        if {key for key in Package.model_fields if getattr(old, key) != getattr(new, key)} - _IN_A_LINE:
            raise CannotEdit("it changes where the package comes from")
        text, kind = self.text(file), kind_of(Path(file))
        option = self._source(file, number, pair)
        if old.version == new.version and not option:
            return
        if kind == "pyproject" and text.at(number).lstrip().lower().startswith((name, f'"{name}"')):
            text.change(number, lambda line: with_poetry_version(line, name, old, new))
            return
        word = f" {option}" if option and kind == DOCKERFILE else ""
        quoted = kind != DOCKERFILE
        text.change(number, lambda line: with_version(line, name, old, new, word, quoted=quoted))
        if option and not word:
            text.put_before(number, option)

    def _source(self, file: str, number: int, pair: tuple[Package, Package]) -> str:
        """Change the address that a package comes from; return the option that has to be added."""
        moved = [
            (getattr(pair[0], key), getattr(pair[1], key))
            for key in _IN_URLS
            if getattr(pair[0], key) != getattr(pair[1], key)
        ]
        for before, after in moved:
            if before and after:
                self._addresses((before,), (after,), file, number)
        added = [after for before, after in moved if not before]
        lines = self.text(file).logical(number)
        gone = [before for before, after in moved if not after]
        # Its neighbours on the line may lose it first.
        if any(
            not remove_option(self.text(file), lines, each) and self._stands(each, lines, file)
            for each in gone
        ):
            raise CannotEdit("an option of its own for the address has to go")
        if not added or any(added[0] in line for line in self.text(file).lines):
            return ""
        if kind_of(Path(file)) not in {"requirements", DOCKERFILE} or len(added) > 1:
            raise CannotEdit(f"{added[0]} has to become its index")
        return f"{'--extra-index-url' if pair[1].index else '--find-links'} {added[0]}"

    def _stands(self, address: str, lines: range, file: str) -> bool:
        return any(address.rstrip("/") in self.text(file).at(each) for each in lines)

    def _anchor(self) -> tuple[str, int, str, Package]:
        """Return the line of a package beside which others can be put: torch's, else the first."""
        for name in sorted(self.stack.packages, key=lambda each: each != "torch"):
            file, _, number = self.stack.places.get(f"packages.{name}", "").rpartition(":")
            known = file in self.stack.read_from and number.isdecimal()
            if known and kind_of(Path(file)) not in _MADE:
                return file, int(number), name, self.stack.packages[name]
        raise CannotEdit("no line of these files states a package")

    def _come(self, name: str, new: Package) -> None:
        """Put a package that was not there beside another one, with its index where that is not stated."""
        if {key for key in Package.model_fields if getattr(new, key)} - _IN_A_LINE - {"extras"}:
            raise CannotEdit("it comes from a place of its own")
        file, number, other, beside = self._anchor()
        text, there = self.text(file), self._now.get(other, beside)
        for option, address in (("--extra-index-url", new.index), ("--find-links", new.find_links)):
            if address and not any(address in line for line in text.lines):
                add_option(text, number, (other, there), option, address)
        add_requirement(text, number, (other, there), (name, new))

    def _variable(self, place: str, change: Change) -> None:
        """Change a variable of an image; one that is new stands before the install of torch."""
        file, _, number = place.rpartition(":")
        if change.before is None:
            file, at, *_ = self._anchor()
            number = str(at)
        if file not in self.stack.read_from or not number.isdecimal():
            raise CannotEdit("no line of these files states it")
        change_variable(self.text(file), int(number), change.path[1], change.before, change.after)

    def _index(self, key: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        """Change the indexes and pages of a stack: addresses that move, come or go."""
        if len(before) == len(after):
            self._addresses(before, after, "")
            return
        for gone in (each for each in before if each not in after):
            files = [each for each in self.stack.read_from if kind_of(Path(each)) not in _MADE]
            texts = [self.text(each) for each in files]
            if not any(remove_option(one, range(1, len(one.lines) + 1), gone) for one in texts):
                raise CannotEdit(f"{gone} does not stand in these files in so many words")
        for new in (each for each in after if each not in before):
            file, number, other, beside = self._anchor()
            add_option(self.text(file), number, (other, self._now.get(other, beside)), _OPTIONS[key], new)

    def _addresses(self, before: tuple[str, ...], after: tuple[str, ...], file: str, number: int = 0) -> None:
        """Replace addresses: in the one instruction of a Dockerfile, else in all files of the stack."""
        if len(before) != len(after):
            raise CannotEdit("an address comes or goes")
        for old, new in zip(before, after, strict=True):
            if old == new:
                continue
            if file and kind_of(Path(file)) == DOCKERFILE:
                lines = self.text(file).logical(number)
                if self.text(file).replace_address(old, new, lines) or any(
                    new in self.text(file).at(each) for each in lines
                ):
                    continue
            files = [each for each in self.stack.read_from if kind_of(Path(each)) not in _MADE]
            done = sum(self.text(each).replace_address(old, new) for each in files)
            if not done and not any(new in line for each in files for line in self.text(each).lines):
                raise CannotEdit(f"{old} does not stand in these files in so many words")


def _word(value: Any) -> str:
    """Return a value as one word of a file: a list of architectures has semicolons there."""
    return ";".join(value) if isinstance(value, tuple) else value if isinstance(value, str) else ""


def _tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
