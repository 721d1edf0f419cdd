"""Lines of a project's own files, changed where they state something and nowhere else."""

import pytest

from stackcheck.model.package import Package
from stackcheck.suggest.project_lines import (
    CannotEdit,
    Text,
    renamed,
    with_poetry_version,
    with_value,
    with_version,
)


@pytest.mark.parametrize(
    ("line", "name", "old", "new", "after"),
    [
        ("torch==2.5.0\n", "torch", "2.5.0", "2.6.0", "torch==2.6.0\n"),
        ("torch==2.5.0  # the model\r\n", "torch", "2.5.0", "2.6.0", "torch==2.6.0  # the model\r\n"),
        ("torch == 2.5.0 ; python_version < '3.13'", "torch", "2.5.0", "2.6.0+cu124",
         "torch==2.6.0+cu124 ; python_version < '3.13'"),
        ("Torch_Scatter==2.1.0\n", "torch-scatter", "2.1.0", "2.1.2", "Torch_Scatter==2.1.2\n"),
        ("torch>=2.4,<2.6\n", "torch", "<2.6,>=2.4", "2.6.0", "torch==2.6.0\n"),
        ("torch\n", "torch", "latest", "2.6.0", "torch==2.6.0\n"),
        ("xformers[all]==0.0.28\n", "xformers", "0.0.28", "0.0.29", "xformers[all]==0.0.29\n"),
        ("torch==2.5.*\n", "torch", "==2.5.*", "2.6.0", "torch==2.6.0\n"),
        ('    "torch==2.5.0", "torchvision==0.20.0",\n', "torch", "2.5.0", "2.6.0",
         '    "torch==2.6.0", "torchvision==0.20.0",\n'),
        ("RUN pip install torch==2.5.0 torchvision==0.20.0 \\\n", "torchvision", "0.20.0", "0.21.0",
         "RUN pip install torch==2.5.0 torchvision==0.21.0 \\\n"),
        ("  - numpy==2.0.0  # pip\n", "numpy", "2.0.0", "1.26.4", "  - numpy==1.26.4  # pip\n"),
    ],
)  # fmt: skip
def test_a_version_changes_and_the_rest_of_its_line_stays(
    line: str, name: str, old: str, new: str, after: str
) -> None:
    assert with_version(line, name, Package(version=old), Package(version=new)) == after


@pytest.mark.parametrize(
    ("line", "name", "old"),
    [
        ("RUN pip install torch==${TORCH}\n", "torch", "2.5.0"),
        ("torch @ https://example.org/torch-2.5.0.whl\n", "torch", "2.5.0"),
        ("torch==2.4.0\n", "torch", "2.5.0"),
        ("# torch==2.5.0 was good\ntorchvision==0.20.0\n", "torch", "2.4.0"),
        ("torch (>=2.4)\n", "torch", "latest"),
        ("torch-scatter==2.5.0\n", "torch", "2.5.0"),
        ("RUN pip install torch==2.5.0 && pip install torch==2.5.0\n", "torch", "2.5.0"),
    ],
)
def test_what_does_not_stand_there_in_so_many_words_is_left_alone(line: str, name: str, old: str) -> None:
    with pytest.raises(CannotEdit):
        with_version(line, name, Package(version=old), Package(version="2.6.0"))


def test_a_range_on_a_line_of_a_shell_has_to_stand_in_quotes() -> None:
    old, new = Package(version="60.0"), Package(version="<60")
    with pytest.raises(CannotEdit):
        with_version("RUN pip install setuptools==60.0\n", "setuptools", old, new, quoted=False)
    said = with_version("RUN pip install 'setuptools==60.0'\n", "setuptools", old, new, " -f x", quoted=False)
    assert said == "RUN pip install 'setuptools<60' -f x\n"


def test_a_requirement_is_renamed() -> None:
    old = Package(version="2.3.8")
    assert (
        renamed("spconv-cu120==2.3.8 # x\n", "spconv-cu120", "spconv-cu124", old)
        == "spconv-cu124==2.3.8 # x\n"
    )


@pytest.mark.parametrize(
    ("line", "old", "after"),
    [
        ('torch = "2.5.0"\n', "2.5.0", 'torch = "2.6.0"\n'),
        ('torch = "^2.5"\n', ">=2.5,<3", 'torch = "2.6.0"\n'),
        ('torch = { version = "~2.5", source = "pytorch" }\n', ">=2.5,<2.6",
         'torch = { version = "2.6.0", source = "pytorch" }\n'),
    ],
)  # fmt: skip
def test_a_version_of_poetry(line: str, old: str, after: str) -> None:
    assert with_poetry_version(line, "torch", Package(version=old), Package(version="2.6.0")) == after


def test_a_value_changes_where_it_stands_whole_and_once() -> None:
    assert with_value("FROM python:3.11-slim\n", "3.11", "3.12") == "FROM python:3.12-slim\n"
    for line in ("FROM python:3.11.4-slim\n", "FROM ${BASE}\n", "ENV A=3.11 B=3.11\n"):
        with pytest.raises(CannotEdit):
            with_value(line, "3.11", "3.12")


def test_addresses_change_where_they_stand_whole() -> None:
    cu118, cu124 = (f"https://download.pytorch.org/whl/{tag}" for tag in ("cu118", "cu124"))
    text = Text(f"-i {cu118}\r\n# {cu118}\r\n--extra-index-url={cu118}/ \r\n-f {cu118}/torch_stable.html\r\n")
    assert text.replace_address(cu118, cu124) == 2
    assert str(text) == (
        f"-i {cu124}\r\n# {cu118}\r\n--extra-index-url={cu124}/ \r\n-f {cu118}/torch_stable.html\r\n"
    )


def test_a_line_is_put_before_another_with_its_line_end() -> None:
    text = Text("a\r\nb")
    text.put_before(1, "x")
    assert str(text) == "x\r\na\r\nb"
