"""The rules about where wheels come from: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "index of another tag",
        "INDEX101",
        {"packages": {"torch": "2.5.0+cu124"}, "index": {"url": "https://download.pytorch.org/whl/cu121"}},
        ["FAIL: torch 2.5.0+cu124 is not on the index of cu121, which is the one that the stack names."],
    ),
    (
        "index of the tag",
        "INDEX101",
        {"packages": {"torch": "2.5.0+cu124"}, "index": {"url": "https://download.pytorch.org/whl/cu124"}},
        ["PASS: torch 2.5.0+cu124 is looked for on the index of cu124."],
    ),
    (
        "index of another minor than stated",
        "INDEX101",
        {
            "cuda": "12.4",
            "packages": {"torch": "2.5.0"},
            "index": {"url": "https://download.pytorch.org/whl/cu121"},
        },
        ["WARN: The PyTorch index is the one of cu121, and the stack states CUDA 12.4."],
    ),
    (
        "index of another major than stated",
        "INDEX101",
        {
            "cuda": "12.4",
            "packages": {"torch": "2.5.0"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu118"]},
        },
        ["FAIL: The PyTorch index is the one of cu118, and the stack states CUDA 12.4."],
    ),
    (
        "index of the stated version",
        "INDEX101",
        {
            "cuda": "12.4",
            "packages": {"torch": "2.5.0"},
            "index": {"extra": ["https://download.pytorch.org/whl/cu124"]},
        },
        ["PASS: The PyTorch index is the one of CUDA 12.4."],
    ),
    (
        "a page with all tags",
        "INDEX101",
        {
            "packages": {"torch": "1.9.1+cu111"},
            "index": {"find_links": ["https://download.pytorch.org/whl/torch_stable.html"]},
        },
        [],
    ),
    (
        "page of another torch",
        "INDEX102",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "torch-scatter": {
                    "version": "2.1.2",
                    "find_links": "https://data.pyg.org/whl/torch-2.4.0+cu124.html",
                },
            }
        },
        [
            "FAIL: torch-scatter is looked for on the PyG page for torch 2.4 and cu124; the stack has torch 2.5.0 (cu124)."
        ],
    ),
    (
        "page of another CUDA major",
        "INDEX102",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "torch-scatter": {
                    "version": "2.1.2",
                    "find_links": "https://data.pyg.org/whl/torch-2.5.0+cu118.html",
                },
            }
        },
        [
            "FAIL: torch-scatter is looked for on the PyG page for torch 2.5 and cu118; the stack has torch 2.5.0 (cu124)."
        ],
    ),
    (
        "page of another CUDA minor",
        "INDEX102",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "torch-scatter": {
                    "version": "2.1.2",
                    "find_links": "https://data.pyg.org/whl/torch-2.5.0+cu121.html",
                },
            }
        },
        [
            "PASS: torch-scatter is looked for on the PyG page for torch 2.5 and cu121, the CUDA major version of torch."
        ],
    ),
    (
        "page of the patch release before",
        "INDEX102",
        {
            "packages": {
                "torch": "2.5.1+cu124",
                "torch-scatter": {
                    "version": "2.1.2",
                    "find_links": "https://data.pyg.org/whl/torch-2.5.0+cu124.html",
                },
            }
        },
        ["PASS: torch-scatter is looked for on the PyG page for torch 2.5 and cu124."],
    ),
    (
        "percent sign in the address",
        "INDEX102",
        {
            "packages": {"torch": "2.5.0+cu124", "torch-scatter": "2.1.2"},
            "index": {"find_links": ["https://data.pyg.org/whl/torch-2.4.0%2Bcu124.html"]},
        },
        [
            "FAIL: torch-scatter is looked for on the PyG page for torch 2.4 and cu124; the stack has torch 2.5.0 (cu124)."
        ],
    ),
    (
        "mmcv page without patch number",
        "INDEX102",
        {
            "packages": {
                "torch": "2.4.1+cu121",
                "mmcv": {
                    "version": "2.2.0",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html",
                },
            }
        },
        ["PASS: mmcv is looked for on the OpenMMLab page for torch 2.4 and cu121."],
    ),
    (
        "a build that PyPI cannot have",
        "INDEX103",
        {"packages": {"torch-cluster": "1.6.3+pt21cu118"}, "index": {"url": "https://pypi.org/simple"}},
        [
            "FAIL: torch-cluster 1.6.3+pt21cu118 cannot be on PyPI, which is the only index that the stack names."
        ],
    ),
    (
        "torch with a tag from PyPI alone",
        "INDEX103",
        {"packages": {"torch": "2.5.0+cu124"}, "index": {"url": "https://pypi.org/simple"}},
        ["FAIL: torch 2.5.0+cu124 cannot be on PyPI, which is the only index that the stack names."],
    ),
    (
        "with its page",
        "INDEX103",
        {
            "packages": {
                "torch-cluster": {
                    "version": "1.6.3+pt21cu118",
                    "find_links": "https://data.pyg.org/whl/torch-2.1.0+cu118.html",
                }
            },
            "index": {"url": "https://pypi.org/simple"},
        },
        [],
    ),
    ("index not stated", "INDEX103", {"packages": {"torch": "2.5.0+cu124"}}, []),
    (
        "mmcv where nothing is published",
        "MMCV101",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "mmcv": {
                    "version": "2.2.0",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu124/torch2.5/index.html",
                },
            }
        },
        [
            "FAIL: There is no wheel of mmcv 2.2.0 for torch 2.5 and cu124: pip takes the source and compiles it."
        ],
    ),
    (
        "mmcv where it is published",
        "MMCV101",
        {
            "packages": {
                "torch": "2.4.0+cu121",
                "mmcv": {
                    "version": "2.2.0",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu121/torch2.4.0/index.html",
                },
            }
        },
        ["PASS: mmcv 2.2.0 is published for torch 2.4 and cu121."],
    ),
    (
        "mmcv 2.1.0 ends with torch 2.1",
        "MMCV101",
        {
            "packages": {"torch": "2.3.0+cu121", "mmcv": "2.1.0"},
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.3.0/index.html"]},
        },
        [
            "FAIL: There is no wheel of mmcv 2.1.0 for torch 2.3 and cu121: pip takes the source and compiles it."
        ],
    ),
    (
        "a release without rows",
        "MMCV101",
        {
            "packages": {
                "torch": "2.5.0+cu124",
                "mmcv": {
                    "version": "2.9.0",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu124/torch2.5/index.html",
                },
            }
        },
        ["SKIP: no data on the published wheels of mmcv 2.9.0."],
    ),
    (
        "a stated source build",
        "MMCV101",
        {"packages": {"torch": "2.5.0+cu124", "mmcv": {"version": "2.2.0", "from": "source"}}},
        [],
    ),
    (
        "toolkit of another major for the fallback",
        "TOOLKIT101",
        {
            "toolkit": "11.8",
            "packages": {"torch": "2.3.0+cu121", "mmcv": "2.1.0"},
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.3.0/index.html"]},
        },
        ["FAIL: The local version of torch says CUDA 12.1, the toolkit is 11.8: building mmcv is refused."],
    ),
    (
        "toolkit of the major",
        "TOOLKIT101",
        {
            "toolkit": "12.4",
            "packages": {"torch": "2.3.0+cu121", "mmcv": "2.1.0"},
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.3.0/index.html"]},
        },
        [
            "PASS: The local version of torch says CUDA 12.1, the toolkit is 12.4: the same major version, so extensions build, with a warning."
        ],
    ),
    (
        "no fallback needed",
        "TOOLKIT101",
        {
            "toolkit": "11.8",
            "packages": {
                "torch": "2.4.0+cu121",
                "mmcv": {
                    "version": "2.2.0",
                    "find_links": "https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html",
                },
            },
        },
        [
            "WARN: The local version of torch says CUDA 12.1, the toolkit is 11.8: nothing is built from source, so it is not used; a source build would be refused."
        ],
    ),
    (
        "two mmcv",
        "MMCV102",
        {"packages": {"mmcv": "1.4.0", "mmcv-full": "1.4.0"}},
        ["WARN: mmcv and mmcv-full are the same Python package: the files of the last one installed win."],
    ),
    ("one mmcv", "MMCV102", {"packages": {"mmcv": "2.1.0"}}, []),
    (
        "published for the CUDA version",
        "PYG101",
        {"packages": {"torch": "2.5.0+cu124", "torch-scatter": "2.1.2"}},
        ["PASS: torch-scatter is published for torch 2.5 and cu124."],
    ),
    (
        "not published for the CUDA version",
        "PYG101",
        {"packages": {"torch": "2.5.0+cu126", "torch-scatter": "2.1.2"}},
        ["WARN: torch-scatter is not published for torch 2.5 and cu126."],
    ),
    (
        "pinned to a build that is not there",
        "PYG101",
        {"packages": {"torch": "2.6.0+cu121", "torch-scatter": "2.1.2+pt26cu121"}},
        ["FAIL: torch-scatter is not published for torch 2.6 and cu121."],
    ),
    (
        "a page with pyg-lib alone",
        "PYG101",
        {"packages": {"torch": "2.11.0+cu130", "torch-scatter": "2.1.2"}},
        ["WARN: torch-scatter is not published for torch 2.11; its page has pyg-lib."],
    ),
    (
        "a torch without a row",
        "PYG101",
        {"packages": {"torch": "1.4.0+cu101", "torch-scatter": "2.0.4", "torch-sparse": "0.6.0"}},
        [
            "SKIP: no data on the PyG pages of torch 1.4: the tables of stackcheck end with torch 2.13 and were checked on 2026-11-30."
        ],
    ),
    (
        "a torch newer than every page",
        "PYG101",
        {"packages": {"torch": "2.14.0+cu130", "torch-scatter": "2.1.2"}},
        [
            "SKIP: no data on the PyG pages of torch 2.14: the tables of stackcheck end with torch 2.13 and were checked on 2026-11-30."
        ],
    ),
    (
        "a CUDA that torch no longer has",
        "PYG101",
        {"packages": {"torch": "2.12.0+cu128", "torch-scatter": "2.1.2"}},
        ["WARN: torch-scatter is not published for torch 2.12 and cu128."],
    ),
    (
        "the first page that is told",
        "PYG101",
        {"packages": {"torch": "1.12.1+cu113", "torch-scatter": "2.1.0"}},
        ["PASS: torch-scatter is published for torch 1.12 and cu113."],
    ),
    (
        "a torch without a row, and builds of one's own",
        "PYG101",
        {"packages": {"torch": "1.4.0+cu101", "torch-scatter": {"version": "2.0.4", "from": "source"}}},
        [],
    ),
    (
        "the last page for torch 1",
        "PYG101",
        {"packages": {"torch": "1.13.1+cu117", "torch-scatter": "2.1.1+pt113cu117"}},
        ["PASS: torch-scatter is published for torch 1.13 and cu117."],
    ),
    (
        "a build for torch 1 that is not there",
        "PYG101",
        {"packages": {"torch": "1.13.1+cu118", "torch-scatter": "2.1.1+pt113cu118"}},
        ["FAIL: torch-scatter is not published for torch 1.13 and cu118."],
    ),
    (
        "a page that others use",
        "PYG101",
        {"packages": {"torch": "2.9.0+cu128", "torch-scatter": "2.1.2+pt29cu128"}},
        ["PASS: torch-scatter is published for torch 2.9 and cu128."],
    ),
    (
        "a page of which too little is known to fail",
        "PYG101",
        {"packages": {"torch": "2.9.0+cu129", "torch-scatter": "2.1.2+pt29cu129"}},
        [
            "WARN: torch-scatter is not published for torch 2.9 and cu129. This rests on knowledge that no primary source confirms, so it is a warning."
        ],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
