"""Modal apps: images are read off the Python that makes them, and GPUs off what asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.intake import modalapps
from stackcheck.intake.project import take
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from stackcheck.intake.stated import Found

APP = """import modal

TORCH = "2.5.1"
base = (
    modal.Image.from_registry("nvidia/cuda:12.4.1-devel-ubuntu22.04", add_python="3.11")
    .apt_install("git")
    .pip_install("numpy<2", "ninja")
)
image = base.pip_install(
    f"torch=={TORCH}",
    "torchvision==0.20.1",
    index_url="https://download.pytorch.org/whl/cu124",
).run_commands("pip install flash-attn==2.6.3 --no-build-isolation")
app = modal.App("x", image=image)

@app.function(gpu="A100-40GB:2")
def train(): ...

@app.cls(gpu=["H100", "any"], image=image)
class Served: ...

@app.function(image=base)
def plain(): ...
"""


def read(text: str, folder: Path = Path("/nothing")) -> tuple[Found, ...]:
    return modalapps.read(text, folder, "app.py").containers


def said(found: Found) -> dict[str, object]:
    return {each.key: each.value for each in found.stated}


def test_an_image_is_what_its_calls_make_of_the_base() -> None:
    (found,) = read(APP)
    index = "https://download.pytorch.org/whl/cu124"
    assert said(found) == {
        "image.base": "nvidia/cuda:12.4.1-devel-ubuntu22.04",
        "python": "3.11",
        "image.python": "python3.11",
        "packages.numpy": {"version": "<2"},
        "packages.ninja": {"version": "latest"},
        "packages.torch": {"version": "2.5.1", "index": index},
        "packages.torchvision": {"version": "0.20.1", "index": index},
        "packages.flash-attn": {"version": "2.6.3"},
        "no_build_isolation": "flash-attn",
        "accelerator": "cuda",
        "gpus": "H100",
    }
    assert [each.value for each in found.stated if each.key == "gpus"] == ["A100-40GB", "H100"]
    lines = {each.key: each.place.line for each in found.stated}
    assert (lines["packages.torchvision"], lines["packages.numpy"], lines["packages.flash-attn"]) == (
        11,
        7,
        13,
    )
    assert found.open == ()


def test_what_is_computed_is_said(tmp_path: Path) -> None:
    text = APP.replace('"numpy<2", "ninja"', "*needs()").replace('gpu="A100-40GB:2"', 'gpu=os.getenv("GPU")')
    (found,) = read(text, tmp_path)
    assert [each.text for each in found.open] == [
        "what pip_install is given is computed, so it was not read.",
        "the GPU that is asked for is computed, so it was not read: say which with --gpu.",
    ]


def test_an_app_is_found_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "deploy.py").write_text(
        APP.replace("base.pip", 'base.pip_install_from_requirements("r.txt").pip')
    )
    (tmp_path / "r.txt").write_text("timm==1.0.11\n")
    (tmp_path / "other.py").write_text("import torch\n")
    (taken,) = take([tmp_path])
    assert taken.stack.packages["timm"].version == "1.0.11"
    assert {Path(each).name for each in taken.files} == {"deploy.py", "r.txt"}


def test_an_app_without_torch_is_no_stack() -> None:
    assert read("import modal\nimage = modal.Image.debian_slim().pip_install('requests')\n") == ()


def test_what_is_not_python_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"app\.py:1: this is not Python that can be parsed"):
        read("import modal (")
