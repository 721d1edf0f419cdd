"""Laws of the coverage and driver rules over the shipped tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import definition_facts
from stackcheck.intake.stack import Stack
from stackcheck.model.build import cuda_tag
from stackcheck.model.verdict import Outcome
from stackcheck.rules import load_all
from stackcheck.rules.driver.driver_range import Driver, parse_driver
from stackcheck.rules.gpucode.arch_list import expand, parsed_codes
from stackcheck.rules.registry import RULES, judge_one
from stackcheck_probes.binaries.capability import Capability, Sass

if TYPE_CHECKING:
    from stackcheck.knowledge.torch import Build

load_all()
KNOWN = knowledge.load()
BUILDS = [row for row in KNOWN.torch.builds if row.sm is not None]
CAPABILITIES = sorted({capability for row in KNOWN.cuda.generations for capability in row.capabilities})
ENTRIES = [entry for entry in KNOWN.torch.arch_names[-1].arches if not entry.endswith("a")]
ORDER = [Outcome.PASS, Outcome.WARN, Outcome.FAIL]

builds = st.sampled_from(BUILDS)
capabilities = st.sampled_from(CAPABILITIES)
drivers = st.builds("{}.{}.{:02}".format, st.integers(400, 620), st.integers(0, 200), st.integers(0, 20))
cuda_versions = st.sampled_from([row.version for row in KNOWN.cuda.toolkits])


def outcome(code: str, **fields: Any) -> Outcome | None:
    stack = Stack.model_validate({"id": "law", **fields})
    found = judge_one(RULES[code], definition_facts(stack, KNOWN))
    return max((each.outcome for each in found), default=None)


def of_build(row: Build, gpus: list[Capability], **fields: Any) -> dict[str, Any]:
    packages = {"torch": f"{row.torch}+{cuda_tag(row.cuda)}"}
    named = [str(gpu) for gpu in gpus]
    return {"packages": packages, "platform": row.platform, "gpus": named, **fields}


@given(builds, capabilities)
def test_a_build_serves_exactly_what_its_code_reaches(row: Build, gpu: Capability) -> None:
    found = outcome("ARCH101", **of_build(row, [gpu]))
    reached = any(code.reaches(gpu) for code in row.codes or ())
    assert found in (Outcome.PASS, Outcome.WARN) if reached or row.unverified else found is Outcome.FAIL


@given(builds, capabilities)
def test_native_asks_for_more_than_runs(row: Build, gpu: Capability) -> None:
    native = outcome("ARCH101", **of_build(row, [gpu], arch_mode="native"))
    runs = outcome("ARCH101", **of_build(row, [gpu]))
    assert native is not None
    assert runs is not None
    assert native >= runs or runs is Outcome.WARN
    if native is Outcome.PASS:
        assert Sass(gpu) in (row.sm or ())


@given(builds, st.lists(capabilities, min_size=1, max_size=4), capabilities)
def test_more_gpus_are_never_served_better(row: Build, gpus: list[Capability], more: Capability) -> None:
    few, many = (outcome("ARCH101", **of_build(row, each)) for each in (gpus, [*gpus, more]))
    assert few is not None
    assert many is not None
    assert many >= few


@given(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=4), st.sampled_from(ENTRIES), capabilities)
def test_more_entries_never_serve_less(entries: list[str], more: str, gpu: Capability) -> None:
    few = outcome("ARCH103", arch_list=entries, gpus=[str(gpu)])
    many = outcome("ARCH103", arch_list=[*entries, more], gpus=[str(gpu)])
    assert few is not None
    assert many is not None
    assert many <= few


@given(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=5), st.sampled_from([";", " "]))
def test_valid_entries_are_split_and_parsed_back(entries: list[str], separator: str) -> None:
    parts, refused = expand(separator.join(entries), KNOWN.torch.arch_names[-1])
    assert (parts, refused) == (tuple(entries), ())
    assert [str(code.capability) for code in parsed_codes(parts)] == entries


@given(
    st.text(alphabet="0123456789.;, +PTXasm_HopperAda", max_size=30), st.sampled_from(KNOWN.torch.arch_names)
)
def test_an_entry_is_either_known_or_refused(text: str, names: Any) -> None:
    parts, refused = expand(text, names)
    assert set(refused) <= set(parts)
    parsed_codes(tuple(part for part in parts if part not in refused))  # what is accepted can be parsed


@given(drivers, drivers, cuda_versions)
def test_a_newer_driver_never_runs_less(one: str, other: str, cuda: Version) -> None:
    old, new = sorted((one, other), key=Version)
    before, after = (outcome("DRIVER101", cuda=str(cuda), driver=each) for each in (old, new))
    assert before is not None
    assert after is not None
    assert ORDER.index(after) <= ORDER.index(before)


@given(drivers, cuda_versions, cuda_versions)
def test_a_driver_that_runs_a_cuda_version_runs_every_older_major(
    driver: str, one: Version, other: Version
) -> None:
    old, new = sorted((one, other))
    assume(old.major < new.major)
    if outcome("DRIVER101", cuda=str(new), driver=driver) is Outcome.PASS:
        assert outcome("DRIVER101", cuda=str(old), driver=driver) is Outcome.PASS


@given(drivers, cuda_versions)
def test_minor_versions_of_one_major_stand_or_fall_together(driver: str, cuda: Version) -> None:
    assume(cuda.major >= 11 and cuda.minor > 0)  # 11.0 came with a driver below the floor of 11
    first = f"{cuda.major}.1"
    assert outcome("DRIVER101", cuda=str(cuda), driver=driver) is outcome(
        "DRIVER101", cuda=first, driver=driver
    )


@given(cuda_versions, cuda_versions)
def test_what_a_driver_reports_runs_itself_and_all_older(has: Version, cuda: Version) -> None:
    found = outcome("DRIVER101", cuda=str(cuda), driver_cuda=str(has))
    runs = has >= cuda or (cuda.major >= 11 and has.major == cuda.major)
    assert found is (Outcome.PASS if runs else Outcome.FAIL)


@given(drivers, capabilities)
def test_a_branch_that_dropped_a_gpu_never_takes_it_back(driver: str, gpu: Capability) -> None:
    found = outcome("DRIVER102", gpus=[str(gpu)], driver=driver)
    later = outcome("DRIVER102", gpus=[str(gpu)], driver="999.10.01")
    if found is Outcome.FAIL:
        assert later is Outcome.FAIL


@given(drivers, drivers, capabilities)
def test_a_driver_that_knows_a_gpu_is_followed_by_none_that_does_not(
    one: str, other: str, gpu: Capability
) -> None:
    old, new = sorted((one, other), key=Version)
    before, after = (outcome("DRIVER103", gpus=[str(gpu)], driver=each) for each in (old, new))
    assert (before is None) is (after is None)  # whether there is a floor is a matter of the GPU
    if before is not None and after is not None:
        assert after <= before


@given(drivers, drivers, cuda_versions, st.sampled_from(ENTRIES), capabilities)
def test_a_newer_driver_compiles_all_ptx_that_an_older_one_did(
    one: str, other: str, cuda: Version, entry: str, gpu: Capability
) -> None:
    old, new = sorted((one, other), key=Version)
    fields: dict[str, Any] = {"toolkit": str(cuda), "arch_list": [f"{entry}+PTX"], "gpus": [str(gpu)]}
    before, after = (outcome("DRIVER104", driver=each, **fields) for each in (old, new))
    assert (before is None) is (after is None)
    if before in ORDER and after in ORDER:
        assert ORDER.index(after) <= ORDER.index(before)


@given(drivers, cuda_versions, cuda_versions, st.sampled_from(ENTRIES), capabilities)
def test_ptx_of_an_older_toolkit_is_never_harder_to_compile(
    driver: str, one: Version, other: Version, entry: str, gpu: Capability
) -> None:
    old, new = sorted((one, other))
    fields: dict[str, Any] = {"driver": driver, "arch_list": [f"{entry}+PTX"], "gpus": [str(gpu)]}
    before, after = (outcome("DRIVER104", toolkit=str(each), **fields) for each in (new, old))
    if before in ORDER and after in ORDER:
        assert ORDER.index(after) <= ORDER.index(before)


@given(drivers, drivers)
def test_an_exact_driver_is_below_a_floor_or_it_is_not(driver: str, floor: str) -> None:
    parsed = parse_driver(driver)
    assert isinstance(parsed, Driver)
    assert parsed.below(Version(floor)) is (Version(driver) < Version(floor))


@given(st.text(max_size=20))
def test_any_text_is_a_driver_or_none(text: str) -> None:
    assert parse_driver(text) is None or isinstance(parse_driver(text), Driver)
