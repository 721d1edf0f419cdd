"""pyproject.toml: PEP 621, groups, uv's settings and Poetry's own dependencies."""

import tomllib

import pytest

from stackcheck.intake import pyproject
from stackcheck.intake.poetry import poetry_version
from stackcheck.intake.stated import Found


def read(text: str) -> Found:
    return pyproject.read(text, tomllib.loads(text), "pyproject.toml")


def stated(found: Found) -> list[tuple[str, object, int]]:
    return [(each.key, each.value, each.place.line) for each in found.stated]


def test_dependencies_are_stated_on_their_lines() -> None:
    found = read('[project]\nname = "x"\ndependencies = [\n  "torch==2.7.0",\n  "numpy<2",\n]\n')
    assert stated(found) == [
        ("packages.torch", {"version": "2.7.0"}, 4),
        ("packages.numpy", {"version": "<2"}, 5),
    ]


@pytest.mark.parametrize(
    ("wanted", "python", "asked"),
    [
        ("==3.11.*", "3.11", 0),
        ("~=3.11", None, 1),
        ("~=3.11.2", "3.11", 0),
        ("==3.11.4", "3.11", 0),
        (">=3.10,<3.13", None, 1),
    ],
)
def test_one_python_is_stated_and_a_range_is_asked(wanted: str, python: str | None, asked: int) -> None:
    found = read(f'[project]\nrequires-python = "{wanted}"\n')
    assert [each.value for each in found.stated] == ([python] if python else [])
    assert [each.kind for each in found.open] == ["asked"] * asked


def test_optional_dependencies_and_groups_are_members() -> None:
    found = read(
        '[project.optional-dependencies]\ngpu = ["torch==2.7.0"]\n'
        '[dependency-groups]\ndev = ["ruff", {include-group = "test"}]\ntest = ["pytest", {include-group = "dev"}]\n'
    )
    assert [(name, [row.key for row in rows]) for name, rows in found.members] == [
        ("extra gpu", ["packages.torch"]),
        ("group dev", ["packages.ruff", "packages.pytest"]),
        ("group test", ["packages.pytest", "packages.ruff"]),
    ]


UV = """
[project]
dependencies = ["torch==2.7.0", "flash-attn", "own", "detectron2"]
[tool.uv]
override-dependencies = ["numpy<2"]
constraint-dependencies = ["scipy>=1"]
no-build-isolation-package = ["flash-attn"]
[[tool.uv.index]]
name = "torch-cu128"
url = "https://download.pytorch.org/whl/cu128"
explicit = true
[[tool.uv.index]]
name = "house"
url = "https://house.example/simple"
[tool.uv.sources]
torch = [
  { index = "torch-cpu", marker = "sys_platform == 'darwin'" },
  { index = "torch-cu128", marker = "sys_platform == 'linux'" },
]
own = { workspace = true }
detectron2 = { git = "https://github.com/facebookresearch/detectron2", rev = "abc123" }
"""


def test_sources_and_indexes_of_uv_say_where_packages_come_from() -> None:
    found = read(UV)
    values = {each.key: each.value for each in found.stated}
    here = {"index": "https://download.pytorch.org/whl/cu128"}
    by_system = [("sys_platform == 'darwin'", {}), ("sys_platform == 'linux'", here)]
    assert values["packages.torch"] == {"version": "2.7.0", **here, "sources": by_system}
    git = "git+https://github.com/facebookresearch/detectron2@abc123"
    assert values["packages.detectron2"] == {"version": "latest", "git": git}
    assert values["overrides"] == "numpy<2"
    assert values["constraints"] == "scipy>=1"
    assert values["no_build_isolation"] == "flash-attn"
    assert values["index.extra"] == "https://house.example/simple", "an explicit index serves single packages"
    assert [each.text for each in found.open] == ["own is a member of the workspace: it was not read."]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("^2.5", ">=2.5,<3"), ("^0.2.3", ">=0.2.3,<0.3"), ("^0.0.3", ">=0.0.3,<0.0.4"), ("~2.5.1", ">=2.5.1,<2.6"),
        ("~2", ">=2,<3"), ("2.5.1", "2.5.1"), ("==2.5.1+cu124", "2.5.1+cu124"), ("2.*", "==2.*"), (">=1,<2", ">=1,<2"),
        ("*", ""),
    ],
)  # fmt: skip
def test_constraints_of_poetry_become_specifiers(text: str, wanted: str) -> None:
    assert poetry_version(text) == wanted


def test_dependencies_of_poetry_are_read_with_their_sources() -> None:
    found = read(
        '[tool.poetry.dependencies]\npython = "3.11.*"\ntorch = { version = "2.5.0+cu124", source = "torch" }\n'
        'ray = { version = "^2.9", extras = ["default"], optional = true }\nodd = "1 || 2"\n'
        '[[tool.poetry.source]]\nname = "torch"\nurl = "https://download.pytorch.org/whl/cu124"\n'
    )
    assert stated(found) == [
        ("python", "3.11", 2),
        ("packages.torch", {"version": "2.5.0+cu124", "index": "https://download.pytorch.org/whl/cu124"}, 3),
    ]
    assert [str(each.place) + " " + each.text for each in found.open] == [
        "pyproject.toml:5 odd: '1 || 2' states alternatives, which were not read."
    ]


def test_dependencies_that_are_made_at_build_time_are_said() -> None:
    found = read('[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n')
    assert [each.text for each in found.open] == [
        "dependencies are made when the project is built, so they were not read."
    ]


def test_odd_types_state_nothing_and_do_not_fail() -> None:
    found = read(
        'project = 1\ntool = { uv = { index = 1, sources = [], override-dependencies = "x" }, poetry = [] }\n'
        "dependency-groups = []\n"
    )
    assert (found.stated, found.open, found.members) == ((), (), ())
