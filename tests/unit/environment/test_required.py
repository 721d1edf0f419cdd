"""A torch that nobody pins: drawn in by another package, resolved or by METADATA alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import Environment, environment_of
from stackcheck.environment.required import required_torch
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Level, Outcome, Verdict
from stackcheck.rules.registry import RULES, judge_one

TABLES = knowledge.load()
PYPI = "https://pypi.org/simple"
DRAWN = ("torch", "2.11.0"), ("nvidia-cuda-runtime", "13.0.96")
VLLM: dict[str, Any] = {"packages": {"vllm": "0.11.0"}}


def env(resolution: Resolution | None = None, **fields: Any) -> Environment:
    return environment_of(Stack.model_validate({"id": "case", **fields}), TABLES, {}, resolution)


def resolved(*packages: tuple[str, str], offline: bool = False) -> Resolution:
    locked = tuple(LockedPackage(n, Version(v), f"{n}-{v}.whl", index=PYPI) for n, v in packages)
    return Resolution(locked, "3.11", "x86_64-manylinux_2_28", "0.13.8", "", offline=offline)


def driver_of(known: Environment) -> Verdict:
    facts = {"stack": known.stack, "tables": TABLES, "env": known}
    (verdict,) = judge_one(RULES["DRIVER101"], facts)
    return verdict


def test_a_torch_that_is_drawn_in_is_the_torch_of_the_stack() -> None:
    """A stack of `accelerate` alone passed with any driver: no torch was known although it was resolved."""
    known = env(
        resolved(("accelerate", "1.12.0"), *DRAWN), driver="570.133", packages={"accelerate": "1.12.0"}
    )
    assert (known.torch.title, known.torch.origin) == ("torch 2.11.0 (cu130)", "wheel")
    assert known.torch.level is Level.RESOLVED
    verdict = driver_of(known)
    assert (verdict.outcome, verdict.level) == (Outcome.FAIL, Level.RESOLVED)
    assert verdict.message.endswith("torch 2.11.0 is drawn in by other packages.")
    assert (
        driver_of(replace(known, stack=known.stack.model_copy(update={"driver": "580.82"}))).outcome
        is Outcome.PASS
    )


def test_what_uv_happens_to_have_fails_nothing() -> None:
    """Offline uv takes the newest release in its cache: the index may have one that fits."""
    drawn = (("accelerate", "1.12.0"), *DRAWN)
    known = env(resolved(*drawn, offline=True), driver="570.133", packages={"accelerate": "1.12.0"})
    verdict = driver_of(known)
    assert (verdict.outcome, verdict.unverified) == (Outcome.WARN, True)
    assert "That is what uv's cache has (--offline)" in verdict.message
    pinned = {"accelerate": "1.12.0", "torch": "2.11.0"}
    known = env(resolved(*drawn, offline=True), driver="570.133", packages=pinned)
    assert driver_of(known).outcome is Outcome.FAIL


def test_metadata_alone_says_which_torch_a_pin_draws_in() -> None:
    known = env(**VLLM, driver="470.57")
    assert (known.torch.title, known.torch.level) == ("torch 2.8.0 (cu128)", Level.STATED)
    assert not known.packages["torch"].stated
    verdict = driver_of(known)
    assert (verdict.outcome, verdict.level) == (Outcome.FAIL, Level.STATED)
    assert verdict.message.endswith("vllm 0.11.0 requires torch==2.8.0.")
    assert driver_of(env(**VLLM, driver="550.54.15")).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"packages": {"vllm": "0.11.0", "torch": ">=2.6"}}, "2.8.0"),
        ({"packages": {"vllm": "0.11.0", "torch": "latest"}}, "2.8.0"),
        ({"packages": {"vllm": "0.11.0", "torch": "2.9.0"}}, "2.9.0"),  # NEEDS101 says the rest
        ({"packages": {"vllm": "0.11.0", "torch": "<2.7"}}, None),
        ({"packages": {"vllm": ">=0.11"}}, None),
        ({"packages": {"vllm": {"version": "0.11.0", "from": "source"}}}, None),
        ({**VLLM, "overrides": ["torch==2.9.0"]}, None),
        ({**VLLM, "platform": "windows/amd64"}, None),
        ({**VLLM, "image": {"ready": "pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel"}}, "2.7.1"),
        ({"packages": {"torchvision": "0.20.0"}}, "2.5.0"),
        ({"packages": {"bitsandbytes": "0.46.0"}}, None),
    ],
)
def test_which_torch_it_is(fields: dict[str, Any], version: str | None) -> None:
    found = env(**fields).version("torch") or env(**fields).torch.version
    assert found == (Version(version) if version else None)


def test_a_torch_that_is_drawn_in_by_a_range_is_not_known_and_said_to_be() -> None:
    known = env(packages={"bitsandbytes": "0.46.0"}, driver="470.57")
    assert not known.packages["torch"].stated
    verdict = driver_of(known)
    assert verdict.outcome is Outcome.SKIP
    assert "which torch the stack gets is not known" in verdict.message


def test_a_version_without_a_row_draws_in_nothing_that_is_known() -> None:
    assert required_torch({"vllm": Version("99.0"), "numpy": Version("2.1.0")}, TABLES) is None
