from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.wheels import keep as keeping
from stackcheck.wheels.facts import LibraryFacts, Recorded, WheelFacts, export_table
from stackcheck.wheels.keep import keep, kept, kept_path

if TYPE_CHECKING:
    from pathlib import Path

SHA = "0123456789abcdef" * 4
FACTS = WheelFacts(
    filename="small-1.2-cp311-cp311-linux_x86_64.whl",
    sha256=SHA,
    size=1000,
    name="small",
    version="1.2",
    metadata="small-1.2.dist-info",
    tags=("cp311-cp311-linux_x86_64",),
    requires=("torch==2.5.0",),
    requires_python=">=3.9",
    extras=("more",),
    record=(Recorded("small/_C.so", 120, "sha256=abc"), Recorded("small/x.py", -1)),
    unlike=(Recorded("small/x.py", -1),),
    libraries=(
        LibraryFacts(
            "small/_C.so",
            120,
            machine="x86_64",
            dynamic=True,
            needed=("libc10.so",),
            runpath="$ORIGIN",
            versions_needed=(("libc.so.6", "GLIBC_2.17", False),),
            undefined=("_ZN2at1aEv", "_ZN2at1\udcffEv"),
            exports=export_table([b"PyInit__C", b"other"]),
            abi="old",
            code={"images": [{"code": "sm_90", "images": 2, "bytes": 30}], "fatbins": 1},
            numpy={"api": 1},
        ),
        LibraryFacts("small/lib.a", 7, code={"error": "damaged"}),
    ),
    texts={"torch/version.py": "cuda = '12.4'\n"},
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"STACKCHECK_CACHE": str(tmp_path)}


def test_what_is_kept_comes_back_as_it_was(environ: dict[str, str]) -> None:
    assert kept(SHA, environ) is None
    assert keep(FACTS, environ)
    found = kept(SHA, environ)
    assert found == FACTS
    assert found.libraries[0].gives("PyInit__C")
    assert not found.libraries[0].gives("PyInit_other")


def test_a_wheel_is_known_under_the_name_that_it_has_here(environ: dict[str, str]) -> None:
    keep(FACTS, environ)
    found = kept(SHA, environ, "other.whl")
    assert found is not None
    assert found.filename == "other.whl"


@pytest.mark.parametrize(
    "change", [{"sha256": ""}, {"sha256": "../" * 21 + "x"}, {"left_out": ("a: not asked for",)}]
)
def test_what_is_not_all_of_a_known_wheel_is_not_kept(
    change: dict[str, Any], environ: dict[str, str]
) -> None:
    assert not keep(FACTS.__class__(**{**_fields(FACTS), **change}), environ)
    assert kept(str(change.get("sha256", SHA)), environ) is None


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not keep(FACTS, {"STACKCHECK_CACHE": str(tmp_path / "file")})


def test_facts_of_another_schema_are_not_taken(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(FACTS, environ)
    content = kept_path(SHA, environ).read_bytes()
    kept_path(SHA, environ).write_bytes(content.replace(b"facts %d\n" % keeping.SCHEMA, b"facts 0\n"))
    assert kept(SHA, environ) is None
    monkeypatch.setattr(keeping, "SCHEMA", 0)
    assert kept(SHA, environ) is None


def test_a_file_that_is_cut_off_or_changed_is_not_there(environ: dict[str, str]) -> None:
    keep(FACTS, environ)
    path = kept_path(SHA, environ)
    content = path.read_bytes()
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at])
        assert kept(SHA, environ) is None
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert kept(SHA, environ) is None
    path.write_bytes(content)
    assert kept(SHA, environ) == FACTS


def test_the_facts_of_one_wheel_are_not_taken_for_another(environ: dict[str, str]) -> None:
    keep(FACTS, environ)
    other = "f" * 64
    kept_path(other, environ).parent.mkdir(parents=True)
    kept_path(other, environ).write_bytes(kept_path(SHA, environ).read_bytes())
    assert kept(other, environ) is None


def _shapes() -> list[Any]:
    return [None, 7, [], {}, "text", [[]], [{}], {"a": []}, True, [None]]


def test_no_shape_of_a_hostile_file_crashes(environ: dict[str, str]) -> None:
    keep(FACTS, environ)
    path = kept_path(SHA, environ)
    content = path.read_bytes()
    start = len(keeping._FIRST) + 16
    length = int.from_bytes(content[start : start + 8], "little")
    document = json.loads(content[start + 8 : start + 8 + length])
    tables = content[start + 8 + length :]

    def offered(changed: Any) -> WheelFacts | None:
        text = json.dumps(changed).encode()
        body = len(text).to_bytes(8, "little") + text + tables
        path.write_bytes(keeping._FIRST + blake2b(body, digest_size=16).digest() + body)
        return kept(SHA, environ)

    assert offered(document) == FACTS
    tried = 0
    for shape in _shapes():
        offered(shape)
        for key in document:
            offered({**document, key: shape})
        for key in document["libraries"][0]:
            library = {**document["libraries"][0], key: shape}
            offered({**document, "libraries": [library, document["libraries"][1]]})
            tried += 1
    assert tried > 100
    assert offered({**document, "name": 7}) is None
    assert offered({**document, "libraries": [{"path": "x", "exports": -8}]}) is None


def _fields(facts: WheelFacts) -> dict[str, Any]:
    return facts._asdict()
