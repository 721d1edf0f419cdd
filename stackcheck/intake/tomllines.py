"""On which line of a TOML or YAML file something stands: parsers of the standard library do not say it."""

from __future__ import annotations

from stackcheck.intake.stated import Place


class Lines:
    """The lines of one text; each search begins behind what the last one of that text found."""

    def __init__(self, text: str, shown: str) -> None:
        self._lines = text.split("\n")
        self._shown = shown
        self._after: dict[str, int] = {}

    def place(self, *words: str) -> Place:
        """Return where the words stand on one line, the first time beyond what was returned for them before.

        A comment does not count. The line is 0 when nothing holds them.
        """
        key = "\0".join(words)
        start = self._after.get(key, 0)
        for number, line in enumerate(self._lines[start:], start + 1):
            if not line.lstrip().startswith("#") and all(word in line for word in words):
                self._after[key] = number
                return Place(self._shown, number)
        return Place(self._shown)
