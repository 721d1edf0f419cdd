import pytest

from stackcheck_probes.binaries.capability import Code, parse_capability, parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.gpucode import GpuCode, Group, Images
from stackcheck_probes.judging.coverage import LibraryCoverage, hip_coverage, library_coverage

TORCH_25 = "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"


def group(codes: str, fatbins: int = 1) -> Group:
    return Group(frozenset(map(parse_code, codes.split())), fatbins)


def image(code: Code) -> Images:
    return Images(ImageKind(code, "", debug=False, kind=0), 1, 100)


def library(*groups: Group, unread: tuple[str, ...] = ()) -> GpuCode:
    images = tuple(image(code) for row in groups for code in row.codes)
    return GpuCode(images=images, fatbins=len(groups), groups=groups, unread=unread)


def on(gpu: GpuCode, device: str, driver: tuple[int, int] | None = None) -> LibraryCoverage:
    return library_coverage(gpu, parse_capability(device), driver_cuda=driver)


@pytest.mark.parametrize(
    ("device", "how", "reason"),
    [
        ("8.6", "native", "sm_86: built for it"),
        ("8.9", "runs", "sm_86: runs on 8.9"),
        ("12.0", "no", f"no image for 12.0; it holds {TORCH_25} sm_90a"),
    ],
)
def test_torch_2_5(device: str, how: str, reason: str) -> None:
    found = on(library(group(TORCH_25, 339), group(TORCH_25 + " sm_90a")), device)
    assert (found.how, found.reason, found.partial) == (how, reason, False)


def test_the_worst_of_the_fatbins_that_serve_counts() -> None:
    found = on(library(group("sm_89", 3), group("sm_80 compute_80:8.4", 2)), "8.9")
    assert (found.how, str(found.coverage.by), found.serving, found.fatbins) == ("runs", "sm_80", 5, 5)
    assert (found.best.how, str(found.best.by)) == ("native", "sm_89")


def test_partial_cover_is_told_apart() -> None:
    found = on(library(group("sm_80 sm_90", 32), group("sm_75 sm_80 sm_90")), "7.5")
    assert (found.how, found.partial) == ("native", True)
    assert found.reason == "sm_75: built for it; only 1 of 33 fatbins serve 7.5"


def test_ptx_names_the_driver() -> None:
    gpu = library(group("sm_60 sm_90 compute_90:8.4", 411))
    found = on(gpu, "12.0")
    assert (found.how, found.coverage.needs_cuda) == ("ptx", (12, 4))
    assert found.reason == "compute_90: compiled by the driver, needs driver >= 550.54.14; PTX ISA 8.4"
    late = on(gpu, "12.0", (12, 2))
    assert (late.how, late.reason) == ("no", "compute_90 needs a driver of CUDA 12.4, this one has 12.2")


def test_the_newest_isa_among_fatbins_decides_the_driver() -> None:
    gpu = library(group("compute_80:7.8"), group("compute_80:8.7"), group("compute_80:8.0"))
    assert on(gpu, "9.0").coverage.needs_driver == "570.26"


def test_hidden_code_is_unknown_not_no() -> None:
    reason = "hidden code: fatbins in .data that no section lists; use --deep"
    found = on(library(group("sm_52"), unread=(reason,)), "8.9")
    assert (found.how, found.reason) == ("unknown", reason)


def test_hidden_code_beside_code_that_serves_is_mentioned() -> None:
    found = on(library(group("sm_89"), unread=("hidden code: somewhere",)), "8.9")
    assert (found.how, found.reason) == ("native", "sm_89: built for it; hidden code: somewhere")


@pytest.mark.parametrize(
    ("gpu", "reason"),
    [
        (GpuCode(), "no device code"),
        (GpuCode(images=(image(parse_code("sm_52")),), fatbins=1, empty=1), "its fatbins hold no kernels"),
        (GpuCode(targets=(("gfx90a", 1, 10),), bundles=1), "HIP code only"),
        (
            GpuCode(relocatable=(image(parse_code("sm_90")),)),
            "relocatable device code only: it still has to be linked",
        ),
    ],
)
def test_nothing_for_any_nvidia_device(gpu: GpuCode, reason: str) -> None:
    found = on(gpu, "8.9")
    assert (found.how, found.reason) == ("none", reason)


def test_lto_ir_serves_nothing_by_itself() -> None:
    found = on(library(group("lto_90")), "9.0")
    assert (found.how, found.reason) == ("no", "LTO IR only: it still has to be linked")


def test_an_orin_does_not_run_the_machine_code_of_cards() -> None:
    found = on(library(group("sm_80")), "8.7")
    note = "sm_80 is machine code for cards, and 8.7 is an integrated part: neither runs the other's"
    assert (found.how, found.reason) == ("no", note)
    with_ptx = on(library(group("sm_80 compute_80:7.0")), "8.7")
    assert (with_ptx.how, with_ptx.by) == ("ptx", "compute_80")


def bundles(*held: str, unread: tuple[str, ...] = ()) -> GpuCode:
    """Return a library of one bundle for each text of targets."""
    groups = tuple((frozenset(each.split()), 1) for each in held)
    targets = tuple((name, 1, 64) for each in held for name in each.split())
    return GpuCode(targets=targets, bundles=len(held), bundle_groups=groups, unread=unread)


@pytest.mark.parametrize(
    ("held", "gfx", "how", "reason"),
    [
        (("gfx90a gfx942",), "gfx942", "native", "gfx942: built for it"),
        (("gfx90a",), "gfx942", "no", "no code object for gfx942; it holds gfx90a"),
        (
            ("gfx11-generic gfx9-4-generic",),
            "gfx1151",
            "runs",
            "gfx11-generic: generic code of its family; generic code needs ROCm 6.4 or later",
        ),
        (
            ("gfx11-generic gfx9-4-generic",),
            "gfx942",
            "runs",
            "gfx9-4-generic: generic code of its family; generic code needs ROCm 6.4 or later",
        ),
        (("gfx1100 gfx11-generic",), "gfx1100", "native", "gfx1100: built for it"),
        (("gfx9-generic",), "gfx90a", "no", "no code object for gfx90a; it holds gfx9-generic"),
        (("gfx90a:xnack-",), "gfx90a", "native", "gfx90a:xnack-: built for it"),
        (("gfx90a:sramecc+:xnack-",), "gfx90a", "native", "gfx90a:sramecc+:xnack-: built for it"),
        (
            ("gfx90a:xnack+",),
            "gfx90a",
            "no",
            "gfx90a:xnack+ loads only where XNACK is on (HSA_XNACK=1), and it is off by default",
        ),
        (("gfx90a:xnack+ gfx90a:xnack-",), "gfx90a", "native", "gfx90a:xnack-: built for it"),
        (
            ("gfx908:sramecc-",),
            "gfx908",
            "no",
            "gfx908:sramecc- loads only where SRAMECC is off, and it is on by default",
        ),
        (
            ("gfx906:sramecc-",),
            "gfx906",
            "unknown",
            "gfx906:sramecc- loads only where SRAMECC is off, which is not known of gfx906",
        ),
        (
            ("gfx90a", "gfx1100"),
            "gfx90a",
            "native",
            "gfx90a: built for it; only 1 of 2 bundles serve gfx90a",
        ),
        (("amdgcnspirv",), "gfx942", "ptx", "amdgcnspirv: SPIR-V; the ROCm runtime compiles it at first use"),
        ((), "gfx942", "none", "no HIP code"),
    ],
)
def test_hip_code_serves_its_targets_and_their_families(
    held: tuple[str, ...], gfx: str, how: str, reason: str
) -> None:
    found = hip_coverage(bundles(*held), gfx)
    assert (found.how, found.reason) == (how, reason)
    assert found.partial is ("only 1 of 2" in reason)


def test_hip_bundles_that_were_not_read_leave_it_unknown() -> None:
    why = "3 HIP bundles not readable here: no zstd"
    assert hip_coverage(GpuCode(bundles=3, unread=(why,)), "gfx942").reason == why
    assert hip_coverage(GpuCode(unread=("hidden code: fatbins in .data",)), "gfx942").how == "none"


def test_hip_facts_without_groups_count_every_target_in_every_bundle() -> None:
    found = hip_coverage(GpuCode(targets=(("gfx90a", 95, 64),), bundles=95), "gfx90a")
    assert (found.how, found.serving, found.fatbins, found.by) == ("native", 95, 95, "gfx90a")
