"""The rules about environment variables: for each a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.rules.harness import lines

CASES: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "read by nobody",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_ALGO": "native"}},
        [
            "WARN: SPCONV_ALGO='native': no effect: neither spconv nor cumm reads it; it is a variable of the TRELLIS application."
        ],
    ),
    (
        "of no interest without spconv",
        "ENV101",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"SPCONV_ALGO": "native"}},
        [],
    ),
    (
        "raises at import",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_FILTER_HWIO": "1"}},
        ["FAIL: SPCONV_FILTER_HWIO='1': any value makes `import spconv` raise NotImplementedError."],
    ),
    (
        "a layout that does not exist",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_SAVED_WEIGHT_LAYOUT": "HWIO"}},
        [
            "FAIL: SPCONV_SAVED_WEIGHT_LAYOUT='HWIO': a value other than KRSC, RSKC or RSCK makes `import spconv` raise AssertionError."
        ],
    ),
    (
        "a layout that exists",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"SPCONV_SAVED_WEIGHT_LAYOUT": "KRSC"}},
        [],
    ),
    (
        "the empty text",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"CUMM_CUDA_VERSION": ""}},
        [
            "FAIL: CUMM_CUDA_VERSION='': the empty text makes cumm 0.7.11 and older take the CPU-only path: kernels that are not prebuilt cannot be compiled."
        ],
    ),
    (
        "a version",
        "ENV101",
        {"packages": {"spconv-cu124": "2.3.8"}, "env": {"CUMM_CUDA_VERSION": "12.4"}},
        [],
    ),
    (
        "capabilities without compute",
        "ENV101",
        {"accelerator": "cuda", "env": {"NVIDIA_DRIVER_CAPABILITIES": "utility,graphics"}},
        [
            "FAIL: NVIDIA_DRIVER_CAPABILITIES='utility,graphics': without `compute` the container gets no libcuda.so.1, and torch sees no GPU."
        ],
    ),
    (
        "capabilities with compute",
        "ENV101",
        {"accelerator": "cuda", "env": {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}},
        [],
    ),
    (
        "no GPU for the container",
        "ENV101",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"NVIDIA_VISIBLE_DEVICES": "none"}},
        ["FAIL: NVIDIA_VISIBLE_DEVICES='none': no GPU is given to the container."],
    ),
    (
        "every GPU hidden",
        "ENV101",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"CUDA_VISIBLE_DEVICES": "-1"}},
        ["FAIL: CUDA_VISIBLE_DEVICES='-1': it hides every GPU: RuntimeError: No CUDA GPUs are available."],
    ),
    (
        "devices named in the image",
        "ENV101",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"CUDA_VISIBLE_DEVICES": "0,1"}},
        [
            "WARN: CUDA_VISIBLE_DEVICES='0,1': an image that names devices fails on every host that has fewer of them."
        ],
    ),
    ("hidden GPUs on a CPU stack", "ENV101", {"accelerator": "cpu", "env": {"CUDA_VISIBLE_DEVICES": ""}}, []),
    (
        "stubs at run time",
        "ENV101",
        {"env": {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64/stubs:/usr/lib"}},
        [
            "WARN: LD_LIBRARY_PATH='/usr/local/cuda/lib64/stubs:/usr/lib': a stubs directory is for linking: a program that finds its libcuda there gets cudaErrorStubLibrary (34)."
        ],
    ),
    (
        "compat at run time",
        "ENV101",
        {"env": {"LD_LIBRARY_PATH": "/usr/lib:/usr/local/cuda-12.4/compat"}},
        [
            "WARN: LD_LIBRARY_PATH='/usr/lib:/usr/local/cuda-12.4/compat': the forward-compatibility libcuda is used on every host: a GeForce answers with error 804, a newer driver with error 803."
        ],
    ),
    (
        "conda libraries",
        "ENV101",
        {"env": {"LD_LIBRARY_PATH": "/opt/conda/lib"}},
        [
            "WARN: LD_LIBRARY_PATH='/opt/conda/lib': conda's libraries are found before the system's: an older libstdc++ there lacks GLIBCXX symbols."
        ],
    ),
    (
        "a source tree of torch",
        "ENV101",
        {"env": {"PYTHONPATH": "/pytorch"}},
        [
            "WARN: PYTHONPATH='/pytorch': a source tree of torch is imported instead of, or beside, the installed one: two torches in a process abort with `RpcBackendOptions is already registered`."
        ],
    ),
    (
        "gone since ROCm 6",
        "ENV101",
        {"rocm": "6.4", "env": {"ROC_ENABLE_PRE_VEGA": "1"}},
        [
            "WARN: ROC_ENABLE_PRE_VEGA='1': no effect on PyTorch: only the OpenCL runtime read it, and ROCm 6.0 removed it."
        ],
    ),
    (
        "no ops",
        "ENV101",
        {"packages": {"mmcv": {"version": "2.2.0", "from": "source"}}, "env": {"MMCV_WITH_OPS": "0"}},
        ["FAIL: MMCV_WITH_OPS='0': 0 compiles mmcv without its ops: there is no mmcv._ext."],
    ),
    (
        "not read on a wheel",
        "ENV101",
        {
            "packages": {"mmcv": "2.2.0"},
            "index": {"find_links": ["https://download.openmmlab.com/mmcv/dist/cu121/torch2.4/index.html"]},
            "env": {"MMCV_WITH_OPS": "1"},
        },
        ["WARN: MMCV_WITH_OPS='1': no effect on a wheel: it is read when mmcv is compiled."],
    ),
    (
        "an older toolkit before torch's libraries",
        "ENV102",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"LD_LIBRARY_PATH": "/usr/local/cuda-12.1/lib64"}},
        [
            "FAIL: LD_LIBRARY_PATH puts the libraries of CUDA 12.1 before those of torch 2.5.0 (cu124): importing torch ends in `undefined symbol: __nvJitLink...`."
        ],
    ),
    (
        "a newer toolkit",
        "ENV102",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"LD_LIBRARY_PATH": "/usr/local/cuda-12.6/lib64"}},
        [],
    ),
    (
        "another major has another soname",
        "ENV102",
        {"packages": {"torch": "2.5.0+cu124"}, "env": {"LD_LIBRARY_PATH": "/usr/local/cuda-11.8/lib64"}},
        [],
    ),
    (
        "later torch releases were not read",
        "ENV102",
        {"packages": {"torch": "2.8.0+cu128"}, "env": {"LD_LIBRARY_PATH": "/usr/local/cuda-12.4/lib64"}},
        ["WARN: LD_LIBRARY_PATH puts the libraries of CUDA 12.4 before those of torch 2.8.0 (cu128)."],
    ),
]


@pytest.mark.parametrize(
    ("code", "fields", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_the_rule_says(code: str, fields: dict[str, Any], expected: list[str]) -> None:
    assert lines(code, **fields) == expected
