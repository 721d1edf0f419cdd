import pytest

from stackcheck_probes.binaries.capability import (
    Capability,
    Lto,
    Ptx,
    Sass,
    covers,
    parse_capability,
    parse_code,
)


def cc(text: str) -> Capability:
    return parse_capability(text)


@pytest.mark.parametrize(
    ("code", "device", "how"),
    [
        # NVIDIA Ada and Blackwell Compatibility Guides
        ("sm_80", "8.6", "runs"),
        ("sm_80", "8.9", "runs"),
        ("sm_80", "9.0", "no"),
        ("sm_86", "8.9", "runs"),
        ("sm_86", "8.0", "no"),
        ("sm_89", "8.6", "no"),
        ("sm_90", "10.0", "no"),
        ("sm_100", "10.3", "runs"),
        ("sm_100", "12.0", "no"),
        ("sm_120", "12.1", "runs"),
        ("sm_120", "10.0", "no"),
        ("sm_70", "7.5", "runs"),
        ("sm_50", "5.2", "runs"),
        ("sm_60", "6.1", "runs"),
        ("sm_89", "8.9", "native"),
        # integrated parts: their own machine code, or PTX; theirs runs nowhere else
        ("sm_80", "8.7", "no"),
        ("sm_86", "8.7", "no"),
        ("sm_87", "8.7", "native"),
        ("sm_87", "8.9", "no"),
        ("compute_80", "8.7", "ptx"),
        ("compute_87", "8.9", "ptx"),
        ("sm_50", "5.3", "no"),
        ("sm_60", "6.2", "no"),
        ("sm_72", "7.5", "no"),
        ("sm_100", "10.1", "no"),
        ("sm_101", "10.3", "no"),
        # architecture-specific: exact only, SASS and PTX
        ("sm_90a", "9.0", "native"),
        ("sm_90a", "10.0", "no"),
        ("sm_100a", "10.3", "no"),
        ("sm_120a", "12.1", "no"),
        ("compute_90a", "9.0", "ptx"),
        ("compute_90a", "10.0", "no"),
        # family-specific
        ("sm_100f", "10.0", "native"),
        ("sm_100f", "10.3", "runs"),
        ("sm_103f", "10.0", "no"),
        ("sm_100f", "12.0", "no"),
        ("sm_100f", "10.1", "no"),
        ("sm_120f", "12.1", "runs"),
        ("compute_100f", "10.3", "ptx"),
        ("compute_100f", "12.0", "no"),
        # PTX: every later capability, never an earlier one
        ("compute_52", "8.6", "ptx"),
        ("compute_90", "12.1", "ptx"),
        ("compute_90", "8.9", "no"),
        ("lto_90", "9.0", "no"),
        # Thor, renamed in CUDA 13.0
        ("sm_101", "11.0", "runs"),
        ("sm_101a", "11.0", "no"),
    ],
)
def test_which_code_serves_which_device(code: str, device: str, how: str) -> None:
    assert covers([parse_code(code)], cc(device)).how == how


def test_the_best_code_serves() -> None:
    codes = [parse_code(code) for code in ("sm_75", "sm_80", "sm_86", "sm_90", "compute_90")]
    assert covers(codes, cc("8.9")).by == Sass(cc("8.6"))
    assert covers(codes, cc("8.6")).how == "native"
    assert covers(codes, cc("12.0")).by == Ptx(cc("9.0"))
    assert covers(codes, cc("7.0")).how == "no"
    assert covers((), cc("8.6")).how == "no"


def test_ptx_names_the_driver_that_it_needs() -> None:
    found = covers([Ptx(cc("9.0"), "", (8, 7))], cc("12.0"))
    assert (found.how, found.needs_cuda, found.needs_driver) == ("ptx", (12, 8), "570.26")


def test_ptx_is_no_help_on_an_older_driver() -> None:
    found = covers([Ptx(cc("9.0"), "", (8, 7))], cc("12.0"), driver_cuda=(12, 4))
    assert found.how == "no"
    assert found.note == "compute_90 needs a driver of CUDA 12.8, this one has 12.4"


def test_older_ptx_serves_where_the_newer_one_is_too_new() -> None:
    codes = [Ptx(cc("9.0"), "", (8, 7)), Ptx(cc("7.0"), "", (7, 8))]
    assert covers(codes, cc("12.0"), driver_cuda=(12, 4)).by == codes[1]
    assert covers(codes, cc("12.0"), driver_cuda=(12, 8)).by == codes[0]


@pytest.mark.parametrize(
    ("isa", "note"),
    [
        (None, "PTX ISA version not known: so is the driver it needs"),
        ((99, 1), "PTX ISA 99.1 is newer than the table of drivers"),
    ],
)
def test_an_unknown_isa_is_said_not_guessed(isa: tuple[int, int] | None, note: str) -> None:
    found = covers([Ptx(cc("9.0"), "", isa)], cc("12.0"))
    assert (found.how, found.needs_driver, found.note) == ("ptx", None, note)


def test_why_no_machine_code_crosses_between_cards_and_integrated_parts() -> None:
    apart = "neither runs the other's"
    assert covers([Sass(cc("8.0")), Sass(cc("8.6"))], cc("8.7")).note == (
        f"sm_86 is machine code for cards, and 8.7 is an integrated part: {apart}"
    )
    assert covers([Sass(cc("8.7"))], cc("8.9")).note == (
        f"sm_87 is machine code for an integrated part, and 8.9 is a card: {apart}"
    )
    assert covers([Sass(cc("8.0"))], cc("9.0")).note == ""
    assert covers([Sass(cc("8.9"))], cc("8.7")).note == ""


@pytest.mark.parametrize(
    "text", ["", "sm_", "9", "8.9.1", "sm_8.9", "8.9b", "gfx906", "compute_x", "sm_90aa", "٨.٩x"]
)
def test_what_is_no_code_target_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a code target such as sm_90a, compute_120 or 9\.0a"):
        parse_code(text)


@pytest.mark.parametrize("text", ["8", "8.9a", "sm_89a", "-8.9", "8.-9", "12345", "sm_²²"])
def test_what_is_no_capability_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a compute capability such as 8\.9 or sm_89"):
        parse_capability(text)


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError, match=r"Capability\.major cannot be set to 9: the value is frozen"):
        cc("8.9").major = 9
    with pytest.raises(AttributeError, match=r"Capability\.major cannot be deleted: the value is frozen"):
        del cc("8.9").major


def test_kinds_differ() -> None:
    assert Sass(cc("9.0")) != Ptx(cc("9.0"))
    assert len({Sass(cc("9.0")), Ptx(cc("9.0")), Lto(cc("9.0"))}) == 3
    assert repr(Sass(cc("9.0"), "a")) == "Sass(capability=Capability(major=9, minor=0), suffix='a', isa=None)"
