"""One conflict is said once: of stacks drawn from the tables no report says one thing by two rules.

Two FAILs about the same two packages are one conflict where, whatever the versions of these two, one is never
bad without the other. Offline the rules speak by the tables; with a resolver's answer LOCK201 speaks by the
same METADATA.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import Environment, definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.build import cuda_tag
from stackcheck.model.resolution import Unresolved
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules import load_all
from stackcheck.rules.accepting import settled
from stackcheck.rules.registry import RULES, judge_all, judge_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.property

load_all()
TABLES = knowledge.load()
STATED = [each for each in RULES.values() if {*each.needs} <= {"stack", "env", "tables"}]
SPARSE = {
    "spconv": ["2.1.21", "2.1.25", "2.2.6", "2.3.6", "2.3.8"],
    "cumm": ["0.2.8", "0.3.7", "0.4.11", "0.5.3", "0.7.11", "0.7.13", "0.8.2"],
}


@cache
def versions() -> Mapping[str, list[str]]:
    """Return the versions that the tables know, by package."""
    found: dict[str, set[str]] = {}
    for name in TABLES.packages.declared_dists:
        known = TABLES.packages.declared(name, SpecifierSet())
        found.setdefault(name, set()).update(str(version) for version, _ in known)
    for name in TABLES.measured.names:
        package = TABLES.measured.package(name)
        found.setdefault(name, set()).update(str(row.version) for row in (package.rows if package else ()))
    for row in TABLES.torch.companions:
        found.setdefault(row.name, set()).add(str(row.version))
    for family, released in SPARSE.items():
        found |= {f"{family}{suffix}": set(released) for suffix in ("", "-cu118", "-cu124")}
    found["torch"] = set(torches())
    found["numpy"] = {"1.24.4", "1.26.4", "2.0.2", "2.2.6"}
    return {name: sorted(each) for name, each in sorted(found.items()) if each}


@cache
def torches() -> tuple[str, ...]:
    rows = TABLES.torch.releases
    tagged = [f"{row.torch}+{cuda_tag(cuda)}" for row in rows for cuda in row.cuda]
    return (*(str(row.torch) for row in rows), *tagged)


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a stack: packages of the tables, some with what they require, pinned to any version."""
    known = versions()
    names = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=3, unique=True))
    for name in tuple(names):
        row = TABLES.packages.declared_by(name, draw(st.sampled_from(known[name]).map(Version)))
        beside = [*(row.needs if row else ()), *_beside(name)]
        partners = sorted({each for each in beside if each in known} - {*names})
        names += draw(st.lists(st.sampled_from(partners), max_size=2, unique=True)) if partners else []
    packages = {name: draw(st.sampled_from(known[name])) for name in dict.fromkeys([*names, "torch"])}
    fields: dict[str, Any] = {"packages": packages}
    for key, values in (
        ("python", ["3.8", "3.10", "3.12", "3.13"]),
        ("platform", ["linux/amd64", "linux/arm64", "windows/amd64", "macos/amd64"]),
        ("toolkit", ["11.8", "12.4"]),
        ("driver", ["450.80.02", "550.54.15", "580.65.06"]),
        ("index", [{"url": f"https://download.pytorch.org/whl/{tag}"} for tag in ("cpu", "cu118", "cu124")]),
    ):
        if draw(st.booleans()):
            fields[key] = draw(st.sampled_from(values))
    return fields


def _beside(name: str) -> list[str]:
    family, _, suffix = name.partition("-")
    return [f"cumm{f'-{suffix}' if suffix else ''}"] if family == "spconv" else []


def refusals(env: Environment) -> Iterator[tuple[str, str, Unresolved]]:
    """Yield what a resolver says, a conflict each: METADATA of one pin that refuses another one."""
    for (name, one), (other, two) in product(env.packages.items(), repeat=2):
        if name != other and one.exact and two.exact:
            for wanted in _required(name, one.exact, other):
                if not wanted.contains(two.exact.public, prereleases=True):
                    texts = f"{name}=={one.exact}: {other}{wanted}", f"the stack: {other}=={two.exact}"
                    yield name, other, Unresolved("conflict", f"{name} needs {other}{wanted}", texts)
                    break


def _required(name: str, version: Version, other: str) -> Iterator[SpecifierSet]:
    declared, measured = TABLES.packages.declared_by(name, version), TABLES.measured.row(name, version)
    if declared is not None and other in declared.needs:
        yield declared.needs[other]
    yield from (each.specifier for each in (measured.required(other) if measured else ()) if not each.marker)
    if name.startswith("spconv") and other in _beside(name):
        row = TABLES.sparse.cumm_range(version)
        yield from [row.declared or row.cumm] if row else []
    if other == "torch":
        rows = (each for each in TABLES.torch.companions if each.name == name and each.version == version)
        yield from (each.torch for each in rows if each.torch is not None)


def pair_of(verdict: Verdict, packages: Mapping[str, str]) -> frozenset[str]:
    """Return which packages of a stack a verdict speaks of, by its words and by what it is about."""
    said = f"{verdict.message} {verdict.expected} {verdict.found}".lower().replace("_", "-")
    words = set(re.findall(r"[a-z][a-z0-9-]*[a-z0-9]", said))
    return frozenset((words | {verdict.subject, *verdict.about}) & packages.keys())


def is_bad(code: str, pair: frozenset[str], fields: Mapping[str, Any], versions: Mapping[str, str]) -> bool:
    """Tell whether a rule fails a stack of other versions for the same two packages."""
    stack = Stack.model_validate({"id": "law", **fields, "packages": {**fields["packages"], **versions}})
    facts = definition_facts(stack, TABLES)
    if code == "LOCK201":
        return any({one, two} == pair for one, two, _ in refusals(facts["env"]))
    found = judge_one(RULES[code], facts)
    return any(each.outcome is Outcome.FAIL and pair_of(each, fields["packages"]) == pair for each in found)


def implied(one: str, other: str, pair: frozenset[str], fields: Mapping[str, Any]) -> bool:
    """Tell whether one of two rules is never bad alone, whichever version either of a pair has."""
    rows = [{name: version} for name in sorted(pair) for version in versions()[name]]
    told = {(is_bad(one, pair, fields, row), is_bad(other, pair, fields, row)) for row in rows}
    both_vary = {first for first, _ in told} == {second for _, second in told} == {True, False}
    return both_vary and not {(True, False), (False, True)} <= told


@given(stacks())
def test_no_two_findings_of_a_report_are_one_conflict(fields: dict[str, Any]) -> None:
    stack = Stack.model_validate({"id": "law", **fields})
    facts = definition_facts(stack, TABLES)
    judged = judge_all(STATED, facts)
    answers = [
        (), *(judge_one(RULES["LOCK201"], {"resolving": found}) for _, _, found in refusals(facts["env"]))
    ]  # fmt: skip
    for answer in answers:
        bad = [each for each in settled((*answer, *judged), stack) if each.outcome is Outcome.FAIL]
        for one, other in combinations(bad, 2):
            pair = pair_of(one, stack.packages)  # type: ignore[arg-type]
            same = len(pair) == 2 and pair == pair_of(other, stack.packages)  # type: ignore[arg-type]
            assert one.code == other.code or not same or not implied(one.code, other.code, pair, fields), (
                f"{one.code} and {other.code} say one thing: {one.message} / {other.message}"
            )
