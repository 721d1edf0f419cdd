"""What a library belongs to: as it was recorded, else as its path says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.inspect.owners import Package, installed, of_file, of_package, package_at, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.python import Distribution


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("torch/lib/libtorch.so", "torch"),
        ("nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cudnn"),
        ("numpy.libs/libgfortran.so", "numpy"),
        ("/opt/venv/lib/python3.11/site-packages/torch/lib/x.so", "torch"),
        ("/usr/local/cuda/lib64/libcublas.so.12", "/usr/local/cuda/lib64"),
        ("lone.so", "lone.so"),
    ],
)
def test_a_path_names_its_package(path: str, name: str) -> None:
    assert package_at(path) == Package(name)


def test_a_file_that_was_named_alone_is_itself() -> None:
    assert of_file("/tmp/a/x.so") == Package("x.so")
    assert of_file("/e/lib/python3.11/site-packages/torch/lib/x.so") == Package("torch")


def test_records_tell_the_owner(tmp_path: Path) -> None:
    for folder, lines in {
        "nvidia_cudnn_cu12-9.1.0.70.dist-info": "nvidia/cudnn/lib/x.so,sha256=a,1\n",
        "odd-1.0+cu124.dist-info": '"odd/a,b.so",sha256=a,1\nodd/other.so,,\n',
        "gone-2.dist-info": "",
        "egg.egg-info": "",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "RECORD").write_text(lines, encoding="utf-8")
    wanted = {"nvidia/cudnn/lib/x.so", "odd/a,b.so"}
    assert recorded([str(tmp_path)], wanted) == {
        "nvidia/cudnn/lib/x.so": Package("nvidia-cudnn-cu12", "9.1.0.70"),
        "odd/a,b.so": Package("odd", "1.0+cu124"),
    }


def test_a_wheel_is_named_by_its_metadata() -> None:
    assert of_package("x.whl", ["x/a.so", "flash_attn-2.7.dist-info/METADATA"]) == Package(
        "flash-attn", "2.7"
    )
    assert of_package("x.zip", ["x/a.so", "x.dist-info"]) is None
    assert of_package("/a/flash-attn-2.7-py311_0.conda", []) == Package("flash-attn", "2.7")


def test_distributions_of_an_image_are_found_by_name() -> None:
    rows: list[Distribution] = [
        {"name": name, "version": "1", "complete": True, "requires": [], "extras": [], "location": "/s",
         "metadata": "m", "installer": None, "tags": [], "direct_url": None}
        for name in ("flash-attn", "nvidia-cudnn-cu12")
    ]  # fmt: skip
    site = "/usr/lib/python3/dist-packages"
    paths = [f"{site}/flash_attn/a.so", f"{site}/nvidia/cudnn/b.so"]
    assert installed(paths, rows) == {paths[0]: Package("flash-attn", "1")}


def test_names_are_compared_as_an_index_compares_them() -> None:
    assert Package("flash-attn").called("flash_attn")
    assert Package("flash_attn").called("Flash-Attn")
    assert not Package("torchvision").called("torch")
