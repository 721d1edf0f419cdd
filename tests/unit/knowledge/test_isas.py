"""Instruction sets: what a flag switches on, and a table that contradicts itself is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck import knowledge
from stackcheck.knowledge import isas
from stackcheck.model.errors import TableError
from tests.unit.knowledge.told_folders import instead

if TYPE_CHECKING:
    from pathlib import Path

TABLE = knowledge.load().isas


def test_a_flag_switches_on_what_it_implies() -> None:
    assert TABLE.switched_on(["-mavx512bf16"]) == {
        "-mavx512bf16",
        "-mavx512bw",
        "-mavx512f",
        "-mavx2",
        "-mavx",
    }
    assert TABLE.switched_on(["-O2"]) == {"-O2"}
    assert TABLE.instructions(["-O2", "-mavx2", "-mtune=native"]) == {"-mavx2", "-mavx"}


def test_every_set_of_a_platform_includes_the_smaller_ones() -> None:
    on = {row.name: TABLE.switched_on((*row.flags, *row.allowed)) for row in TABLE.isas}
    assert on["avx2"] < on["avx512"] < on["avx512bf16"]
    assert on["avx512"] < on["avx512vnni"]


def test_an_unknown_name_is_none() -> None:
    assert TABLE.isa("avx10") is None
    assert TABLE.isa(None) is None


def test_a_mark_that_is_none_of_the_flags_is_refused(tmp_path: Path) -> None:
    row = '[[isa]]\nname = "a"\nplatform = "linux/amd64"\nmark = "-x"\nflags = "-y"\nsource = "a b"\n'
    with pytest.raises(TableError) as caught:
        isas.load(instead(tmp_path, "instruction-sets", f"checked = 2026-11-20\n{row}"))
    path = tmp_path / "told" / "instruction-sets.toml"
    assert str(caught.value) == f"{path}:5: isa: mark: -x is not one of its flags."
