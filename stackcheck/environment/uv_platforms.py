"""Platforms and versions of glibc by the names that uv has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck import knowledge
from stackcheck.environment import environment_of
from stackcheck.model.platforms import ASSUMED, PLATFORMS, judged_for

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack


_GLIBC_KNOWN = (17, 28, *range(31, 41))
"""The minor versions of glibc 2 that `uv pip compile --python-platform` takes (uv 0.13.8)."""


USUAL_GLIBC, NEWEST_GLIBC = 28, 40
"""What is asked for first when no glibc is stated, and what is tried before a wheel is called missing."""


def uv_platform(stack: Stack, *, lenient: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the platform of a stack as uv names it, and what of it is assumed.

    A wheel for an older glibc serves a newer one, so the usual glibc is asked for first; `lenient` asks for
    all that the stack's system has, or for the newest when nothing tells its glibc.
    """
    template = PLATFORMS[judged_for(stack.platform)].uv
    assumed = () if stack.platform else (f"platform {ASSUMED}",)
    if "{}" not in template:
        return template, assumed
    known = environment_of(stack, knowledge.load()).glibc
    newest = known[0].minor if known else NEWEST_GLIBC
    minor = newest if stack.glibc or lenient else min(newest, USUAL_GLIBC)
    if known is None:
        assumed = (*assumed, f"glibc 2.{minor}")
    return template.format(max((k for k in _GLIBC_KNOWN if k <= minor), default=_GLIBC_KNOWN[0])), assumed
