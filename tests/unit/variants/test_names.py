"""Names of targeted builds, as two published projects write them."""

from __future__ import annotations

import pytest

from stackcheck.variants.names import Promise, parse_name
from stackcheck_probes.binaries.capability import Capability

ISAS = {"avx2", "avx512", "armv8_2", "armv9"}


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("pytorch-py313-sm90-avx512", Promise("3.13", None, Capability(9, 0), isa="avx512")),
        ("pytorch-py313-cpu-avx2", Promise("3.13", cpu=True, isa="avx2")),
        ("python312Packages.pytorch-sm89-avx2", Promise("3.12", None, Capability(8, 9), isa="avx2")),
        ("python311Packages.pytorch-cpu-armv9", Promise("3.11", cpu=True, isa="armv9")),
        (
            "pytorch-python313-cuda13_0-sm120-armv8_2",
            Promise("3.13", "13.0", Capability(12, 0), isa="armv8_2"),
        ),
        ("torch-cu124-sm_90a", Promise(None, "12.4", Capability(9, 0), "a")),
        ("cpu-torch213", Promise(cpu=True)),
        ("cuda13-nightly-magma", Promise()),
    ],
)
def test_a_name_is_read_part_by_part(name: str, promise: Promise) -> None:
    assert parse_name(name, ISAS) == promise


def test_the_sm_is_written_as_names_write_it() -> None:
    assert parse_name("torch-sm90a", ISAS).sm_title == "SM90a"
    assert parse_name("torch", ISAS).sm_title == ""
