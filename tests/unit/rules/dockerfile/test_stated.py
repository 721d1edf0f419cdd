"""The rules about a user's own Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import UsageError
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.steps.claiming import claimed
from tests.unit.rules.harness import lines, verdicts

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = """\
FROM rocm/dev-ubuntu-24.04:6.4-complete
# RUN export COMMENTED=1
ENV ROCM_ARCH=gfx803
RUN export HSA_OVERRIDE_GFX_VERSION=8.0.3 && \\
    export PYTORCH_ROCM_ARCH=gfx803 && apt-get update
RUN --mount=type=cache,target=/root/.cache export ROCM_ARCH=gfx803; make
RUN . .venv/bin/activate && pip install cmake
"""


def test_exports_end_with_their_run() -> None:
    said_of = "=... ends with that RUN: later instructions and the container do not see it."
    assert lines("DOCKER101", {"dockerfile": DOCKERFILE}) == [
        f"WARN: RUN export HSA_OVERRIDE_GFX_VERSION{said_of}",
        f"WARN: RUN export PYTORCH_ROCM_ARCH{said_of}",
    ]


def test_an_activated_environment_ends_with_its_run() -> None:
    assert lines("DOCKER102", {"dockerfile": DOCKERFILE}) == [
        "WARN: RUN activates .venv/bin/activate for itself alone: later instructions use the system's Python."
    ]


@pytest.mark.parametrize(
    ("last", "warned"),
    [
        ("CMD . /venv/bin/activate && exec python app.py", False),
        ('ENTRYPOINT ["bash", "-c", "source /venv/bin/activate; python app.py"]', False),
        ("CMD python app.py", True),
        ("RUN pip install ninja\nCMD . /venv/bin/activate && python app.py", True),
        ("", True),
    ],
)
def test_an_environment_that_each_command_activates_for_itself_is_fine(last: str, warned: bool) -> None:
    text = (
        "FROM debian\nRUN python3 -m venv /venv\nRUN . /venv/bin/activate && pip install torch\n"
        f"RUN . /venv/bin/activate && pip install -r r.txt\n{last}\n"
    )
    assert bool(lines("DOCKER102", {"dockerfile": text})) is warned


def test_each_says_its_line_and_the_file_as_the_user_names_it() -> None:
    image = {"dockerfile": "docker/Dockerfile"}
    facts = {"dockerfile": DOCKERFILE}
    found = [
        (each.place, each.things)
        for code in ("DOCKER101", "DOCKER102")
        for each in verdicts(code, facts, file="matrices/own.toml", image=image)
    ]
    assert found == [
        ("matrices/docker/Dockerfile:4", ("HSA_OVERRIDE_GFX_VERSION",)),
        ("matrices/docker/Dockerfile:4", ("PYTORCH_ROCM_ARCH",)),
        ("matrices/docker/Dockerfile:7", (".venv/bin/activate",)),
    ]


@pytest.mark.parametrize("code", ["DOCKER101", "DOCKER102"])
def test_a_dockerfile_that_sets_with_env_is_fine(code: str) -> None:
    good = 'FROM python:3.11\nENV A=1\nENV PATH=/opt/venv/bin:$PATH\nRUN echo "export X=1" >> /etc/profile\n'
    assert lines(code, {"dockerfile": good}) == []


@pytest.mark.parametrize("code", ["DOCKER101", "DOCKER102"])
def test_no_dockerfile_is_no_finding(code: str) -> None:
    assert lines(code) == []


def _claimed(folder: Path) -> list[str]:
    stack = Stack.model_validate(
        {"id": "own", "file": str(folder / "s.toml"), "image": {"dockerfile": "Dockerfile"}}
    )
    return [
        f"{verdict.outcome.name}: {verdict.message}"
        for verdict in judge_one(RULES["DOCKER101"], claimed(stack))
    ]


def test_the_dockerfile_lies_beside_the_definition(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nRUN export A=1\n", encoding="utf-8")
    assert _claimed(tmp_path) == [
        "WARN: RUN export A=... ends with that RUN: later instructions and the container do not see it."
    ]


def test_a_dockerfile_that_is_named_and_cannot_be_read_ends_the_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"own: image\.dockerfile: .*Dockerfile: there is no such file\."):
        _claimed(tmp_path)
