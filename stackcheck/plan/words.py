"""The words of a call as wishes: `torch==2.8`, `cuda==12.8`, `--with spconv,mmcv`, `python==3.12`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.near import did_you_mean
from stackcheck.model.redact import redact
from stackcheck.suggest.wishes import BACKENDS, Wish, Wishes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.knowledge import Tables

_MISTAKES = (
    (re.compile(r"=<"), "<="),
    (re.compile(r"=>"), ">="),
    (re.compile(r"(?<![=<>!~])=(?!=)"), "=="),
)
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9._-]*[ @:]+v?\d[\w.]*")
_MOST, _LONGEST = 200, 400
"""Wishes of one call, and the characters of one."""
_OF_HOSTS = {"gpu": "--gpu", "gpus": "--gpu", "driver": "--driver", "platform": "--platform"}
_MINOR = ("python", "cuda", "rocm")
"""Names whose version is a minor one: 3.12, 12.8."""


def wishes_of(words: Iterable[str], tables: Tables) -> Wishes:
    """Return what the words of a call wish for, each name once.

    Raises UsageError for what is not a requirement, for a name that is nearly one that is known, and for two
    wishes of one name.
    """
    found: dict[str, Wish] = {}
    every = tuple(words)
    if len(every) > _MOST:
        raise UsageError(f"{len(every)} wishes are more than a stack has; name {_MOST} at most.")
    for word in every:
        wish = _wish(word.strip())
        if wish.name in found and found[wish.name] != wish:
            raise UsageError(
                f"{found[wish.name]} and {wish}: two wishes of one name; write them as one, "
                "such as 'torch>=2.6,<2.8'."
            )
        _known(wish, tables)
        found[wish.name] = wish
    kinds = [name for name in BACKENDS if name in found]
    if len(kinds) > 1:
        raise UsageError(f"{' and '.join(kinds)}: torch is built for one of them; name one.")
    return Wishes(tuple(found.values()))


def split_words(texts: Iterable[str]) -> list[str]:
    """Return the words of `--with spconv,mmcv`; commas of a range (`numpy>=1.26,<3`) and of extras stay."""
    words: list[str] = []
    for text in texts:
        for piece in re.split(r",(?![^\[]*\])", text):
            if words and re.match(r"\s*[=<>!~]", piece):
                words[-1] += f",{piece}"
            elif piece.strip():
                words.append(piece)
    return words


def _wish(word: str) -> Wish:
    shown = one_line(redact(word), 80)
    if len(word) > _LONGEST:
        raise UsageError(f"{shown!r}: a wish of {len(word)} characters is longer than any requirement.")
    head = re.split(r"[^A-Za-z0-9]", word, maxsplit=1)[0].lower()
    if head in _OF_HOSTS:
        raise UsageError(f"{shown!r}: state it with {_OF_HOSTS[head]}.")
    if _BARE.fullmatch(word):
        raise UsageError(f"{shown!r} is not a wish{_meant(word)}")
    try:
        requirement = Requirement(word)
    except InvalidRequirement:
        raise UsageError(f"{shown!r} is not a wish{_meant(word)}") from None
    name = canonicalize_name(requirement.name)
    if requirement.url or requirement.marker:
        raise UsageError(f"{shown!r}: a wish is a name with versions, without an address or a marker.")
    if name == "cpu" and requirement.specifier:
        raise UsageError(f"{shown!r}: cpu has no version; write cpu.")
    specifier = requirement.specifier
    if name in _MINOR and (long := next((each for each in specifier if each.version.count(".") > 1), None)):
        first, second, *_ = long.version.split(".")
        if long.version.rstrip("*.") != f"{first}.{second}":
            raise UsageError(
                f"{shown!r}: state a minor version, such as {name}{long.operator}{first}.{second}."
            )
    return Wish(name, specifier, tuple(sorted(requirement.extras)))


def _meant(word: str) -> str:
    for pattern, instead in _MISTAKES:
        if pattern.search(word):
            return f"; did you mean {one_line(pattern.sub(instead, redact(word), count=1), 80)!r}?"
    if _BARE.fullmatch(word):
        name, version = re.split(r"[ @:]+v?", word, maxsplit=1)
        return f"; did you mean '{name}=={version}'?"
    return ": write it as pip does, such as torch==2.8, 'torch>=2.6,<2.9' or spconv."


def _known(wish: Wish, tables: Tables) -> None:
    """Refuse a name that nobody knows and that is spelled nearly like one of the tables: tourch, cudda."""
    import difflib  # noqa: PLC0415 - only here

    known = {*BACKENDS, "python", *tables.measured.names, "spconv", "cumm", "cupy", "mmcv", "flash-attn"}
    if wish.name in known or wish.specifier == "":
        return
    near = difflib.get_close_matches(wish.name, [*BACKENDS, "python", "torch"], n=1, cutoff=0.75)
    if near:
        raise UsageError(f"{wish}: nothing here is named {wish.name!r}{did_you_mean(wish.name, near)}")
