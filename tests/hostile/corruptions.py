"""Caches, locks, reports, baselines and histories with flipped bits, cut off, or replaced by something else.

The stack `good` is at fault whatever is damaged only where the damaged file is its own lock or report; the
stack `bad` wants a version that exists nowhere, and never passes.
"""

from __future__ import annotations

import json
import random
from functools import partial
from typing import TYPE_CHECKING

from tests.hostile.campaign import Attempt, Call
from tests.hostile.made import CHECK, copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NUMBER = 600
ANY = frozenset({0, 1, 2, 3})
NOT_GREEN = frozenset({1, 2, 3})
NOT_BLAMED = frozenset({0, 2, 3})
CALLS: tuple[tuple[str, tuple[str, ...], frozenset[int]], ...] = (
    ("cache/pages/*", (*CHECK, "good.toml"), NOT_BLAMED),
    ("cache/pages/*", (*CHECK, "bad.toml"), NOT_GREEN),
    ("cache/resolve/*/*", (*CHECK, "good.toml"), NOT_BLAMED),
    ("cache/resolve/*/*", (*CHECK, "bad.toml"), NOT_GREEN),
    ("cache/wheel-facts/*/*/*", (*CHECK, "good.toml", "--bytes"), NOT_BLAMED),
    ("cache/imported-names/*/*/*", (*CHECK, "good.toml", "--bytes"), NOT_BLAMED),
    ("cache/unpacked/*/stackcheck.json", (*CHECK, "good.toml", "--bytes"), NOT_BLAMED),
    ("cache/venvs/*/stackcheck.json", ("verify", "-q", "good.toml", "--engine", "venv"), NOT_BLAMED),
    ("cache/locks/*", ("verify", "-q", "good.toml", "--engine", "venv"), NOT_BLAMED),
    ("uv/**/*", (*CHECK, "good.toml"), NOT_BLAMED),
    ("uv/**/*", (*CHECK, "bad.toml"), NOT_GREEN),
    ("work/locks/*", (*CHECK, "good.toml"), ANY),
    ("work/locks/*", (*CHECK, "bad.toml"), NOT_GREEN),
    ("work/good.json", ("report", "good.json"), ANY),
    ("work/bad.json", ("report", "bad.json"), ANY),
    ("work/bad.json", ("report", "bad.json", "--format", "html"), ANY),
    ("work/reports/*", ("drift", "-q", "good.toml"), ANY),
    ("work/good.toml", (*CHECK, "good.toml", "--offline"), ANY),
    ("home/.local/state/stackcheck/*", ("history", "good"), ANY),
)
"""What is damaged, which call meets it, and the exit codes that are right."""


def attempts(seed: int) -> list[Attempt]:
    """Return as many attempts as `NUMBER`: each call in turn, file and damage drawn by the seed."""
    found = []
    for number in range(NUMBER):
        pattern, words, may = CALLS[number % len(CALLS)]
        how = tuple(_DAMAGES)[(number // len(CALLS)) % len(_DAMAGES)]
        name = f"{number} {how} {pattern}: {' '.join(words)}"
        found.append(Attempt(name, partial(_make, pattern, words, may, how, f"{seed}.{number}")))
    return found


def _make(
    pattern: str, words: tuple[str, ...], may: frozenset[int], how: str, seed: str, folder: Path
) -> Call:
    copy(folder)
    chance = random.Random(seed)  # noqa: S311 - the same seed, the same damage
    files = sorted(each for each in folder.parent.glob(pattern) if each.is_file() and not each.is_symlink())
    path = chance.choice(files)
    path.write_bytes(_DAMAGES[how](path.read_bytes(), chance))
    return Call(words, may=may, seconds=90.0)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    made = bytearray(data or b"\0")
    made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _flipped_often(data: bytes, chance: random.Random) -> bytes:
    for _ in range(20):
        data = _flipped(data, chance)
    return data


def _swapped(data: bytes, chance: random.Random) -> bytes:
    at, other = (chance.randrange(len(data) + 1) for _ in range(2))
    return data[other:] + data[at:other] + data[:at]


def _retyped(data: bytes, chance: random.Random) -> bytes:
    """Return JSON with one of its values replaced by another type; what is no JSON, with a word replaced."""
    try:
        document = json.loads(data)
    except ValueError:
        words = data.split(b'"')
        words[chance.randrange(len(words))] = b"[]"
        return b'"'.join(words)
    place = above = document
    key = None
    while isinstance(place, (dict, list)) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        above, key = place, chance.choice(list(keys))
        place = place[key]
        if chance.random() < 0.2:
            break
    if key is not None:
        above[key] = chance.choice([None, [], {}, -1, 10**400, "", True, [[[[]]]], {"a": 1}, "\ud800"])
    return json.dumps(document).encode()


_DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "one bit": _flipped,
    "twenty bits": _flipped_often,
    "cut off": lambda data, chance: data[: chance.randrange(len(data) + 1)],
    "empty": lambda _data, _chance: b"",
    "zeros": lambda data, _chance: bytes(len(data)),
    "noise": lambda data, chance: chance.randbytes(max(len(data), 64)),
    "swapped": _swapped,
    "another type": _retyped,
    "null": lambda _data, _chance: b"null",
    "a list": lambda _data, _chance: b"[]",
    "a text": lambda _data, _chance: b'"x"',
    "deep": lambda _data, _chance: b"[" * 200_000,
    "twice": lambda data, _chance: data * 2,
    "Latin-1": lambda data, _chance: data + "\xe9".encode("latin-1"),
    "a number without end": lambda _data, _chance: b"9" * 9000,
}
