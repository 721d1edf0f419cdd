import pytest

from stackcheck_probes.binaries.capability import Code, parse_capability, parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.gpucode import GpuCode, Group, Images
from stackcheck_probes.judging.coverage import LibraryCoverage, library_coverage

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


def test_torch_table_is_a_note() -> None:
    found = on(library(group("sm_80")), "8.7")
    note = "torch >= 2.11 does not count sm_80 for 8.7 (integrated parts apart)"
    assert (found.how, found.reason) == ("runs", f"sm_80: runs on 8.7; {note}")
