"""nvcc and gcc against torch: each case with its twin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import SOURCE, said_with_hints

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "TOOLKIT101",
        {"cuda": "12.8", "toolkit": "11.8", "packages": {"mmcv": SOURCE}},
        [
            (
                "FAIL",
                "The stack says CUDA 12.8, the toolkit is 11.8: building mmcv is refused.",
                "take CUDA toolkit 12.8, or torch for CUDA 11.8",
            )
        ],
    ),
    (
        "TOOLKIT101",
        {"packages": {"torch": "2.3.0+cu121"}, "toolkit": "11.8"},
        [
            (
                "WARN",
                "The local version of torch says CUDA 12.1, the toolkit is 11.8: nothing is built from source, so it is not used; a source build would be refused.",
                "take CUDA toolkit 12.1, or torch for CUDA 11.8",
            )
        ],
    ),
    (
        "TOOLKIT101",
        {
            "packages": {"torch": "2.3.0+cu121", "mmcv": {"version": "2.1.0", "from": "source"}},
            "toolkit": "12.4",
        },
        [
            (
                "PASS",
                "The local version of torch says CUDA 12.1, the toolkit is 12.4: the same major version, so extensions build, with a warning.",
                "",
            )
        ],
    ),
    (
        "TOOLKIT101",
        {"packages": {"torch": "2.3.0+cu121"}, "toolkit": "12.4"},
        [
            (
                "PASS",
                "The local version of torch says CUDA 12.1, the toolkit is 12.4: the same major version, so extensions build.",
                "",
            )
        ],
    ),
    (
        "TOOLKIT101",
        {"packages": {"torch": "2.3.0+cu121"}, "toolkit": "12.1.1"},
        [("PASS", "The toolkit is CUDA 12.1, as torch is.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "12.4", "host_compiler": "gcc 14"},
        [
            (
                "FAIL",
                "CUDA 12.4 accepts gcc up to 13, the stack has gcc 14: `unsupported GNU version`.",
                "install gcc 13 and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "12.4", "host_compiler": "gcc 13"},
        [("PASS", "CUDA 12.4 accepts gcc up to 13; the stack has gcc 13.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "12.3", "host_compiler": "gcc 13"},
        [
            (
                "FAIL",
                "CUDA 12.3 accepts gcc up to 12, the stack has gcc 13: `unsupported GNU version`.",
                "install gcc 12 and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "12.3", "host_compiler": "gcc 12"},
        [("PASS", "CUDA 12.3 accepts gcc up to 12; the stack has gcc 12.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "11.8", "host_compiler": "g++-12"},
        [
            (
                "FAIL",
                "CUDA 11.8 accepts gcc up to 11, the stack has gcc 12: `unsupported GNU version`.",
                "install gcc 11 and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {
            "toolkit": "11.8",
            "host_compiler": "g++-12",
            "env": {"NVCC_PREPEND_FLAGS": "-allow-unsupported-compiler"},
        },
        [
            (
                "WARN",
                "CUDA 11.8 accepts gcc up to 11, the stack has gcc 12, and NVCC_PREPEND_FLAGS switches the check off: NVIDIA does not test that.",
                "install gcc 11 and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "10.2", "host_compiler": "gcc 9"},
        [
            (
                "WARN",
                "CUDA 10.2 accepts gcc up to 8, the stack has gcc 9: `unsupported GNU version`. This rests on knowledge that no primary source confirms, so it is a warning.",
                "install gcc 8 and set CC, CXX and CUDAHOSTCXX to it, or take a newer toolkit",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "11.4", "host_compiler": "gcc 11"},
        [
            (
                "PASS",
                "CUDA 11.4 accepts gcc up to 11 (11.4.0 (nvcc V11.4.48) stops at GCC 10; 11.4.1+ allows 11 (torch cpp_extension special case, spack)); the stack has gcc 11.",
                "",
            )
        ],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "13.4", "host_compiler": "gcc 16"},
        [("PASS", "CUDA 13.4 accepts gcc up to 16; the stack has gcc 16.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "10.0", "host_compiler": "gcc 7"},
        [("SKIP", "no data on the newest gcc that CUDA 10.0 accepts.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "12.4", "host_compiler": "clang 18"},
        [("SKIP", "the host compiler 'clang 18' is not gcc: only gcc limits are known.", "")],
    ),
    (
        "TOOLKIT102",
        {"toolkit": "14.0", "host_compiler": "gcc 15"},
        [
            (
                "SKIP",
                "no data on the CUDA toolkit 14.0: the tables of stackcheck end with CUDA 13.5 and were checked on 2026-11-20.",
                "`stackcheck tables refresh` reads newer releases from the package index",
            )
        ],
    ),
]


@pytest.mark.parametrize(("code", "fields", "expected"), CASES)
def test_verdict_and_words(code: str, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert said_with_hints(code, **fields) == expected
