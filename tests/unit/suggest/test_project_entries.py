"""Entries that come into, and go out of, lines of a project's own files."""

import pytest

from stackcheck.intake.recognise import DOCKERFILE
from stackcheck.model.package import Package
from stackcheck.suggest.project_entries import (
    add_option,
    add_requirement,
    change_variable,
    remove_option,
    remove_requirement,
)
from stackcheck.suggest.project_lines import CannotEdit, Text

TORCH = ("torch", Package(version="2.8.0"))
ADDED = ("setuptools", Package(version="<82"))


@pytest.mark.parametrize(
    ("kind", "before", "number", "after"),
    [
        ("requirements", "torch==2.8.0\r\nnumpy\r\n", 1, "torch==2.8.0\r\nsetuptools<82\r\nnumpy\r\n"),
        ("requirements", "numpy\ntorch==2.8.0", 2, "numpy\ntorch==2.8.0\nsetuptools<82\n"),
        ("pyproject", '  "torch==2.8.0",  # model\n', 1, '  "torch==2.8.0",  # model\n  "setuptools<82",\n'),
        ("pyproject", "  'torch==2.8.0'\n]\n", 1, "  'torch==2.8.0',\n  'setuptools<82',\n]\n"),
        ("pyproject", 'dependencies = ["torch==2.8.0", "numpy"]\n', 1,
         'dependencies = ["torch==2.8.0", "setuptools<82", "numpy"]\n'),
        ("pyproject", 'torch = "2.8.0"\n', 1, 'torch = "2.8.0"\nsetuptools = "<82"\n'),
        (DOCKERFILE, "RUN pip install torch==2.8.0 numpy\n", 1,
         "RUN pip install torch==2.8.0 'setuptools<82' numpy\n"),
        (DOCKERFILE, "RUN pip install \\\n    'torch==2.8.0' \\\n    numpy\n", 2,
         "RUN pip install \\\n    'torch==2.8.0' 'setuptools<82' \\\n    numpy\n"),
        ("environment", "      - torch==2.8.0\n", 1, "      - torch==2.8.0\n      - setuptools<82\n"),
    ],
)  # fmt: skip
def test_a_requirement_comes_beside_another_in_its_form(
    kind: str, before: str, number: int, after: str
) -> None:
    text = Text(before, kind)
    add_requirement(text, number, TORCH, ADDED)
    assert str(text) == after


@pytest.mark.parametrize(
    ("kind", "before", "number", "after"),
    [
        ("requirements", "numpy\ntorch==2.8.0  # out\n", 2, "numpy\n"),
        ("pyproject", '    "torch==2.8.0",\n', 1, ""),
        ("pyproject", 'dependencies = ["torch==2.8.0", "numpy"]\n', 1, 'dependencies = ["numpy"]\n'),
        ("pyproject", 'dependencies = ["numpy", "torch==2.8.0"]\n', 1, 'dependencies = ["numpy"]\n'),
        (DOCKERFILE, "RUN pip install numpy torch==2.8.0 && rm -rf /x\n", 1,
         "RUN pip install numpy && rm -rf /x\n"),
        (DOCKERFILE, "RUN pip install \\\n    torch==2.8.0 numpy\n", 2,
         "RUN pip install \\\n    numpy\n"),
        (DOCKERFILE, "RUN pip install \\\n    torch==2.8.0 \\\n    numpy\n", 2,
         "RUN pip install \\\n    numpy\n"),
    ],
)  # fmt: skip
def test_a_requirement_goes_and_what_stands_beside_it_stays(
    kind: str, before: str, number: int, after: str
) -> None:
    text = Text(before, kind)
    remove_requirement(text, number, *TORCH)
    assert str(text) == after


@pytest.mark.parametrize(
    "line",
    [
        "RUN pip install torch==2.8.0\n",
        "RUN pip install --no-cache-dir torch==2.8.0 -i https://x.example/simple && echo done\n",
    ],
)
def test_an_install_is_never_left_without_anything_to_install(line: str) -> None:
    text = Text(line, DOCKERFILE)
    with pytest.raises(CannotEdit, match="nothing would be left"):
        remove_requirement(text, 1, *TORCH)
    assert str(text) == line


def test_an_address_comes_and_goes() -> None:
    url = "https://x.example/simple"
    text = Text("torch==2.8.0\n", "requirements")
    add_option(text, 1, TORCH, "--extra-index-url", url)
    assert str(text) == f"--extra-index-url {url}\ntorch==2.8.0\n"
    text = Text(f"--extra-index-url {url}\ntorch==2.8.0\n", "requirements")
    assert remove_option(text, range(1, 3), url)
    assert str(text) == "torch==2.8.0\n"
    command = f"RUN pip install torch==2.8.0 --index-url {url} && ls\n"
    text = Text(command, DOCKERFILE)
    assert remove_option(text, range(1, 2), f"{url}/")
    assert str(text) == "RUN pip install torch==2.8.0 && ls\n"
    assert not remove_option(text, range(1, 2), url)
    add_option(text, 1, TORCH, "--index-url", url)
    assert str(text) == command
    with pytest.raises(CannotEdit, match="has to become its index"):
        add_option(Text('"torch==2.8.0",\n', "pyproject"), 1, TORCH, "--index-url", url)


@pytest.mark.parametrize(
    ("line", "before", "after", "changed"),
    [
        ("ENV A=1 B=2\n", "1", None, "ENV B=2\n"),
        ("ENV A=1\n", "1", None, ""),
        ('ENV B=2 A="1"\n', "1", "3", 'ENV B=2 A="3"\n'),
        ("RUN pip install torch\n", None, "3", 'ENV A="3"\nRUN pip install torch\n'),
    ],
)
def test_a_variable_comes_changes_and_goes(
    line: str, before: str | None, after: str | None, changed: str
) -> None:
    text = Text(line, DOCKERFILE)
    change_variable(text, 1, "A", before, after)
    assert str(text) == changed


def test_a_variable_that_is_spelled_another_way_is_left_alone() -> None:
    with pytest.raises(CannotEdit):
        change_variable(Text("ENV A=${B}\n", DOCKERFILE), 1, "A", "1", None)
    with pytest.raises(CannotEdit):
        change_variable(Text("torch==2.8.0\n", "requirements"), 1, "A", None, "1")
