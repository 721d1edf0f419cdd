from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from stackcheck.model.errors import UsageError
from stackcheck.wheels.torches import Asked, pinned, spans
from tests.unit.wheels.fits_cases import exports

BUILDS = exports().builds[:3]


@pytest.mark.parametrize(
    ("text", "torches"),
    [
        ("all", ["2.5.0", "2.8.0", "2.11.0"]),
        ("2.5", ["2.5.0"]),
        ("2.5.*, 2.11.0", ["2.5.0", "2.11.0"]),
        ("2", ["2.5.0", "2.8.0", "2.11.0"]),
        ("2.1", []),
        ("2.8.0+cu124", ["2.8.0"]),
        ("2.8.0+cpu", []),
        (">=2.8,<2.13", ["2.8.0", "2.11.0"]),
        ("==2.8.*", ["2.8.0"]),
    ],
)
def test_torches_are_asked_for_by_release_prefix_range_and_build(text: str, torches: list[str]) -> None:
    assert [each.torch for each in Asked(text).builds(BUILDS)] == torches


def test_what_is_named_and_not_measured_is_told() -> None:
    assert Asked("2.5,2.7,2.8+cu118").unmeasured(BUILDS) == ["2.7", "2.8+cu118"]
    assert Asked(">=3").unmeasured(BUILDS) == []


@pytest.mark.parametrize("text", ["", "latest", ">=two", "2.5;2.6", "2.5.0.0.1", ">="])
def test_what_is_no_torch_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--torch: "):
        Asked(text).builds(BUILDS)


@pytest.mark.parametrize(
    ("requires", "pin"),
    [
        (("numpy", "torch==2.7.1"), "==2.7.1"),
        (("torch (>=2.4)",), ">=2.4"),
        (("torch",), ""),
        (("torchvision==0.2", "pytorch==2"), None),
        (('torch==2.5; extra == "all"',), None),
        (("torch ?? 2",), None),
    ],
)
def test_the_pin_of_metadata_is_read(requires: tuple[str, ...], pin: str | None) -> None:
    assert pinned(requires) == pin


def test_neighbours_are_joined() -> None:
    releases = ["2.5.0", "2.6.0", "2.7.0", "2.8.0", "2.9.0"]
    assert spans(releases, ["2.5.0", "2.6.0", "2.8.0"]) == "2.5.0 - 2.6.0, 2.8.0"
    assert spans(releases, []) == ""


@pytest.mark.parametrize(
    "text", ["torch==2.8.0", "torch (==2.5.1)", "Torch ==2.6.0", "torch==2.8.0; extra == 'x'"]
)
def test_the_usual_pin_means_what_packaging_says(text: str) -> None:
    need = Requirement(text)
    assert pinned([text]) == (None if need.marker else str(need.specifier))
