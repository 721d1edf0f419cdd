"""Passwords with every printable character, in the variables that name an index or a proxy."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.hostile.campaign import Attempt, Call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLES = (
    "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HTTPS_PROXY", "HTTP_PROXY",
)  # fmt: skip
CHARACTERS = tuple(each for each in string.printable if each.isprintable())
_DEAD = "127.0.0.1:9"
_STACK = '[[stack]]\nid = "one"\npython = "3.11"\npackages = { goodpkg = "1.0" }\n'


def attempts(seed: int) -> list[Attempt]:
    """Return one attempt for each character, its variable and format going round; then the quoted ones."""
    found = []
    for number, sign in enumerate(CHARACTERS):
        variable = VARIABLES[(number + seed) % len(VARIABLES)]
        form = ("text", "json", "html", "markdown")[(number // len(VARIABLES) + seed) % 4]
        for quoted in (False, True):
            how = "quoted" if quoted else "raw"
            name = f"{variable} {how} {sign!r}"
            found.append(Attempt(name, _with(variable, sign, form, quoted=quoted)))
    return found


def _with(variable: str, sign: str, form: str, *, quoted: bool) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        (folder / "one.toml").write_text(_STACK, "utf-8")
        first, last = "S3CR3TqX", "Zw9PWend"
        password = f"{first}{sign}{last}"
        shown = quote(password, safe="") if quoted else password
        url = f"http://us3rName:{shown}@{_DEAD}/simple"
        words = ["check", "one.toml", "--format", form, "--debug"]
        return Call(words, may=frozenset({0, 1, 2, 3}), secrets=(first, last), environ={variable: url})

    return make
