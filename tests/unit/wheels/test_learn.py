"""Learning what the wheels of a package say: an index of literals, and wheels made in memory."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from stackcheck.knowledge.folders import Folder
from stackcheck.knowledge.measured import MeasuredTable, render
from stackcheck.knowledge.wheelfile import RangeFile
from stackcheck.model.errors import ResolveError
from stackcheck.model.index_pages import File
from stackcheck.wheels.learn import Step, Wanted, best_wheel, learn
from stackcheck.wheels.read import read_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.knowledge.measured import MeasuredPackage
    from stackcheck.wheels.facts import WheelFacts

LIBRARY = (Path(__file__).parents[2] / "data" / "gpucode" / "uneven.so").read_bytes()
TODAY = date(2027, 1, 2)
MATTERS = frozenset({"torch", "numpy", "nvidia-cublas-cu12", "nvidia-nccl-cu12"})
WANTED = Wanted(date(2025, 1, 1), {"STACKCHECK_CACHE": "/dev/null/nothing-is-kept"}, MATTERS)
METADATA = """Metadata-Version: 2.1
Name: fast
Version: 1.2
Requires-Python: >=3.9
Requires-Dist: Torch>=2.5
Requires-Dist: requests
Requires-Dist: nvidia-cublas-cu12==12.4.5.8; platform_system == "Linux"
Requires-Dist: nvidia-nccl-cu12; extra == "cuda"
Requires-Dist: numpy; extra == "test"
Requires-Dist: not a requirement ~
"""
LINUX = "fast-1.2-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
WINDOWS = "fast-1.2-cp39-abi3-win_amd64.whl"
OLD = "fast-0.9-cp38-cp38-manylinux1_x86_64.whl"


def wheel(name: str = "fast-1.2", metadata: str = METADATA, library: bytes = LIBRARY) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.dist-info/METADATA", metadata)
        archive.writestr(f"{name}.dist-info/RECORD", "")
        archive.writestr("fast/_C.abi3.so", library)
    return packed.getvalue()


def listed(name: str, **fields: object) -> File:
    digest = sha256(name.encode()).hexdigest()
    known = {"sha256": digest, "uploaded": "2026-12-24T10:00:00Z", **fields}
    return File(name, f"https://files.example/{name}", **known)  # type: ignore[arg-type]


@dataclass
class Index:
    """An index of literals; `opened` are the wheels that were read."""

    pages: Mapping[str, list[File]]
    wheels: Mapping[str, bytes] = field(default_factory=dict)
    url: str = "https://user:secret@pypi.example/simple/"
    opened: list[str] = field(default_factory=list)

    def files(self, project: str) -> list[File]:
        if project not in self.pages:
            raise ResolveError("https://pypi.example/: HTTP status 503")
        return self.pages[project]

    def open(self, url: str, limit: int) -> RangeFile:
        name = url.rpartition("/")[2]
        self.opened.append(name)
        content = self.wheels[name]
        return RangeFile(lambda start, stop: content[start:stop], len(content), limit)


@dataclass(frozen=True)
class Torches:
    """Releases of torch of which a wheel loads with the first two."""

    compared: tuple[Version, ...] = tuple(map(Version, ("2.5.0", "2.5.1", "2.6.0")))

    def fitting(self, facts: WheelFacts) -> tuple[Version, ...] | None:
        return self.compared[:2] if facts.libraries else None


FAST = Index({"fast": [listed(LINUX), listed(WINDOWS), listed(OLD, uploaded="2023-01-01")]}, {LINUX: wheel()})


def run(
    index: Index, before: MeasuredPackage | None = None, wanted: Wanted = WANTED, torch: Torches | None = None
) -> list[Step]:
    index.opened.clear()
    return list(learn("fast", index, before, torch or Torches(), wanted, TODAY))


def test_a_row_says_what_the_names_the_metadata_and_the_binaries_of_a_version_say() -> None:
    steps = run(FAST)
    assert [step.line for step in steps] == [
        "fast: 2 versions, 1 wheels to read",
        f"fast 1.2 (1 of 1): {len(FAST.wheels[LINUX]) / 1e6:.1f} of {len(FAST.wheels[LINUX]) / 1e6:.1f} MB read",
    ]
    digest = listed(LINUX).sha256
    assert render(steps[-1].package, TODAY) == (
        "# What the wheels of fast say; `stackcheck learn fast` reads them again.\n\n"
        'checked = 2027-01-02\nindex = "https://pypi.example/simple"\ntorch = "2.5.0 2.5.1 2.6.0"\n\n'
        '[sources]\nwheel = "{wheel} of https://pypi.example/simple/fast/, read by stackcheck learn"\n'
        'page = "the names of the files of {version} at https://pypi.example/simple/fast/"\n\n'
        '[[version]]\nversion = "1.2"\n'
        'tags = ["cp39-abi3: manylinux2014_x86_64 manylinux_2_17_x86_64 win_amd64"]\n'
        'uploaded = 2026-12-24\npython = ">=3.9"\n'
        f'wheel = "{LINUX}"\nsha256 = "{digest}"\n'
        'requires = ["Torch>=2.5", \'nvidia-cublas-cu12==12.4.5.8; platform_system == "Linux"\', '
        "'nvidia-nccl-cu12; extra == \"cuda\"']\n"
        'glibc = "2.17"\narch = "sm_80 sm_90a compute_90"\ntorch = "2.5.0..2.5.1"\nsource = "wheel"\n\n'
        '[[version]]\nversion = "0.9"\ntags = ["cp38-cp38: manylinux1_x86_64"]\nuploaded = 2023-01-01\n'
        'source = "page"\n'
    )


def test_what_was_written_is_read_again_and_answers(tmp_path: Path) -> None:
    package = run(FAST)[-1].package
    (tmp_path / "measured").mkdir()
    (tmp_path / "measured" / "fast.toml").write_text(render(package, TODAY), encoding="utf-8")
    found = MeasuredTable((Folder(tmp_path),)).package("fast")
    assert found is not None
    row = found.row(Version("1.2"))
    assert row is not None
    assert row.cited == (
        f"{LINUX} of https://pypi.example/simple/fast/, read by stackcheck learn (checked 2027-01-02)"
    )
    assert [
        row.serves("3.15", "linux/amd64"),
        row.serves("3.8", "linux/amd64"),
        row.serves("3.13t", "linux/amd64"),
    ] == [True, False, False]
    assert [found.fits(row, Version(each)) for each in ("2.5.1", "2.6.0", "2.7.0")] == [True, False, None]
    assert found.torches(row) == (Version("2.5.0"), Version("2.5.1"))
    assert [str(each.specifier) for each in row.required("torch")] == [">=2.5"]
    again = run(FAST, found)
    assert [step.line for step in again] == ["fast: 2 versions, 0 wheels to read"]
    assert render(again[-1].package, TODAY) == render(package, TODAY)


def test_a_run_that_was_stopped_goes_on_where_it_was() -> None:
    second = "fast-1.3-py3-none-linux_x86_64.whl"
    index = Index({"fast": [listed(LINUX), listed(second)]}, {LINUX: wheel(), second: wheel("fast-1.3")})
    stopped = run(index)[1].package
    assert [row.wheel for row in stopped.rows] == [second, ""]
    assert [row.wheel for row in run(index, stopped)[-1].package.rows] == [second, LINUX]
    assert index.opened == [LINUX]


def test_a_wheel_is_read_again_for_another_file_other_torches_or_when_asked() -> None:
    package = run(FAST)[-1].package
    changed = Index({"fast": [listed(LINUX, sha256="f" * 64)]}, FAST.wheels)
    run(changed, package)
    assert changed.opened == [LINUX]
    more = Torches((*Torches().compared, Version("2.7.0")))
    run(FAST, package, torch=more)
    assert FAST.opened == [LINUX]
    run(FAST, package, replace(WANTED, again=True))
    assert FAST.opened == [LINUX]
    run(FAST, package)
    assert FAST.opened == []


def test_facts_that_were_kept_are_not_read_again(tmp_path: Path) -> None:
    wanted = replace(WANTED, environ={"STACKCHECK_CACHE": str(tmp_path)})
    first = run(FAST, wanted=wanted)[-1].package
    steps = run(FAST, wanted=wanted)
    assert (FAST.opened, steps[-1].line) == ([], "fast 1.2 (1 of 1): kept facts")
    assert render(steps[-1].package, TODAY) == render(first, TODAY)


def test_a_row_says_whether_the_release_has_a_source_archive() -> None:
    for archive, said in (("fast-1.2.tar.gz", True), ("fast-1.1.tar.gz", False)):
        (row,) = run(Index({"fast": [listed(LINUX), listed(archive)]}, FAST.wheels))[0].package.rows
        assert (str(row.version), row.sdist) == ("1.2", said)


def test_a_version_that_the_index_no_longer_has_keeps_its_row() -> None:
    package = run(FAST)[-1].package
    left = run(Index({"fast": [listed(OLD)]}, {OLD: wheel("fast-0.9")}), package)[-1].package
    assert [str(row.version) for row in left.rows] == ["1.2", "0.9"]
    assert left.rows[0].wheel == LINUX


def test_only_final_releases_of_the_package_count_where_there_are_any() -> None:
    others = ["fast-2.0.tar.gz", "other-1.0-py3-none-any.whl", "fast-2.0+cu1-py3-none-any.whl"]
    early = "fast-2.0rc1-py3-none-any.whl"
    with pytest.raises(ResolveError, match=r"^fast: the index lists no wheel of it\.$"):
        run(Index({"fast": [listed(name) for name in others]}))
    with pytest.raises(ResolveError, match="HTTP status 503"):
        run(Index({}))
    wheels = {LINUX: wheel(), early: wheel("fast-2.0rc1")}
    both = run(Index({"fast": [listed(early), listed(LINUX)]}, wheels))[-1].package
    assert [str(row.version) for row in both.rows] == ["1.2"]
    alone = run(Index({"fast": [listed(early)]}, wheels))[-1].package
    assert [str(row.version) for row in alone.rows] == ["2.0rc1"]


def test_hostile_wheels_fail_alone_and_leave_their_tags() -> None:
    bomb = wheel(library=b"\x7fELF" + bytes(300 << 20))
    names = [f"fast-{number}-py3-none-linux_x86_64.whl" for number in range(1, 6)]
    index = Index(
        {
            "fast": [
                listed(names[0], requires_python="not ~ a range"),
                listed(names[1], yanked='"\n\x1b[31m' + "x" * 5000),
                listed(names[2]),
                listed(names[3]),
                listed(names[4]),
            ]
        },
        dict(
            zip(
                names,
                (
                    b"this is not a zip file",
                    wheel("fast-2", METADATA + "Requires-Dist: torch==1\n" * 100_000),
                    bomb,
                    wheel("fast-4", "no: metadata\n"),
                    wheel("fast-5", library=LIBRARY[:5000]),
                ),
                strict=True,
            )
        ),
    )
    steps = run(index)
    assert [step.line for step in steps if step.failed] == [
        f"fast 1 (5 of 5): not read: {names[0]} cannot be read as a wheel: no zip file, or cut off: there is no end of central directory."
    ]
    rows = {str(row.version): row for row in steps[-1].package.rows}
    assert (rows["1"].wheel, rows["1"].python, rows["1"].tags) == ("", None, ("py3-none: linux_x86_64",))
    assert len(rows["2"].requires) <= 1024
    assert rows["3"].partial == "fast/_C.abi3.so: not asked for"
    assert rows["5"].partial.startswith("fast/_C.abi3.so: ")
    text = render(steps[-1].package, TODAY)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 40_000


def test_a_wheel_of_which_more_is_asked_for_than_allowed_is_not_read() -> None:
    index = Index({"fast": [listed(LINUX)]}, {LINUX: wheel(library=bytes(range(256)) * 4000)})
    index.wheels = {LINUX: index.wheels[LINUX] + bytes(1 << 20)}
    (step,) = [step for step in run(index, wanted=replace(WANTED, most_bytes=1000)) if step.failed]
    assert "more than 0 MiB to be read" in step.line


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["a-1-cp312-cp312-win_amd64.whl"], None),
        (["a-1-py3-none-any.whl", "a-1-cp312-cp312-linux_x86_64.whl"], "a-1-cp312-cp312-linux_x86_64.whl"),
        (["a-1-py3-none-any.whl"], "a-1-py3-none-any.whl"),
        (["a-1-cp312-cp312-manylinux_2_28_x86_64.whl", "a-1-cp310-cp310-manylinux2014_x86_64.whl"], "a-1-cp310-cp310-manylinux2014_x86_64.whl"),
        (["a-1-cp39-cp39-manylinux1_x86_64.whl", "a-1-cp313-cp313t-manylinux1_x86_64.whl", "a-1-cp312-cp312-manylinux1_x86_64.whl"], "a-1-cp312-cp312-manylinux1_x86_64.whl"),
        (["a-1-cp312-cp312-manylinux1_x86_64.whl", "a-1-cp38-abi3-manylinux1_x86_64.whl"], "a-1-cp38-abi3-manylinux1_x86_64.whl"),
        (["a-1-cp312-cp312-manylinux_2_28_aarch64.whl", "a-1-cp312-cp312-musllinux_1_2_x86_64.whl"], None),
    ],
)  # fmt: skip
def test_the_wheel_that_is_read_is_the_one_that_serves_most(names: list[str], best: str | None) -> None:
    found = best_wheel(map(listed, names))
    assert (found.name if found else None) == best


def test_code_that_no_loader_loads_does_not_count_as_the_package_s() -> None:
    packed = io.BytesIO(wheel())
    ptx = "//\n.version 8.7\n.target sm_99\n.address_size 64\n.visible .entry shim() { ret; }\n"
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("fast/shim_99.ptx", ptx)
    facts = read_wheel(packed)
    assert [each.path for each in facts.libraries if each.code.get("images")] == [
        "fast/_C.abi3.so",
        "fast/shim_99.ptx",
    ]
    index = Index({"fast": [listed(LINUX)]}, {LINUX: packed.getvalue()})
    assert run(index)[-1].package.rows[0].arch == run(FAST)[-1].package.rows[0].arch != ()
