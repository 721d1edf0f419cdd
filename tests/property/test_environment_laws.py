"""Laws of what wheels say of themselves: what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_version
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment.madefor import read_local
from stackcheck.model.build import cuda_tag, tag_cuda
from stackcheck.model.versions import release_key, spelled
from stackcheck_probes.judging.gfx import FAMILIES, akin, family, generation, gfx_of

pytestmark = pytest.mark.property

KNOWN = knowledge.load()

CUDA = st.builds(lambda major, minor: Version(f"{major}.{minor}"), st.integers(10, 99), st.integers(0, 9))
TORCH = st.builds(lambda major, minor: f"{major}.{minor}", st.integers(1, 9), st.integers(0, 99))
BOUNDS = st.lists(
    st.builds(
        lambda sign, parts: sign + ".".join(map(str, parts)),
        st.sampled_from([">=", "<", "<=", "!=", "=="]),
        st.lists(st.integers(0, 30), min_size=1, max_size=3),
    ),
    max_size=4,
)


@given(CUDA)
def test_a_cuda_tag_is_read_back(cuda: Version) -> None:
    assert tag_cuda(cuda_tag(cuda)) == cuda


@given(TORCH, CUDA)
def test_the_local_version_of_pyg_is_read_back(torch: str, cuda: Version) -> None:
    made = read_local("torch-scatter", f"pt{torch.replace('.', '')}{cuda_tag(cuda)}", KNOWN)
    assert made is not None
    assert (made.torch, made.cuda) == (torch, cuda)


@given(TORCH, CUDA, st.booleans())
def test_the_local_version_of_flash_attention_is_read_back(torch: str, cuda: Version, abi: bool) -> None:
    made = read_local("flash-attn", f"{cuda_tag(cuda)}torch{torch}cxx11abi{str(abi).lower()}", KNOWN)
    assert made is not None
    assert (made.torch, made.cuda, made.abi) == (torch, cuda, abi)


@given(
    st.from_regex(
        r"\A(1!)?[0-9]{1,3}(\.[0-9]{1,2}){0,4}(rc[0-9])?(\.post[0-9])?(\.dev[0-9])?(\+cu12[0-9])?\Z"
    )
)
def test_the_key_of_a_release_is_the_canonical_version_without_its_build(text: str) -> None:
    assert release_key(text) == canonicalize_version(Version(text).public)


@given(TORCH, st.integers(0, 9))
def test_trailing_zeros_and_builds_are_the_same_release(torch: str, digits: int) -> None:
    assert release_key(torch) == release_key(f"{torch}.0") == release_key(f"{torch}.0+cu12{digits}")


@given(st.text(max_size=40))
def test_no_local_version_is_too_odd(local: str) -> None:
    made = read_local("x", local, KNOWN)
    assert made is None or made.torch or made.tag or made.ambiguous


@given(BOUNDS)
def test_a_spelled_range_is_the_same_range(bounds: list[str]) -> None:
    wanted = SpecifierSet(",".join(bounds))
    assert SpecifierSet(spelled(wanted)) == wanted


@given(st.integers(0, 63), st.integers(0, 15), st.integers(0, 15))
def test_an_override_keeps_its_generation(major: int, minor: int, step: int) -> None:
    gfx = gfx_of(f"{major}.{minor}.{step}")
    assert gfx is not None
    assert generation(gfx) == str(major)
    assert akin(gfx, gfx) is not False


@given(st.sampled_from([gfx for members in FAMILIES.values() for gfx in members.split()]), st.data())
def test_a_family_is_of_one_generation_and_both_ways(gfx: str, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([gfx for members in FAMILIES.values() for gfx in members.split()]))
    assert akin(gfx, other) == akin(other, gfx)
    if akin(gfx, other):
        assert (generation(gfx), family(gfx)) == (generation(other), family(other))


@given(st.text(max_size=20))
def test_no_override_is_too_odd(value: str) -> None:
    gfx = gfx_of(value)
    assert gfx is None or gfx.startswith("gfx")
