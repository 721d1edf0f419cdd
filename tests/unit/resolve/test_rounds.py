"""Going on past a failure, from literal answers: no uv and no index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import Unresolved
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.memory import RunMemory
from stackcheck.resolve.question import Given, Question, question_of
from stackcheck.resolve.rounds import MOST_ROUNDS, settle
from stackcheck.resolve.verify_refusals import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

DEAD = Unresolved("unreachable", "https://b.org/simple: refused", where="https://b.org/simple")


def question(**fields: Any) -> Question:
    base = {"id": "s", "python": "3.11.4", "platform": "linux/amd64", "glibc": "2.36"}
    return question_of(Stack.model_validate({**base, **fields}))


def reader(memory: RunMemory | None = None) -> Reader:
    return Reader(Fetcher({}, offline=True), memory or RunMemory())


def answering(
    *said: tuple[Callable[[Question], bool], Unresolved],
) -> Callable[[Question], Unresolved | None]:
    """Return a resolver that fails for the first condition that holds."""
    return lambda asked: next((failure for holds, failure in said if holds(asked)), None)


def test_a_conflict_is_passed_by_taking_the_package_without_its_requirements() -> None:
    conflict = Unresolved("conflict", "words", ("vllm==0.6.3: torch==2.4.0", "the stack: torch==2.9.1"))
    ask = answering((lambda q: "vllm" not in q.loosened, conflict))
    settled = settle(question(packages={"vllm": "0.6.3", "torch": "2.9.1"}), ask, reader())
    assert (settled.failure, settled.culprits) == (None, (conflict,))
    assert settled.question.loosened == {"vllm"}


def test_two_pins_of_the_stack_itself_end_it() -> None:
    conflict = Unresolved("conflict", "words", ("the stack: numpy<2", "the stack: numpy==2.0.0"))
    settled = settle(question(packages={"numpy": "2.0.0"}), answering((lambda _: True, conflict)), reader())
    assert (settled.failure, settled.culprits) == (conflict, ())


def test_what_has_no_wheel_is_built_and_what_has_no_source_either_is_a_fault() -> None:
    missing = Unresolved("no-wheel", "words", ("antlr4==4.9.*",), who="hydra-core==1.3.2")
    settled = settle(question(), answering((lambda q: "antlr4" not in q.built, missing)), reader())
    assert (settled.failure, settled.culprits) == (None, ())
    assert settled.question.built == {"antlr4"}
    never = settle(question(), answering((lambda q: "antlr4" not in q.absent, missing)), reader())
    assert [each.message for each in never.culprits] == [
        "hydra-core==1.3.2 needs antlr4==4.9.*, which has no wheel that may be used, and no source build is allowed"
    ]


def test_a_dead_index_is_known_to_the_next_stack_of_the_run() -> None:
    memory = RunMemory()
    index = {"extra": ["https://b.org/simple"]}
    ask = answering((lambda q: bool(q.places), DEAD))
    first = settle(question(packages={"a": "1"}, index=index), ask, reader(memory))
    assert (first.failure, first.unreached, first.blind) == (None, (DEAD,), True)

    def never_with_it(asked: Question) -> None:
        assert asked.places == ()

    second = settle(question(packages={"a": "1"}, index=index), never_with_it, reader(memory))
    assert second.unreached == (DEAD,)


def test_without_the_index_that_replaces_pypi_nothing_is_learned() -> None:
    ask = answering((lambda _: True, DEAD))
    settled = settle(question(packages={"a": "1"}, index={"url": "https://b.org/simple"}), ask, reader())
    assert settled.failure == DEAD


def test_a_missing_version_proves_nothing_where_an_index_was_left_out() -> None:
    missing = Unresolved("not-found", "words", ("a==1+cu124",))
    ask = answering((lambda q: bool(q.places), DEAD), (lambda q: "a" not in {*q.absent}, missing))
    asked = question(packages={"a": "1+cu124"}, index={"extra": ["https://b.org/simple"]})
    settled = settle(asked, ask, reader())
    assert settled.culprits == ()
    assert settled.notes == {"a": "a==1+cu124 may be on an index that did not answer"}


def test_the_rounds_end() -> None:
    asked: list[Question] = []

    def another_each_time(question: Question) -> Unresolved:
        asked.append(question)
        return Unresolved("not-found", "words", (f"p{len(asked)}==1",))

    settled = settle(question(), another_each_time, reader())
    assert settled.failure is not None
    assert settled.failure.kind == "resolver"
    assert len(asked) == MOST_ROUNDS


def test_a_question_takes_what_is_not_pips_as_given_or_absent() -> None:
    asked = question(
        packages={
            "torch": {"version": "2.1.0", "from": "conda"},
            "mkl": {"version": ">=2023", "from": "conda"},
            "ops": {"from": "git+https://example.org/ops@v1", "version": "1.0"},
            "kernels": "./kernels",
            "mmcv": {"version": "2.2.0", "from": "source"},
        }
    )
    assert {name: str(each.version) for name, each in asked.given.items()} == {"torch": "2.1.0", "ops": "1.0"}
    assert asked.absent == {"mkl", "kernels"}
    assert asked.built == asked.stated_sources == {"mmcv"}
    assert isinstance(asked.given["torch"], Given)
