"""What the resolver has said takes part in the search: choices of today, conflicts that stand, dead indexes."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution, Unresolved
from stackcheck.suggest import Suggestion, spell, suggest
from stackcheck.suggest.failing import Judging
from stackcheck.suggest.kept import still_resolved
from stackcheck.suggest.learned import Failure, Learned
from stackcheck.suggest.moves import is_far_down

PYPI = "https://pypi.org/simple"


def stack(**fields: Any) -> Stack:
    usual = {"id": "case", "python": "3.12", "platform": "linux/amd64", "accelerator": "cuda"}
    return Stack.model_validate(usual | fields)


def resolution(*rows: tuple[str, str] | tuple[str, str, tuple[str, ...]]) -> Resolution:
    packages = (
        LockedPackage(
            name, Version(version), f"{name}-{version}-py3-none-any.whl", index=PYPI, requires=needs
        )
        for name, version, needs in ((*row, ())[:3] for row in rows)
    )
    return Resolution(tuple(packages), "3.12", "x86_64-manylinux_2_28", "0.13.8", "")


def found(of: Stack, taken: Resolution | None = None, learned: Learned | None = None) -> Suggestion:
    return suggest(definition_facts(of, knowledge.load(), resolution=taken), learned=learned)


def made(suggestion: Suggestion) -> dict[str, str]:
    assert suggestion.proven, suggestion.remaining
    return {".".join(each.path): spell(each.after) for each in suggestion.changes}


TORCH_215 = (
    ("torch", "2.15.0", ("nvidia-cuda-runtime",)),
    ("torchaudio", "2.11.0", ("torch",)),
    ("nvidia-cuda-runtime", "13.2.86"),
)
PYTORCH_DOWN = Unresolved(
    "unreachable", "it did not answer", where="https://download.pytorch.org/whl/cu126/torch/"
)


def test_d1_a_range_that_resolves_to_a_torch_without_the_gpu_gets_a_pin_that_serves() -> None:
    of = stack(
        gpus=["GTX 1080 Ti"],
        driver="535.104.05",
        packages={"torch": ">=2.4", "torchaudio": ">=2.4", "numpy": "<2"},
    )
    taken = resolution(*TORCH_215, ("numpy", "1.26.4"))
    assert made(found(of, taken))["packages.torch"].startswith('{ version = "2.14.1+cu126"')
    without_index = found(of, learned=Learned().plus(of, taken, ()).plus(of, PYTORCH_DOWN, ()))
    assert made(without_index)["packages.torch"] == "2.7.1"


def test_d1_offline_what_is_not_pinned_is_said_to_be_unchecked() -> None:
    of = stack(gpus=["GTX 1080 Ti"], driver="535.104.05", packages={"torch": ">=2.4"})
    start = Judging(definition_facts(of, knowledge.load()))
    assert start.start.fails == ()
    assert {"ARCH101", "DRIVER101"} <= {each.code for each in start.doubts}


def conflict(*requirements: str, message: str = "a conflict") -> Unresolved:
    return Unresolved("conflict", message, requirements)


UNTOLD = conflict("untold-ops==0.5.0: torch>=2.4.0", "the stack: torch==2.2.0")


def test_d6_a_proven_conflict_moves_torch_and_its_companion_to_the_nearest_that_fits() -> None:
    of = stack(python="3.10", packages={"torch": "2.2.0", "torchvision": "0.17.0", "untold-ops": "0.5.0"})
    assert found(of).changes == ()
    learned = Learned().plus(of, UNTOLD, ())
    assert made(found(of, learned=learned)) == {"packages.torch": "2.4.0", "packages.torchvision": "0.19.0"}


def test_d6_the_nearest_version_that_the_resolver_offers_is_one_change() -> None:
    of = stack(python="3.10", packages={"torch": "2.2.0", "torchvision": "0.17.0", "untold-ops": "0.5.0"})
    offers = {("untold-ops", "0.5.0"): (Version("0.4.0"),)}
    learned = Learned(failures=(Failure(UNTOLD, of),), offers=offers)
    assert made(found(of, learned=learned)) == {"packages.untold-ops": "0.4.0"}


PYANNOTE = conflict("pyannote-audio==4.0.2: torchaudio==2.8.0", "the stack: torchaudio==2.9.1")


def test_d14_a_proven_conflict_stays_where_only_the_build_or_the_index_changes() -> None:
    packages = {"torch": "2.9.1", "torchaudio": "2.9.1", "pyannote-audio": "4.0.2"}
    of = stack(platform="linux/arm64", gpus=["GB10"], packages=packages)
    index = {"index": "https://download.pytorch.org/whl/cu130"}
    moved = {"torch": {"version": "2.9.1+cu130", **index}, "torchaudio": {"version": "2.9.1+cu130", **index}}
    failure = Failure(PYANNOTE, of)
    assert failure.stands(of)
    assert failure.stands(stack(platform="linux/arm64", packages=packages | moved))
    assert not failure.stands(stack(platform="linux/arm64", packages=packages | {"torchaudio": "2.8.0"}))
    assert not failure.stands(stack(platform="linux/arm64", packages=packages | {"pyannote-audio": "4.0.1"}))
    suggestion = found(of, learned=Learned(failures=(failure,)))
    made_good = suggestion.stack.packages
    assert not suggestion.changes or not failure.stands(suggestion.stack), made_good


def test_a_file_that_is_missing_is_missing_until_who_needs_it_or_its_index_changes() -> None:
    why = Unresolved("no-platform-wheel", "no wheel", ("torchcodec==0.7.0",), who="pyannote-audio==4.0.2")
    of = stack(packages={"pyannote-audio": "4.0.2", "torch": "2.8.0"})
    failure = Failure(why, of)
    assert failure.stands(stack(packages={"pyannote-audio": "4.0.2", "torch": "2.8.0+cu129"}))
    assert not failure.stands(stack(packages={"pyannote-audio": "4.0.1", "torch": "2.8.0"}))
    assert not failure.stands(stack(packages=dict(of.packages), python="3.11"))
    assert not failure.stands(
        stack(packages=dict(of.packages), index={"extra": ["https://a.example/simple"]})
    )


def test_an_index_that_did_not_answer_is_not_suggested_again() -> None:
    of = stack(driver="570.86.10", packages={"torch": "2.11.0"}, index={"url": PYPI})
    assert "download.pytorch.org" in made(found(of))["packages.torch"]
    learned = Learned().plus(of, PYTORCH_DOWN, ())
    assert made(found(of, learned=learned)) == {"packages.torch": "2.10.0"}


def test_d22_the_torch_that_a_package_requires_brings_its_torchvision() -> None:
    of = stack(python="3.10", packages={"torch": "2.2.0", "torchvision": "0.17.0", "vllm": "0.6.3"})
    assert made(found(of)) == {"packages.torch": "2.4.0", "packages.torchvision": "0.19.0"}


FLASH = {"version": "2.8.3", "from": "source"}
TORCH_211 = resolution(("torch", "2.11.0", ("nvidia-cuda-runtime",)), ("nvidia-cuda-runtime", "13.0.96"))


def test_d25_the_image_that_compiles_is_changed_to_the_cuda_of_torch() -> None:
    of = stack(
        packages={"torch": "2.11.0", "flash-attn": FLASH},
        image={"base": "nvidia/cuda:12.8.1-devel-ubuntu24.04"},
    )
    assert made(found(of, TORCH_211)) == {"image.base": "nvidia/cuda:13.0.3-devel-ubuntu24.04"}


@pytest.mark.parametrize("toolkit", ["12.4", "13.0"], ids=["e11", "d26"])
def test_e11_toolkit_and_image_are_never_left_apart(toolkit: str) -> None:
    of = stack(
        toolkit=toolkit,
        packages={"torch": "2.11.0", "flash-attn": FLASH},
        image={"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"},
    )
    suggestion = found(of, TORCH_211)
    assert suggestion.proven
    image, stated = suggestion.stack.image.base or "", suggestion.stack.toolkit or ""
    assert image.startswith(f"nvidia/cuda:{stated}.")
    torch = suggestion.stack.packages["torch"].version
    assert stated == "13.0" or torch != "2.11.0"


def test_a_toolkit_that_changes_takes_the_image_with_it() -> None:
    """Of the GPU no earlier nvcc knows anything, so neither of the two can stay."""
    of = stack(
        toolkit="12.4",
        gpus=["RTX 5090"],
        arch_list=["12.0"],
        packages={"torch": {"version": "2.8.0", "from": "source"}, "flash-attn": FLASH},
        image={"base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"},
    )
    changed = made(found(of))
    assert changed["toolkit"] in changed["image.base"]


def test_e10_no_wheel_for_servers_is_suggested_for_a_jetson() -> None:
    of = stack(python="3.10", platform="linux/arm64", gpus=["Jetson Orin Nano"], packages={"torch": "2.7.1"})
    suggestion = found(of)
    assert (suggestion.proven, suggestion.changes) == (False, ())


def test_what_hangs_on_a_changed_package_is_not_kept_of_a_resolution() -> None:
    before = stack(packages={"torch": ">=2.4", "torchaudio": ">=2.4", "transformers": "4.44.2"})
    taken = resolution(*TORCH_215, ("transformers", "4.44.2", ("numpy",)), ("numpy", "2.4.6"))
    after = stack(packages={"torch": "2.4.0", "torchaudio": ">=2.4", "transformers": "4.44.2"})
    kept = still_resolved(taken, before, after)
    assert kept is not None
    assert sorted(kept.by_name) == ["numpy", "transformers"]
    assert still_resolved(taken, before, before) == taken
    assert still_resolved(taken, before, stack(packages=dict(before.packages), python="3.11")) is None


@pytest.mark.parametrize(
    ("now", "other", "far"),
    [("0.18.2", "0.3.1", True), ("0.5.0", "0.4.0", False), ("4.0.2", "3.4.0", True), ("2.9", "2.1", False)],
)
def test_a_major_step_down(now: str, other: str, *, far: bool) -> None:
    assert is_far_down(Version(now), Version(other)) is far


def test_an_index_that_nobody_knows_is_no_repair_of_a_break() -> None:
    """There the FAIL is a WARN under an assumption: that must not count as lifted."""
    of = stack(gpus=["GTX 1080 Ti"], packages={"torch": "2.9.1"})
    judging = Judging(definition_facts(of, knowledge.load()))
    assert {each.code for each in judging.start.fails} >= {"ARCH101"}
    moved = of.packages["torch"].model_copy(update={"index": "https://wheels.example/simple"})
    assert "ARCH101" in {each.code for each in judging.judge({("packages", "torch"): moved}).fails}
