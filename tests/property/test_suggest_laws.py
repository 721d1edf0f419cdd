"""Laws of suggestions: what is called proven has no FAIL, nothing is superfluous, it never changes."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.build import cuda_tag
from stackcheck.suggest import Limits, apply, suggest
from stackcheck.suggest.change import value_at
from stackcheck.suggest.failing import Judging

KNOWN = knowledge.load()
TORCH = [str(row.torch) for row in KNOWN.torch.releases if row.torch.release >= (1, 12)]
TAGS = sorted({cuda_tag(cuda) for row in KNOWN.torch.releases for cuda in row.cuda})
VISION = [str(row.version) for row in KNOWN.torch.companions if row.name == "torchvision"]
LIMITS = Limits(first=10, second=15)
"""A short search: the laws hold for every length."""

versions = st.sampled_from(TORCH)
tagged = st.builds("{}+{}".format, versions, st.sampled_from(TAGS))


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    packages: dict[str, Any] = {"torch": draw(st.one_of(versions, tagged))}
    optional = {
        "torchvision": st.sampled_from(VISION),
        "cumm-cu124": st.sampled_from(["0.7.11", "0.8.2", "0.5.3"]),
        "spconv-cu124": st.sampled_from(["2.3.8", "2.3.6"]),
        "nvidia-cudnn-cu12": st.sampled_from(["latest", "9.1.0.70", "8.9.2.26"]),
        "numpy": st.sampled_from(["1.26.4", "2.1.0"]),
        "xformers": st.sampled_from(["0.0.28.post2", "0.0.26.post1"]),
    }
    for name, versions_of in optional.items():
        if draw(st.booleans()):
            packages[name] = draw(versions_of)
    fields: dict[str, Any] = {
        "python": draw(st.sampled_from([None, "3.9", "3.11", "3.13"])),
        "driver": draw(st.sampled_from([None, "470.82.01", "535.54.03", "570.86.10", "590.48.01"])),
        "gpus": draw(st.lists(st.sampled_from(["T4", "V100", "H100", "RTX 5090"]), max_size=2)),
        "platform": draw(st.sampled_from([None, "linux/amd64", "windows/amd64"])),
    }
    return Stack.model_validate({"id": "law", "packages": packages, **fields})


@settings(max_examples=20, deadline=None)
@given(stacks())
def test_what_is_suggested_has_no_fail_and_says_what_each_change_is_for(stack: Stack) -> None:
    facts = definition_facts(stack, KNOWN)
    suggestion = suggest(facts, LIMITS)
    judging = Judging(facts)
    assert suggestion.failed == judging.start.fails
    edit = {change.path: change.after for change in suggestion.changes}
    assert apply(stack, edit) == suggestion.stack
    assert suggestion.remaining == () or suggestion.changes == ()
    if suggestion.proven:
        assert Judging(definition_facts(suggestion.stack, KNOWN)).start.fails == ()
        for change in suggestion.changes:
            assert change.after != value_at(stack, change.path)
            fewer = {path: value for path, value in edit.items() if path != change.path}
            judged = judging.judge(fewer)
            assert bool(change.needed_for) is bool(judged.fails or judged.doubts)
    else:
        assert suggestion.remaining


@settings(max_examples=6, deadline=None)
@given(stacks())
def test_the_same_stack_gets_the_same_suggestion(stack: Stack) -> None:
    facts = definition_facts(stack, KNOWN)
    assert suggest(facts, LIMITS) == suggest(facts, LIMITS)


@settings(max_examples=10, deadline=None)
@given(stacks())
def test_a_suggestion_taken_leaves_nothing_to_suggest(stack: Stack) -> None:
    suggestion = suggest(definition_facts(stack, KNOWN), LIMITS)
    if suggestion.proven:
        again = suggest(definition_facts(suggestion.stack, KNOWN), LIMITS)
        assert (again.changes, again.remaining) == ((), ())


@settings(max_examples=10, deadline=None)
@given(stacks())
def test_facts_of_the_host_are_never_changed(stack: Stack) -> None:
    changed = {change.path[0] for change in suggest(definition_facts(stack, KNOWN), LIMITS).changes}
    assert changed.isdisjoint({"driver", "driver_cuda", "gpus", "platform", "os", "glibc"})
