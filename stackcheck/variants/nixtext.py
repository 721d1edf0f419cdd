"""Read the text of a Nix expression without evaluating it: code, strings, and what is bound to what.

Source of the format: the lexer's rules in the Nix manual, "Language: String literal, Comments"
(nixos.org/manual/nix, checked 2026-11-20).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z_][\w'-]*")
_PATH = re.compile(r"[A-Za-z_][\w'-]*(?:\.[A-Za-z_][\w'-]*)*")
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text, from `start` up to and without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A string of either kind: where it stands, its quotes included, and what is between them, undecoded."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class NixText:
    """An expression with its comments and strings told apart.

    code: as long as the text, comments and what strings say blanked; what they interpolate is code. literals:
    in the order in which they end.
    """

    code: str
    literals: tuple[Literal, ...]

    @property
    def whole(self) -> Span:
        """Return the span of everything."""
        return Span(0, len(self.code))

    def values(self, name: str, within: Span | None = None) -> list[Span]:
        """Return what each `name = ...;` binds, in order."""
        span = within or self.whole
        bound = re.compile(rf"(?<![\w.'-]){re.escape(name)}\s*=(?!=)\s*")
        found = bound.finditer(self.code, span.start, span.end)
        return [Span(match.end(), self._end_of_value(match.end())) for match in found]

    def strings(self, within: Span | None = None) -> list[str]:
        """Return what the strings in a part say."""
        span = within or self.whole
        return [
            literal.value
            for literal in self.literals
            if span.start <= literal.span.start and literal.span.end <= span.end
        ]

    def words(self, within: Span | None = None) -> list[str]:
        """Return the names in the code of a part, attribute paths whole: `final.cudaPackages_13`."""
        span = within or self.whole
        return _PATH.findall(self.code, span.start, span.end)

    def texts(self, name: str, within: Span | None = None) -> tuple[str, ...]:
        """Return the strings that a name is bound to, also through the names that its list holds."""
        found: list[str] = []
        for span in self.values(name, within):
            strings = self.strings(span)
            names = [] if strings else [word for word in self.words(span) if word != name]
            found += strings or [
                text for word in names for each in self.values(word) for text in self.strings(each)
            ]
        return tuple(found)

    def elements(self, span: Span) -> list[Span]:
        """Return the elements of a list; none when the part is no list."""
        if self.code[span.start : span.start + 1] != "[":
            return []
        ends = {literal.span.start: literal.span.end for literal in self.literals}
        found: list[Span] = []
        at, last = span.start + 1, self._closing(span.start)
        while at < last:
            if self.code[at].isspace():
                at += 1
                continue
            start = at
            while at < last and not self.code[at].isspace():
                at = ends.get(at) or (self._closing(at) if self.code[at] in "([{" else at) + 1
            found.append(Span(start, at))
        return found

    def _end_of_value(self, start: int) -> int:
        depth = 0
        for at in range(start, len(self.code)):
            sign = self.code[at]
            depth += (sign in "([{") - (sign in ")]}")
            if depth < 0 or (depth == 0 and sign == ";"):
                return at
        return len(self.code)

    def _closing(self, start: int) -> int:
        depth = 0
        for at in range(start, len(self.code)):
            depth += (self.code[at] in "([{") - (self.code[at] in ")]}")
            if depth == 0:
                return at
        return len(self.code)


def read_nix(text: str) -> NixText:
    """Tell code, comments and strings apart.

    Raises ValueError, with the line, for a string, comment or bracket that is not closed, and for a bracket
    that closes nothing.
    """
    return _Reader(text).read()


class _Reader:
    """One pass over a text; `open` holds what is not closed yet: brackets, strings and interpolations."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.blanked = list(text)
        self.open: list[tuple[str, int]] = []
        self.literals: list[Literal] = []

    def read(self) -> NixText:
        while self.at < len(self.text):
            inside = self.open[-1][0] if self.open else ""
            if inside in ('"', "''"):
                self._string(inside)
            else:
                self._code(inside)
        if self.open:
            sign, start = self.open[-1]
            raise ValueError(f"line {self._line(start)}: {sign} is not closed")
        return NixText("".join(self.blanked), tuple(self.literals))

    def _code(self, inside: str) -> None:
        sign, text = self.text[self.at], self.text
        if word := _WORD.match(text, self.at):
            self.at = word.end()
        elif sign == "#":
            end = text.find("\n", self.at)
            self._blank(len(text) if end < 0 else end)
        elif text.startswith("/*", self.at):
            end = text.find("*/", self.at + 2)
            if end < 0:
                raise ValueError(f"line {self._line(self.at)}: /* is not closed")
            self._blank(end + 2)
        elif sign == '"' or text.startswith("''", self.at):
            self._push('"' if sign == '"' else "''")
        elif sign in "([{":
            self._push(sign)
        elif sign in ")]}":
            wanted = _PAIRS[sign]
            if inside != wanted and not (sign == "}" and inside == "${"):
                raise ValueError(f"line {self._line(self.at)}: {sign} closes nothing")
            self.open.pop()
            self.at += 1
        else:
            self.at += 1

    def _string(self, quote: str) -> None:
        text, at = self.text, self.at
        if quote == '"' and text[at] == "\\":
            self._blank(min(at + 2, len(text)))
        elif quote == "''" and text.startswith(("''$", "'''"), at):
            self._blank(at + 3)
        elif quote == "''" and text.startswith("''\\", at):
            self._blank(min(at + 4, len(text)))
        elif text.startswith("$$", at):
            self._blank(at + 2)
        elif text.startswith("${", at):
            self.blanked[at] = " "
            self._push("${")
        elif text.startswith(quote, at):
            _, start = self.open.pop()
            self.at += len(quote)
            self.literals.append(Literal(Span(start, self.at), text[start + len(quote) : at]))
        else:
            self._blank(at + 1)

    def _push(self, sign: str) -> None:
        self.open.append((sign, self.at))
        self.at += len(sign)

    def _blank(self, end: int) -> None:
        for at in range(self.at, end):
            if self.text[at] != "\n":
                self.blanked[at] = " "
        self.at = end

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1
