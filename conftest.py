"""Test policy: gates for what a machine may lack, Hypothesis profiles, no side effects in unit tests."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester", "tests.rule_recorder"]

settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

GATES = {
    "docker": "needs a Docker engine: run with --docker",
    "podman": "needs podman's service at CONTAINER_HOST: run with --podman",
    "gpu": "needs an NVIDIA GPU: run with --gpu",
    "online": "needs the package index: run with --online",
    "browser": "needs Chromium and npm: run with --browser",
    "ray": "needs Ray (the extra fleet): run with --ray",
    "slurm": "needs slurmctld and sbatch (Debian: slurmctld, slurm-client): run with --slurm",
    "nix": "needs nix-instantiate (Debian: nix-bin): run with --nix",
}
"""Marker -> why a test with it is skipped without its flag. With the flag it runs, and fails if it cannot."""

TESTS = Path(__file__).parent / "tests"
PURE = (TESTS / "unit", TESTS / "property")
os.environ.pop("COLUMNS", None)  # a worker of pytest-xdist has it, and it would fold what commands print
os.environ["STACKCHECK_KNOWLEDGE_DAYS"] = "100000"  # whenever the tests are run
os.environ["STACKCHECK_DATA"] = str(TESTS / "data" / "no-knowledge")
"""Tests rest on the knowledge that ships, whatever the person who runs them has added."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stackcheck's own tests")
    for name, why in GATES.items():
        group.addoption(f"--{name}", action="store_true", help=f"run the tests that {why.split(':')[0]}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name, why in GATES.items():
            if item.get_closest_marker(name) and not config.getoption(f"--{name}"):
                item.add_marker(pytest.mark.skip(reason=why))


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps the tests of a file on one worker, and all of docker: they look at what is left there."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, name = nodeid.partition("::")
        of_docker = file.startswith("tests/docker/") or name.partition("[")[2].startswith("docker")
        return "docker" if of_docker else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def no_side_effects(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make processes and sockets raise in unit and property tests: what needs them is in the wrong place."""
    if not any(folder in request.path.parents for folder in PURE):
        yield
        return

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError("unit tests start no process and open no socket: use tests/integration")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(os, "system", refuse)
    yield
