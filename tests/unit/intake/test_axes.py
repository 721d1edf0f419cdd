"""Axes: one row becomes a family."""

import pytest

from stackcheck.intake.axes import expand

FIELDS = frozenset({"python", "cuda"})


def test_a_field_axis_sets_the_field_and_the_default_id() -> None:
    rows = expand({"id": "s", "axes": {"python": ["3.11", "3.12"]}, "summary": "on {python}"}, FIELDS)
    assert [(r["id"], r["python"], r["summary"], r["family"]) for r in rows] == [
        ("s-py311", "3.11", "on 3.11", "s"),
        ("s-py312", "3.12", "on 3.12", "s"),
    ]


def test_a_variable_axis_fills_text_everywhere() -> None:
    row = {
        "id": "s",
        "id_format": "torch-py{python_digits}-sm{sm}",
        "axes": {"python": ["3.11"], "sm": ["90", "120"]},
        "env": {"TORCH_CUDA_ARCH_LIST": "{sm}"},
        "gpus": ["sm_{sm}"],
    }
    rows = expand(row, FIELDS)
    assert [r["id"] for r in rows] == ["torch-py311-sm90", "torch-py311-sm120"]
    assert rows[1]["env"] == {"TORCH_CUDA_ARCH_LIST": "120"}
    assert rows[1]["gpus"] == ["sm_120"]
    assert "sm" not in rows[0]


def test_exclude_drops_and_include_adds() -> None:
    row = {
        "id": "s",
        "axes": {"python": ["3.11", "3.12"], "cuda": ["12.4", "12.8"]},
        "exclude": [{"python": "3.12", "cuda": "12.4"}],
        "include": [{"python": "3.13", "cuda": "12.8"}],
    }
    assert [r["id"] for r in expand(row, FIELDS)] == [
        "s-py311-cu124",
        "s-py311-cu128",
        "s-py312-cu128",
        "s-py313-cu128",
    ]


def test_a_row_without_axes_is_its_own_family() -> None:
    assert expand({"id": "s"}, FIELDS) == [{"id": "s", "family": "s"}]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"axes": {"python": "3.11"}}, 'axes.python: give a list of texts, such as \\["3.11", "3.12"\\]'),
        ({"axes": {"python": []}}, "axes.python: give a list of texts"),
        ({"axes": ["3.11"]}, "axes: give a table of lists"),
        (
            {"axes": {"python": ["3.11"]}, "exclude": [{"pyton": "3.11"}]},
            "exclude names 'pyton', which is not an axis",
        ),
        ({"axes": {"python": ["3.11"]}, "include": [{}]}, "include must give python: {}"),
        (
            {"axes": {"python": ["3.11"]}, "summary": "{sm}"},
            "'{sm}': {sm} is not an axis; axes: python, python_digits",
        ),
        (
            {"exclude": [{"python": "3.11"}]},
            "id_format, exclude and include go with axes, which are not stated",
        ),
    ],
)
def test_a_wrong_axis_says_which(row: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand({"id": "s", **row}, FIELDS)
