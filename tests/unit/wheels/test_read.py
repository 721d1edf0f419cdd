from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from stackcheck.knowledge.wheelfile import RangeFile
from stackcheck.model.errors import WheelError
from stackcheck.wheels.facts import Recorded, export_hash, export_table, exported
from stackcheck.wheels.read import read_library_facts, read_wheel

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.1
Name: Small_Package
Version: 1.2
Requires-Python: >=3.9
Requires-Dist: torch==2.5.0
Requires-Dist: numpy; extra == "more"
Provides-Extra: more

Name: what follows is a description
"""
RECORD = 'small/_C.so,sha256=abc,120\n"small/a,b.py",sha256=x,\nsmall-1.2.dist-info/RECORD,,\n../bin/x,sha256=y,3\n'
FILES = {
    "small/_C.so": "not a binary",
    "small-1.2.dist-info/METADATA": METADATA,
    "small-1.2.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\nTag: cp311-abi3-any\n",
    "small-1.2.dist-info/RECORD": RECORD,
    "torch/version.py": "cuda = '12.4'\n",
}


def wheel(files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_wheel_says_what_its_metadata_say(method: int) -> None:
    found = read_wheel(io.BytesIO(wheel(FILES, method)), filename="small.whl", sha256="0f")
    assert (found.filename, found.sha256, found.name, found.version) == (
        "small.whl",
        "0f",
        "small-package",
        "1.2",
    )
    assert found.requires == ("torch==2.5.0", 'numpy; extra == "more"')
    assert (found.requires_python, found.extras) == (">=3.9", ("more",))
    assert found.tags == ("cp311-cp311-linux_x86_64", "cp311-abi3-any")
    assert found.record == (
        Recorded("small/_C.so", 120, "sha256=abc"),
        Recorded("small/a,b.py", -1, "sha256=x"),
    )
    assert found.unlike == (
        Recorded("small/_C.so", 12, "sha256=abc"),
        Recorded("small/a,b.py", -1, "sha256=x"),
    )
    assert (found.metadata, found.texts) == ("small-1.2.dist-info", {"torch/version.py": "cuda = '12.4'\n"})
    assert (found.libraries, found.left_out) == ((), ())


def test_a_wheel_is_read_by_range() -> None:
    content = wheel(FILES)
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return content[start:stop]

    assert read_wheel(RangeFile(fetch, len(content))) == read_wheel(io.BytesIO(content))
    assert len(asked) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 and no more",
        wheel(FILES)[:-30],
        wheel({"a": ""}),
        wheel({**FILES, "b.dist-info/METADATA": ""}),
    ],
)
def test_what_is_not_a_wheel_says_so(content: bytes) -> None:
    with pytest.raises(WheelError, match=r"^x\.whl .*wheel.*\.$"):
        read_wheel(io.BytesIO(content), filename="x.whl")


def test_a_binary_that_is_not_wanted_is_said_to_be_left_out() -> None:
    elf = "\x7fELF" + "\1" * 60
    found = read_wheel(
        io.BytesIO(wheel({**FILES, "small/big.so": elf})), wanted=lambda name, _: "big" not in name
    )
    assert found.left_out == ("small/big.so: not asked for",)


def test_a_damaged_library_is_a_fact() -> None:
    (found,) = read_wheel(
        io.BytesIO(wheel({**FILES, "small/bad.so": "\x7fELF" + "\2\1" + "\xff" * 60}))
    ).libraries
    assert found.path == "small/bad.so"
    assert found.error
    assert found.code["error"]


def test_exports_are_looked_up_by_hash() -> None:
    names = [f"_ZN2at{number}xEv".encode() for number in range(1000)]
    table = export_table(names)
    assert len(table) == 8000
    assert all(exported(table, export_hash(name)) for name in names)
    assert not any(exported(table, export_hash(name + b"x")) for name in names)
    assert not exported(b"", export_hash(b"a"))


def test_a_lone_file_that_is_not_a_library_says_so(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_text("INPUT(libx.so.1)")
    with pytest.raises(WheelError, match=r"text\.so is not a binary"):
        read_library_facts(path)
    with pytest.raises(WheelError, match=r"absent\.so cannot be read: No such file or directory\.$"):
        read_library_facts(tmp_path / "absent.so")
