"""Which commands a shell script runs, as far as its text alone says: order, variables, and plain conditions.

Nothing is run. A condition whose answer is not in the text leaves what stands behind it uncertain. Language:
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEPARATORS = re.compile(r";;&?|\n|;|&&|\|\||(?<!\|)\|(?!\|)|(?<![<>&\d])&(?![&\d>])")
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|(?P<comment>(?<!\S)#[^\n]*)")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(
    r"(?P<kept>\\\$|'[^']*')|\$(?:\{(?P<braced>\w+)(?P<how>[^}\w][^}$]*)?\}|(?P<plain>[A-Za-z_]\w*))"
)
_CAPTURED = re.compile(r"\$\((?!\()[^()]+\)|(?<!\\)`[^`]*`")
"""What another command prints: no text says it, so it is a variable that is not known."""
_PATTERN = re.compile(r"\s*\(?([^()]*)\)(.*)", re.DOTALL)
_TESTS = {"[": "]", "[[": "]]", "test": ""}
_DEEPEST = 100
_LOOPS = frozenset({"for", "while", "until", "select"})
_OPENING = frozenset({"{", "(", "!", "time", "sudo", "exec", "eval", "nohup"})


@dataclass(frozen=True, slots=True)
class Command:
    """One command as words, variables replaced as far as they are known.

    `certain` is false where a condition decides that the text does not answer.
    """

    words: tuple[str, ...]
    certain: bool = True


@dataclass
class _Frame:
    """One `if`, `case` or loop that is open: whether what stands here runs, and whether a branch has run."""

    word: str
    runs: bool | None = None
    done: bool | None = False
    subject: str = ""
    earlier: str = ""
    asking: bool = True


def commands(script: str, known: Mapping[str, str] | None = None) -> Iterator[Command]:
    """Yield the commands of a script that run or may run, in their order.

    `known` are the variables that are set before it.

    >>> [" ".join(each.words) for each in commands("V=2; [ $V = 3 ] && echo no; pip install torch==$V")]
    ['pip install torch==2']
    """
    yield from _Shell(dict(known or {})).run(script)


class _Shell:
    """What the commands so far have left: variables, open blocks, and how the last command ended."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known
        self._frames: list[_Frame] = []
        self._ended: bool | str | None = "done"

    def run(self, script: str) -> Iterator[Command]:
        for before, text in _pieces(script):
            yield from self._piece(before, text)

    def _piece(self, before: str, text: str) -> Iterator[Command]:
        if before.startswith(";;") and self._frames and self._frames[-1].word == "case":
            self._frames[-1].asking = True
        text = self._keywords(before, text.strip())
        runs = self._runs(before)
        if not text:
            return
        if text.endswith(")") and "(" not in text:  # the end of a subshell
            text = text[:-1]
        words = _words(expanded(text, self._known))
        words, assigned = _without_assignments(words)
        if words[:1] in (["export"], ["declare"], ["local"], ["readonly"]):
            assigned.update(
                (match[1], match[2]) for word in words[1:] if (match := _ASSIGNED.fullmatch(word))
            )
            words = []
        if not words:
            self._assign(assigned, runs)
        elif self._frames and self._frames[-1].asking and self._frames[-1].word == "if":
            self._condition(before, words)
        elif runs is not False:
            self._ended = _truth(words) if words[0] in _TESTS else "install" if "install" in words else "done"
            if words[0] not in _TESTS:
                yield Command(tuple(words), runs is True)

    def _runs(self, before: str) -> bool | None:
        """Tell whether a piece runs: what the blocks around it say, and the command before && or ||."""
        states = [frame.runs for frame in self._frames if not (frame.asking and frame.word == "if")]
        if before in {"&&", "||"}:
            ended = self._ended
            if before == "&&":
                states.append(
                    True if ended in ("done", "install") else bool(ended) if ended is not None else None
                )
            else:
                states.append(False if ended == "install" else None if ended in ("done", None) else not ended)
        return False if False in states else None if None in states else True

    def _assign(self, assigned: Mapping[str, str], runs: bool | None) -> None:
        for name, value in assigned.items():
            if runs is True and "$" not in value and "`" not in value:
                self._known[name] = value
            elif runs is not False:
                self._known.pop(name, None)

    def _keywords(self, before: str, text: str) -> str:
        """Take the reserved words off the front of a piece; return what is left of it."""
        while text:
            frame = self._frames[-1] if self._frames else None
            if frame is not None and frame.word == "case" and frame.asking and not text.startswith("esac"):
                return self._alternative(frame, text)
            word, _, rest = text.partition(" ")
            rest = rest.strip()
            if word in _LOOPS:
                self._frames.append(_Frame(word, asking=False))
                self._known.pop(rest.split(" ", 1)[0], None)
                return ""
            if word == "if":
                self._frames.append(_Frame("if"))
            elif word == "case":
                subject, _, rest = rest.partition(" in")
                self._frames.append(_Frame("case", subject=" ".join(_words(expanded(subject, self._known)))))
            elif word in {"fi", "esac", "done"}:
                self._frames = self._frames[:-1]
            elif word in {"then", "elif", "else"} and frame is not None and frame.word == "if":
                _branch(frame, word)
            elif word not in {"do", "then", "else", *_OPENING}:
                if word.startswith("(") and before != "in":
                    return text.lstrip("(").rstrip(")").strip()
                return text
            text = rest
        return ""

    def _alternative(self, frame: _Frame, text: str) -> str:
        match = _PATTERN.match(text)
        if match is None:
            frame.earlier += f"{text}|"  # the first of several patterns: a "|" has cut them
            return ""
        patterns = [word for each in f"{frame.earlier}{match[1]}".split("|") for word in _words(each)]
        frame.asking, frame.earlier = False, ""
        if len(self._frames) > _DEEPEST:
            return ""
        frame.runs = _matches(frame, patterns)
        frame.done = True if frame.runs else None if frame.runs is None else frame.done
        return self._keywords("", match[2].strip())

    def _condition(self, before: str, words: list[str]) -> None:
        frame, truth = self._frames[-1], _truth(words)
        if before == "&&":
            truth = False if False in (frame.runs, truth) else None if None in (frame.runs, truth) else True
        elif before == "||":
            truth = True if True in (frame.runs, truth) else None if None in (frame.runs, truth) else False
        frame.runs = truth


def _branch(frame: _Frame, word: str) -> None:
    """Go on to the next part of an `if`: a branch runs when its condition holds and none before it did."""
    if word == "then":
        taken = frame.done
        runs = frame.runs
        frame.asking = False
        frame.runs = False if taken is True else (None if taken is None and runs is not False else runs)
        frame.done = True if taken is True or runs is True else None if None in (taken, runs) else False
    elif word == "elif":
        frame.runs, frame.asking = None, True
    else:
        frame.runs = None if frame.done is None else not frame.done


def _matches(frame: _Frame, patterns: list[str]) -> bool | None:
    if frame.done is True:
        return False
    if frame.done is None or any("$" in each for each in (frame.subject, *patterns)):
        return None
    return any(fnmatchcase(frame.subject, each) for each in patterns)


def _truth(words: list[str]) -> bool | None:
    """Return what a test of texts says; None for every other command, and for what is not known."""
    if words in (["true"], ["false"]):
        return words == ["true"]
    if words[0] not in _TESTS or any("$" in word or "`" in word for word in words):
        return None
    inner = words[1:]
    if _TESTS[words[0]] and inner[-1:] == [_TESTS[words[0]]]:
        inner = inner[:-1]
    turned = inner[:1] == ["!"]
    inner = inner[1:] if turned else inner
    if len(inner) == 3 and inner[1] in {"=", "==", "!="}:
        fits = fnmatchcase(inner[0], inner[2]) if words[0] == "[[" else inner[0] == inner[2]
        return (fits == (inner[1] != "!=")) != turned
    if inner[:1] in (["-z"], ["-n"]):
        return (bool("".join(inner[1:])) == (inner[0] == "-n")) != turned
    return None


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Replace the variables of a text that are known; the others stay as they are written.

    >>> expanded("cu${CUDA//./} ${CUDA%.*} $OTHER '$CUDA'", {"CUDA": "12.4.1"})
    "cu1241 12.4 $OTHER '$CUDA'"
    """

    def value(match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        name, how = match["braced"] or match["plain"], match["how"] or ""
        if how[:2] in {":-", ":="} or how[:1] == "-":
            return known.get(name) or how.lstrip(":=-")
        if how[:2] == ":+":
            return how[2:] if known.get(name) else "" if name in known else match[0]
        return changed if (changed := _changed(known.get(name), how)) is not None else match[0]

    return _VARIABLE.sub(value, text)


def _changed(value: str | None, how: str) -> str | None:
    """Return a value as an expansion leaves it; None for an expansion that is not read."""
    if value is None or not how:
        return value
    if match := re.fullmatch(r"(//?)\\?([^/*?\[]+)/?([^/]*)", how):
        return value.replace(match[2], match[3], -1 if match[1] == "//" else 1)
    if match := re.fullmatch(r"(%%?)([^*?\[]*)\*", how):
        at = value.find(match[2]) if match[1] == "%%" else value.rfind(match[2])
        return value if at < 0 else value[:at]
    if match := re.fullmatch(r":(\d+)(?::(\d+))?", how):
        start = int(match[1])
        return value[start : start + int(match[2])] if match[2] else value[start:]
    if match := re.fullmatch(r"([%#])([^*?\[%#]+)", how):
        return value.removesuffix(match[2]) if match[1] == "%" else value.removeprefix(match[2])
    return None


def _pieces(script: str) -> Iterator[tuple[str, str]]:
    """Yield what stands between the separators, each with the one before it; not inside quotes."""
    whole = _CAPTURED.sub("$()", _CAPTURED.sub("$()", re.sub(r"\\\n", " ", script)))
    text = _QUOTED.sub(lambda match: "" if match["comment"] else match[0], whole)
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    start, before, at = 0, "\n", 0
    for match in _SEPARATORS.finditer(text):
        while at < len(quoted) and quoted[at][1] <= match.start():
            at += 1
        if at < len(quoted) and quoted[at][0] <= match.start():
            continue
        piece = text[start : match.start()]
        if piece.strip() or before.startswith(";;"):
            yield before, piece
        # A line that ends in && or || goes on; the separator that counts is the one before the blank.
        before = match[0] if piece.strip() or match[0] not in {"\n", ";"} else before
        start = match.end()
    yield before, text[start:]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # an odd quote
        return text.split()


def _without_assignments(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words of a command, and what is assigned before them."""
    assigned: dict[str, str] = {}
    while words and (match := _ASSIGNED.fullmatch(words[0])):
        assigned[match[1]] = match[2]
        words = words[1:]
    while words and words[0] in _OPENING:
        words = words[1:]
    while words and words[0].startswith(("--mount=", "--network=", "--security=")):
        words = words[1:]
    while words and _ASSIGNED.fullmatch(words[0]):
        words = words[1:]
    return words, assigned
