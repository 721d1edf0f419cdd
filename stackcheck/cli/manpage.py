"""The man page: the help of every command as roff, for `stackcheck completion man`.

Source: man(7), man-pages(7), checked 2026-11-30.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING

from stackcheck import __version__
from stackcheck.cli.examples import EXAMPLES, exits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackcheck.cli.parser import CommandParser

_HEAD = """\
.TH STACKCHECK 1 "" "stackcheck {version}" "User Commands"
.SH NAME
stackcheck \\- {description}
.SH SYNOPSIS
.B stackcheck
[\\fIOPTION\\fR]... \\fICOMMAND\\fR ...
.SH DESCRIPTION
Options stand before, between or behind operands.
What follows is the help of each command."""
_ENVIRONMENT = {
    "STACKCHECK_CACHE": "Where caches are, in place of the folder of the XDG rules.",
    "STACKCHECK_TABLES": "Your own tables, which are read after those that ship.",
    "NO_COLOR": "No colours, unless \\-\\-color says otherwise.",
    "COLUMNS": "How wide tables may be, also in a pipe.",
}


def render(parser: argparse.ArgumentParser, commands: Mapping[str, CommandParser]) -> str:
    """Return the page; each command's parser has its options already."""
    description = (parser.description or "").rstrip(".")
    lines = _HEAD.format(version=__version__, description=_text(description[0].lower() + description[1:]))
    parts: list[str] = [lines, ".SH COMMANDS"]
    for name, command in commands.items():
        inner = command.actions()
        parts += _command(name, command)
        for action, each in inner.items():
            parts += _command(f"{name} {action}", each)
    parts += [".SH ENVIRONMENT"]
    parts += [line for name, means in _ENVIRONMENT.items() for line in (".TP", f".B {name}", means)]
    return "\n".join([*parts, ""])


def _command(name: str, parser: CommandParser) -> Iterator[str]:
    yield f".SS stackcheck {_text(name)}"
    yield _lines(parser.description or "")
    for action in parser._actions:  # noqa: SLF001 - argparse shows its actions nowhere else
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from (".TP", _heading(action), _lines(_help(action)))
    if rows := EXAMPLES.get(name):
        yield from (".PP", "Examples:")
        yield from (
            line for row in rows for line in (".TP", f".B stackcheck {_text(row.words)}", _lines(row.does))
        )
    if " " not in name:
        yield from (".PP", "Exit codes:")
        yield from _codes(exits(name).items())


def _codes(codes: Iterable[tuple[int, str]]) -> Iterator[str]:
    for code, means in codes:
        yield from (".TP", f".B {code}", _text(means))


def _heading(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" \\fI{_text(_value(action))}\\fR"
    if not action.option_strings:
        return f"\\fI{_text(_value(action))}\\fR"
    return ", ".join(f"\\fB{_text(each)}\\fR" for each in action.option_strings) + value


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _help(action: argparse.Action) -> str:
    text = action.help or ""
    return text % {**vars(action), "prog": "stackcheck"} if "%(" in text else text.replace("%%", "%")


def _lines(text: str) -> str:
    """Return a paragraph as lines that man(7) recommends."""
    lines = textwrap.wrap(_text(text), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _text(text: str) -> str:
    """Return text that roff takes for nothing else: no escape, no request, hyphens that can be copied."""
    text = re.sub(r"\s+", " ", text).replace("\\", "\\e").replace("-", "\\-")
    text = text.replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga").replace("'", "\\(aq")
    return f"\\&{text}" if text.startswith(".") else text
