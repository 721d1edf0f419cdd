"""A suggestion as an edit of files: of a definition, or of the files of a project, read back first."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.intake import catalog
from stackcheck.intake.stack import FILLED_IN
from stackcheck.model.errors import StackcheckError, UsageError
from stackcheck.model.redact import without_userinfo
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.reading import read_bytes, read_instead
from stackcheck.suggest.edited import edit_text, unified
from stackcheck.suggest.project_files import made_in_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.suggest.suggestion import Suggestion


@dataclass(frozen=True, slots=True)
class Edit:
    """Texts of files before and after, by name, and what is left to do by hand, a sentence each.

    `whole` says that the files, read again, are a stack in which nothing fails: only then they are written.
    """

    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    whole: bool = False

    @property
    def diff(self) -> str:
        """Return one unified diff of all files; logins in addresses are not shown."""
        pairs = self.texts.items()
        return without_userinfo("".join(unified(before, after, file) for file, (before, after) in pairs))


def edit_of(
    stack: Stack, suggestion: Suggestion, again: Callable[[], Stack | None], good: Callable[[Stack], bool]
) -> Edit:
    """Return what a suggestion changes in the files that state its stack, which may be nothing.

    `again` reads the stack once more, from the edited files; `good` tells whether nothing fails in it.
    """
    if not suggestion.changes or not suggestion.proven:
        return Edit()
    return _of_files(stack, suggestion, again, good) if stack.read_from else _of_definition(stack, suggestion)


def _of_definition(stack: Stack, suggestion: Suggestion) -> Edit:
    """Return the edit of a definition; of a member of a family none, because its row is shared."""
    if stack.axes or not stack.file:
        return Edit()
    try:
        before = _text(stack.file)
        after = edit_text(before, stack.id, suggestion.changes)
    except (OSError, KeyError, ValueError):
        return Edit()
    read, faults = catalog.load_text(after, file=stack.file)
    same = not faults and suggestion.stack in read
    return Edit({stack.file: (before, after)}, whole=True) if same else Edit()


def _of_files(
    stack: Stack, suggestion: Suggestion, again: Callable[[], Stack | None], good: Callable[[Stack], bool]
) -> Edit:
    texts, by_hand = made_in_files(stack, suggestion.changes, _text)
    if by_hand:
        return Edit(texts, by_hand)
    contents = {Path(file).resolve(): after.encode() for file, (_, after) in texts.items()}
    with read_instead(contents):
        try:
            found = again()
            whole = found is not None and (_same(found, suggestion.stack) or good(found))
        except StackcheckError:
            whole = False
    if whole:
        return Edit(texts, whole=True)
    _, every = made_in_files(stack, suggestion.changes, _unreadable)
    return Edit({}, every)


def _unreadable(_file: str) -> str:
    raise ValueError("this edit would leave a stack in which something fails, so it is not shown")


def _same(one: Stack, other: Stack) -> bool:
    without = {*FILLED_IN, "file"}
    return one.model_dump(exclude=without) == other.model_dump(exclude=without)


def _text(file: str) -> str:
    """Return the text of a file with its line ends; raise ValueError for one that is not UTF-8."""
    try:
        return read_bytes(Path(file)).decode("utf-8")
    except UsageError as error:
        raise ValueError(str(error)) from None


def write(edit: Edit) -> None:
    """Write each file of an edit, whole or not at all, with the permissions that it has.

    Raises UsageError, before anything is written, for a file that has changed or may not be written.
    """
    for file, (before, _) in edit.texts.items():
        if _text(file) != before:
            raise UsageError(f"{file}: it has changed meanwhile; run the command again.")
        if not os.access(file, os.W_OK):
            raise UsageError(f"{file}: no permission to write there.")
    for file, (_, after) in edit.texts.items():
        path = Path(file).resolve()
        try:
            write_atomically(path, after.encode(), path.stat().st_mode & 0o777)
        except OSError as error:
            raise UsageError(f"{file}: this cannot be written: {error.strerror}.") from None
