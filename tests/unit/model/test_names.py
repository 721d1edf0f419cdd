"""A name is the one that the library would make of it."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from stackcheck.model.names import canonical_name


@given(st.text(st.sampled_from("abZ09-_. "), max_size=12))
def test_a_name_is_as_packaging_spells_it(name: str) -> None:
    assert canonical_name(name) == canonicalize_name(name)
