"""How a command line is read: options in any order, near names, examples and exit codes in every help."""

# ruff: noqa: SLF001 - argparse shows its actions, groups and choices in private members alone
from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from stackcheck.cli.strangers import OPTION, refusal
from stackcheck.model.errors import EXIT_USAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLORS = ("auto", "always", "never")
"""When text is coloured."""

_WITH_VALUE = ("--color", "--knowledge")
"""Options that every command takes, and that have a value."""
_UNTOUCHED = (argparse.REMAINDER, argparse.PARSER)
"""What argparse cannot read options behind, for everything there belongs to somebody else."""


def add_manners(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes: how much is told, in which colours, and the traceback of a fault."""
    group = parser.add_argument_group("how it is told")
    add = group.add_argument
    add("-q", "--quiet", action="store_true", help="no progress on stderr")
    add("-v", "--verbose", action="store_true", help="also what passed, every code and all evidence")
    add(
        "--color",
        choices=COLORS,
        default=COLORS[0],
        metavar="WHEN",
        help="auto (at a terminal, unless NO_COLOR is set), always or never; default: %(default)s",
    )
    add("--debug", action="store_true", help="show the traceback of a fault of stackcheck")
    parser.add_argument(
        "--knowledge",
        action="append",
        default=[],
        metavar="FOLDER",
        help="read this folder of knowledge after what ships; may be repeated",
    )


def in_front(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split words into the options that stand in front, with their values, and the rest."""
    number = 0
    while number < len(words) and words[number].startswith("-") and words[number] != "--":
        number += 2 if words[number] in _WITH_VALUE else 1
    return [*words[:number]], [*words[number:]]


class _Formatter(argparse.HelpFormatter):
    """Breaks paragraphs at the width, and leaves what has lines of its own."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.split("\n\n")
        return "\n\n".join(
            each if "\n" in each else super(_Formatter, self)._fill_text(each, width, indent)
            for each in parts
        )


class CommandParser(argparse.ArgumentParser):
    """A parser that takes options before, between and behind operands, and knows near names."""

    def actions(self) -> Mapping[str, CommandParser]:
        """Return the parsers of the commands below it that have none below them, by their words."""
        inner = self._subparsers_action()
        found: dict[str, CommandParser] = {}
        for name, each in (inner.choices if inner is not None else {}).items():
            below = each.actions()
            found |= {f"{name} {word}": parser for word, parser in below.items()} or {name: each}
        return found

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse words; a command's own parser reads what stands before and behind the command.

        argparse gives a command all that stands behind it in one go, and refuses an operand behind an option.
        """
        inner, (front, rest) = self._subparsers_action(), in_front(words)
        if inner is not None and rest and rest[0] in inner.choices:
            args: argparse.Namespace = inner.choices[rest[0]].read([*front, *rest[1:]])
            setattr(args, inner.dest, rest[0])
            return args
        args, unknown = self._parse(words)
        if unknown:
            self.refuse(unknown)
        return args

    def _subparsers_action(self) -> argparse._SubParsersAction[CommandParser] | None:
        kind = argparse._SubParsersAction
        return next((each for each in self._actions if isinstance(each, kind)), None)

    def _parse(self, words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Return what the words say, and those that say nothing.

        Intermixed parsing hides the operands from the help, forgets what `--` says, and knows no REMAINDER.
        """
        plain = {"-h", "--help", "--"} & {*words} or any(each.nargs in _UNTOUCHED for each in self._actions)
        return self.parse_known_args(words) if plain else self.parse_known_intermixed_args(words)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with exit code 2 for words that are no option, and say what comes near."""
        word = next((each for each in unknown if each.startswith("-")), unknown[0])
        if word.startswith("-"):
            name = word.partition("=")[0]
            if name == OPTION:
                self.error(refusal(self.prog.partition(" ")[2]))
            self.error(f"unknown option {name[:80]!r}{near(name, self._option_string_actions)}")
        self.error(f"{word[:80]!r} is one operand too many")

    def format_help(self) -> str:
        """Return the help with examples and exit codes at its end."""
        from stackcheck.cli.examples import help_end  # noqa: PLC0415 - only where help is asked for

        self.usage = self._short_usage()
        self.epilog = "\n\n".join(filter(None, (self.epilog, help_end(self.prog))))
        self.formatter_class = _Formatter
        return super().format_help()

    def _short_usage(self) -> str:
        """Return the usage without what may be left out; all of that is told below it."""
        groups = [each for each in self._mutually_exclusive_groups if each.required]
        grouped = [action for group in groups for action in group._group_actions]
        needed = [
            each for each in self._actions if each in grouped or not each.option_strings or each.required
        ]
        formatter = argparse.HelpFormatter(self.prog, width=1000)
        formatter.add_usage(None, needed, groups, prefix="")
        text = formatter.format_help().strip().replace("%", "%%")
        rest = next((f"[{each.metavar}...]" for each in needed if each.nargs == argparse.REMAINDER), "...")
        return text.replace(self.prog, f"{self.prog} [OPTION]...", 1).removesuffix("...") + (
            rest if text.endswith("...") else ""
        )

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Refuse what is none of the choices, with the one that comes near."""
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            guess = near(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, error.message + guess) from None

    def error(self, message: str) -> NoReturn:
        """End with exit code 2: what is wrong, and where the options are told."""
        command = self.prog.partition(" ")[2]
        help_of = f"stackcheck help {command}" if command else "stackcheck --help"
        end = "" if message.endswith("?") else "."
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}{end}\nSee `{help_of}`.\n")


def near(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean '--x'?" for a near miss, else nothing."""
    import difflib  # noqa: PLC0415 - only for a typo

    found = difflib.get_close_matches(word, [*known], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
