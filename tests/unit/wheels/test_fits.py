from __future__ import annotations

import pytest

from stackcheck.wheels import layouts
from stackcheck.wheels.facts import LibraryFacts
from stackcheck.wheels.fits import Judged, judge
from tests.unit.wheels.fits_cases import (
    GONE,
    MOVED,
    NEW,
    OLD,
    RECENT,
    STABLE,
    exports,
    library,
    subject,
)


def answers(judged: Judged) -> dict[str, str]:
    return {fit.build.torch: fit.answer for fit in judged.fits}


def reasons(judged: Judged, torch: str) -> list[tuple[str, str]]:
    found = next(fit for fit in judged.fits if fit.build.torch == torch)
    return [(each.kind, each.text) for each in found.reasons]


def test_a_module_fits_the_releases_that_export_all_that_it_wants() -> None:
    found = judge(subject(library(undefined=(NEW, MOVED))), exports())
    assert answers(found) == {"2.5.0": "no", "2.8.0": "yes", "2.11.0": "no"}
    assert found.linked == ("small/_C.so",)
    assert not found.stable


def test_what_is_missing_is_counted_and_the_first_three_are_named() -> None:
    wanted = tuple(f"_ZN2at4new{n}Ev" for n in range(5))
    found = judge(subject(library(undefined=(*wanted, STABLE))), exports())
    [reason] = found.fits[0].reasons
    assert (reason.kind, reason.missing, reason.symbols) == ("symbols", 5, wanted[:3])


def test_the_stable_interface_is_judged_by_its_symbols_too() -> None:
    found = judge(subject(library("small/_C.abi3.so", undefined=(STABLE, RECENT))), exports())
    assert answers(found) == {"2.5.0": "no", "2.8.0": "yes", "2.11.0": "yes"}
    assert found.stable


def test_the_major_version_of_cuda_counts_beside_the_stable_interface() -> None:
    """Named by pytorch issue 187320."""
    found = judge(subject(library(undefined=(STABLE,), needed=("libcudart.so.12",))), exports())
    assert answers(found) == {"2.5.0": "yes", "2.8.0": "yes", "2.11.0": "no"}
    assert reasons(found, "2.11.0") == [
        ("cuda", "needs libcudart.so.12 of CUDA 12, and this torch is for CUDA 13")
    ]
    assert found.cuda == (12,)


def test_a_cuda_library_that_the_wheel_holds_or_requires_does_not_count() -> None:
    held = library("small.libs/libcudart-0f.so.12", soname="libcudart.so.12", needed=())
    wants = library(undefined=(STABLE,), needed=("libcudart.so.12",))
    required = judge(
        subject(wants, requires=("nvidia-cuda-runtime-cu12>=12.1; sys_platform == 'linux'",)), exports()
    )
    optional = judge(subject(wants, requires=("nvidia-cuda-runtime-cu12; extra == 'cuda'",)), exports())
    assert answers(judge(subject(wants, held), exports()))["2.11.0"] == "yes"
    assert answers(required)["2.11.0"] == "yes"
    assert answers(optional)["2.11.0"] == "no"


def test_a_library_of_another_version_than_torch_brings_is_not_there() -> None:
    found = judge(subject(library(undefined=(STABLE,), needed=("libcudnn.so.8",))), exports())
    assert reasons(found, "2.8.0") == [("cuda", "needs libcudnn.so.8, and this torch brings libcudnn.so.9")]
    assert answers(found)["2.5.0"] == "yes"  # it brings no cuDNN at all: another package may


def test_a_cuda_library_that_torch_does_not_bring_may_come_from_elsewhere() -> None:
    found = judge(
        subject(library(undefined=(STABLE,), needed=("libnpps.so.12", "libavutil.so.58"))), exports()
    )
    assert answers(found) == {"2.5.0": "yes", "2.8.0": "yes", "2.11.0": "no"}
    assert found.outside == ("libavutil.so.58",)


def test_a_library_of_torch_that_a_build_does_not_have_refuses_it() -> None:
    for_cuda = library(machine="aarch64", needed=("libc10_cuda.so",), undefined=(STABLE,))
    found = judge(subject(for_cuda), exports())
    assert reasons(found, "2.11.0") == [
        ("library", "needs libc10_cuda.so, which is not in this torch, a CPU build")
    ]


def test_the_other_abi_is_named_beside_the_symbols() -> None:
    found = judge(subject(library(undefined=(NEW,), abi="new")), exports())
    [(kind, text)] = reasons(found, "2.5.0")
    assert (kind, text.partition(";")[0]) == (
        "symbols",
        "has the new C++ ABI of std::string, this torch the old one",
    )


def test_the_symbols_of_the_wheel_itself_are_there() -> None:
    core = library("small/lib/libsmall.so", gives=(GONE,), undefined=(STABLE,))
    assert set(answers(judge(subject(library(undefined=(GONE,)), core), exports())).values()) == {"yes"}


def test_what_a_needed_library_of_the_wheel_misses_refuses_the_module() -> None:
    core = library("small/lib/libsmall.so", undefined=(GONE,))
    module = library(undefined=(STABLE,), needed=("libsmall.so",))
    found = judge(subject(module, core), exports())
    assert answers(found) == {"2.5.0": "yes", "2.8.0": "no", "2.11.0": "no"}
    assert {each.library for each in found.fits[1].reasons} == {"small/lib/libsmall.so"}


def test_libraries_that_need_each_other_are_judged() -> None:
    one = library("a/libone.so", needed=("libtwo.so",), undefined=(STABLE,))
    two = library("a/libtwo.so", needed=("libone.so",), undefined=(MOVED,))
    assert answers(judge(subject(one, two), exports())) == {"2.5.0": "yes", "2.8.0": "yes", "2.11.0": "no"}


def test_of_builds_for_several_torches_side_by_side_one_must_load() -> None:
    """Named by mooncake's pg_2_11_0.so beside pg_2_8_0.so."""
    sides = (library("m/pg_2_5_0.so", undefined=(OLD,)), library("m/pg_2_8_0.so", undefined=(NEW, MOVED)))
    both = judge(subject(*sides), exports())
    assert answers(both) == {"2.5.0": "yes", "2.8.0": "yes", "2.11.0": "no"}


def test_builds_for_several_gpus_side_by_side_must_all_load() -> None:
    """Named by torchao's _C_cutlass_90a.abi3.so beside _C_cutlass_100a.abi3.so."""
    sides = (
        library("m/_C_90a.abi3.so", undefined=(NEW, RECENT)),
        library("m/_C_100a.abi3.so", undefined=(STABLE,)),
    )
    assert answers(judge(subject(*sides), exports())) == {"2.5.0": "no", "2.8.0": "yes", "2.11.0": "yes"}


def test_builds_for_several_releases_of_ffmpeg_side_by_side_are_one() -> None:
    sides = (
        library("m/libcore4.so", undefined=(STABLE,), needed=("libavutil.so.56",)),
        library("m/libcore5.so", undefined=(STABLE, RECENT), needed=("libavutil.so.57",)),
    )
    assert answers(judge(subject(*sides), exports()))["2.5.0"] == "yes"


def test_two_modules_of_different_names_must_both_load() -> None:
    found = judge(
        subject(library("m/one.so", undefined=(OLD,)), library("m/two.so", undefined=(NEW,))), exports()
    )
    assert set(answers(found).values()) == {"no"}


def test_modules_for_pythons_that_a_torch_has_no_wheel_for_are_not_asked() -> None:
    old = library("m/_C.cpython-39-x86_64-linux-gnu.so", undefined=(OLD,))
    new = library("m/_C.cpython-310-x86_64-linux-gnu.so", undefined=(STABLE,))
    found = judge(subject(old, new, tags=("py3-none-linux_x86_64",)), exports())
    assert answers(found) == {"2.5.0": "yes", "2.8.0": "yes", "2.11.0": "yes"}


def test_a_python_that_a_torch_has_no_wheel_for_is_said_apart() -> None:
    found = judge(subject(library(undefined=(STABLE,)), tags=("cp314-cp314-linux_x86_64",)), exports())
    assert answers(found) == {"2.5.0": "apart", "2.8.0": "apart", "2.11.0": "yes"}


@pytest.mark.parametrize(
    ("tag", "serves"),
    [
        ("cp39-abi3-linux_x86_64", {"2.5.0", "2.8.0", "2.11.0"}),
        ("cp311-abi3-linux_x86_64", {"2.11.0"}),
        ("cp313-cp313t-linux_x86_64", {"2.8.0"}),
        ("cp39-cp39-linux_x86_64", {"2.5.0"}),
        ("py3-none-linux_x86_64", {"2.5.0", "2.8.0", "2.11.0"}),
    ],
)
def test_pythons_are_asked_by_tag(tag: str, serves: set[str]) -> None:
    found = answers(judge(subject(library(undefined=(STABLE,)), tags=(tag,)), exports()))
    assert {torch for torch, answer in found.items() if answer == "yes"} == serves


def test_a_lone_module_says_its_python_by_its_name() -> None:
    lone = subject(library("_C.cpython-39-x86_64-linux-gnu.so", undefined=(STABLE,)), tags=())
    assert answers(judge(lone, exports())) == {"2.5.0": "yes", "2.8.0": "apart", "2.11.0": "apart"}


def test_a_symbol_that_no_torch_exports_may_be_that_of_a_library_that_was_not_read() -> None:
    partner = library(undefined=("_ZN2at5otherEv", STABLE), needed=("libc10.so", "libpartner.so"))
    found = judge(subject(partner), exports())
    assert set(answers(found).values()) == {"unknown"}
    assert set(answers(judge(subject(library(undefined=("_ZN2at5otherEv",))), exports())).values()) == {"no"}


def test_a_library_that_cannot_be_read_leaves_the_answer_open() -> None:
    found = judge(subject(library(error="the file is cut off")), exports())
    assert set(answers(found).values()) == {"unknown"}


def test_a_wheel_that_links_no_torch_has_no_answers() -> None:
    plain = library("b/libbits_cuda121.so", needed=("libcudart.so.12", "libc.so.6"))
    found = judge(subject(plain), exports())
    assert (found.fits, found.linked, found.cuda, found.outside) == ((), (), (12,), ())


def test_symbols_of_nvjitlink_are_not_asked_of_torch() -> None:
    found = judge(subject(library(undefined=("__nvJitLinkCreate_12_4", STABLE))), exports())
    assert set(answers(found).values()) == {"yes"}


def test_code_for_another_machine_is_left_aside() -> None:
    cubin = LibraryFacts("m/kernel.cubin", machine="cuda")
    assert judge(subject(cubin, library(undefined=(STABLE,))), exports()).subject.platform == "linux/amd64"
    assert judge(subject(cubin), exports()).subject.platform == ""


def test_the_newest_glibc_that_is_wanted_is_told_by_number() -> None:
    wants = (
        ("libc.so.6", "GLIBC_2.4", False),
        ("libc.so.6", "GLIBC_2.17", False),
        ("libc.so.6", "GLIBC_2.35", True),
    )
    found = judge(subject(library(versions_needed=wants)), exports())
    assert found.newest("GLIBC") == "2.17"
    assert found.newest("GLIBCXX") == ""


LAYOUT = layouts.LAYOUTS[0]
PASSES = (STABLE, LAYOUT.passes)


@pytest.mark.parametrize(
    ("gives", "refused"),
    [
        ((), set()),
        ((LAYOUT.newer,), set()),
        ((LAYOUT.visible,), {"2.11.0"}),
        ((LAYOUT.visible, LAYOUT.newer), {"2.5.0", "2.8.0"}),
        ((LAYOUT.visible, LAYOUT.newer, LAYOUT.plain), {"2.11.0"}),
        ((LAYOUT.visible, LAYOUT.newer, LAYOUT.plain, LAYOUT.newer_plain), {"2.5.0", "2.8.0"}),
    ],
)
def test_what_was_compiled_for_the_other_layout_crashes_though_it_binds(
    gives: tuple[str, ...], refused: set[str]
) -> None:
    """Named by torchvision 0.23.0 beside torch 2.9.1, killed by signal 11."""
    own = library("m/libown.so", gives=(LAYOUT.passes,))
    found = judge(subject(library(undefined=PASSES, gives=gives), own), exports())
    assert {torch for torch, answer in answers(found).items() if answer == "no"} == refused
    for torch in refused:
        [(kind, text)] = reasons(found, torch)
        assert (
            kind,
            text.endswith("torch 2.9 changed the layout of c10::KernelFunction: it would crash"),
        ) == (
            "layout",
            True,
        )


def test_what_does_not_pass_the_type_is_not_asked_how_it_was_compiled() -> None:
    found = judge(subject(library(undefined=(STABLE,), gives=(LAYOUT.visible,))), exports())
    assert set(answers(found).values()) == {"yes"}


def test_of_libraries_side_by_side_the_one_that_misses_least_is_named() -> None:
    sides = (
        library("m/pg_1.so", undefined=(OLD, GONE, "_ZN2at4lostEv")),
        library("m/pg_2.so", undefined=(MOVED,)),
    )
    found = judge(subject(*sides), exports())
    assert [each.library for each in found.fits[2].reasons] == ["m/pg_2.so"]


def test_the_python_that_a_wheel_requires_counts_beside_its_tags() -> None:
    wide = subject(library(undefined=(STABLE,)), tags=("py3-none-linux_x86_64",), requires_python=">=3.14")
    assert answers(judge(wide, exports())) == {"2.5.0": "apart", "2.8.0": "apart", "2.11.0": "yes"}
