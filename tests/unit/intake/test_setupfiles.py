"""setup.py by its syntax tree, and setup.cfg: literals are read, everything else is said to be open."""

from pathlib import Path

import pytest

from stackcheck.intake.setupfiles import read_cfg, read_py
from stackcheck.intake.stated import Found
from stackcheck.model.errors import UsageError

NOWHERE = Path("/nothing")


def said(found: Found) -> dict[str, str]:
    return {
        each.key: f"{each.value.get('version')} {each.place}"
        for each in found.stated
        if "packages." in each.key
    }


def test_literals_and_names_of_literals_are_read_with_their_lines() -> None:
    text = """
from setuptools import setup
TORCH = "2.5.0"
needs = [
    "numpy<2",
    f"torch=={TORCH}",
]
setup(install_requires=needs + ["scipy"], python_requires="==3.11.*", extras_require={"gpu": ["xformers==0.0.28"]})
"""
    found = read_py(text, "setup.py", NOWHERE)
    assert said(found) == {
        "packages.numpy": "<2 setup.py:5", "packages.torch": "2.5.0 setup.py:6", "packages.scipy": "latest setup.py:8",
    }  # fmt: skip
    assert [(each.key, each.value) for each in found.stated if each.key == "python"] == [("python", "3.11")]
    assert [(name, rows[0].value["version"]) for name, rows in found.members] == [("extra gpu", "0.0.28")]
    assert found.open == ()


@pytest.mark.parametrize(
    "needs",
    [
        "needs = ['torch']\nneeds.append('numpy')", "needs = ['torch']\nneeds += ['x']", "import os\nneeds = os.listdir('/')",
        "needs = ['torch']\nif 1: needs = ['x']", "needs = [x for x in 'ab']", "needs = __import__('os').system('touch /tmp/x')",
        "def needs(): return []", "needs = needs",
    ],
)  # fmt: skip
def test_what_only_a_run_would_tell_is_open(needs: str) -> None:
    found = read_py(
        f"{needs}\nfrom setuptools import setup\nsetup(install_requires=needs)\n", "setup.py", NOWHERE
    )
    assert found.stated == ()
    assert ["install_requires is computed when setup.py runs" in each.text for each in found.open] == [True]


def test_a_requirement_file_that_is_read_there_is_read_here(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.5.0\n", encoding="utf-8")
    text = (
        "import setuptools\nsetuptools.setup(install_requires=open('requirements.txt').read().splitlines())"
    )
    assert said(read_py(text, "setup.py", tmp_path)) == {"packages.torch": "2.5.0 requirements.txt:1"}


def test_names_that_double_do_not_grow(tmp_path: Path) -> None:
    lines = ["n0 = ['torch']", *(f"n{n} = n{n - 1} + n{n - 1}" for n in range(1, 50))]
    found = read_py("\n".join([*lines, "setup(install_requires=n49)"]), "setup.py", tmp_path)
    assert (found.stated, len(found.open)) == ((), 1)


@pytest.mark.parametrize(
    "text", ["setup(", "(" * 5000, "x = " + "-" * 200_000 + "1", "a\x00b", "print 'old'"]
)
def test_what_is_not_python_is_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="this is not Python that can be parsed"):
        read_py(text, "setup.py", NOWHERE)


def test_setup_cfg_states_requirements_and_extras(tmp_path: Path) -> None:
    text = """[options]
python_requires = >=3.9
install_requires =
    torch==2.5.0
    numpy<2 ; python_version < "3.12"
[options.extras_require]
gpu =
    xformers==0.0.28
"""
    found = read_cfg(text, "setup.cfg", tmp_path)
    assert said(found) == {"packages.torch": "2.5.0 setup.cfg:4", "packages.numpy": "<2 setup.cfg:5"}
    assert [name for name, _ in found.members] == ["extra gpu"]
    assert [each.kind for each in found.open] == ["asked"]


def test_setup_cfg_may_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("torch==2.5.0\n", encoding="utf-8")
    found = read_cfg("[options]\ninstall_requires = file: r.txt, gone.txt\n", "setup.cfg", tmp_path)
    assert said(found) == {"packages.torch": "2.5.0 r.txt:1"}
    assert [each.text for each in found.open] == ["gone.txt is not there, so it was not read."]


def test_a_broken_setup_cfg_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"setup\.cfg:1: this is not a file of sections and keys"):
        read_cfg("torch\n", "setup.cfg", NOWHERE)


TABLE = """
import re
from setuptools import setup
_deps = [
    "accelerate>=1.2.1",
    "torch>=2.5.1",
    "trl @ git+https://github.com/huggingface/trl.git@main",
]
deps = {b: a for a, b in (re.findall(r"^(([^!=<>~ ]+)(?:[!=<>~ ].*)?$)", x)[0] for x in _deps)}
def deps_list(*names):
    return [deps[name] for name in names]
extras = {}
extras["torch"] = deps_list("torch")
extras["dev"] = extras["torch"] + deps_list("trl")
setup(install_requires=[deps["accelerate"]], extras_require=extras)
"""


def test_a_table_of_requirements_is_looked_up_as_transformers_does() -> None:
    found = read_py(TABLE, "setup.py", NOWHERE)
    assert said(found) == {"packages.accelerate": ">=1.2.1 setup.py:5"}
    assert [(name, [f"{row.key} {row.place}" for row in rows]) for name, rows in found.members] == [
        ("extra torch", ["packages.torch setup.py:6"]),
        ("extra dev", ["packages.torch setup.py:6", "packages.trl setup.py:7"]),
    ]
    assert found.open == ()


@pytest.mark.parametrize(
    "changed",
    [
        TABLE.replace('deps["accelerate"]', 'deps["peft"]'),
        TABLE.replace("setup(install", "if 1:\n    deps = {}\nsetup(install"),
        TABLE.replace("x in _deps", "x in open('deps')"),
    ],
)
def test_a_table_that_a_run_alone_would_tell_is_open(changed: str) -> None:
    found = read_py(changed, "setup.py", NOWHERE)
    assert "packages.accelerate" not in said(found)
    assert "install_requires is computed when setup.py runs" in found.open[0].text


def test_a_dictionary_that_something_else_may_change_is_open() -> None:
    found = read_py(TABLE.replace("setup(install", "extras.update(x)\nsetup(install"), "setup.py", NOWHERE)
    assert found.members == ()
    assert "extras_require is computed when setup.py runs" in found.open[0].text


def test_an_entry_that_is_computed_is_said_and_the_others_are_read() -> None:
    text = (
        "import copy\nfrom setuptools import setup\nextras = {}\nextras['flash'] = ['flash-attn==2.7.4']\n"
        "extras['gpu'] = copy.deepcopy(extras['flash'])\n"
        "extras['all'] = {one for key, rows in extras.items() for one in rows}\nsetup(extras_require=extras)\n"
    )
    found = read_py(text, "setup.py", NOWHERE)
    assert [name for name, _ in found.members] == ["extra flash", "extra gpu"]
    assert [f"{each.place}: {each.text}" for each in found.open] == [
        "setup.py:6: extras_require['all'] is computed when setup.py runs, so it was not read."
    ]
