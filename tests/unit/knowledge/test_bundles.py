"""Bundles: what is packed is taken whole, verified, and can be given back; what is damaged is refused."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest

from stackcheck.knowledge import bundles
from stackcheck.knowledge.bundles import every, in_use, pack, read, rollback, take
from stackcheck.knowledge.dated import snapshot
from stackcheck.knowledge.folders import SHIPPED
from stackcheck.model.errors import TableError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 30)
ROWS = """checked = 2026-11-{day}

[[requirement]]
versions = ">=3,<4"
other = "torch"
accepts = "==2.9.*"
effect = "its operators miss symbols of another torch"
source = "https://git.acme.example/ops/build.md"
"""
NAME = "acme-gpu-knowledge"


def folder(place: Path, day: int = 29, text: str = ROWS) -> Path:
    (place / "told").mkdir(parents=True, exist_ok=True)
    (place / "told" / "our-ops.toml").write_text(text.format(day=day), encoding="utf-8")
    return place


def changed(content: bytes, change: dict[str, bytes]) -> bytes:
    """Return a zip archive with other members of some names, or with more of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            after.writestr(name, change.get(name, before.read(name)))
        for name in change.keys() - set(before.namelist()):
            after.writestr(name, change[name])
    return out.getvalue()


def test_a_bundle_is_named_by_its_day_and_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    filename, content = pack(folder(tmp_path), NAME)
    assert filename == "acme_gpu_knowledge-2026.11.29-py3-none-any.whl"
    assert pack(tmp_path, NAME) == (filename, content)
    assert pack(tmp_path, NAME, 2)[0] == "acme_gpu_knowledge-2026.11.29.2-py3-none-any.whl"
    bundle = read(content, filename)
    assert (bundle.name, str(bundle.version)) == (NAME, "2026.11.29")
    assert bundle.files == {"told/our-ops.toml": ROWS.format(day=29).encode()}


def test_what_is_taken_is_read_and_each_step_can_be_taken_back(tmp_path: Path) -> None:
    home = tmp_path / "bundles"
    for day in (27, 28):
        filename, content = pack(folder(tmp_path / str(day), day), NAME)
        take(read(content, filename), home, TODAY)
    assert in_use(home) == (SHIPPED, home / NAME / "2026.11.28")
    assert [(each.current, each.before) for each in every(home)] == [("2026.11.28", ("2026.11.27",))]
    assert rollback(NAME, home).current == "2026.11.27"
    assert in_use(home) == (SHIPPED, home / NAME / "2026.11.27")
    assert rollback(NAME, home).current == ""
    assert in_use(home) == (SHIPPED,)
    with pytest.raises(UsageError, match=r"no bundle 'acme-gpu-knowledge' is read; those that are: none\."):
        rollback(NAME, home)


def test_ours_takes_the_place_of_what_ships_while_it_is_as_new(tmp_path: Path) -> None:
    home = tmp_path / "bundles"
    filename, content = pack(SHIPPED, bundles.OURS)
    taken = take(read(content, filename), home, TODAY)
    assert in_use(home) == (home / bundles.OURS / taken.current,)
    path = home / bundles.OURS / taken.current
    for each in path.glob("*/*.toml"):
        each.write_text(each.read_text(encoding="utf-8").replace("checked = 2026-11-", "checked = 2026-10-"))
    snapshot.cache_clear()
    assert in_use(home) == (SHIPPED,), "an upgrade of stackcheck has overtaken it"
    assert 0 < len(content) < 6_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"acme_gpu_knowledge/told/our-ops.toml": b"checked = 2026-11-29\n"}, "told/our-ops.toml is not what its RECORD says"),
        ({"acme_gpu_knowledge/told/../../evil.toml": b""}, "evil.toml is not what its RECORD says"),
        ({"other-1.0.dist-info/RECORD": b""}, "it has no RECORD of its files"),
    ],
)  # fmt: skip
def test_what_is_not_as_recorded_is_refused(tmp_path: Path, change: dict[str, bytes], message: str) -> None:
    filename, content = pack(folder(tmp_path), NAME)
    with pytest.raises(UsageError, match=re.escape(f"{message}; it was not taken")):
        read(changed(content, change), filename)


def test_another_digest_another_format_and_what_is_not_a_bundle_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filename, content = pack(folder(tmp_path), NAME)
    with pytest.raises(
        UsageError, match=r"its sha256 is [0-9a-f]{64}, and 00 was promised; it was not taken"
    ):
        read(content, filename, "00")
    with pytest.raises(UsageError, match="this is not a bundle of knowledge: File is not a zip"):
        read(b"nothing", filename)
    with pytest.raises(
        UsageError, match=r"x\.zip: this is not a bundle of knowledge: Invalid wheel filename"
    ):
        read(content, "x.zip")
    monkeypatch.setattr(bundles, "FORMAT", 2)
    with pytest.raises(
        UsageError, match="it has the format 1, and this stackcheck reads 2; it was not taken"
    ):
        read(content, filename)
    monkeypatch.setattr(bundles, "MOST_BYTES", 100)
    with pytest.raises(UsageError, match="it holds more than a bundle may; it was not taken"):
        read(content, filename)


def test_a_folder_with_faults_is_neither_packed_nor_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = ROWS.replace("https://git.acme.example/ops/build.md", "our wiki")
    with pytest.raises(
        TableError, match=r"told/our-ops\.toml:8: requirement: source: a stranger cannot find"
    ):
        pack(folder(tmp_path, text=bad), NAME)
    with pytest.raises(UsageError, match="there are no files of knowledge here"):
        pack(tmp_path / "told", NAME)
    monkeypatch.setattr(bundles, "faults", lambda *_args, **_more: [])
    filename, content = pack(tmp_path, NAME)
    monkeypatch.undo()
    with pytest.raises(TableError, match="this knowledge has faults, and was not taken"):
        take(read(content, filename), tmp_path / "bundles", TODAY)
    assert every(tmp_path / "bundles") == ()
    assert list((tmp_path / "bundles" / NAME).iterdir()) == []
