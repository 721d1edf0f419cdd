"""To judge a stack no more files are read than those about its packages, and about what every stack has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.knowledge import Tables, told
from stackcheck.knowledge.folders import in_order
from stackcheck.knowledge.kinds import SUBJECTS
from stackcheck.knowledge.reading import Document, read_document
from stackcheck.model.verdict import Level
from stackcheck.rules import before_build
from stackcheck.rules.registry import judge_all

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ALWAYS = {"torch", "torchvision", "torchaudio", "mmcv", "numpy"}
"""Packages of which the tables themselves have rows: releases, companions, pages of wheels."""


def read_for(monkeypatch: pytest.MonkeyPatch, **packages: str) -> set[str]:
    """Return the files of packages that are parsed to judge a stack by what it states."""
    read: list[Path] = []

    def noted(path: Path, origin: str = "") -> Document:
        read.append(path)
        return read_document(path, origin)

    monkeypatch.setattr(told, "read_document", noted)
    tables = Tables(told.Told(in_order()))
    stack = Stack.model_validate({"id": "small", "python": "3.11", "packages": packages})
    judge_all(before_build(Level.STATED), definition_facts(stack, tables))
    return {path.stem for path in read} - SUBJECTS


def test_the_files_of_other_packages_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_for(monkeypatch, torch="2.8.0") - ALWAYS == set()


def test_the_file_of_a_package_is_read_where_a_stack_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_for(monkeypatch, torch="2.8.0", vllm="0.10.2", unheardof="1.0")
    assert read - ALWAYS == {"vllm"}
