"""Of a run offline, a stack that differs from another one in nothing that resolving reads is not resolved again."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import Resolution, Unresolved
from stackcheck.resolve import resolver
from stackcheck.resolve.options import Options


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Resolve nothing: note the ids of the stacks that would be."""
    seen: list[str] = []

    def noted(stack: Stack, _options: Options) -> Resolution:
        seen.append(stack.id)
        return Resolution((), "3.11", "x86_64-manylinux_2_28", "0.13.8", f'[t]\nstack = "{stack.id}"\n')

    monkeypatch.setattr(resolver, "_resolved", noted)
    return seen


def stack(name: str, **fields: Any) -> Stack:
    return Stack.model_validate({"id": name, "python": "3.11", "packages": {"torch": "2.5.0"}, **fields})


def test_name_and_hardware_do_not_count(resolved: list[str]) -> None:
    options = Options(offline=True, answers={})
    for each in (stack("a"), stack("b", summary="words", gpus=["L4"], file="other.toml", ignore={})):
        found = resolver.resolve(each, options)
        assert not isinstance(found, Unresolved)
        assert found.lock_text == f'[t]\nstack = "{each.id}"\n'
    assert resolved == ["a"]


@pytest.mark.parametrize(
    "fields",
    [
        {"python": "3.12"},
        {"platform": "linux/arm64"},
        {"glibc": "2.31"},
        {"os": "ubuntu 22.04"},
        {"image": {"base": "debian:12"}},
        {"packages": {"torch": "2.6.0"}},
        {"packages": {"torch": {"version": "2.5.0", "index": "https://h/simple"}}},
        {"index": {"url": "https://h/simple"}},
        {"requires": ["numpy<2"]},
        {"constraints": ["numpy<2"]},
        {"overrides": ["numpy<2"]},
        {"source_builds": "forbid"},
        {"file": "elsewhere/m.toml"},
    ],
)
def test_all_else_is_resolved_anew(resolved: list[str], fields: dict[str, Any]) -> None:
    options = Options(offline=True, answers={})
    resolver.resolve(stack("a"), options)
    resolver.resolve(stack("b", **fields), options)
    assert resolved == ["a", "b"]


@pytest.mark.parametrize("options", [Options(answers={}), Options(offline=True)])
def test_online_or_where_no_answer_is_shared_every_stack_is_resolved(
    resolved: list[str], options: Options
) -> None:
    for name in ("a", "b"):
        resolver.resolve(stack(name), options)
    assert resolved == ["a", "b"]


def test_no_more_than_some_hundreds_are_kept(resolved: list[str]) -> None:
    options = Options(offline=True, answers={})
    for number in range(600):
        resolver.resolve(stack("a", requires=[f"numpy<{number}"]), options)
    assert len(options.memory.resolved) < 513
    assert len(resolved) == 600
