import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck_probes.binaries.capability import (
    HOWS,
    INTEGRATED,
    RENAMED,
    Capability,
    Code,
    Lto,
    Ptx,
    Sass,
    covers,
    parse_code,
)
from stackcheck_probes.binaries.ptxisa import RELEASES, cuda_for

pytestmark = pytest.mark.property

CAPABILITIES = st.builds(Capability, st.integers(5, 13), st.integers(0, 9))
ISAS = st.none() | st.tuples(st.integers(6, 10), st.integers(0, 9))
PLAIN = st.builds(Sass, CAPABILITIES) | st.builds(Ptx, CAPABILITIES, st.just(""), ISAS)
CODES: st.SearchStrategy[Code] = (
    PLAIN
    | st.builds(Sass, CAPABILITIES, st.sampled_from("af"))
    | st.builds(Ptx, CAPABILITIES, st.sampled_from("af"), ISAS)
    | st.builds(Lto, CAPABILITIES)
)
DRIVERS = st.none() | st.tuples(st.integers(9, 14), st.integers(0, 9))


def rank(codes: list[Code], device: Capability, driver: tuple[int, int] | None) -> int:
    return HOWS.index(covers(codes, device, driver_cuda=driver).how)


@given(st.lists(CODES, max_size=6), CODES, CAPABILITIES, DRIVERS)
def test_more_code_never_serves_worse(
    codes: list[Code], more: Code, device: Capability, driver: tuple[int, int] | None
) -> None:
    assert rank([*codes, more], device, driver) <= rank(codes, device, driver)


@given(st.lists(CODES, max_size=6), CAPABILITIES, DRIVERS, st.integers(0, 50))
def test_a_newer_driver_never_serves_worse(
    codes: list[Code], device: Capability, driver: tuple[int, int] | None, steps: int
) -> None:
    if driver is not None:
        newer = (driver[0] + (driver[1] + steps) // 10, (driver[1] + steps) % 10)
        assert rank(codes, device, newer) <= rank(codes, device, driver)


@given(st.lists(CODES, max_size=6), CAPABILITIES, DRIVERS)
def test_the_order_of_codes_does_not_matter(
    codes: list[Code], device: Capability, driver: tuple[int, int] | None
) -> None:
    assert covers(codes, device, driver_cuda=driver) == covers(codes[::-1], device, driver_cuda=driver)


@given(CAPABILITIES, CAPABILITIES)
def test_a_later_minor_is_served_by_what_serves_an_earlier_one(code: Capability, device: Capability) -> None:
    later = Capability(device.major, device.minor + 1)
    if device.minor < 9 and later not in INTEGRATED and code not in INTEGRATED and code.major == device.major:
        assert Sass(code).reaches(later) >= Sass(code).reaches(device)


@given(CAPABILITIES, CAPABILITIES)
def test_machine_code_never_crosses_between_cards_and_integrated_parts(
    code: Capability, device: Capability
) -> None:
    if (code in INTEGRATED) != (device in INTEGRATED) and RENAMED.get(code) != device:
        assert not Sass(code).reaches(device)
        assert Ptx(code).reaches(device) == (code <= device)


@given(CAPABILITIES, CAPABILITIES, CAPABILITIES)
def test_plain_ptx_reaches_every_later_device(
    code: Capability, device: Capability, later: Capability
) -> None:
    if Ptx(code).reaches(device) and device <= later:
        assert Ptx(code).reaches(later)


@given(CAPABILITIES, CAPABILITIES)
def test_a_is_within_f_is_within_plain(code: Capability, device: Capability) -> None:
    assert Sass(code, "a").reaches(device) <= Sass(code, "f").reaches(device) <= Sass(code).reaches(device)


@given(st.lists(CODES, max_size=6), CAPABILITIES, DRIVERS)
def test_what_serves_is_one_of_the_codes_and_reaches(
    codes: list[Code], device: Capability, driver: tuple[int, int] | None
) -> None:
    found = covers(codes, device, driver_cuda=driver)
    assert (found.by is None) == (found.how == "no")
    assert found.by is None or (found.by in codes and found.by.reaches(device))


@given(CODES)
def test_printing_and_parsing_are_inverse(code: Code) -> None:
    again = parse_code(str(code))
    assert (type(again), again.capability, again.suffix) == (type(code), code.capability, code.suffix)


def test_ptx_isa_cuda_and_driver_grow_together() -> None:
    assert list(RELEASES) == sorted(RELEASES, key=lambda row: row[0])
    assert [cuda for _, cuda, _ in RELEASES] == sorted({cuda for _, cuda, _ in RELEASES})
    drivers = [tuple(map(int, driver.split("."))) for _, _, driver in RELEASES if driver]
    assert drivers == sorted(drivers)


@given(st.tuples(st.integers(6, 9), st.integers(0, 4)), st.tuples(st.integers(6, 9), st.integers(0, 4)))
def test_a_later_isa_never_needs_an_earlier_cuda(one: tuple[int, int], other: tuple[int, int]) -> None:
    low, high = cuda_for(min(one, other)), cuda_for(max(one, other))
    assert low is not None
    assert high is not None
    assert low <= high
