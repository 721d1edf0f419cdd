"""The probes of interpreter, packages and environment in a real interpreter, and the rules upon them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.probing import agent
from stackcheck.probing.observation import Observation, parse_observation, seen_facts
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-hunter2"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("agent") / "agent.pyz"
    path.write_bytes(agent.pack())
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder


def site_of(environment: Path) -> Path:
    return environment / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def put_torch(folder: Path, version: str) -> Path:
    package = folder / "torch"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("raise SystemExit('never imported by these probes')\n")
    (package / "version.py").write_text(f"__version__ = '{version}'\n")
    info = folder / f"torch-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
    return folder


def observe(packed: Path, environment: Path, cwd: Path, **env: str) -> Observation:
    request = json.dumps({"probes": list(agent.MACHINE)})
    inherited = {"PATH": os.environ["PATH"], "HOME": str(cwd), **env}
    command = [str(environment / "bin/python"), str(packed), request]
    done = subprocess.run(command, capture_output=True, check=True, cwd=cwd, env=inherited, timeout=60)
    assert SECRET.encode() not in done.stdout
    return parse_observation(done.stdout)


def judge(code: str, seen: Observation, stack: Stack | None = None) -> list[Verdict]:
    load_all()
    facts: dict[str, Any] = {**definition_facts(stack or Stack(id="s"), knowledge.load()), **seen_facts(seen)}
    return judge_one(RULES[code], facts)


def test_two_torches_on_the_path_of_a_real_interpreter_are_caught(
    packed: Path, environment: Path, tmp_path: Path
) -> None:
    installed = put_torch(site_of(environment), "2.5.0")
    shadow = put_torch(tmp_path / "tree", "2.1.0")
    (verdict,) = judge("PYTHON304", observe(packed, environment, tmp_path, PYTHONPATH=str(shadow)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        f"2 torches are reachable; torch 2.1.0 at {shadow}/torch (from pythonpath) wins over "
        f"torch 2.5.0 at {installed}/torch (from site-packages)."
    )
    (verdict,) = judge("PYTHON304", observe(packed, environment, tmp_path))
    assert (verdict.outcome, verdict.found) == (Outcome.PASS, "one torch")


def test_a_pth_file_and_a_working_directory_bring_a_second_torch(
    packed: Path, environment: Path, tmp_path: Path
) -> None:
    put_torch(site_of(environment), "2.5.0")
    tree = put_torch(tmp_path / "tree", "2.6.0")
    (verdict,) = judge("PYTHON304", observe(packed, environment, tree))
    assert verdict.outcome is Outcome.WARN
    assert f"`python -c` and `python -m` take torch 2.6.0 at {tree}/torch" in verdict.message
    link = site_of(environment) / "zz.pth"
    link.write_text(f"{tree}\n")
    try:
        (verdict,) = judge("PYTHON304", observe(packed, environment, tmp_path))
    finally:
        link.unlink()
    assert verdict.outcome is Outcome.FAIL
    assert verdict.hint == f"remove it from {link}"


def test_a_good_environment_draws_no_alarm(packed: Path, environment: Path, tmp_path: Path) -> None:
    put_torch(site_of(environment), "2.5.0")
    seen = observe(packed, environment, tmp_path, SPCONV_DISABLE_JIT="1")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stack = Stack(id="s", python=version, packages={"torch": "2.5.0"})
    codes = [
        code
        for code, rule in RULES.items()
        if code[-3] == "3" and code.startswith(("PYTHON", "DIST", "SYSTEM", "DRIVER", "ROCM"))
        if "resolution" not in rule.needs
    ]
    bad = [
        verdict for code in codes for verdict in judge(code, seen, stack) if verdict.outcome > Outcome.WARN
    ]
    assert bad == []
    (python,) = judge("PYTHON301", seen, stack)
    assert python.message == f"the interpreter is Python {sys.version.split()[0]}."


def test_no_secret_of_the_environment_leaves_the_target(
    packed: Path, environment: Path, tmp_path: Path
) -> None:
    index = f"https://me:{SECRET}@index.example/simple?token={SECRET}"
    seen = observe(
        packed, environment, tmp_path, HF_TOKEN=SECRET, AWS_SECRET_ACCESS_KEY=SECRET, PIP_INDEX_URL=index
    )
    facts = seen.facts("environment")
    assert isinstance(facts, dict)
    assert facts["variables"]["PIP_INDEX_URL"] == "https://***@index.example/simple?token=***"


def test_the_agent_itself_is_not_on_the_path_that_it_reports(
    packed: Path, environment: Path, tmp_path: Path
) -> None:
    facts = observe(packed, environment, tmp_path).facts("interpreter")
    assert isinstance(facts, dict)
    assert {row["origin"] for row in facts["path"]} == {"stdlib", "site-packages"}
