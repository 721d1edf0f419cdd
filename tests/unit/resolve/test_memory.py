"""What uv's cache lacks is asked once; what a stack is told does not depend on the stacks before it."""

from __future__ import annotations

from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import Unresolved
from stackcheck.resolve.memory import RunMemory
from stackcheck.resolve.question import Question, question_of


def question(python: str = "3.11", **packages: str) -> Question:
    return question_of(Stack.model_validate({"id": "x", "python": python, "packages": packages}))


def lacking(pin: str) -> Unresolved:
    return Unresolved("offline", f"{pin} is not in uv's cache", (pin,))


def test_the_first_pin_is_not_asked_again_whatever_else_is_pinned() -> None:
    memory, why = RunMemory(), lacking("torch==2.4.1")
    memory.keep_uncached(question(torch="2.4.1"), why)
    assert memory.uncached_of(question(torch="2.4.1", numpy="2.1.3")) is why


def test_a_page_that_is_not_cached_counts_for_the_version_that_was_asked() -> None:
    memory, why = RunMemory(), lacking("torch")
    memory.keep_uncached(question(torch="2.4.1"), why)
    assert memory.uncached_of(question(torch="2.4.1")) is why


def test_another_python_another_version_or_another_first_package_is_asked() -> None:
    memory = RunMemory()
    memory.keep_uncached(question(torch="2.4.1"), lacking("torch==2.4.1"))
    for asked in (
        question("3.12", torch="2.4.1"),
        question(torch="2.5.0"),
        question(numpy="2.1.3", torch="2.4.1"),
        question(torch=">=2"),
    ):
        assert memory.uncached_of(asked) is None


def test_a_wheel_is_asked_for_where_the_source_archive_was_lacking() -> None:
    memory, source = RunMemory(), {"version": "2.6.0", "from": "source"}
    stack = Stack.model_validate({"id": "x", "python": "3.11", "packages": {"torch": source}})
    memory.keep_uncached(question_of(stack), lacking("torch==2.6.0"))
    assert memory.uncached_of(question(torch="2.6.0")) is None
    assert memory.uncached_of(question_of(stack)) is not None


def test_a_later_pin_is_asked_again_because_uv_may_find_a_conflict_first() -> None:
    memory = RunMemory()
    memory.keep_uncached(question(torch="2.7.1", numpy="2.1.3"), lacking("numpy==2.1.3"))
    assert memory.uncached_of(question(torch="2.7.1", triton="3.0.0", numpy="2.1.3")) is None
