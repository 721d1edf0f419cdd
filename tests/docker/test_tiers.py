"""A chain of four small images on a real engine: order, use or rebuild, what is missing, sizes, the plan."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.cli import main
from stackcheck.cli.chainplan import document
from stackcheck.images.tiers import link
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import BuildFailedError, EngineError, UsageError
from stackcheck.probing import agent as agents
from stackcheck.probing.observation import parse_observation, seen_facts
from stackcheck.report import render_document
from stackcheck.rules import load_all
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.steps.probing import packed_agent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from stackcheck.targets import BuildOptions
    from stackcheck.targets.containers.docker import DockerEngine

pytestmark = pytest.mark.docker

load_all()
TIERS = ("torch", "base", "training", "runner")
COMMANDS = {
    "torch": "RUN python3 -m venv --without-pip /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n",
    "base": "COPY requirements.txt /opt/\nRUN head -c 3000000 /dev/urandom > /opt/packages\n",
    "training": "COPY src /opt/src\nRUN head -c 1000000 /dev/urandom > /opt/training\n",
    "runner": 'CMD ["python3", "/opt/src/train.py"]\n',
}


class Chain:
    """Four tiers in a folder, with names that no other run has."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex[:8]
        below = base
        for name in TIERS:
            (folder / name).mkdir()
            self.write(f"{name}/Dockerfile", f"FROM {below}\n# {self.mark}\n{COMMANDS[name]}")
            self.write(f"{name}/manifest", f"{name}/Dockerfile\n")
            below = self.tag(name)
        self.write("base/requirements.txt", "numpy==1.26.4\n")
        self.write("base/manifest", "base/Dockerfile\nbase/requirements.txt\n")
        (folder / "training/src").mkdir()
        self.write("training/src/train.py", "print(1)\n")
        self.write("training/manifest", "training/Dockerfile\ntraining/src/\n")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def tag(self, name: str) -> str:
        return f"sc-{name}-{self.mark}:1"

    def id(self, name: str) -> str:
        return f"sc-{name}-{self.mark}"

    @property
    def stacks(self) -> tuple[Stack, ...]:
        made, below = [], None
        for name in TIERS:
            image = {
                "dockerfile": f"{name}/Dockerfile",
                "manifest": f"{name}/manifest",
                "tag": self.tag(name),
            }
            image |= {"from_stack": below} if below else {}
            fields = {"id": self.id(name), "file": str(self.folder / "s.toml"), "image": image}
            made.append(Stack.model_validate(fields))
            below = self.id(name)
        linked, faults = link(made)
        assert faults == []
        return linked

    @property
    def top(self) -> Stack:
        return self.stacks[-1]


@pytest.fixture
def chain(tmp_path: Path, base: str, client: docker.DockerClient) -> Iterator[Chain]:
    (tmp_path / "chain").mkdir()
    made = Chain(tmp_path / "chain", base)
    yield made
    for name in reversed(TIERS):
        for image in client.images.list(filters={"label": f"stackcheck.stack={made.id(name)}"}):
            client.images.remove(str(image.id), force=True)


def quiet(_line: str) -> None:
    return


def built(engine: DockerEngine, chain: Chain, options: BuildOptions) -> list[str]:
    """Build the chain; return the tiers that were built."""
    target = engine.prepare(chain.top, None, options, quiet)
    assert [each.stack for each in target.tiers] == [chain.id(name) for name in TIERS]
    assert target.id == target.tiers[-1].id
    return [each.stack.split("-")[1] for each in target.tiers if each.built]


def planned(engine: DockerEngine, chain: Chain, options: BuildOptions) -> list[str]:
    return [each.tier.stack.split("-")[1] for each in engine.plan(chain.top, options).decisions if each.build]


def test_a_chain_is_built_in_order_used_again_and_rebuilt_from_the_first_change(
    engine: DockerEngine, chain: Chain, options: BuildOptions, client: docker.DockerClient
) -> None:
    assert planned(engine, chain, options) == list(TIERS)
    assert built(engine, chain, options) == list(TIERS)
    assert planned(engine, chain, options) == []
    assert built(engine, chain, options) == []

    chain.write("training/src/train.py", "print(2)\n")
    assert planned(engine, chain, options) == ["training", "runner"]
    assert built(engine, chain, options) == ["training", "runner"]

    chain.write("base/requirements.txt", "numpy==2.0.0\n")
    text = render_document(document([engine.plan(chain.top, options)]), "text")
    assert f"{chain.id('torch')}: use stackcheck/{chain.id('torch')}:" in text
    assert f"{chain.id('base')}: build, because base/requirements.txt changed\n" in text
    # BuildKit keeps no step for ENV and CMD
    assert "\n1 of 3 steps are cached; 2 run again\n" in text
    assert "      line 3: COPY requirements.txt /opt/ [its files changed]\n" in text
    assert f"{chain.id('runner')}: build, because {chain.id('training')} is built again\n" in text
    assert text.endswith("all 4 tiers are there, not all are current\n")
    assert built(engine, chain, options) == ["base", "training", "runner"]
    labels = client.images.get(chain.tag("runner")).labels
    assert json.loads(labels["stackcheck.files"]).keys() == {"runner/Dockerfile"}


def test_what_a_manifest_leaves_out_builds_nothing(
    engine: DockerEngine, chain: Chain, options: BuildOptions
) -> None:
    built(engine, chain, options)
    chain.write("base/notes.md", "nothing depends on this\n")
    assert planned(engine, chain, options) == built(engine, chain, options) == []


def test_a_missing_tier_is_named_and_built_with_all_after_it(
    engine: DockerEngine, chain: Chain, options: BuildOptions, client: docker.DockerClient
) -> None:
    built(engine, chain, options)
    for name in ("runner", "training"):
        client.images.remove(chain.tag(name), force=True)
        for image in client.images.list(filters={"label": f"stackcheck.stack={chain.id(name)}"}):
            client.images.remove(str(image.id), force=True)
    text = render_document(document([engine.plan(chain.top, options)]), "text")
    assert f"{chain.id('training')}: build, because it is missing\n" in text
    folded = " ".join(text.split())
    assert folded.endswith(f"missing: {chain.id('training')}, {chain.id('runner')} (2 of 4)")
    assert built(engine, chain, options) == ["training", "runner"]
    verdicts = judge_one(
        RULES["TIER301"], {"stack": chain.top, "building": engine.prepare(chain.top, None, options, quiet)}
    )
    assert [each.outcome.name for each in verdicts] == ["PASS"]
    message = verdicts[0].message
    assert message.startswith(f"all 4 tiers are there: {chain.id('torch')} ")
    assert f"{chain.id('base')} +3.0 MB, {chain.id('training')} +1.0 MB, {chain.id('runner')} +" in message


def test_the_chain_has_one_python_and_no_conda(
    engine: DockerEngine, chain: Chain, options: BuildOptions
) -> None:
    target = engine.prepare(chain.top, None, options, quiet)
    request = agents.request_for(chain.top, ["interpreter", "pythons"])
    observation = parse_observation(engine.run_agent(target, packed_agent(), request, timeout_s=60))
    facts = {"stack": chain.top, **seen_facts(observation)}
    verdicts = judge_one(RULES["TIER302"], facts)
    assert [f"{each.outcome.name}: {each.message}" for each in verdicts] == [
        "PASS: the image has one Python, 3.11 (/usr/bin/python3.11), and no conda."
    ]


def test_a_tier_that_does_not_build_names_those_that_are_missing_then(
    engine: DockerEngine, chain: Chain, options: BuildOptions
) -> None:
    chain.write("base/Dockerfile", f"FROM {chain.tag('torch')}\nRUN echo no such thing >&2; false\n")
    with pytest.raises(BuildFailedError) as caught:
        engine.prepare(chain.top, None, options, quiet)
    assert str(caught.value).endswith(
        f"The tiers above it are missing: {chain.id('training')}, {chain.id('runner')}."
    )
    assert "no such thing" in caught.value.log_tail


def test_a_tier_that_builds_on_something_else_is_a_wrong_definition(
    engine: DockerEngine, chain: Chain, options: BuildOptions, base: str
) -> None:
    chain.write("base/Dockerfile", f"FROM {base}\n")
    fault = (
        f"its Dockerfile has no FROM {chain.tag('torch')}, the image of {chain.id('torch')}; it has {base}"
    )
    for attempt in (engine.plan, lambda *given: engine.prepare(given[0], None, given[1], quiet)):
        with pytest.raises(UsageError) as caught:
            attempt(chain.top, options)
        assert fault in str(caught.value)


def test_a_name_that_somebody_else_gave_is_not_taken(
    engine: DockerEngine, chain: Chain, options: BuildOptions, client: docker.DockerClient, base: str
) -> None:
    client.images.get(base).tag(chain.tag("torch"))
    try:
        with pytest.raises(EngineError, match="is the name of an image that was not built for this stack"):
            engine.prepare(chain.stacks[0], None, options, quiet)
    finally:
        client.images.remove(chain.tag("torch"), noprune=True)


def test_the_command_line_builds_and_plans_a_chain(
    chain: Chain, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKCHECK_CACHE", str(tmp_path / "cache"))
    rows = []
    for stack in chain.stacks:
        image = json.loads(stack.image.model_dump_json(exclude_none=True, exclude_defaults=True))
        body = "\n".join(f"{key} = {json.dumps(value)}" for key, value in image.items())
        rows.append(f'[[stack]]\nid = "{stack.id}"\n[stack.image]\n{body}\n')
    chain.write("s.toml", "\n".join(rows))
    monkeypatch.chdir(chain.folder)
    monkeypatch.setenv("HOME", os.environ["HOME"])

    def run(*words: str) -> Any:
        assert main(["build", chain.top.id, "--matrices", ".", "--engine", "docker", "-q", *words]) == 0
        return capsys.readouterr().out

    planned = " ".join(run("--plan").split())  # a long line is folded
    assert planned.endswith(f"missing: {', '.join(chain.id(name) for name in TIERS)} (4 of 4)")
    out = run()
    assert f"    {chain.id('base')}: {chain.tag('base')}, +3.0 MB (built)\n" in out
    plan = json.loads(run("--plan", "--format", "json"))["plans"][0]
    assert [(each["action"], each["reasons"]) for each in plan["tiers"]] == [("use", [])] * 4
    assert plan["missing"] == []
    assert run("--plan").endswith("all 4 tiers are there; nothing would be built\n")
