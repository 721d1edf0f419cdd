"""A folder of recipes (Nix expressions) against the variants that it is for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from stackcheck.rules.recipes.findings import has_shelf, wrong
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped
from stackcheck.variants.matrix import SUFFIX, Shelf, Written, counted

if TYPE_CHECKING:
    from stackcheck.knowledge import Tables


def _none(shelf: Shelf, fault: str) -> Finding:
    if not shelf.files:
        return skipped(f"there is no recipe in {shelf.folder} that this could be checked on")
    return passed(f"{counted(len(shelf.files))}: none is {fault}.")


@rule("RECIPE101", when=has_shelf, about="recipe")
def every_variant_has_a_recipe(shelf: Shelf) -> list[Finding]:
    """Every variant of the matrix has a recipe, in a file of its name.

    What has no recipe is not built, and nobody sees that something is missing from a folder.

    Source: the stack definitions.
    Example: a matrix of 44 variants and a folder of six files.
    Fix: `stackcheck recipes render -o DIR` writes them all.
    """
    missing = [stack.id for stack in shelf.wanted if stack.id not in shelf.files]
    if not missing:
        return [passed(f"all {len(shelf.wanted)} variants have a recipe in {shelf.folder}.")]
    return [
        failed(
            f"{name}{SUFFIX} is missing: the matrix has this variant, and no recipe builds it.",
            expected=f"{name}{SUFFIX}",
            found=f"no such file in {shelf.folder}",
            hint="`stackcheck recipes render -o DIR` writes it",
            about=name,
        )
        for name in missing
    ]


@rule("RECIPE102", when=has_shelf, about="recipe")
def no_recipe_is_redundant(shelf: Shelf, tables: Tables) -> list[Finding]:
    """No recipe builds what another builds already, or what the matrix does not have.

    Two files for one variant drift apart, and a build that no matrix names is one that nobody checks.

    Source: the stack definitions.
    Example: sm120-avx512-magma beside sm120-avx512: every variant has MAGMA.
    Fix: delete the file, or add the variant to the matrix.
    """
    findings = []
    for name, written in shelf.files.items():
        if shelf.variant(name):
            continue
        meant = shelf.meant(name, tables)
        if meant is not None and meant.id in shelf.files:
            text = f"redundant, it builds {meant.id}, which has a recipe of its own."
            findings.append(wrong(name, text, expected="one recipe a variant", found=name, hint="delete it"))
        elif meant is None and isinstance(written, Written):
            near = difflib.get_close_matches(name, [stack.id for stack in shelf.wanted], n=1, cutoff=0.0)
            text = "redundant, no variant of the matrix has its name, or is what it builds."
            hint = f"delete it; the variant of the nearest name is {near[0]}"
            findings.append(wrong(name, text, expected="a variant of the matrix", found=name, hint=hint))
    return findings or [_none(shelf, "redundant")]


@rule("RECIPE103", when=has_shelf, about="recipe")
def recipes_are_named_by_what_they_build(shelf: Shelf, tables: Tables) -> list[Finding]:
    """A recipe has the name of the variant that it builds.

    The name is all that a user of the catalog sees.

    Source: the stack definitions.
    Example: sm121-armv9-nightly builds what the matrix calls sm121-armv9.
    Fix: rename the file.
    """
    findings = []
    for name, written in shelf.files.items():
        meant = shelf.meant(name, tables)
        if meant is None or meant.id == name:
            continue
        if not shelf.variant(name) and meant.id not in shelf.files:
            text = f"misnamed, it builds {meant.id}."
            hint = f"name it {meant.id}{SUFFIX}"
            if isinstance(written, Written) and written.from_scratch:
                hint = f"delete it, and write {meant.id}{SUFFIX} from the matrix"
            findings.append(wrong(name, text, expected=f"{meant.id}{SUFFIX}", found=name, hint=hint))
    return findings or [_none(shelf, "misnamed")]


@rule("RECIPE114", when=has_shelf, about="recipe")
def recipes_can_be_read(shelf: Shelf) -> list[Finding]:
    """Every recipe is text that Nix can parse, as far as its strings, comments and brackets tell.

    Source: string literals and comments in the Nix manual, nixos.org/manual/nix (checked 2026-11-20).
    Example: a bracket that is never closed.
    Fix: `nix-instantiate --parse FILE` names the place.
    """
    findings = [
        wrong(
            name,
            f"broken, this is not a Nix expression: {written}.",
            expected="a Nix expression",
            found=written,
            hint=f"`nix-instantiate --parse {name}{SUFFIX}` names the place",
        )
        for name, written in shelf.files.items()
        if isinstance(written, str)
    ]
    if shelf.others:
        names = ", ".join(shelf.others[:3]) + (" and more" if len(shelf.others) > 3 else "")
        findings.append(skipped(f"{names}: no recipes of this family by their names, so they were not read"))
    if findings:
        return findings
    return [
        passed(f"{counted(len(shelf.files))}: all were read.")
        if shelf.files
        else skipped(f"there is no recipe in {shelf.folder}")
    ]
