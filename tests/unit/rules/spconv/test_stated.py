"""The rules about spconv and cumm: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "cumm above the range",
        "SPCONV101",
        {"packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.8.2"}},
        ["FAIL: spconv-cu124 2.3.8 works with cumm>=0.7.11,<0.8.0, and the stack has cumm-cu124 0.8.2."],
    ),
    (
        "cumm inside the range",
        "SPCONV101",
        {"packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.7.11"}},
        ["PASS: cumm-cu124 0.7.11 is in the range of spconv-cu124 2.3.8."],
    ),
    (
        "METADATA too wide",
        "SPCONV101",
        {"packages": {"spconv-cu113": "2.1.21", "cumm-cu113": "0.4.9"}},
        [
            "FAIL: spconv-cu113 2.1.21 works with cumm>=0.2.8,<0.3.0, and the stack has cumm-cu113 0.4.9; its METADATA admits cumm>=0.2.8, which is too wide."
        ],
    ),
    (
        "the pair of that time",
        "SPCONV101",
        {"packages": {"spconv-cu113": "2.1.21", "cumm-cu113": "0.2.9"}},
        ["PASS: cumm-cu113 0.2.9 is in the range of spconv-cu113 2.1.21."],
    ),
    (
        "spconv without a row",
        "SPCONV101",
        {"packages": {"spconv-cu124": "9.0.0", "cumm-cu124": "0.7.11"}},
        ["SKIP: no data on the cumm that spconv-cu124 9.0.0 works with."],
    ),
    ("cumm not stated", "SPCONV101", {"packages": {"spconv-cu120": "latest"}}, []),
    (
        "both flags",
        "SPCONV102",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_DISABLE_JIT": "1", "CUMM_DISABLE_JIT": "1"}},
        [
            "WARN: SPCONV_DISABLE_JIT and CUMM_DISABLE_JIT have no effect on wheels, and NVRTC is not stopped by them."
        ],
    ),
    (
        "one flag",
        "SPCONV102",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_DISABLE_JIT": "1"}},
        ["WARN: SPCONV_DISABLE_JIT has no effect on wheels, and NVRTC is not stopped by it."],
    ),
    ("no flag", "SPCONV102", {"packages": {"spconv-cu124": "2.3.8"}}, []),
    (
        "a source build reads them",
        "SPCONV102",
        {"packages": {"spconv": {"version": "2.3.8", "from": "source"}}, "env": {"SPCONV_DISABLE_JIT": "1"}},
        [],
    ),
    (
        "two suffixes",
        "SPCONV103",
        {"packages": {"spconv-cu124": "2.3.8", "cumm-cu121": "0.7.11"}},
        ["FAIL: spconv-cu124 and cumm-cu121 are made for different CUDA versions."],
    ),
    (
        "two flavours",
        "SPCONV103",
        {"packages": {"spconv-cu124": "2.3.8", "spconv-cu118": "2.3.8", "cumm-cu124": "0.7.11"}},
        ["FAIL: spconv-cu124 and spconv-cu118 write the same package spconv: the last one installed wins."],
    ),
    (
        "one flavour",
        "SPCONV103",
        {"packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.7.11"}},
        ["PASS: spconv-cu124 and cumm-cu124 are the same flavour, and there once."],
    ),
    (
        "GPUs with prebuilt kernels",
        "SPCONV104",
        {"packages": {"spconv-cu124": "2.3.8"}, "gpus": ["T4", "L4"]},
        ["PASS: spconv-cu124 has prebuilt kernels for every GPU of the stack."],
    ),
    (
        "a later GPU by PTX",
        "SPCONV104",
        {"packages": {"spconv-cu124": "2.3.8"}, "gpus": ["L4", "RTX 5090"]},
        [
            "PASS: spconv-cu124 has prebuilt kernels for every GPU of the stack. RTX 5090 (12.0) by PTX, which the driver compiles at the first use."
        ],
    ),
    (
        "a GPU without them",
        "SPCONV104",
        {"packages": {"spconv-cu124": "2.3.8"}, "gpus": ["GTX 980"]},
        [
            "WARN: spconv-cu124 has no prebuilt kernels for GTX 980 (5.2): each kernel is compiled at run time with NVRTC."
        ],
    ),
    (
        "and a cumm that cannot compile",
        "SPCONV104",
        {"packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.8.2"}, "gpus": ["GTX 980"]},
        [
            'FAIL: spconv-cu124 has no prebuilt kernels for GTX 980 (5.2), and they cannot be compiled at run time: cumm-cu124 0.8.2 cannot below CUDA 12.6 (tensorview/core/nvrtc/tuple.h(33): error: name followed by "::" must be a class or namespace name).'
        ],
    ),
    (
        "and no nvcc in the image",
        "SPCONV104",
        {
            "packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.7.11"},
            "gpus": ["GTX 980"],
            "image": {"base": "python:3.11-slim"},
        },
        [
            "FAIL: spconv-cu124 has no prebuilt kernels for GTX 980 (5.2), and they cannot be compiled at run time: cumm-cu124 0.7.11 needs nvcc on the PATH or CUMM_CUDA_VERSION set, and a CUDA 11 or 12 toolkit under /usr/local/cuda, and the image python:3.11-slim has no nvcc."
        ],
    ),
    (
        "nvcc not needed when the variable is set",
        "SPCONV104",
        {
            "packages": {"spconv-cu124": "2.3.8", "cumm-cu124": "0.7.11"},
            "gpus": ["GTX 980"],
            "image": {"base": "python:3.11-slim"},
            "env": {"CUMM_CUDA_VERSION": "12.4"},
        },
        [
            "WARN: spconv-cu124 has no prebuilt kernels for GTX 980 (5.2): each kernel is compiled at run time with NVRTC."
        ],
    ),
    (
        "Pascal 6.1 runs the code for 6.0",
        "SPCONV104",
        {"packages": {"spconv-cu124": "2.3.8"}, "gpus": ["GTX 1080 Ti"]},
        ["PASS: spconv-cu124 has prebuilt kernels for every GPU of the stack."],
    ),
    (
        "older wheels have Pascal 6.1",
        "SPCONV104",
        {"packages": {"spconv-cu117": "2.3.6"}, "gpus": ["GTX 1080 Ti"]},
        ["PASS: spconv-cu117 has prebuilt kernels for every GPU of the stack."],
    ),
    (
        "no row for such an old CUDA",
        "SPCONV104",
        {"packages": {"spconv-cu102": "2.3.6"}, "gpus": ["T4"]},
        ["SKIP: no data on the prebuilt kernels of spconv-cu102."],
    ),
    ("no GPU stated", "SPCONV104", {"packages": {"spconv-cu124": "2.3.8"}}, []),
    (
        "headers in a circle",
        "CUMM101",
        {"packages": {"cumm-cu124": "0.8.2"}},
        [
            'WARN: cumm-cu124 0.8.2 cannot compile kernels at run time below CUDA 12.6: tensorview/core/nvrtc/tuple.h(33): error: name followed by "::" must be a class or namespace name.'
        ],
    ),
    (
        "CUDA 12.6 compiles them",
        "CUMM101",
        {"packages": {"cumm-cu126": "0.8.2"}},
        ["PASS: cumm-cu126 0.8.2 compiles with CUDA 12.6."],
    ),
    ("an older cumm", "CUMM101", {"packages": {"cumm-cu124": "0.7.11"}}, []),
    (
        "source build without a list",
        "SPCONV105",
        {"packages": {"spconv": {"version": "2.3.8", "from": "source"}}},
        [
            "WARN: The source build of spconv and cumm names no architecture: it asks nvidia-smi, which a docker build lacks."
        ],
    ),
    (
        "source build with a list",
        "SPCONV105",
        {
            "packages": {"spconv": {"version": "2.3.8", "from": "source"}},
            "env": {"CUMM_CUDA_ARCH_LIST": "12.0"},
        },
        ["PASS: The source build names its architectures: 12.0."],
    ),
    ("wheels need no list", "SPCONV105", {"packages": {"spconv-cu124": "2.3.8"}}, []),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
