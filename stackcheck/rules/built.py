"""Rules over the built image that need nothing to run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.registry import Finding, failed, passed, rule, skipped
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.image import ImageFacts


@rule("IMAGE301")
def base_has_the_python_of_the_stack(stack: Stack, image: ImageFacts) -> Finding | None:
    """The image has the Python of the stack.

    Wheels with native code are made for one minor version of CPython (the tag `cp311`): under another they
    do not install, or a copied environment does not import.

    Source: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ (2026-11-20).
    Example: the stack says 3.11, and the base image ubuntu:22.04 has Python 3.10.12.
    Fix: take a base with that Python (python:3.11-slim-bookworm), or state the Python that the base has.
    """
    if not stack.python:
        return None
    where = image.base or (image.tags[0] if image.tags else image.id)
    found = image.base_python or image.python
    if not found:
        return skipped(f"no Python answered in {where}, so its version is not known", Evidence(where))
    if _minor(found) == _minor(stack.python):
        return passed(f"{where} has Python {found}", Evidence(where), expected=stack.python, found=found)
    return failed(
        f"{where} has Python {found}, and the stack is for Python {stack.python}",
        Evidence(where, image.base_id or image.id),
        expected=stack.python,
        found=found,
        hint=f'take a base with Python {stack.python}, or state python = "{".".join(_minor(found))}"',
    )


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
