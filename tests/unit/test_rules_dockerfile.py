"""The rules about a user's own Dockerfile."""

from __future__ import annotations

import pytest

from tests.unit.early_cases import said

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
    assert said("DOCKER101", {"dockerfile": DOCKERFILE}) == [
        f"WARN: RUN export HSA_OVERRIDE_GFX_VERSION{said_of}",
        f"WARN: RUN export PYTORCH_ROCM_ARCH{said_of}",
    ]


def test_an_activated_environment_ends_with_its_run() -> None:
    assert said("DOCKER102", {"dockerfile": DOCKERFILE}) == [
        "WARN: RUN activates .venv/bin/activate for itself alone: later instructions use the system's Python."
    ]


@pytest.mark.parametrize("code", ["DOCKER101", "DOCKER102"])
def test_a_dockerfile_that_sets_with_env_is_fine(code: str) -> None:
    good = 'FROM python:3.11\nENV A=1\nENV PATH=/opt/venv/bin:$PATH\nRUN echo "export X=1" >> /etc/profile\n'
    assert said(code, {"dockerfile": good}) == []


@pytest.mark.parametrize("code", ["DOCKER101", "DOCKER102"])
def test_no_dockerfile_is_no_finding(code: str) -> None:
    assert said(code) == []
