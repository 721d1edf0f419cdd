"""What a target says of its files, against the files as its engine has them."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from stackcheck.model.facts import Fault, Missing
from stackcheck.model.outside import Contradiction, OutsideFiles
from stackcheck.probing.contradictions import contradictions
from stackcheck.targets.containers.outside import Stream, files_of
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.libraryfile import read_source
from stackcheck_probes.binaries.tarmembers import tar_members
from stackcheck_probes.probes.distributions import described
from tests.unit.rules.harness import seen_said

SITE = "/opt/venv/lib/python3.11/site-packages"
INFO = f"{SITE}/goodpkg-1.0.dist-info"
METADATA = b"Metadata-Version: 2.1\nName: goodpkg\nVersion: 1.0\nRequires-Dist: six>=1\n"
FILES = {
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/RECORD": b"goodpkg.py,sha256=x,3\ngoodpkg-1.0.dist-info/METADATA,sha256=x,%d\n" % len(METADATA),
    f"{SITE}/goodpkg.py": b"abc",
    f"{SITE}/torch/version.py": b"__version__ = '2.5.0+cu124'\n",
    f"{SITE}/torch/lib/libtorch.so": b"\x7fELF",
    "/etc/passwd": b"root",
}


def exported(files: dict[str, bytes], links: dict[str, str] | None = None, hard: bool = False) -> bytes:
    """Return a file system as engines export it: names without the first slash."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for path, target in (links or {}).items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = (tarfile.LNKTYPE if hard else tarfile.SYMTYPE), target
            archive.addfile(entry)
    return made.getvalue()


def read(data: bytes, piece: int = 700) -> OutsideFiles:
    return files_of(tar_members(Stream(iter([data[at : at + piece] for at in range(0, len(data), piece)]))))


KERNEL = f"{SITE}/goodpkg/kernel.ptx"
PTX = b"//\n.version 8.0\n.target sm_80\n.address_size 64\n"


def said(text: bytes = METADATA, **changed: Any) -> dict[str, Any]:
    rows = [{**described(text.decode(), INFO), **changed}]
    torch = {"path": f"{SITE}/torch", "version": "2.5.0+cu124"}
    return {
        "distributions": {"distributions": rows},
        "recorded_files": {"changed_files": []},
        "interpreter": {"torches": [torch]},
        "libraries": {"roots": [SITE], "skipped": [], "libraries": []},
    }


def coded(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"roots": [SITE], "skipped": [], "libraries": list(rows), **more}


def as_probed(ptx: bytes = PTX) -> dict[str, Any]:
    """Return what the probe reports of a file: by its own reader."""
    row = read_source(BytesSource(ptx), KERNEL)
    assert row
    return dict(row)


@pytest.mark.parametrize("piece", [1, 512, 700, 1 << 20])
def test_a_stream_is_read_whatever_its_pieces(piece: int) -> None:
    found = read(exported(FILES), piece)
    assert found.texts[f"{INFO}/METADATA"] == METADATA
    assert found.sizes[f"{SITE}/goodpkg.py"] == 3
    assert found.infos == {INFO}


def test_a_stream_goes_onwards_only() -> None:
    stream = Stream(iter([b"abc", b"def"]))
    assert (stream.pread(1, 4), stream.pread(5, 9), stream.pread(9, 1)) == (b"bcde", b"f", b"")
    with pytest.raises(SourceError, match="cannot be read backwards"):
        stream.pread(0, 1)


def test_an_honest_target_is_not_contradicted() -> None:
    assert contradictions(said(), read(exported(FILES))) == []


def test_what_could_not_be_probed_says_nothing() -> None:
    assert contradictions(dict.fromkeys(said(), Missing("the probe failed")), read(exported(FILES))) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (said(version="2.0"), Contradiction("version of goodpkg", "2.0", "1.0", INFO)),
        (said(requires=[]), Contradiction("requires of goodpkg", "", "six>=1", INFO)),
        (said(complete=False), Contradiction("complete of goodpkg", "False", "True", INFO)),
        (
            {**said(), "interpreter": {"torches": [{"path": f"{SITE}/torch", "version": "2.6.0"}]}},
            Contradiction("the version of torch", "2.6.0", "2.5.0+cu124", f"{SITE}/torch/version.py"),
        ),
        (
            {**said(), "libraries": coded({"path": f"{SITE}/torch/lib/libtorch_cuda.so"})},
            Contradiction("a library", "it is there", "no such file", f"{SITE}/torch/lib/libtorch_cuda.so"),
        ),
    ],
)
def test_a_lie_is_told_with_both_values(facts: Any, expected: Contradiction) -> None:
    assert contradictions(facts, read(exported(FILES))) == [expected]


NATIVE = PTX.replace(b"sm_80", b"sm_90")


@pytest.mark.parametrize(
    ("libraries", "expected"),
    [
        (coded(as_probed()), []),
        (coded(as_probed(NATIVE)), [("compute_90:8.0", "compute_80:8.0")]),
        (coded(), [("none", "compute_80:8.0")]),
        (coded(roots=[]), [("none", "compute_80:8.0")]),
        (coded({"path": KERNEL, "error": "cannot be opened: Permission denied"}), []),
        (coded(skipped=["only the packages torch were asked for"]), []),
    ],
)
def test_gpu_code_is_held_against_the_file(libraries: Any, expected: list[tuple[str, str]]) -> None:
    found = contradictions({**said(), "libraries": libraries}, read(exported({**FILES, KERNEL: PTX})))
    assert [(each.said, each.found) for each in found] == expected
    assert {(each.what, each.path) for each in found} <= {("its GPU code", KERNEL)}


@pytest.mark.parametrize("params", [{"deep": True}, {"deep": False}])
def test_gpu_code_that_was_read_another_way_is_not_compared(params: dict[str, Any]) -> None:
    facts = {**said(), "libraries": coded(as_probed(NATIVE))}
    assert contradictions(facts, read(exported({**FILES, KERNEL: PTX})), params) == []


def test_folders_that_the_stack_asks_for_are_those_that_count() -> None:
    there = read(exported({**FILES, KERNEL: PTX}))
    elsewhere = {**said(), "libraries": coded(roots=["/opt/own"])}
    assert contradictions(elsewhere, there, {"roots": ["/opt/own"]}) == []
    assert len(contradictions(elsewhere, there)) == 1


def test_code_behind_a_hard_link_is_that_of_the_file() -> None:
    cached = KERNEL.replace(SITE, "/cache/site-packages")
    there = read(exported({cached: PTX}, {KERNEL: cached.lstrip("/")}, hard=True))
    assert there.code[KERNEL] == there.code[cached]
    assert there.code[KERNEL]["relocatable"] == as_probed()["relocatable"]


def test_what_is_not_there_and_what_is_left_out() -> None:
    other = {path.replace("goodpkg-1.0", "badpkg-3.0"): text for path, text in FILES.items()}
    assert contradictions(said(), read(exported(other)))[:2] == [
        Contradiction("goodpkg is installed", "version 1.0", "no metadata", INFO),
        Contradiction(
            "a distribution is left out",
            "not installed",
            "badpkg-3.0.dist-info",
            INFO.replace("good", "bad").replace("1.0", "3.0"),
        ),
    ]


def test_files_that_are_gone_cannot_be_hidden() -> None:
    gone = {path: text for path, text in FILES.items() if path != f"{SITE}/goodpkg.py"}
    what = "files of goodpkg that are gone or of another size"
    assert contradictions(said(), read(exported(gone))) == [
        Contradiction(what, "0", "1", f"{SITE}/goodpkg.py")
    ]
    honest = {"changed_files": [{"name": "goodpkg", "location": SITE, "missing": 1, "resized": 0}]}
    assert contradictions({**said(), "recorded_files": honest}, read(exported(gone))) == []


def test_what_lies_behind_a_link_is_not_known_and_so_no_contradiction() -> None:
    moved = {path.replace("/opt/venv/lib", "/data"): text for path, text in FILES.items()}
    assert contradictions(said(), read(exported(moved, {"/opt/venv/lib": "/data"}))) == []


def test_a_hard_link_is_the_file_that_it_names() -> None:
    cached = {path.replace(SITE, "/cache"): text for path, text in FILES.items()}
    links = {path: path.replace(SITE, "cache") for path in FILES if path.startswith(SITE)}
    assert contradictions(said(), read(exported(cached, links, hard=True))) == []


def test_the_verdict_names_both_values() -> None:
    lie = Contradiction("version of goodpkg", "2.0", "1.0", INFO)
    assert seen_said("PROBE303", {"contradictions": [lie]}) == [
        ("FAIL", "version of goodpkg: the image says 2.0, and its files say 1.0.")
    ]
    assert [outcome for outcome, _ in seen_said("PROBE303", {"contradictions": [lie] * 20})] == ["FAIL"] * 10
    assert seen_said("PROBE303", {"contradictions": []}) == [
        ("PASS", "the files of the image, read from outside, are what it says of them.")
    ]
    assert seen_said("PROBE303", {"contradictions": Fault("the engine is gone")}) == [
        ("ERROR", "the engine is gone.")
    ]
    assert seen_said("PROBE303", {}) == []
