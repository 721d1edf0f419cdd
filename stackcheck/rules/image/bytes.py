"""What was built: the Python of the image, and of its chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.image.tier_stacks import is_tier
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.image import ImageFacts
    from stackcheck_probes.facts.python import Pythons


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


@rule("TIER302", when=is_tier, about="interpreter")
def chain_has_one_python(pythons: Pythons) -> Finding:
    """An image at the end of a chain has one Python, and no conda.

    Each tier can bring another interpreter, and pip then installs where nobody looks: a base image with conda
    below a distribution's python3 is the usual one.

    Source: https://docs.conda.io, "Using pip in an environment"; github.com/pytorch/pytorch/issues/138991
    Example: FROM pytorch/pytorch (conda in /opt/conda), then apt-get install python3.10.
    Fix: build on an image without Python, and install one in the lowest tier.
    """
    rows = [f"{each['version']} ({each['path']})" for each in pythons["pythons"]]
    conda = ", ".join(pythons["conda"])
    if len(rows) == 1 and not conda:
        return passed(f"the image has one Python, {rows[0]}, and no conda.")
    if not rows:
        return skipped("no Python was found in the usual folders")
    count = "one Python" if len(rows) == 1 else f"{len(rows)} Pythons"
    return warned(
        f"the image has {count}, {', '.join(rows)}, and {f'conda in {conda}' if conda else 'no conda'}.",
        expected="one Python, no conda",
        found=f"{count}, {'conda' if conda else 'no conda'}",
        hint="find the tier that brought it with `docker history`, and install one Python in the lowest",
        about=[*(each["path"] for each in pythons["pythons"]), *pythons["conda"]],
    )
