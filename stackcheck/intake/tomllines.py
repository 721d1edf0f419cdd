"""On which line of a TOML or YAML file something stands: parsers of the standard library do not say it."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from stackcheck.intake.stated import Place


class Lines:
    """The lines of one text; each search begins behind what the last one of that text found."""

    def __init__(self, text: str, shown: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._shown = shown
        self._after: dict[str, int] = {}

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins in the text, and where the last one ends."""
        return [0, *accumulate(len(line) + 1 for line in self._lines)]

    @cached_property
    def _whole(self) -> dict[str, list[int]]:
        """The numbers of the lines that are a text and nothing else: a lock has thousands of them."""
        found: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines, 1):
            found.setdefault(line.strip(), []).append(number)
        return found

    def place(self, *words: str) -> Place:
        """Return where the words stand on one line, the first time beyond what was returned for them before.

        A line that is nothing else comes first; a comment does not count. The line is 0 when nothing holds
        them.
        """
        key = "\0".join(words)
        start = self._after.get(key, 0)
        whole = self._whole.get(key, ())
        number = next((each for each in whole if each > start), 0) or self._holding(words, start)
        if number:
            self._after[key] = number
        return Place(self._shown, number)

    def _holding(self, words: tuple[str, ...], start: int) -> int:
        at = self._text.find(words[0], self._starts[start])
        while at >= 0:
            number = bisect_right(self._starts, at)
            line = self._lines[number - 1]
            if not line.lstrip().startswith("#") and all(word in line for word in words):
                return number
            at = self._text.find(words[0], self._starts[number]) if number < len(self._lines) else -1
        return 0
