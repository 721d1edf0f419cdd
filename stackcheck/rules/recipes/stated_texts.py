"""The text of each recipe against the variant that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Outcome
from stackcheck.rules.recipes.findings import has_shelf, wrong
from stackcheck.rules.registry import Finding, passed, rule, skipped
from stackcheck.rules.variants.promise import judge_flags
from stackcheck.variants.matrix import SUFFIX, Shelf, Written, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stackcheck.intake.stack import Recipe, Stack
    from stackcheck.knowledge import Tables


@rule("RECIPE104", when=has_shelf, about="recipe")
def nixpkgs_is_pinned(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe takes the commit of nixpkgs that its family is pinned to.

    Another commit has another torch, another CUDA and another compiler; without any, what is built depends on
    the day.

    Source: the recipe table of the definition.
    Example: a recipe that was left at the commit of the branch before.
    Fix: write the commit of the family.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del model
        if written.pins == (recipe.nixpkgs,):
            return True
        found = ", ".join(written.pins) or "no commit"
        text = f"broken, nixpkgs is pinned to {found}, not to {recipe.nixpkgs}."
        if not written.pins:
            text = f"broken, it pins no commit of nixpkgs; the family is at {recipe.nixpkgs}."
        return wrong(name, text, expected=recipe.nixpkgs, found=found)

    return each_recipe(shelf, tables, judge, "nixpkgs is pinned to the commit of the family")


@rule("RECIPE105", when=has_shelf, about="recipe")
def overlays_are_there(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe has the overlays of its family: the CUDA packages, the patches, the release of torch.

    Without the first the build takes nixpkgs' own CUDA, without the last nixpkgs' own torch, under a name
    that says otherwise.

    Source: the recipe table of the definition.
    Example: a recipe named cuda13_0 without an overlay for cudaPackages_13.
    Fix: add the overlays.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        if written.from_scratch:  # another pattern altogether, which RECIPE110 says
            return False
        lacking = list(_lacking(written, model, recipe))
        if not lacking:
            return True
        number = len(recipe.patches) + 1 + bool(recipe.cuda_packages)
        text = f"broken, {len(lacking)} of {number} overlays are missing: {', '.join(lacking)}."
        return wrong(name, text, expected=f"{number} overlays", found=f"{written.overlays} overlays")

    return each_recipe(shelf, tables, judge, "the overlays of the family are there")


def _lacking(written: Written, model: Stack, recipe: Recipe) -> Iterator[str]:
    if recipe.cuda_packages and recipe.cuda_packages not in written.cuda_packages:
        yield recipe.cuda_packages
    for patch in recipe.patches:
        if patch.url not in written.patches:
            yield f"{patch.package} with {patch.name}"
    if not (written.overlays and written.versions):
        yield f"torch {model.version('torch')}"


@rule("RECIPE106", when=has_shelf, about="recipe")
def the_right_package_is_overridden(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe overrides the package of its family, for its Python.

    The library is called torch in nixpkgs' Python packages: the overlay changes that one, and an override of
    another name does not get what the overlay did.

    Source: pkgs/development/python-modules/torch of nixpkgs, github.com/NixOS/nixpkgs (checked 2026-11-20).
    Example: python3Packages.pytorch.override, where python3Packages.torch is right.
    Fix: write the right name.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        if written.from_scratch:
            return False
        python = (model.python or "").replace(".", "")
        sets = {"3", python} if python else None
        others = [
            f"python{digits}Packages.{attribute}"
            for digits, attribute in written.overridden
            if attribute != recipe.attribute or (sets and digits and digits not in sets)
        ]
        expected = f"python3Packages.{recipe.attribute}"
        if others:
            text = f"broken, it overrides {', '.join(others)}, where {expected} is right."
            return wrong(name, text, expected=expected, found=", ".join(others))
        if not written.overridden:
            return wrong(
                name, f"broken, it does not override {expected}.", expected=expected, found="nothing"
            )
        return True

    return each_recipe(shelf, tables, judge, "the package of the family is overridden")


@rule("RECIPE107", when=has_shelf, about="recipe")
def the_gpu_is_that_of_the_variant(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe with a GPU builds for exactly the SM of its name, spelled as torch takes it.

    gpuTargets becomes TORCH_CUDA_ARCH_LIST: "9.0" is right, "sm_90" is refused by torch's build, and another
    number builds something else under this name.

    Source: gpuTargets in pkgs/development/python-modules/torch of nixpkgs (checked 2026-11-20).
    Example: gpuArchSM = "8.6" in a recipe named sm90.
    Fix: write the capability of the name.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del recipe
        if not model.arch_list or shelf.variant(name) is None:
            return False
        expected = ", ".join(model.arch_list)
        if written.targets == model.arch_list and written.gpu_targets:
            return True
        found = ", ".join(written.targets)
        if not found or (written.targets == model.arch_list and not written.gpu_targets):
            text = f"broken, gpuTargets is not set to {expected}, so it builds for other GPUs too."
        else:
            text = f"broken, it builds for gpuArchSM {found}, and its name says {expected}."
        return wrong(name, text, expected=expected, found=found or "no gpuTargets")

    return each_recipe(shelf, tables, judge, "the GPU is that of the name")


@rule("RECIPE108", when=has_shelf, about="recipe")
def cpu_recipes_have_no_cuda(shelf: Shelf, tables: Tables) -> list[Finding]:
    """A recipe for the CPU has nothing of CUDA in it.

    It would build for hours, bring gigabytes and need a driver, under a name that promises the opposite.

    Source: the stack definitions.
    Example: cudaSupport = true in cpu-avx2.
    Fix: leave the CUDA overlay, cudaSupport and gpuTargets out.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del recipe
        if model.accelerator != "cpu" or not written.cuda:
            return model.accelerator == "cpu"
        words = ", ".join(written.cuda)
        text = f"broken, a recipe for the CPU speaks of CUDA: {words}."
        return wrong(name, text, expected="nothing of CUDA", found=words)

    return each_recipe(shelf, tables, judge, "nothing of CUDA is in what is for the CPU")


@rule("RECIPE109", when=has_shelf, about="recipe")
def the_flags_are_those_of_the_variant(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe compiles with the flags of the CPU instruction set in its name.

    A flag too few makes a slower build, one too many a build that stops with `Illegal instruction`.

    Source: the rows of knowledge/told/instruction-sets.toml.
    Example: -mavx512f in a recipe named avx2.
    Fix: write the flags of the instruction set.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del recipe
        isa = model.variant.isa if model.variant else None
        if shelf.variant(name) is None or isa is None or tables.isas.isa(isa) is None:
            return False
        file = f"{name}{SUFFIX}"
        if not written.cpu_flags:
            return wrong(name, "broken, it sets no cpuFlags.", expected=isa, found="no cpuFlags")
        finding = judge_flags(file, list(written.cpu_flags), isa, tables, whose="cpuFlags")
        return finding.outcome is Outcome.PASS or finding._replace(about=(name,))

    return each_recipe(shelf, tables, judge, "the compiler flags are those of the name")


@rule("RECIPE110", when=has_shelf, about="recipe")
def the_pattern_is_that_of_the_family(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe overrides the package of nixpkgs; none defines it from scratch.

    A package of one's own has none of the patches, dependencies and fixes of nixpkgs, and does not follow
    when the family changes.

    Source: the recipe table of the definition.
    Example: buildPythonPackage with sources of a nightly.
    Fix: replace the recipe.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del model
        if not written.from_scratch:
            return True
        text = f"broken, it defines a package of its own, where the family overrides {recipe.attribute}."
        return wrong(name, text, expected=f"{recipe.attribute}.override", found="buildPythonPackage")

    return each_recipe(shelf, tables, judge, "what nixpkgs has is overridden, not replaced")


@rule("RECIPE111", when=has_shelf, about="recipe")
def the_release_is_that_of_the_family(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe sets the release of torch that its family has.

    The name of the package says one release, and an overlay that was not moved along builds another.

    Source: the stack definitions.
    Example: version = "2.9.0" in a family of torch 2.10.0.
    Fix: write the release of the family, with the hash of its sources.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del recipe
        expected, found = str(model.version("torch")), ", ".join(written.versions)
        if not found or found == expected:
            return bool(found)
        text = f"broken, it builds torch {found}, and the family is at {expected}."
        return wrong(name, text, expected=expected, found=found)

    return each_recipe(shelf, tables, judge, "the release is that of the family")


@rule("RECIPE112", when=has_shelf, about="recipe")
def the_build_steps_are_there(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe has the build steps that its family needs.

    A step is known by a word that it cannot do without, such as the folder or the file that it makes.

    Source: the recipe table of the definition.
    Example: no symbolic links for CCCL, which CUTLASS includes by another path than CUDA 13 has it.
    Fix: add the step.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del model
        lacking = [step for step in recipe.steps if step not in written.steps]
        if written.from_scratch or not recipe.steps:
            return False
        if not lacking:
            return True
        text = f"broken, its build steps do not make {', '.join(lacking)}."
        return wrong(name, text, expected=", ".join(recipe.steps), found="not in the build steps")

    return each_recipe(shelf, tables, judge, "the build steps of the family are there")


@rule("RECIPE113", when=has_shelf, about="recipe")
def the_package_is_named_by_the_variant(shelf: Shelf, tables: Tables) -> list[Finding]:
    """Every recipe gives its package the name of its variant.

    The store path carries it, and two builds of one name cannot be told apart.

    Source: the recipe table of the definition.
    Example: a copied recipe with the pname of the one that it was copied from.
    Fix: write the pname of the variant.
    """

    def judge(name: str, written: Written, model: Stack, recipe: Recipe) -> Finding | bool:
        del model
        if shelf.variant(name) is None or written.from_scratch:
            return False
        if written.pname == (recipe.name,):
            return True
        found = ", ".join(written.pname) or "no pname"
        text = f"broken, its pname is {found}, not {recipe.name}."
        return wrong(name, text, expected=recipe.name, found=found)

    return each_recipe(shelf, tables, judge, "the package has the name of the variant")


def _readable(shelf: Shelf) -> Iterator[tuple[str, Written]]:
    for name, written in shelf.files.items():
        if isinstance(written, Written):
            yield name, written


def each_recipe(
    shelf: Shelf, tables: Tables, judge: Callable[[str, Written, Stack, Recipe], Finding | bool], good: str
) -> list[Finding]:
    """Judge every recipe that can be read against its model.

    `judge` returns a finding, True for a recipe that is right, False for one that it is not about. When all
    are right that is one PASS: "12 recipes: {good}."
    """
    models = [(name, written, shelf.model(name, tables)) for name, written in _readable(shelf)]
    judged = [judge(name, written, model, model.recipe) for name, written, model in models if model.recipe]
    findings = [each for each in judged if isinstance(each, Finding)]
    if findings:
        return findings
    right = judged.count(True)
    none = f"there is no recipe in {shelf.folder} that this could be checked on"
    return [passed(f"{counted(right)}: {good}.") if right else skipped(none)]
