"""What a task does on its node, and what travels to it and back."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck import pipeline
from stackcheck.fleet.handing import _in_registry, _Pieces
from stackcheck.fleet.work import Assigned, Group, How, Secrets, answered
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError
from stackcheck.model.report import Report
from stackcheck.pipeline import Options

if TYPE_CHECKING:
    from stackcheck.targets import Progress

HOW = How(Options(engine="here", build=replace(Options().build, environ={})))


def test_a_stack_travels_with_its_gpus() -> None:
    group = Group(
        1, ("a",), (Assigned(Stack(id="a", gpus=("L4", "8.9"), packages={"torch": "2.8.0"}), "L4"),)
    )
    assert pickle.loads(pickle.dumps(group)) == group  # noqa: S301 - our own
    assert pickle.loads(pickle.dumps(HOW)).options == HOW.options  # noqa: S301


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Options, dict[str, str], Path]]:
    """Take the place of `verify`: note what it is told, and see what stands in the environment."""
    seen: list[tuple[Options, dict[str, str], Path]] = []

    def verify(stack: Stack, options: Options, _progress: Progress) -> Report:
        if stack.id == "bad":
            raise EngineError("the engine fell over with s3cr3t-word.")
        if stack.id == "worse":
            raise ZeroDivisionError("of ours")
        seen.append((options, dict(os.environ), Path.cwd()))
        return Report(stack.id, (), summary="s3cr3t-word" if stack.id == "leaks" else "")

    monkeypatch.setattr(pipeline, "verify", verify)
    monkeypatch.setenv("STACKCHECK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TEAM_TOKEN", raising=False)
    return seen


def test_one_stack_that_raises_takes_no_other_along(verified: list[object]) -> None:
    answer = answered([Assigned(Stack(id=name)) for name in ("bad", "good", "worse")], HOW, Secrets())
    assert [each.result for each in answer.outcomes] == ["ERROR", "NOTHING", "ERROR"]
    assert answer.outcomes[0].headline == "BUILD301: the engine fell over with s3cr3t-word."
    assert answer.outcomes[2].headline.startswith(
        "BUILD301: a fault of stackcheck: ZeroDivisionError: of ours ("
    )
    assert [each["stack"] for each in json.loads(answer.document)["reports"]] == ["bad", "good", "worse"]
    assert len(verified) == 1


def test_secrets_are_there_for_the_task_alone_and_in_no_document(
    verified: list[tuple[Options, dict[str, str], Path]], tmp_path: Path
) -> None:
    secrets = Secrets({"TEAM_TOKEN": "s3cr3t-word"}, {"key": b"file"}, b"certificate")
    answer = answered([Assigned(Stack(id=name)) for name in ("leaks", "bad")], HOW, secrets)
    options, environ, _ = verified[0]
    assert environ["TEAM_TOKEN"] == options.build.environ["TEAM_TOKEN"] == "s3cr3t-word"
    assert options.build.ca_file is not None
    assert set(options.build.secrets) == {"key"}
    assert "TEAM_TOKEN" not in os.environ
    assert list((tmp_path / "cache" / "tmp").glob("*")) == []
    assert "s3cr3t-word" not in answer.document
    assert "s3cr3t-word" not in repr(answer.outcomes)


def test_a_task_has_the_folder_of_the_call_and_the_gpu_that_it_was_given(
    verified: list[tuple[Options, dict[str, str], Path]], tmp_path: Path
) -> None:
    before = Path.cwd()
    answered([Assigned(Stack(id="a"), "T4")], replace(HOW, folder=str(tmp_path)), Secrets(), "3")
    docker = replace(HOW, options=replace(HOW.options, engine="docker"))
    answered([Assigned(Stack(id="a"), "T4")], docker, Secrets(), "3")
    assert (verified[0][1]["CUDA_VISIBLE_DEVICES"], verified[0][2]) == ("3", tmp_path)
    assert verified[0][0].build.gpus == "auto"
    assert verified[1][0].build.gpus == ("3",)
    assert Path.cwd() == before


def test_pieces_of_an_image_are_read_as_one_file() -> None:
    file = _Pieces(iter([b"abc", b"", b"de", b"f"]))
    assert [file.read(2), file.read(2), file.read(9), file.read(1), file.read(1)] == [
        b"ab",
        b"c",
        b"de",
        b"f",
        b"",
    ]
    assert _Pieces(iter([b"abc", b"de"])).read() == b"abcde"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("python:3.11-slim", ("reg.example.com:5000/ci/python", "3.11-slim")),
        ("base", ("reg.example.com:5000/ci/base", "latest")),
        ("localhost:80/base:1", ("reg.example.com:5000/ci/localhost-80/base", "1")),
    ],
)
def test_where_a_registry_has_an_image(name: str, found: tuple[str, str]) -> None:
    assert _in_registry(name, "reg.example.com:5000/ci/") == found
