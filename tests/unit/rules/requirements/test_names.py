"""Near names of packages: what warns, and real names that are near and must not."""

import pytest

from stackcheck.rules.requirements.stated_names import origins
from tests.unit.rules.harness import said_with_hints


@pytest.mark.parametrize(
    ("name", "meant"),
    [("torchvison", "torchvision"), ("trch", "torch"), ("trtion", "triton"), ("xfformers", "xformers")],
)
def test_a_slip_warns_with_the_name_that_was_meant(name: str, meant: str) -> None:
    assert said_with_hints("PIN103", packages={"torch": "2.5.0", name: "1.0"}) == [
        (
            "WARN",
            f"{name} is not a package that the tables know, and one letter from {meant}.",
            f"write {meant} if that is meant",
        )
    ]


@pytest.mark.parametrize(
    "name",
    ["torchvision", "torchx", "fastapi", "torchio", "vlm", "llm", "cupy-cuda11x", "spconv-cu127", "mmaction"],
)
def test_a_name_of_its_own_is_not_a_slip(name: str) -> None:
    assert said_with_hints("PIN103", packages={"torch": "2.5.0", name: "1.0"}) == []


def test_a_package_from_a_place_of_its_own_is_meant() -> None:
    own = {"version": "1.0", "index": "https://example.org/simple"}
    assert said_with_hints("PIN103", packages={"torchvison": own}) == []


@pytest.mark.parametrize("slip", ["a1cd", "abb1cd", "ab1d", "ab1ccd", "ab1dc"])
def test_a_letter_inside_may_be_missing_doubled_or_swapped(slip: str) -> None:
    assert "ab1cd" in set(origins(slip))


@pytest.mark.parametrize(
    "name",
    ["ab1cd", "b1cd", "ab1c", "aab1cd", "ab1cdd", "abcd", "ab11cd", "a1bcd", "abc1d", "ba1cd", "ab2cd"],
)
def test_digits_and_ends_of_a_name_stay_as_they_are(name: str) -> None:
    assert "ab1cd" not in set(origins(name))
