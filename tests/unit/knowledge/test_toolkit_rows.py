"""Rows of CUDA toolkits out of made wheels of nvcc, and which measured packages are behind."""

from __future__ import annotations

from dataclasses import replace

from packaging.version import Version

from stackcheck.knowledge import cuda
from stackcheck.knowledge.refresh import Refresh, refresh_measured, refresh_toolkits
from stackcheck.knowledge.toolkitrows import HEADERS, NVCC, OLDER, code_of_nvcc, code_of_parts, newest_gcc
from tests.unit.knowledge.test_refresh import TODAY, Index, Link, wheel

NAMES = b"\0sm_20\0sm_75\0sm_80\0sm_130\0sm_130a\0compute_130\0sm_130\0xsm_99\0"
LIBNVVM = b"\0-arch=compute_52\0-arch=compute_69\0-arch=compute_70\0-arch=compute_90a\0sm_30\0"
PTXAS = b"\0sm_20\0sm_52\0cuda_sm_70\0sm_90\0sm_90a\0sm_30\0"
"""ptxas names what is long gone too; libnvvm of CUDA 11 names a compute_69 that ptxas does not."""
HEADER = "#if __GNUC__ > 17\n#error\n#endif /* __GNUC__ > 17 */\n"


def named(project: str, version: str, platform: str = "manylinux2014_x86_64") -> str:
    return f"{project.replace('-', '_')}-{version}-py3-none-{platform}.whl"


OLD, NEW = named(NVCC, "13.6.10"), named(NVCC, "13.6.20")
CRT = named(HEADERS, "13.6.20")
PAGES = {
    NVCC: [
        Link(NEW),
        Link(OLD),
        Link(named(NVCC, "13.5.37")),
        Link(named(NVCC, "13.7.1rc1")),
        Link(named(NVCC, "13.7.1"), yanked="broken"),
        Link(named(NVCC, "13.8.1", "win_amd64")),
        Link("readme.txt"),
    ],
    HEADERS: [Link(CRT)],
    **{project: [] for project in OLDER},
}
FILES = {
    NEW: wheel({"nvidia/cu13/bin/nvcc": b"\x7fELF" + NAMES}),
    CRT: wheel({"nvidia/cu13/include/crt/host_config.h": HEADER}),
}


def test_a_new_toolkit_becomes_a_row_that_says_what_its_nvcc_and_headers_say() -> None:
    found = refresh_toolkits(Index(PAGES, FILES), cuda.load(), TODAY)
    (row,) = found.additions
    assert (row.package, row.kind, found.unread) == ("toolkits", "toolkit", ())
    assert row.text == (
        '[[toolkit]]\nversion = "13.6"\nsm = "75 80 130 130a"\ngcc_max = 17\ngcc_read = true\n'
        'note = "read from wheels, which state no driver"\nmade = "stackcheck tables refresh"\n'
        'checked = 2027-01-02\nsource = "the names of sm_ in bin/nvcc of the nvidia-cuda-nvcc 13.6.20 wheel, and '
        "crt/host_config.h of the nvidia-cuda-crt 13.6.20 wheel, "
        'https://pypi.org/project/nvidia-cuda-nvcc/13.6.20/"'
    )


def test_a_wheel_without_nvcc_is_not_read_and_one_without_headers_states_no_gcc() -> None:
    empty = refresh_toolkits(Index(PAGES, {NEW: wheel({"a": b""}), CRT: FILES[CRT]}), cuda.load(), TODAY)
    assert empty.unread == (f"toolkit 13.6: {NEW} has no nvcc that lists what it makes code for",)
    (row,) = refresh_toolkits(Index({**PAGES, HEADERS: []}, FILES), cuda.load(), TODAY).additions
    assert "gcc" not in row.text
    assert refresh_toolkits(Index({}), cuda.load(), TODAY).unread == tuple(
        f"{project}: https://pypi.example/: HTTP status 503" for project in (*OLDER, NVCC)
    )


def test_a_toolkit_of_cuda_12_becomes_a_row_by_what_both_halves_of_its_nvcc_name() -> None:
    name = named(OLDER[1], "12.10.5")
    folder = "nvidia/cuda_nvcc"
    parts: dict[str, str | bytes] = {
        f"{folder}/nvvm/lib64/libnvvm.so": LIBNVVM,
        f"{folder}/bin/ptxas": PTXAS,
        f"{folder}/include/crt/host_config.h": HEADER,
    }
    index = Index({**PAGES, NVCC: [], OLDER[1]: [Link(name)]}, {name: wheel(parts)})
    (row,) = refresh_toolkits(index, cuda.load(), TODAY).additions
    assert row.text == (
        '[[toolkit]]\nversion = "12.10"\nsm = "52 70 90a"\ngcc_max = 17\ngcc_read = true\n'
        'note = "read from wheels, which state no driver"\nmade = "stackcheck tables refresh"\n'
        'checked = 2027-01-02\nsource = "the names of -arch=compute_ in nvvm/lib64/libnvvm.so that are names of sm_ '
        "in bin/ptxas of the nvidia-cuda-nvcc-cu12 12.10.5 wheel, and crt/host_config.h of the "
        'nvidia-cuda-nvcc-cu12 12.10.5 wheel, https://pypi.org/project/nvidia-cuda-nvcc-cu12/12.10.5/"'
    )


def test_names_of_nvcc_and_the_limit_of_a_header() -> None:
    assert code_of_nvcc(NAMES) == ["75", "80", "130", "130a"]
    assert code_of_nvcc(b"") == []
    assert code_of_parts(LIBNVVM, PTXAS) == ["52", "70", "90a"]
    assert code_of_parts(LIBNVVM, b"") == []
    assert newest_gcc(HEADER) == 17
    assert newest_gcc("#if defined(__GNUC__)") is None


def test_measured_packages_that_are_behind_are_named_with_the_command_that_reads_them() -> None:
    index = Index(
        {"fast": [Link("fast-2.0-py3-none-any.whl"), Link("fast-1.0.tar.gz"), Link("fast-3.0rc1.tar.gz")]}
    )
    assert refresh_measured(index, {"fast": Version("1.0")}).changes == (
        "measured/fast: ends with 1.0, the index has 2.0; `stackcheck learn fast` reads it",
    )
    assert refresh_measured(index, {"fast": Version("2.0")}) == Refresh()
    assert refresh_measured(replace(index, links={}), {"fast": Version("2.0")}).unread == (
        "measured/fast: https://pypi.example/: HTTP status 503",
    )
