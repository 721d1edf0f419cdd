"""The shipped stacks against the real package index (run with --online)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stackcheck.intake.catalog import load, select
from stackcheck.intake.stack import Package, Stack
from stackcheck.model.verdict import Outcome
from stackcheck.resolve.lockfile import parse_lock
from stackcheck.resolve.resolver import Options, Resolution, Unresolved, resolve
from stackcheck.rules.lock.resolved import pins_resolve
from stackcheck.rules.registry import RULES, judge_one

pytestmark = pytest.mark.online
MATRICES = Path(__file__).parents[3] / "matrices"


@pytest.fixture
def online(options: Options, tmp_path: Path) -> Options:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_FIND", "UV_CACHE"))}
    return replace(options, environ={**kept, "UV_CACHE_DIR": str(tmp_path / "uv")})


def pointcept() -> Stack:
    [stack] = select(load([MATRICES / "pointcept.toml"]), ["cuda124-torch25-py311"])
    return stack


def test_the_shipped_stack_resolves_to_its_own_pins(online: Options) -> None:
    found = resolve(pointcept(), online)
    assert isinstance(found, Resolution), found
    assert {p.name for p in found.packages} >= set(pointcept().packages)
    assert str(found.version("nvidia-cudnn-cu12")) == "9.1.0.70"
    assert str(found.version("triton")) == "3.1.0"
    assert "nvidia-cudnn-cu12" in found.by_name["torch"].requires
    assert found.by_name["torch"].filename == "torch-2.5.0-cp311-cp311-manylinux1_x86_64.whl"
    assert parse_lock(found.lock_text).packages == found.packages
    assert pins_resolve.__name__ == RULES["LOCK201"].judge.__name__
    [verdict] = judge_one(RULES["LOCK201"], {"stack": pointcept(), "resolving": found})
    assert verdict.outcome is Outcome.PASS


def test_the_published_cumm_pin_conflicts_with_spconv(online: Options) -> None:
    packages = {**pointcept().packages, "cumm-cu124": Package(version="0.8.2")}
    found = resolve(pointcept().model_copy(update={"packages": packages}), online)
    assert isinstance(found, Unresolved)
    assert found.requirements == (
        "spconv-cu124==2.3.8: cumm-cu124>=0.7.11,<0.8.0",
        "the stack: cumm-cu124==0.8.2",
    )


def test_a_local_version_that_pypi_does_not_have_is_named_with_what_it_has(online: Options) -> None:
    packages = {"torch": Package(version="2.5.0+cu124")}
    found = resolve(pointcept().model_copy(update={"packages": packages}), online)
    assert isinstance(found, Unresolved)
    assert found.kind == "not-found"
    assert found.message.startswith("the stack needs torch==2.5.0+cu124, which is on none of the indexes")
    assert found.exists
