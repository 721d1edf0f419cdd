"""The pipeline between its steps: fallbacks, families, and what is said when a step did not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck import pipeline, rules, targets
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import (
    BaseImageError,
    BuildFailedError,
    EngineError,
    EngineUnreachableError,
    NoPythonError,
)
from stackcheck.model.facts import Fault, Missing
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.accepting import waive
from stackcheck.rules.registry import judge_all
from stackcheck.steps import building as steps
from stackcheck.steps.building import BY_IMAGES, built, not_built, reason_not_to_build, unbuilt
from stackcheck.steps.claiming import claimed
from stackcheck.targets import BuildOptions, Capabilities, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stackcheck.targets import Progress

LOCKED = Resolution(
    (LockedPackage("six", Version("1.16.0"), "six-1.16.0-py2.py3-none-any.whl"),), "3.11", "x", "0", ""
)
STACK = Stack.model_validate(
    {"id": "s-py311", "family": "s", "python": "3.11", "packages": {"six": "1.16.0"}}
)


class FakeEngine:
    """An engine that ends as it is told to."""

    def __init__(self, name: str, error: Exception | None = None, answer: bytes = b"") -> None:
        self.name, self.error, self.answer = name, error, answer
        self.capabilities = Capabilities(builds=True, local_pythons=name == "venv")
        self.version, self.swept, self.closed = "", 0, False

    def prepare(
        self, stack: Stack, resolution: Resolution | None, options: BuildOptions, progress: Progress
    ) -> Target:
        if self.error:
            raise self.error
        kind: Any = {"docker": "image"}.get(self.name, self.name)
        return Target(self.name, kind, "name", "id", ("python3",), Missing("there is no image"))

    def run_agent(
        self, target: Target, agent: bytes, request: Mapping[str, Any], *, timeout_s: float
    ) -> bytes:
        return self.answer

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that makes `targets.choose` hand out these engines; unnamed means the first."""

    def install(*made: FakeEngine) -> list[str]:
        asked: list[str] = []

        def choose(name: str | None, _progress: Progress, **_: Any) -> FakeEngine:
            asked.append(name or "any")
            return next(each for each in made if name in (None, each.name))

        monkeypatch.setattr(targets, "choose", choose)
        return asked

    return install


def building(stack: Stack = STACK, engine: str | None = None, family: tuple[Stack, ...] = ()) -> Any:
    said: list[str] = []
    facts = built(stack, LOCKED, pipeline.Options(engine=engine), said.append, family)
    return facts["building"], said


@pytest.mark.parametrize("engine", [None, "docker"])
def test_a_base_image_that_cannot_be_had_never_takes_the_stack_out_of_its_container(
    use: Callable[..., list[str]], engine: str | None
) -> None:
    asked = use(FakeEngine("docker", BaseImageError("no base image.")), FakeEngine("venv"))
    fact, said = building(engine=engine)
    assert fact == Fault("no base image.")
    assert not_built(fact)  # so the files of its wheels are looked at
    assert asked == [engine or "any"]
    assert said == []


def test_without_an_engine_and_without_a_choice_nothing_of_the_stack_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def choose(name: str | None, *_: Any, **__: Any) -> FakeEngine:
        raise EngineUnreachableError(f"no container engine answers ({name})", "Start it.")

    monkeypatch.setattr(targets, "choose", choose)
    fact, said = building()
    reason = "not built: docker does not answer and no engine was chosen"
    hint = "start it, or take --engine venv, which runs the stack's code as this user"
    assert fact == unbuilt(reason, hint)
    assert said == ["s-py311: nothing of it is run: no container engine answers (None). Start it."]
    fact, _ = building(engine="docker")
    assert fact == Fault("no container engine answers (docker). Start it.")


def test_an_engine_that_does_not_work_is_an_error_and_a_stack_that_does_not_build_a_fail(
    use: Callable[..., list[str]],
) -> None:
    use(FakeEngine("venv", NoPythonError("there is no Python 3.99 on this machine", "Install it.")))
    assert building()[0] == unbuilt("not built: there is no Python 3.99 on this machine", BY_IMAGES)
    broken = FakeEngine("docker", EngineError("disk full"))
    use(broken)
    assert building()[0] == Fault("disk full")
    assert broken.closed
    use(FakeEngine("docker", BuildFailedError("step 3 failed", log_tail="a\nb", log_file="/log")))
    assert building()[0] == Fault("step 3 failed", proven=True, log_tail="a\nb", log_file="/log")


def test_of_a_family_the_members_whose_python_is_here_are_built(
    use: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "find_python", lambda version, _environ: version == "3.11")
    use(FakeEngine("venv"))
    other = STACK.model_copy(update={"id": "s-py312", "python": "3.12"})
    family = (STACK, other)
    assert building(STACK, family=family)[0].kind == "venv"
    fact, said = building(other, family=family)
    reason = "not built: there is no Python 3.12 on this machine, s-py311 stands for its family"
    assert fact == unbuilt(reason, BY_IMAGES)
    assert said[-1] == f"s-py312: {reason}"
    assert building(other)[0].kind == "venv"  # asked for alone, uv fetches a Python


def test_an_agent_that_answers_with_garbage_costs_one_error() -> None:
    engine = FakeEngine("here", answer=b"\x00garbage")
    report = pipeline.probe(Stack(id="x"), engine, pipeline.Options(), lambda _line: None)
    (error,) = [v for v in report.verdicts if v.outcome is Outcome.ERROR]
    assert error.code == "PROBE302"
    assert "is not an observation" in error.message
    skipped = {v.message for v in report.verdicts if v.outcome is Outcome.SKIP}
    assert skipped >= {"the probes gave no answer."}
    assert report.exit_code() == 3


def test_rules_that_failed_before_stop_the_build_unless_told_to_go_on() -> None:
    stack = Stack.model_validate(
        {"id": "x", "packages": {"torch": "2.6.0", "torchvision": "0.20.0"}, "expect_codes": ["NONE999"]}
    )
    facts = {**claimed(stack), "resolution": LOCKED}
    early = judge_all(rules.before_build(Level.STATED), facts)
    reason = reason_not_to_build(early, facts, pipeline.Options())
    assert reason.startswith("nothing was built, because ")
    assert reason.endswith(" failed before; --keep-going builds all the same")
    assert reason_not_to_build(early, facts, pipeline.Options(keep_going=True)) == ""


def test_a_waived_failure_does_not_stop_the_build() -> None:
    stack = Stack.model_validate(
        {"id": "x", "expect_codes": ["NONE999"], "ignore": {"STACK101": "an example for this test"}}
    )
    facts = {**claimed(stack), "resolution": LOCKED}
    verdicts = waive(judge_all(rules.before_build(Level.STATED), facts), stack)
    assert [v.waived for v in verdicts if v.code == "STACK101" and v.outcome is Outcome.FAIL] == [
        "an example for this test"
    ]
    assert reason_not_to_build(verdicts, facts, pipeline.Options()) == ""


def test_what_is_only_looked_at_needs_no_resolution() -> None:
    stack = Stack.model_validate({"id": "x", "packages": {"torch": "2.5.0"}})
    facts = {**claimed(stack), "resolution": Missing("no index answers")}
    assert reason_not_to_build((), facts, pipeline.Options(engine="here")) == ""
    said = reason_not_to_build((), facts, pipeline.Options(engine="venv"))
    assert said == "nothing was built: no index answers"
