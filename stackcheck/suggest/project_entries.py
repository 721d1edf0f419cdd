"""Entries that come into or go out of lines of a project's own files: requirements, options, variables. Pure.

What has no form that is known raises CannotEdit with the reason, a clause that a sentence can end in. What is
written is read back by the caller: a wrong guess is not shown.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from stackcheck.intake.recognise import DOCKERFILE
from stackcheck.model.versions import LATEST
from stackcheck.suggest.project_lines import CannotEdit, found_requirement, spelled

if TYPE_CHECKING:
    from stackcheck.intake.stack import Package
    from stackcheck.suggest.project_lines import Text

_ALONE = re.compile(r"^(?P<indent>\s*)(?P<quote>[\"'])[^\"']*(?P=quote)(?P<comma>,?)(?P<rest>\s*(?:#.*)?)$")
_LISTED = re.compile(r"^(?P<indent>\s*)- (?P<quote>[\"']?)")
_WITH_VALUE = frozenset(
    {"-i", "-f", "-c", "--index-url", "--extra-index-url", "--find-links", "--constraint"}
)
"""Options of pip whose value is the next word."""
_KEY = re.compile(r"^(?P<indent>\s*)[\"']?[\w.-]+[\"']?\s*=")


def add_requirement(text: Text, number: int, beside: tuple[str, Package], new: tuple[str, Package]) -> None:
    """Put a requirement beside another one that stands on a line, in the form of that line."""
    line, wanted = text.at(number), f"{new[0]}{_extras(new[1])}{spelled(new[1].version)}"
    body = line.rstrip("\r\n")
    if text.kind == DOCKERFILE:
        there = found_requirement(line, *beside)
        end = there.end() + (line[there.end() : there.end() + 1] in {"'", '"'})
        token = wanted if wanted[len(new[0]) :].startswith("==") or wanted == new[0] else f"'{wanted}'"
        text.change(number, lambda old: f"{old[:end]} {token}{old[end:]}")
    elif text.kind == "requirements":
        text.put_after(text.logical(number)[-1], wanted)
    elif match := _ALONE.match(body):
        quote = match["quote"]
        if not match["comma"]:
            text.change(number, partial(_with_comma, match))
        text.put_after(number, f"{match['indent']}{quote}{wanted}{quote},")
    elif text.kind == "pyproject":
        _add_to_row(text, number, beside, new, wanted)
    elif (match := _LISTED.match(body)) and "==" in body:
        text.put_after(number, f"{match['indent']}- {match['quote']}{wanted}{match['quote']}")
    else:
        raise CannotEdit("a whole entry comes, and the form of this file is not known")


def _extras(package: Package) -> str:
    return f"[{','.join(package.extras)}]" if package.extras else ""


def _with_comma(match: re.Match[str], line: str) -> str:
    at = match.start("comma")
    return f"{line[:at]},{line[at:]}"


def _add_to_row(
    text: Text, number: int, beside: tuple[str, Package], new: tuple[str, Package], wanted: str
) -> None:
    """Add to an array on one line, or a line to a table of Poetry's."""
    line = text.at(number)
    try:
        match = found_requirement(line, *beside)
    except CannotEdit:
        key = _KEY.match(line)
        if key is None:
            raise
        version = "*" if new[1].version == LATEST else new[1].version
        text.put_after(number, f'{key["indent"]}{new[0]} = "{version}"')
        return
    quote = line[match.end() : match.end() + 1]
    if quote not in {"'", '"'}:
        raise CannotEdit("its marker stands in the way")
    text.change(
        number, lambda old: f"{old[: match.end() + 1]}, {quote}{wanted}{quote}{old[match.end() + 1 :]}"
    )


def remove_requirement(text: Text, number: int, name: str, old: Package) -> None:
    """Take a requirement off its line, and the line too where nothing else stands on it."""
    line = text.at(number)
    match = found_requirement(line, name, old)
    start, end = match.span()
    quote = line[start - 1 : start]
    if quote in {"'", '"'} and line[end : end + 1] == quote:
        start, end = start - 1, end + 1
    before, after = line[:start], line[end:]
    code = f"{before}{after}".partition("#")[0]
    if text.kind == DOCKERFILE:
        whole = "".join(text.at(each) if each != number else before + after for each in text.logical(number))
        if not _installs(whole):
            raise CannotEdit("nothing would be left to install there")
        _remove_word(text, number, before, after)
    elif not code.strip(" \t\r\n\"',-"):
        text.put(number, "")
    elif text.kind == "pyproject" and (comma := re.match(r"\s*,\s*", after)):
        text.put(number, f"{before}{after[comma.end() :]}")
    elif text.kind == "pyproject" and before.rstrip().endswith(","):
        text.put(number, f"{before.rstrip()[:-1]}{after}")
    else:
        raise CannotEdit("the line states more than that")


def _installs(command: str) -> bool:
    """Tell whether an install command still names something, a file of requirements too."""
    words = command.replace("\\\n", " ").replace("\\\r\n", " ").partition("install")[2].split()
    for word, before in zip(words, ["", *words], strict=False):
        if word in {"&&", ";", "||", "|"}:
            return False
        if word in {"-r", "--requirement"} or not (word[0] == "-" or before in _WITH_VALUE):
            return True
    return False


def _remove_word(text: Text, number: int, before: str, after: str) -> None:
    """Take a word out of a command; what a backslash alone would be left of goes whole."""
    if not before.strip() and after.strip() == "\\":
        text.put(number, "")
    elif not before.strip() and after[:1] in {" ", "\t"}:
        text.put(number, f"{before}{after.lstrip()}")
    elif before.strip() and (not after or after[0] in " \t\r\n"):
        text.put(number, f"{before.rstrip()}{after}")
    else:
        raise CannotEdit("the command states more than that")


def add_option(text: Text, number: int, beside: tuple[str, Package], option: str, address: str) -> None:
    """State an address where it is not stated yet: on a line of its own, or in the command."""
    if text.kind == "requirements":
        text.put_before(number, f"{option} {address}")
    elif text.kind == DOCKERFILE:
        match = found_requirement(text.at(number), *beside)
        end = match.end() + (text.at(number)[match.end() : match.end() + 1] in {"'", '"'})
        text.change(number, lambda old: f"{old[:end]} {option} {address}{old[end:]}")
    else:
        raise CannotEdit(f"{address} has to become its index")


def remove_option(text: Text, numbers: range, address: str) -> bool:
    """Take the option with an address out of some lines; tell whether one was there."""
    option = re.compile(
        rf"(?P<gap>[ \t]*)(?:-i|-f|--(?:extra-)?index-url|--find-links)[ =][\"']?"
        rf"{re.escape(address.rstrip('/'))}/?[\"']?(?=\s|\\|$)"
    )
    for number in numbers:
        line = text.at(number)
        match = option.search(line)
        if match and not line.lstrip().startswith("#"):
            rest = f"{line[: match.start()]}{line[match.end() :]}"
            left = rest if rest.strip(" \t\r\n\\") else ""
            text.put(number, left)
            return True
    return False


def change_variable(text: Text, number: int, name: str, before: str | None, after: str | None) -> None:
    """Set a variable of a Dockerfile's ENV, add one before a line, or take one away."""
    if text.kind != DOCKERFILE:
        raise CannotEdit("only a Dockerfile states variables")
    if before is None:
        text.put_before(text.logical(number)[0], f'ENV {name}="{after}"')
        return
    stated = re.compile(
        rf"(?P<gap>[ \t]+){re.escape(name)}=(?P<quote>[\"']?){re.escape(before)}(?P=quote)(?=\s|$)"
    )
    match = stated.search(text.at(number))
    if match is None:
        raise CannotEdit("it does not stand there in so many words")
    line = text.at(number)
    if after is not None:
        text.put(number, f'{line[: match.start()]} {name}="{after}"{line[match.end() :]}')
        return
    rest = f"{line[: match.start()]}{line[match.end() :]}"
    text.put(number, "" if rest.strip() in {"ENV", "\\"} else rest)
