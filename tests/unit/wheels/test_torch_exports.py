"""`tools/torch_exports.py`: which wheels it takes, and what it makes of them."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path
from typing import Any

from packaging.version import Version

from stackcheck.model.index_pages import File
from stackcheck.wheels.exports import name_hash, read
from tests.unit.wheels.fits_cases import MOVED, NEW, OLD

_SPEC = importlib.util.spec_from_file_location(
    "torch_exports", Path(__file__).parents[3] / "tools" / "torch_exports.py"
)
assert _SPEC
assert _SPEC.loader
tool: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tool)


class Index:
    def __init__(self, *names: str, yanked: str = "") -> None:
        self.names, self.yanked = names, yanked

    def files(self, _project: str) -> list[File]:
        return [
            File(name, f"https://x/{name}", yanked="" if name == self.yanked else None) for name in self.names
        ]


def test_the_wheel_of_the_oldest_python_is_read_and_that_with_the_highest_build_number() -> None:
    found = tool.chosen(
        Index(
            "torch-2.10.0-cp310-cp310-manylinux_2_28_x86_64.whl",
            "torch-2.10.0-3-cp310-cp310-manylinux_2_28_x86_64.whl",
            "torch-2.10.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
            "torch-2.10.0-cp310-cp310-manylinux_2_28_aarch64.whl",
            "torch-2.10.0-cp310-cp310-win_amd64.whl",
            "torch-2.11.0rc1-cp310-cp310-manylinux_2_28_x86_64.whl",
            "torch-1.12.1-cp310-cp310-manylinux1_x86_64.whl",
        )
    )
    assert {key: [file.name for file in files] for key, files in found.items()} == {
        (Version("2.10.0"), "linux/amd64"): [
            "torch-2.10.0-3-cp310-cp310-manylinux_2_28_x86_64.whl",
            "torch-2.10.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
        ],
        (Version("2.10.0"), "linux/arm64"): ["torch-2.10.0-cp310-cp310-manylinux_2_28_aarch64.whl"],
    }


def test_a_yanked_wheel_is_not_read() -> None:
    name = "torch-2.10.0-cp310-cp310-manylinux_2_28_x86_64.whl"
    assert tool.chosen(Index(name, yanked=name)) == {}


def test_only_names_that_decide_are_kept() -> None:
    assert tool.hashes_of([MOVED, "_ZNSt6vectorIiE", "__nvJitLinkCreate", "THPVariableClass"]) == {
        name_hash(MOVED.encode()),
        name_hash(b"THPVariableClass"),
    }


def test_a_wheel_says_its_cuda_and_what_it_requires(tmp_path: Path) -> None:
    path = tmp_path / "torch.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("torch/version.py", "__version__ = '2.5.0'\ncuda: Optional[str] = '12.4'\n")
        archive.writestr(
            "torch-2.5.0.dist-info/METADATA",
            "Name: torch\nRequires-Dist: nvidia-nccl-cu12==2.21.5\nRequires-Dist: optree; extra == 'optree'\n",
        )
    found = tool.read_torch(path)
    assert (found["cuda"], found["requires"]) == ("12.4", ["nvidia-nccl-cu12==2.21.5"])


def test_a_new_release_is_added_to_what_is_there(tmp_path: Path) -> None:
    nvidia = tool.Nvidia(Index(), tmp_path)  # NVIDIA has no wheels there

    def row(torch: str, *names: str) -> Any:
        facts = {
            "libraries": ["libc10.so"],
            "glibc": "2.28",
            "cuda": "",
            "requires": [],
            "names": list(names),
        }
        place = {"torch": torch, "platform": "linux/amd64", "pythons": ["cp310"]}
        file = {"file": f"torch-{torch}.whl", "sha256": "0f", "uploaded": "2026-01-01"}
        return tool.build({**facts, **place, **file}, nvidia), tool.hashes_of(names)

    tool.write([row("2.6.0", OLD, MOVED)], nvidia, tmp_path)
    kept = tool.kept_rows(tmp_path)
    tool.write([*kept.values(), row("2.7.0", NEW, MOVED)], nvidia, tmp_path)
    read.cache_clear()
    found = read(tmp_path)
    assert [(each.torch, each.abi) for each in found.builds] == [("2.6.0", "old"), ("2.7.0", "new")]
    assert [found.mask(name.encode()) for name in (OLD, NEW, MOVED)] == [1, 2, 3]
    assert json.loads((tmp_path / "torch_exports.json").read_text())["builds"][0]["sha256"] == "0f"
