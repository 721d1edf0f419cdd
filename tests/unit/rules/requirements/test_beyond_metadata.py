"""What METADATA does not state: for each rule a case that fires and a twin that does not, with every message."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.model.resolution import LockedPackage
from stackcheck.model.verdict import Level
from tests.unit.rules.harness import resolved, said_with_hints, verdicts

H: dict[str, Any] = {"python": "3.11", "platform": "linux/amd64", "accelerator": "cuda"}


def outcomes(code: str, **fields: Any) -> list[tuple[str, str]]:
    return [(outcome, message) for outcome, message, _ in said_with_hints(code, **fields)]


def test_torchcodec_of_another_torch_fails_and_names_the_right_one() -> None:
    assert said_with_hints("NEEDS102", **H, packages={"torch": "2.8.0", "torchcodec": "0.10.0"}) == [
        (
            "FAIL",
            "torchcodec 0.10.0 needs torch==2.10.*, which its METADATA do not say; the stack has torch 2.8.0: "
            "its libraries miss symbols of another torch and are not loaded.",
            "take torchcodec>=0.6,<0.8, which works with torch 2.8.0, or torch==2.10.*",
        )
    ]
    assert outcomes("NEEDS102", **H, packages={"torch": "2.8", "torchcodec": "0.7"}) == [
        ("PASS", "torchcodec 0.7 works with torch 2.8.")
    ]


def test_torchao_beside_another_torch_warns_because_its_python_part_works() -> None:
    (warning,) = said_with_hints("NEEDS102", **H, packages={"torch": "2.9.1", "torchao": "0.17.0"})
    assert warning == (
        "WARN",
        "torchao 0.17.0 needs torch>=2.11, which its METADATA do not say; the stack has torch 2.9.1: it leaves "
        "its compiled kernels out and says so when it is imported; the Python part works, slower.",
        "take torchao==0.15.0, which works with torch 2.9.1, or torch>=2.11",
    )


def test_transformers_switches_an_old_torch_off() -> None:
    ((outcome, message),) = outcomes("NEEDS102", **H, packages={"torch": "2.0.1", "transformers": "4.57.1"})
    assert outcome == "WARN"
    assert message.startswith("transformers 4.57.1 needs torch>=2.1")
    assert outcomes("NEEDS102", **H, packages={"torch": "2.0.1", "transformers": "4.44.2"}) == []


def test_transformers_reads_some_weights_with_a_later_torch_alone() -> None:
    packages = {"torch": "2.5.1", "transformers": "4.52.1"}
    found = outcomes("NEEDS102", **H, packages=packages)
    assert [each[0] for each in found] == ["PASS", "WARN"]
    assert found[1][1].startswith(
        "transformers 4.52.1 needs torch>=2.6 to read weights that are not safetensors"
    )
    for later in ({"torch": "2.6.0"}, {"transformers": "4.51.3"}):
        assert "WARN" not in {each[0] for each in outcomes("NEEDS102", **H, packages=packages | later)}


def test_basicsr_imports_what_a_later_torchvision_has_removed() -> None:
    basicsr = {"version": "1.4.2", "from": "source"}
    packages = {"torch": "2.6.0", "torchvision": "0.21.0", "basicsr": basicsr}
    ((outcome, message),) = outcomes("NEEDS102", **H, packages=packages)
    assert outcome == "FAIL"
    assert "torchvision.transforms.functional_tensor" in message
    packages |= {"torchvision": "0.16.2"}
    assert outcomes("NEEDS102", **H, packages=packages) == [
        ("PASS", "basicsr 1.4.2 works with torchvision 0.16.2.")
    ]


def test_two_that_have_to_have_one_version() -> None:
    packages = {"flashinfer-python": "0.5.0", "flashinfer-cubin": "0.5.2"}
    (verdict,) = said_with_hints("NEEDS102", **H, packages=packages)
    assert verdict[0] == "FAIL"
    assert verdict[2] == "pin flashinfer-python and flashinfer-cubin to one version"
    packages = dict.fromkeys(packages, "0.5.2")
    assert [each[0] for each in said_with_hints("NEEDS102", **H, packages=packages)] == ["PASS"]


@pytest.mark.parametrize(
    ("torch", "triton", "outcome"),
    [
        ("2.6.0", ">=3.3,<3.4", ["FAIL"]),
        ("2.7.0", ">=3.3,<3.4", ["PASS"]),
        (">=2.5,<2.7", "3.3.1.post19", ["FAIL"]),  # nothing in that range fits
        (">=2.5,<2.8", "3.3.1.post19", ["PASS"]),
        ("2.6.0", ">=3.1", []),  # reaches versions that no row is about
    ],
)
def test_a_range_fails_only_where_nothing_in_it_fits(torch: str, triton: str, outcome: list[str]) -> None:
    packages = {"torch": torch, "triton-windows": triton}
    assert [
        each[0] for each in said_with_hints("NEEDS102", platform="windows/amd64", packages=packages)
    ] == outcome


def test_a_later_version_than_the_table_has_is_no_data() -> None:
    ((outcome, message, _),) = said_with_hints(
        "NEEDS102", **H, packages={"torch": "2.8.0", "torchcodec": "0.19.0"}
    )
    assert outcome == "SKIP"
    assert message.startswith("no data on the torch that torchcodec 0.19.0 works with")


def test_what_is_compiled_on_the_spot_is_bound_to_nothing() -> None:
    packages = {"torch": "2.8.0", "torchcodec": {"version": "0.10.0", "from": "source"}}
    assert said_with_hints("NEEDS102", **H, packages=packages) == []


def test_two_newest_releases_that_do_not_belong_together() -> None:
    locked = (
        LockedPackage("torch", Version("2.15.0"), "torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl"),
        LockedPackage(
            "fbgemm-gpu", Version("1.9.0"), "fbgemm_gpu-1.9.0-cp311-cp311-manylinux_2_28_x86_64.whl"
        ),
    )
    packages = {"torch": "latest", "fbgemm-gpu": "latest"}
    (verdict,) = resolved("NEEDS102", *locked, **H, packages=packages)
    assert (verdict.outcome.name, verdict.level) == ("FAIL", Level.RESOLVED)


def test_a_library_that_names_another_cudnn_than_torch_has() -> None:
    index = "https://download.pytorch.org/whl/cu121"
    packages: dict[str, Any] = {"torch": {"version": "2.5.1", "index": index}, "ctranslate2": "4.4.0"}
    assert said_with_hints("WHEEL111", **H, cuda="12.1", packages=packages) == [
        (
            "FAIL",
            "ctranslate2 4.4.0 names the libraries of CUDA 12 and cuDNN 8; torch 2.5.1 (cu121) brings no cuDNN 8: "
            "it stops with the first thing that it computes on the GPU.",
            "take ctranslate2>=4.6.3,<4.9, which names those of torch 2.5.1 (cu121)",
        )
    ]
    packages["ctranslate2"] = "4.5.0"
    assert [each[0] for each in said_with_hints("WHEEL111", **H, cuda="12.1", packages=packages)] == ["PASS"]


@pytest.mark.parametrize(
    ("extra", "outcome"),
    [
        ({}, ["WARN"]),
        ({"toolkit": "11.8", "packages": {"nvidia-cudnn-cu11": "8.9.6.50"}}, ["PASS"]),
        ({"packages": {"onnxruntime-gpu": "1.23.2"}}, ["PASS"]),
        ({"index": {"extra": ["https://aiinfra.example/cuda-12"]}}, []),  # another build of the same version
    ],
)
def test_onnxruntime_of_pypi_is_for_one_cuda(extra: dict[str, Any], outcome: list[str]) -> None:
    packages = {"torch": "2.5.1", "onnxruntime-gpu": "1.18.0", **extra.get("packages", {})}
    fields = {**H, **extra, "packages": packages}
    assert [each[0] for each in said_with_hints("WHEEL111", **fields)] == outcome


def test_a_wheel_of_numpy_1_beside_numpy_2() -> None:
    assert said_with_hints("NUMPY102", **H, packages={"numpy": "2.1.2", "onnxruntime": "1.17.1"}) == [
        (
            "FAIL",
            "onnxruntime 1.17.1 was compiled with NumPy 1, which its METADATA do not say; with numpy 2.1.2 its "
            "import fails.",
            "take onnxruntime 1.19 or later, or numpy below 2",
        )
    ]
    assert outcomes("NUMPY102", **H, packages={"numpy": "1.26.4", "onnxruntime": "1.17.1"}) == []
    assert [
        each[0]
        for each in said_with_hints("NUMPY102", **H, packages={"numpy": "2.1.2", "onnxruntime": "1.27.0"})
    ] == ["PASS"]


def test_scikit_learn_of_numpy_1_without_torch() -> None:
    (verdict,) = verdicts("NUMPY102", python="3.11", packages={"numpy": "2.2.6", "scikit-learn": "1.2.2"})
    assert (verdict.outcome.name, verdict.subject) == ("FAIL", "scikit-learn")


@pytest.mark.parametrize(
    ("filename", "uploaded", "requires", "outcome"),
    [
        ("odd-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "2023-05-01T00:00:00Z", ("numpy",), ["WARN"]),
        ("odd-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "2025-05-01T00:00:00Z", ("numpy",), []),
        ("odd-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "2023-05-01T00:00:00Z", (), []),
        ("odd-1.0-py3-none-any.whl", "2023-05-01T00:00:00Z", ("numpy",), []),
        ("odd-1.0.tar.gz", "2023-05-01T00:00:00Z", ("numpy",), []),
    ],
)
def test_a_compiled_wheel_that_is_older_than_numpy_2(
    filename: str, uploaded: str, requires: tuple[str, ...], outcome: list[str]
) -> None:
    odd = LockedPackage("odd", Version("1.0"), filename, uploaded=uploaded, requires=requires)
    numpy = LockedPackage("numpy", Version("2.2.6"), "numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl")
    found = resolved("NUMPY102", odd, numpy, python="3.11", packages={"odd": "1.0", "numpy": "latest"})
    assert [each.outcome.name for each in found] == outcome
    assert all(each.level is Level.RESOLVED for each in found)


RIDES = "x-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"


def test_compiled_packages_of_which_nothing_is_known_are_named() -> None:
    torch = LockedPackage("torch", Version("2.9.1"), "torch-2.9.1-cp311-cp311-manylinux_2_28_x86_64.whl")
    odd = LockedPackage("odd-ops", Version("1.5.3"), RIDES, requires=("torch",))
    silent = LockedPackage("odd-gpu", Version("2.0"), RIDES)
    newer = LockedPackage("tensordict", Version("99.0"), RIDES, requires=("torch",))
    other = LockedPackage("pillow", Version("12.0"), RIDES)
    pure = LockedPackage("timm", Version("1.0.9"), "timm-1.0.9-py3-none-any.whl", requires=("torch",))
    known = LockedPackage("torchcodec", Version("0.10.0"), RIDES)
    packages = {"torch": "2.9.1"}
    found = resolved("WHEEL201", torch, odd, silent, newer, other, packages=packages)
    assert [(each.outcome.name, each.message, each.hint) for each in found] == [
        (
            "SKIP",
            "compiled packages that stackcheck does not know: odd-gpu 2.0, odd-ops 1.5.3, tensordict 99.0.",
            "`stackcheck learn odd-gpu odd-ops tensordict` reads their wheels, and `stackcheck verify` loads them",
        )
    ]
    assert resolved("WHEEL201", torch, pure, other, packages=packages) == []
    assert [
        (each.outcome.name, each.message)
        for each in resolved("WHEEL201", torch, pure, known, packages=packages)
    ] == [("PASS", "Something is known of every compiled package on torch or CUDA (1).")]


def test_a_python_that_metadata_admit_and_that_cannot_import_a_package_fails() -> None:
    packages = {"torch": "1.13.1", "fairseq": "0.12.2"}
    ((outcome, message, hint),) = said_with_hints("NEEDS102", **H, packages=packages)
    assert (outcome, hint) == ("FAIL", "take python<3.11")
    assert message.startswith("fairseq 0.12.2 needs python<3.11, which its METADATA do not say")
    assert outcomes("NEEDS102", **H | {"python": "3.10.4"}, packages=packages) == [
        ("PASS", "fairseq 0.12.2 works with python 3.10.")
    ]
    assert outcomes("NEEDS102", platform="linux/amd64", packages=packages) == []


def test_a_part_of_what_nobody_stated_may_never_be_used_so_it_warns() -> None:
    board = LockedPackage("tensorboard", Version("2.20.0"), "tensorboard-2.20.0-py3-none-any.whl")
    tools = LockedPackage("setuptools", Version("84.2.1"), "setuptools-84.2.1-py3-none-any.whl")
    drawn = resolved("NEEDS102", board, tools, **H, packages={"tensorflow": "2.20.0"})
    stated = resolved("NEEDS102", board, tools, **H, packages={"tensorboard": "2.20.0"})
    assert [(each.outcome.name, "to start its server" in each.message) for each in (*drawn, *stated)] == [
        ("WARN", True), ("FAIL", True)
    ]  # fmt: skip
