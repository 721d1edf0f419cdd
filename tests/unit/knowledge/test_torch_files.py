"""What single files of a torch wheel say, from literals; rows of siblings and arch lists, read in a refresh."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.knowledge import torch
from stackcheck.knowledge.extending import extended
from stackcheck.knowledge.refresh import refresh
from stackcheck.knowledge.torchfiles import (
    BINDINGS,
    C10,
    CUDA_INIT,
    EXTENSIONS,
    ArchList,
    arch_list,
    code_in,
    code_of_releases,
    has_new_abi,
    numpy_api,
)
from tests.unit.knowledge.test_refresh import (
    LIBRARY,
    LINUX,
    METADATA,
    SAYS_CUDA,
    SHIPPED_TORCH,
    TODAY,
    Index,
    Link,
    wheel,
)
from tests.unit.knowledge.told_folders import instead

NEW_ABI = b"\0_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE\0"
OLD_ABI = b"\0_ZN3c105ErrorC2ENS_14SourceLocationESs\0"
RELEASES = """import torch
PYTORCH_RELEASES_CODE_CC: dict[str, dict[str, set[int]]] = {
    "13.2": {"x86_64": {120, 75}, "aarch64": {80}},
    "13.6": {"x86_64": {75, 80, 120}, "riscv64": {1}},
}
"""
ARCHES = """def _get_cuda_arch_flags(cflags=None):
    named_arches = collections.OrderedDict([("Rubin", "10.7+PTX")])
    supported_arches = ["9.0", "9.0a", "10.7"]
    valid = supported_arches + [s + "+PTX" for s in supported_arches]
    if arch == "native":
        return []
"""


@pytest.mark.parametrize(
    ("function", "content", "says"),
    [
        (has_new_abi, NEW_ABI, True),
        (has_new_abi, OLD_ABI, False),
        (has_new_abi, b"", None),
        (has_new_abi, NEW_ABI + OLD_ABI, None),
        (numpy_api, b"\0numpy._core._multiarray_umath\0numpy.core._multiarray_umath\0", 2),
        (numpy_api, b"\0numpy.core.multiarray failed to import\0", 1),
        (numpy_api, b"", None),
        (code_in, b"\0sm_90 sm_100a sm_75 compute_120\0", (["75", "90", "100a"], ["120"])),
        (code_in, b"\0sm_90\0", None),
        (code_of_releases, RELEASES, {"13.2": {"linux/amd64": ["75", "120"], "linux/arm64": ["80"]}, "13.6": {"linux/amd64": ["75", "80", "120"]}}),
        (code_of_releases, 'PYTORCH_RELEASES_CODE_CC = {"13.0": {75, 80}}', {}),
        (code_of_releases, "PYTORCH_RELEASES_CODE_CC = os.environ", {}),
        (code_of_releases, "def broken(:", {}),
        (arch_list, ARCHES, ArchList(("9.0", "9.0a", "10.7"), {"Rubin": "10.7+PTX"}, native=True)),
        (arch_list, "supported_arches = []", None),
        (arch_list, 'supported_arches = ["9.0"]\nnamed_arches = [1, 2]', None),
    ],
)  # fmt: skip
def test_what_a_file_says(function: Any, content: str | bytes, says: object) -> None:
    assert function(content) == says


def test_builds_that_the_table_in_a_wheel_names_and_a_new_arch_list_become_rows() -> None:
    content = wheel(
        {
            "torch/version.py": SAYS_CUDA,
            BINDINGS: LIBRARY + b"\0numpy._core._multiarray_umath\0",
            C10: NEW_ABI,
            CUDA_INIT: RELEASES,
            EXTENSIONS: ARCHES,
            "torch-2.16.0.dist-info/METADATA": METADATA,
        }
    )
    index = Index({"torch": [Link(LINUX)], "torchvision": [], "torchaudio": []}, {LINUX: content})
    found = refresh(index, torch.load(), TODAY)
    assert [each.title for each in found.additions] == [
        "torch 2.16.0",
        "torch 2.16.0+cu132 (linux/amd64)",
        "torch 2.16.0+cu132 (linux/arm64)",
        "torch 2.16.0+cu136 (linux/amd64)",
        "arch list of torch 2.16.0",
    ]
    release, build, _, sibling, arches = (each.text for each in found.additions)
    assert 'cuda = "13.2 13.6"\ncuda_unverified = true\n' in release
    assert 'abi = true\nnumpy = 2\ncudnn = 9\nnote = "CUDA list: the wheels on the index, and' in release
    assert 'ptx = "120"\nabi = true\n' in build
    assert sibling == (
        '[[build]]\ntorch = "2.16.0"\ncuda = "13.6"\nplatform = "linux/amd64"\nchannels = "index"\n'
        'sm = "75 80 120"\nevidence = "runtime-table"\nunverified = true\n'
        'note = "the table says what such a build has, and not that there is one"\n'
        'made = "stackcheck tables refresh"\nchecked = 2027-01-02\n'
        'source = "PYTORCH_RELEASES_CODE_CC in torch/cuda/__init__.py of the torch 2.16.0 wheel, '
        'pypi.org/project/torch/2.16.0"'
    )
    assert arches.startswith(
        '[[arch_list]]\nsince = "2.16.0"\narches = "9.0 9.0a 10.7"\nnames = { "Rubin" = "10.7+PTX" }\nnative = true\n'
    )


def test_the_rows_load_and_a_second_refresh_finds_nothing_new(tmp_path: Any) -> None:
    content = wheel(
        {
            "torch/version.py": SAYS_CUDA,
            BINDINGS: LIBRARY,
            CUDA_INIT: RELEASES,
            EXTENSIONS: ARCHES,
            "torch-2.16.0.dist-info/METADATA": METADATA,
        }
    )
    index = Index({"torch": [Link(LINUX)], "torchvision": [], "torchaudio": []}, {LINUX: content})
    additions = refresh(index, torch.load(), TODAY).additions
    table = torch.load(instead(tmp_path, "torch", extended(SHIPPED_TORCH, additions, TODAY)))
    build = table.build("2.16.0", "13.6", "linux/amd64")
    assert build is not None
    assert (build.listed, build.unverified) == ("sm_75 sm_80 sm_120", True)
    assert table.arch_names[-1].arches == ("9.0", "9.0a", "10.7")
    assert refresh(index, table, TODAY).additions == ()


def test_numpy_is_read_where_a_new_python_was_compiled_for() -> None:
    """torch 2.3's wheels for Python 3.8 are compiled with NumPy 1: the last one that this Python has."""
    old, new = (LINUX.replace("cp312", python) for python in ("cp38", "cp312"))

    def content(mark: bytes) -> bytes:
        members: dict[str, str | bytes] = {
            "torch/version.py": SAYS_CUDA,
            BINDINGS: mark,
            "torch-2.16.0.dist-info/METADATA": METADATA,
        }
        return wheel(members)

    wheels = {
        old: content(b"\0numpy.core._multiarray_umath\0"),
        new: content(b"\0numpy._core._multiarray_umath\0"),
    }
    index = Index({"torch": [Link(old), Link(new)], "torchvision": [], "torchaudio": []}, wheels)
    assert "\nnumpy = 2\n" in refresh(index, torch.load(), TODAY).additions[0].text
