"""Suggestions for real conflicts, with the real package index (run with --online); PyTorch's may be down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.steps.options import Options
from stackcheck.suggest.answer import Answer, answer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.online


def asked(monkeypatch: pytest.MonkeyPatch, folder: Path, **fields: Any) -> Answer:
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STACKCHECK_CACHE", str(folder / "cache"))
    usual = {"id": "case", "python": "3.12", "platform": "linux/amd64", "accelerator": "cuda"}
    return answer(Stack.model_validate(usual | fields), Options(), lambda _: None)


def versions(found: Answer) -> dict[str, str]:
    return {name: row.version for name, row in found.suggestion.stack.packages.items()}


def test_d1_a_range_gets_a_pin_of_a_torch_for_the_gpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = {"torch": ">=2.4", "torchaudio": ">=2.4", "numpy": "<2"}
    found = asked(monkeypatch, tmp_path, gpus=["GTX 1080 Ti"], driver="535.104.05", packages=packages)
    assert found.resolved
    assert {each.code for each in found.suggestion.failed} >= {"ARCH101", "DRIVER101"}
    assert versions(found)["torch"] in {"2.7.1", "2.14.1+cu126"}


def test_d5_a_source_only_package_is_no_reason_for_another_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = asked(monkeypatch, tmp_path, packages={"torch": "2.9.1", "deepspeed": "0.18.2"})
    assert (found.found, found.suggestion.changes) == (True, ())
    assert any('from = "source"' in each.hint for each in found.known)


def test_d5_where_builds_are_forbidden_no_ancient_version_is_suggested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = {"torch": "2.9.1", "deepspeed": "0.18.2"}
    found = asked(monkeypatch, tmp_path, source_builds="forbid", packages=packages)
    assert (found.found, found.suggestion.changes) == (False, ())


def test_d6_the_torch_next_door_comes_before_a_far_version_of_what_requires_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = {"torch": "2.2.0", "torchvision": "0.17.0", "tensordict": "0.5.0"}
    found = asked(monkeypatch, tmp_path, python="3.10", packages=packages)
    assert found.resolved
    assert versions(found) == {"torch": "2.4.0", "torchvision": "0.19.0", "tensordict": "0.5.0"}


def test_d14_a_proven_conflict_is_never_called_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packages = {"torch": "2.9.1", "torchaudio": "2.9.1", "pyannote-audio": "4.0.2"}
    found = asked(monkeypatch, tmp_path, platform="linux/arm64", gpus=["GB10"], packages=packages)
    got = versions(found)
    assert not found.found or got["pyannote-audio"] != "4.0.2" or got["torchaudio"].startswith("2.8.0")


def test_d22_torch_and_torchvision_move_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packages = {"torch": "2.2.0", "torchvision": "0.17.0", "vllm": "0.6.3"}
    found = asked(monkeypatch, tmp_path, python="3.10", packages=packages)
    assert found.resolved
    assert versions(found) == {"torch": "2.4.0", "torchvision": "0.19.0", "vllm": "0.6.3"}
