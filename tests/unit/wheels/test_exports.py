from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from stackcheck.model.errors import TableError
from stackcheck.wheels import exports
from stackcheck.wheels.exports import exports_of, name_hash, pack, read
from tests.unit.wheels.fits_cases import BUILDS, MOVED, NEW, OLD
from tests.unit.wheels.fits_cases import exports as made

if TYPE_CHECKING:
    from pathlib import Path


def test_a_name_is_exported_by_the_builds_that_export_it_and_by_no_other() -> None:
    found = made()
    assert [found.mask(name.encode()) for name in (OLD, MOVED, NEW)] == [0b0001, 0b0011, 0b1110]
    assert found.mask(b"_ZN2at8inventedEv") == 0


def test_the_names_of_a_build_can_be_had_back_so_that_a_new_release_is_added_to_the_old_ones() -> None:
    found = made()
    for bit, (_, names) in enumerate(BUILDS):
        assert set(found.hashes(bit)) == {name_hash(name.encode()) for name in names}


def test_the_table_does_not_depend_on_the_order_of_the_names() -> None:
    names = [name_hash(str(number).encode()) for number in range(100)]
    assert pack([names, names[:50]]) == pack([names[::-1], names[49::-1]])


def test_many_distinct_masks_fit() -> None:
    builds = [[name_hash(str(n).encode()) for n in range(70_000) if n >> bit & 1] for bit in range(17)]
    told = {"builds": [], "packages": {}, "sonames": {}, "measured": "2026-11-30"}
    found = exports_of(told, pack(builds))
    assert [found.mask(str(n).encode()) for n in (1, 69_999, 65_536)] == [1, 69_999, 65_536]


def test_a_build_has_what_its_wheel_and_the_wheels_that_it_requires_hold() -> None:
    build = made().builds[1]
    assert (build.tag, build.cuda_major, build.brought) == (
        "cu124",
        12,
        frozenset({"libcudart.so.12", "libcudnn.so.9"}),
    )
    assert (made().builds[3].tag, made().builds[3].cuda_major) == ("cpu", None)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 8, pack([[name_hash(b"a")]])[:-1]])
def test_a_damaged_table_is_said_to_be_damaged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "torch_exports.json").write_text(
        '{"builds": [], "packages": {}, "sonames": {}, "measured": ""}'
    )
    (tmp_path / "torch_exports.bin").write_bytes(content)
    with pytest.raises(TableError, match=re.escape(str(tmp_path))):
        read(tmp_path)


def test_what_ships_is_complete_small_and_read_in_no_time() -> None:
    read.cache_clear()
    started = time.process_time()
    found = read()
    assert time.process_time() - started < 0.05
    size = sum(path.stat().st_size for path in exports.FOLDER.glob("torch_exports.*"))
    assert size <= 4 << 20
    amd64 = [each for each in found.builds if each.platform == "linux/amd64"]
    assert {"1.13.0", "1.13.1", "2.0.1", "2.5.1", "2.6.0", "2.10.0", "2.15.0"} <= {
        each.torch for each in amd64
    }
    assert all(each.abi and each.glibc and each.pythons and len(each.sha256) == 64 for each in found.builds)
    assert all("libcudart.so." in " ".join(each.libraries | each.brought) for each in amd64)


@pytest.mark.parametrize("abi", ["old", "new"])
def test_the_abi_of_each_shipped_build_is_the_one_of_its_error_class(abi: str) -> None:
    found = read()
    mask = found.mask({"old": OLD, "new": NEW}[abi].encode())
    assert {each.bit for each in found.builds if mask >> each.bit & 1} == {
        each.bit for each in found.builds if each.abi == abi
    }
    assert mask
