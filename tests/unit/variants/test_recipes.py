"""Recipes: what is rendered is right, every single damage is found for what it is, and a published folder too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from stackcheck import knowledge
from stackcheck.intake import catalog
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import UsageError
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.steps.recipes import check_shelf
from stackcheck.variants.matrix import make_shelf, read_recipe
from stackcheck.variants.writer import nix_string, render_recipe

ROOT = Path(__file__).parents[3]
STACKS = catalog.load([ROOT / "matrices" / "pytorch-variants.toml"])
TEXTS = {f"{stack.id}.nix": render_recipe(stack, knowledge.load()) for stack in STACKS}
PUBLISHED = {
    path.name: path.read_text() for path in (ROOT / "tests" / "data" / "recipes" / "published").glob("*.nix")
}

GPU = "pytorch-python313-cuda13_0-sm90-avx512"
CPU = "pytorch-python313-cpu-avx2"
PIN, OLD = "6a030d535719c5190187c4cec156f335e95e3211", "fe5e41d7ffc0421f0913e8472ce6238ed0daf8e3"
BROKEN = [f"pytorch-python313-cuda13_0-{name}.nix" for name in ("sm110-armv8_2", "sm110-armv9", "sm120-avx")]
NIGHTLY = "pytorch-python313-cuda13_0-sm121-armv9-nightly.nix"


def failures(texts: dict[str, str]) -> list[Verdict]:
    report = check_shelf(make_shelf(STACKS, texts, "recipes"))
    return [verdict for verdict in report.verdicts if verdict.outcome is Outcome.FAIL]


def test_what_is_rendered_passes() -> None:
    report = check_shelf(make_shelf(STACKS, TEXTS, "recipes"))
    rules = [(v.code, v.outcome.name, v.message) for v in report.verdicts if v.code.startswith("RECIPE")]
    assert rules == [
        ("RECIPE101", "PASS", "all 44 variants have a recipe in recipes."),
        ("RECIPE102", "PASS", "44 recipes: none is redundant."),
        ("RECIPE103", "PASS", "44 recipes: none is misnamed."),
        ("RECIPE104", "PASS", "44 recipes: nixpkgs is pinned to the commit of the family."),
        ("RECIPE105", "PASS", "44 recipes: the overlays of the family are there."),
        ("RECIPE106", "PASS", "44 recipes: the package of the family is overridden."),
        ("RECIPE107", "PASS", "40 recipes: the GPU is that of the name."),
        ("RECIPE108", "PASS", "4 recipes: nothing of CUDA is in what is for the CPU."),
        ("RECIPE109", "PASS", "44 recipes: the compiler flags are those of the name."),
        ("RECIPE110", "PASS", "44 recipes: what nixpkgs has is overridden, not replaced."),
        ("RECIPE111", "PASS", "44 recipes: the release is that of the family."),
        ("RECIPE112", "PASS", "40 recipes: the build steps of the family are there."),
        ("RECIPE113", "PASS", "44 recipes: the package has the name of the variant."),
        ("RECIPE114", "PASS", "44 recipes: all were read."),
    ]
    assert report.exit_code() == 0
    assert report.summary == (
        "44 recipes for 44 variants: 44 right, 0 to write again, 0 to delete or rename, 0 missing"
    )


def test_eight_variants_are_advised_against() -> None:
    report = check_shelf(make_shelf(STACKS, TEXTS, "recipes"))
    advice = [verdict for verdict in report.verdicts if verdict.outcome is Outcome.WARN]
    assert [verdict.code for verdict in advice] == ["VARIANT104"] * 8
    assert sum("sm110-" in verdict.message for verdict in advice) == 4
    assert sum("sm121-" in verdict.message for verdict in advice) == 4


def test_rendered_recipes_answer_the_questions_of_the_published_plan() -> None:
    marks = ("cudaPackages_13", "cuda-13.0-clockrate-fix.patch", 'version = "2.10.0"')
    for name, text in TEXTS.items():
        lines = [line for line in text.splitlines() if any(mark in line for mark in marks)]
        assert len(lines) == (1 if "-cpu-" in name else 3), name
        assert OLD not in text
    assert 'gpuArchSM = "9.0"' in TEXTS[f"{GPU}.nix"]
    assert 'gpuArchSM = "12.1"' in TEXTS["pytorch-python313-cuda13_0-sm121-armv9.nix"]
    assert "aarch64-linux" in TEXTS["pytorch-python313-cuda13_0-sm121-armv9.nix"]
    assert sum("cuda" in line.lower() for line in TEXTS[f"{CPU}.nix"].splitlines()) == 0


DAMAGES: list[tuple[str, str, str, str, str]] = [
    (GPU, PIN, OLD, "RECIPE104", f"broken, nixpkgs is pinned to {OLD}, not to {PIN}."),
    (
        GPU,
        PIN,
        "nixos-unstable",
        "RECIPE104",
        f"broken, it pins no commit of nixpkgs; the family is at {PIN}.",
    ),
    (
        GPU,
        "cudaPackages = final.cudaPackages_13;",
        "",
        "RECIPE105",
        "broken, 1 of 3 overlays are missing: cudaPackages_13.",
    ),
    (
        GPU,
        "235aefb7b064954fce09d035c69907ba8a87cbcd",
        "0000000000",
        "RECIPE105",
        "broken, 1 of 3 overlays are missing: magma with cuda-13.0-clockrate-fix.patch.",
    ),
    (
        GPU,
        "(nixpkgs.python3Packages.torch.override {",
        "(nixpkgs.python3Packages.pytorch.override {",
        "RECIPE106",
        "broken, it overrides python3Packages.pytorch, where python3Packages.torch is right.",
    ),
    (
        GPU,
        "(nixpkgs.python3Packages.torch.override {",
        "(nixpkgs.python312Packages.torch.override {",
        "RECIPE106",
        "broken, it overrides python312Packages.torch, where python3Packages.torch is right.",
    ),
    (
        CPU,
        "nixpkgs.python3Packages.torch.overrideAttrs (before:",
        "nixpkgs.stdenv.mkDerivation (before:",
        "RECIPE106",
        "broken, it does not override python3Packages.torch.",
    ),
    (
        GPU,
        'gpuArchSM = "9.0"',
        'gpuArchSM = "8.6"',
        "RECIPE107",
        "broken, it builds for gpuArchSM 8.6, and its name says 9.0.",
    ),
    (
        GPU,
        'gpuArchSM = "9.0"',
        'gpuArchSM = "sm_90"',
        "RECIPE107",
        "broken, it builds for gpuArchSM sm_90, and its name says 9.0.",
    ),
    (
        GPU,
        "gpuTargets = [ gpuArchSM ];",
        'gpuTargets = [ gpuArchSM "8.0" ];',
        "RECIPE107",
        "broken, it builds for gpuArchSM 8.0, 9.0, and its name says 9.0.",
    ),
    (
        GPU,
        "gpuTargets = [ gpuArchSM ];",
        "",
        "RECIPE107",
        "broken, gpuTargets is not set to 9.0, so it builds for other GPUs too.",
    ),
    (
        CPU,
        "    inherit system;\n",
        "    inherit system;\n    config = { cudaSupport = true; };\n",
        "RECIPE108",
        "broken, a recipe for the CPU speaks of CUDA: cudaSupport.",
    ),
    (
        CPU,
        "    overlays = [\n",
        "    overlays = [\n      (final: prev: { cudaPackages = final.cudaPackages_13; })\n",
        "RECIPE108",
        "broken, a recipe for the CPU speaks of CUDA: cudaPackages, final.cudaPackages_13.",
    ),
    (
        CPU,
        '"-mf16c"',
        '"-mavx512f"',
        "RECIPE109",
        "cpuFlags has -mavx512f beyond avx2: CPUs that avx2 promises stop there.",
    ),
    (GPU, '"-mavx512f" ', '"-O3" ', "", ""),  # -mavx512dq switches it on
    (
        GPU,
        '"-mavx512f" "-mavx512dq" "-mavx512vl" "-mavx512bw" "-mfma"',
        '"-mavx2" "-mfma"',
        "RECIPE109",
        "cpuFlags has no -mavx512f, which avx512 promises.",
    ),
    (GPU, "cpuFlags = [", "otherFlags = [", "RECIPE109", "broken, it sets no cpuFlags."),
    (
        GPU,
        '"2.10.0"',
        '"2.9.1"',
        "RECIPE111",
        "broken, it builds torch 2.9.1, and the family is at 2.10.0.",
    ),
    (GPU, "cccl-compat", "elsewhere", "RECIPE112", "broken, its build steps do not make cccl-compat."),
    (
        GPU,
        "pytorch210-python313",
        "pytorch-python313",
        "RECIPE113",
        "broken, its pname is pytorch-python313-cuda13_0-sm90-avx512, not pytorch210-python313-cuda13_0-sm90-avx512.",
    ),
    (GPU, "requiredSystemFeatures = [", "requiredSystemFeatures = [ [", "RECIPE114", ""),
]


@pytest.mark.parametrize(("name", "old", "new", "code", "message"), DAMAGES)
def test_one_damage_is_found_for_what_it_is(name: str, old: str, new: str, code: str, message: str) -> None:
    text = TEXTS[f"{name}.nix"]
    assert old in text
    found = failures(TEXTS | {f"{name}.nix": text.replace(old, new)})
    assert [verdict.code for verdict in found] == ([code] if code else [])
    if message:
        assert found[0].message == f"{name}.nix: {message}"


def test_text_that_is_no_nix_names_the_line() -> None:
    (verdict,) = failures(TEXTS | {f"{CPU}.nix": "{ a = [ 1; }\n"})
    assert (verdict.code, verdict.message) == (
        "RECIPE114",
        f"{CPU}.nix: broken, this is not a Nix expression: line 1: }} closes nothing.",
    )
    assert verdict.hint == f"`nix-instantiate --parse {CPU}.nix` names the place"


def test_a_recipe_for_the_cpu_may_say_that_it_has_no_cuda() -> None:
    text = TEXTS[f"{CPU}.nix"].replace("    inherit system;\n", "    config.cudaSupport = false; # no CUDA\n")
    assert failures(TEXTS | {f"{CPU}.nix": text}) == []


def test_a_missing_recipe_is_named() -> None:
    (verdict,) = failures({name: text for name, text in TEXTS.items() if name != f"{GPU}.nix"})
    assert (verdict.code, verdict.message, verdict.found, verdict.hint) == (
        "RECIPE101",
        f"{GPU}.nix is missing: the matrix has this variant, and no recipe builds it.",
        "no such file in recipes",
        "`stackcheck recipes render -o DIR` writes it",
    )


def test_a_recipe_under_another_name_is_misnamed() -> None:
    renamed = {name.replace(f"{GPU}.nix", f"{GPU}-new.nix"): text for name, text in TEXTS.items()}
    missing, misnamed = failures(renamed)
    assert missing.code == "RECIPE101"
    assert (misnamed.code, misnamed.message, misnamed.hint) == (
        "RECIPE103",
        f"{GPU}-new.nix: misnamed, it builds {GPU}.",
        f"name it {GPU}.nix",
    )


def test_the_pin_may_stand_in_a_fetcher() -> None:
    text = f'import (fetchFromGitHub {{ owner = "NixOS"; repo = "nixpkgs"; rev = "{PIN}"; }}) {{ }}'
    assert read_recipe(text).pins == (PIN,)
    assert read_recipe(f'builtins.getFlake "github:NixOS/nixpkgs/{PIN}"').pins == (PIN,)
    assert read_recipe(f'fetchFromGitHub {{ repo = "pytorch"; rev = "{PIN}"; }}').pins == ()


def test_files_of_another_family_are_not_judged() -> None:
    report = check_shelf(make_shelf(STACKS, TEXTS | {"default.nix": "{ }"}, "recipes"))
    assert [(v.code, v.message) for v in report.verdicts if v.outcome is Outcome.SKIP] == [
        ("RECIPE114", "default.nix: no recipes of this family by their names, so they were not read.")
    ]
    assert report.exit_code() == 0


def test_a_name_that_begins_as_a_variant_is_taken_for_it() -> None:
    """What it builds cannot be told from the text: the name says what was meant."""
    text = "nixpkgs.python3Packages.buildPythonPackage { }"
    shelf = make_shelf(STACKS, {f"{GPU}-nightly.nix": text}, "recipes")
    found = [v for v in check_shelf(shelf).verdicts if v.code in ("RECIPE102", "RECIPE103")]
    assert [(v.outcome.name, v.code, v.message) for v in found] == [
        ("PASS", "RECIPE102", "1 recipe: none is redundant."),
        ("FAIL", "RECIPE103", f"{GPU}-nightly.nix: misnamed, it builds {GPU}."),
    ]


def test_an_empty_folder_passes_nothing_but_its_advice() -> None:
    report = check_shelf(make_shelf(STACKS, {}, "recipes"))
    outcomes = Counter(v.outcome.name for v in report.verdicts if v.code.startswith("RECIPE"))
    assert outcomes == {"FAIL": 44, "SKIP": 13}
    assert report.summary == (
        "0 recipes for 44 variants: 0 right, 0 to write again, 0 to delete or rename, 44 missing"
    )


def test_the_published_folder_gets_the_diagnosis_of_its_own_project() -> None:
    report = check_shelf(make_shelf(STACKS, PUBLISHED, "recipes"))
    found = [verdict for verdict in report.verdicts if verdict.outcome is Outcome.FAIL]
    missing = [verdict for verdict in found if verdict.code == "RECIPE101"]
    assert len(PUBLISHED) == 6
    assert len(missing) == 41
    assert report.summary == (
        "6 recipes for 44 variants: 1 right, 2 to write again, 3 to delete or rename, 41 missing"
    )
    overlays = "cudaPackages_13, magma with cuda-13.0-clockrate-fix.patch, torch 2.10.0"
    assert [(v.code, v.message) for v in found if v not in missing] == [
        (
            "RECIPE102",
            f"{BROKEN[2]}: redundant, no variant of the matrix has its name, or is what it builds.",
        ),
        (
            "RECIPE102",
            "pytorch-python313-cuda13_0-sm120-avx512-magma.nix: redundant, it builds pytorch-python313-cuda13_0-sm120-avx512, which has a recipe of its own.",
        ),
        ("RECIPE103", f"{NIGHTLY}: misnamed, it builds pytorch-python313-cuda13_0-sm121-armv9."),
        *(("RECIPE104", f"{file}: broken, nixpkgs is pinned to {OLD}, not to {PIN}.") for file in BROKEN),
        *(("RECIPE105", f"{file}: broken, 3 of 3 overlays are missing: {overlays}.") for file in BROKEN),
        *(
            (
                "RECIPE106",
                f"{file}: broken, it overrides python3Packages.pytorch, where python3Packages.torch is right.",
            )
            for file in BROKEN
        ),
        (
            "RECIPE110",
            f"{NIGHTLY}: broken, it defines a package of its own, where the family overrides torch.",
        ),
        ("RECIPE111", f"{NIGHTLY}: broken, it builds torch 2.9.0, and the family is at 2.10.0."),
        *(
            (
                "RECIPE112",
                f"{file}: broken, its build steps do not make cccl-compat, FindCUDAToolkit.cmake.",
            )
            for file in BROKEN
        ),
    ]
    hints = {
        verdict.message.partition(":")[0]: verdict.hint for verdict in found if verdict.code < "RECIPE104"
    }
    assert hints[BROKEN[2]] == (
        "delete it; the variant of the nearest name is pytorch-python313-cuda13_0-sm120-avx2"
    )
    assert hints["pytorch-python313-cuda13_0-sm120-avx512-magma.nix"] == "delete it"
    assert hints[NIGHTLY] == (
        "delete it, and write pytorch-python313-cuda13_0-sm121-armv9.nix from the matrix"
    )


def test_rendering_what_lacks_makes_the_published_folder_right() -> None:
    kept = {name: text for name, text in PUBLISHED.items() if f"{name}" in TEXTS and "sm120" in name}
    assert list(kept) == ["pytorch-python313-cuda13_0-sm120-avx512.nix"]
    assert failures(TEXTS | kept) == []


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ({}, "a [stack.recipe] table, an instruction set that stackcheck knows (variant.isa), an exact version of torch, a Linux platform, one entry of arch_list, or accelerator = 'cpu'"),
        ({"platform": "linux/amd64", "packages": {"torch": ">=2"}, "accelerator": "cpu", "variant": {"isa": "avx2"}}, "a [stack.recipe] table, an exact version of torch"),
    ],
)  # fmt: skip
def test_a_stack_that_lacks_something_is_not_rendered(fields: dict[str, object], lacks: str) -> None:
    stack = Stack.model_validate({"id": "x", **fields})
    with pytest.raises(UsageError) as caught:
        render_recipe(stack, knowledge.load())
    assert str(caught.value) == f"x: a recipe needs {lacks}; state it in the definition"


def test_a_nix_string_interpolates_nothing() -> None:
    assert nix_string('a "b" \\ ${c}\n') == '"a \\"b\\" \\\\ \\${c}\\n"'
