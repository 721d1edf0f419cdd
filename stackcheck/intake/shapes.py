"""The shapes of names that a definition states: what goes into a Dockerfile, a command, or a request.

A name that is none would break out of its line, be read as an option, or ask an engine for something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.intake.stack import Stack

LONGEST = 1 << 16
"""Characters of one text of a definition; the longest that is known has some hundred."""
_LONGEST_VERSION = 200
_VERSIONS = frozenset(("cuda", "toolkit", "rocm", "glibc", "driver", "driver_cuda", "version", "id"))

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REFERENCE = re.compile(
    rf"{_PART}(?::[0-9]{{1,5}})?(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
"""github.com/distribution/reference, the grammar of names (2026-11-30); capitals occur in hosts."""
_PYTHON = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*")
_STAGE = re.compile(_PART)
_APT = re.compile(r"[a-z0-9][a-z0-9+.:-]*(=[A-Za-z0-9.+:~-]+)?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""packaging.python.org/specifications/name-normalization (2026-11-30)."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PROBE = re.compile(r"[A-Za-z0-9_]+")


def long_texts(row: Any) -> Iterator[str]:
    """Yield a fault for each text of a row that no definition needs: endless ones, and a zero byte."""
    held = [row]
    for each in held:  # it grows; nearly every row has short texts alone
        if isinstance(each, str):
            if len(each) > _LONGEST_VERSION or "\0" in each:
                yield from _long_texts(row)
                return
        elif isinstance(each, dict):
            held += each
            held += each.values()
        elif isinstance(each, list):
            held += each


def _long_texts(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, str):
        limit = _LONGEST_VERSION if key.rpartition(".")[2] in _VERSIONS else LONGEST
        if len(value) > limit:
            yield f"{key}: {len(value):,} characters are more than the {limit:,} that a text may have"
        elif "\0" in value:
            yield f"{key}: it holds a zero byte"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _long_texts(name[: LONGEST + 1], key)
            yield from _long_texts(each, f"{key}.{name[:80]}" if key else name[:80])
    elif isinstance(value, list):
        for each in value:
            yield from _long_texts(each, key)


def shape_faults(stack: Stack) -> Iterator[str]:
    """Yield a fault for each name of a stack that is none, as `key: what is wrong`."""
    for key, name, shape, what in _stated(stack):
        if name and not shape.fullmatch(name):
            yield f"{key[:100]}: {name[:80]!r} is not {what}"


def _stated(stack: Stack) -> Iterator[tuple[str, str | None, re.Pattern[str], str]]:
    image, distribution = stack.image, "the name of a distribution"
    yield "image.base", image.base, _REFERENCE, "the name of an image"
    yield "image.build_base", image.build_base, _REFERENCE, "the name of an image"
    yield "image.ready", image.ready, _REFERENCE, "the name of an image"
    yield "image.python", image.python, _PYTHON, "the path or name of an interpreter"
    yield "image.target", image.target, _STAGE, "the name of a stage"
    yield from (("image.apt", name, _APT, "the name of a package") for name in image.apt)
    yield from (("packages", name, _NAME, distribution) for name in stack.packages)
    yield from (("packages", name, _NAME, distribution) for name in stack.left_out)
    for name, package in stack.packages.items():
        yield from (
            (f"packages.{name}.extras", each, _NAME, "the name of an extra") for each in package.extras
        )
    yield from (("env", name, _VARIABLE, "the name of a variable") for name in stack.env)
    for name in (*stack.probes.want, *stack.probes.skip):
        yield "probes", name, _PROBE, "the name of a probe"
