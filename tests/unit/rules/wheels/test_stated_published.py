"""The rule about wheels beside PyPI: a case that fires, a twin that does not, every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import said_with_hints

D2 = "https://dl.fbaipublicfiles.com/detectron2/wheels/{}/index.html"
LLAMA = "https://abetlen.github.io/llama-cpp-python/whl/{}"
D2_HAS = "torch 1.8 (cu111 cu102 cu101 cpu), 1.9 (cu111 cu102 cpu), 1.10 (cu113 cu111 cu102 cpu)"


def _detectron2(torch: str, page: str, **fields: Any) -> dict[str, Any]:
    packages = {"torch": torch, "detectron2": {"version": "0.6", "find_links": D2.format(page)}}
    return {"packages": packages, "python": "3.9", **fields}


def _natten(torch: str, version: str, **fields: Any) -> dict[str, Any]:
    packages = {"torch": torch, "natten": {"version": version, "find_links": "https://whl.natten.org"}}
    return {"packages": packages, "python": "3.12", **fields}


def _plain(torch: str, name: str, version: str, **fields: Any) -> dict[str, Any]:
    return {"packages": {"torch": torch, name: version}, "python": "3.12", **fields}


CASES: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    (
        "a page that was never made",
        _detectron2("2.1.0+cu121", "cu121/torch2.1"),
        [
            (
                "FAIL",
                "detectron2 0.6 has no wheel for torch 2.1 and cu121 among those that its project publishes at dl.fbaipublicfiles.com/detectron2/wheels, and the stack takes it from there alone.",
                "take one of these, or compile it: that needs nvcc of CUDA 12 and a C++ compiler, and an installed torch",
            )
        ],
    ),
    (
        "the twin: one that was",
        _detectron2("1.10.0+cu113", "cu113/torch1.10"),
        [
            (
                "PASS",
                "detectron2 0.6 has a wheel for torch 1.10 and cu113 at dl.fbaipublicfiles.com/detectron2/wheels.",
                "",
            )
        ],
    ),
    (
        "a local version that the release does not have",
        _natten("2.14.1+cu130", "0.21.7+torch2140cu130"),
        [
            (
                "FAIL",
                "natten 0.21.7+torch2140cu130 has no wheel for torch 2.14 and cu130 among those that its project publishes at whl.natten.org, and the stack takes it from there alone.",
                "take one of these, or compile it: that needs nvcc of CUDA 13 and a C++ compiler, and an installed torch",
            )
        ],
    ),
    (
        "one that it has",
        _natten("2.12.1+cu130", "0.21.7+torch2120cu130"),
        [
            (
                "PASS",
                "natten 0.21.7+torch2120cu130 has a wheel for torch 2.12 and cu130 at whl.natten.org.",
                "",
            )
        ],
    ),
    (
        "a folder of an index that is not there",
        {
            "packages": {"llama-cpp-python": {"version": "0.3.16", "index": LLAMA.format("cu125")}},
            "cuda": "12.5",
        },
        [
            (
                "WARN",
                "llama-cpp-python 0.3.16 has no wheel for cu125 among those that its project publishes at abetlen.github.io/llama-cpp-python/whl, and the stack takes it from there alone. This rests on knowledge that no primary source confirms, so it is a warning.",
                "take one of these, or compile it: that needs nvcc of CUDA 12 and a C++ compiler",
            )
        ],
    ),
    (
        "a Python that no wheel is for",
        {
            "packages": {
                "torch": "2.0.1+cu118",
                "pytorch3d": {
                    "version": "0.7.5",
                    "find_links": "https://dl.fbaipublicfiles.com/pytorch3d/packaging/wheels/py311_cu118_pyt201/download.html",
                },
            },
            "python": "3.11",
        },
        [
            (
                "FAIL",
                "pytorch3d 0.7.5 has no wheel for torch 2.0 and cu118 and Python 3.11 among those that its project publishes at dl.fbaipublicfiles.com/pytorch3d/packaging/wheels, and the stack takes it from there alone.",
                "take one of these, or compile it: that needs nvcc of CUDA 11 and a C++ compiler, and an installed torch",
            )
        ],
    ),
    (
        "PyPI alone, where it is source",
        _plain("2.8.0", "natten", "0.21.7", cuda="12.8"),
        [
            (
                "SKIP",
                "natten 0.21.7 is on PyPI as source alone, which pip compiles: whether that can be done was not asked.",
                "whl.natten.org has none for torch 2.8 and cu128; compiling needs nvcc of CUDA 12 and a C++ compiler, and an installed torch",
            )
        ],
    ),
    (
        "PyPI alone beside a toolkit",
        _plain("2.8.0", "exllamav2", "0.3.2", cuda="12.8", toolkit="12.8"),
        [
            (
                "PASS",
                "exllamav2 0.3.2 is on PyPI as Python alone, whose kernels are compiled when it is first imported; the stack has nvcc of CUDA 12.8.",
                "",
            )
        ],
    ),
    ("somebody else's page", _plain("2.8.0", "natten", "0.21.7+cu128.torch28", cuda="12.8"), []),
    ("a version that no row names", _natten("2.9.1+cu130", "0.21.1+torch290cu130"), []),
    ("a CPU torch", _plain("2.8.0+cpu", "natten", "0.21.7"), []),
    (
        "built from source",
        {"packages": {"torch": "2.8.0", "natten": {"version": "0.21.7", "from": "source"}}},
        [],
    ),
]


@pytest.mark.parametrize(("fields", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_messages(fields: dict[str, Any], said: list[tuple[str, str, str]]) -> None:
    assert said_with_hints("WHEEL113", **fields) == said
