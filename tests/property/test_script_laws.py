"""Scripts, notebooks and Modal apps of strangers are read, or refused in one sentence, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.intake import modalapps, notebooks, slurm
from stackcheck.intake.setupfiles import read_py
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.intake.stated import Found

pytestmark = pytest.mark.property

NOWHERE = Path("/nonexistent")
SHELL = (
    "#SBATCH --gres=gpu:a100:2",
    "#SBATCH -G",
    "#SBATCH --gpus==:::",
    "#SBATCH -C '[a|b",
    "##SBATCH",
    "#SBATCH --container-image=",
    "module load cuda/12.1",
    "module load",
    "ml",
    "ml -purge",
    "spack load cuda@",
    "pip install torch==2.1.0",
    "pip install 'torch",
    "conda install",
    "uv pip install -r",
    "if [ $A",
    "fi",
    "source /a/activate",
    "python -m venv",
    "case x in",
    "esac",
    "$(",
    "`",
    "\\",
    "&&",
    "\n",
    " ",
    "\t",
)
PYTHON = (
    "import modal",
    "image = modal.Image.debian_slim()",
    "image = image.pip_install('torch==2.1.0')",
    "image = image",
    "base = image.env({})",
    "x = [*x]",
    "x['a'] = x['b']",
    "x = {}",
    "x = y = {}",
    "def f(*a):",
    "    return [x[b] for b in a]",
    "app = modal.App(image=image)",
    "@app.function(gpu=['H100', 1], image=image)",
    "def g(): ...",
    "image = modal.Image.from_registry(1, add_python=3.11).run_commands(*x, 'pip install torch')",
    "from setuptools import setup",
    "setup(install_requires=f('a'), extras_require=x)",
    "x['all'] = sorted(x)",
    "deps = {a: a for a in x}",
    "setup(name=deps[x], install_requires=[deps['a'], deps[0]])",
    ")",
    "\0",
    "'",
)


def reads(reader: Callable[[], Found]) -> None:
    said = ""
    try:
        reader()
    except UsageError as error:
        said = str(error)
    assert "\n" not in said


@given(st.lists(st.sampled_from(SHELL), max_size=12).map("\n".join))
def test_a_script_of_a_shell_is_read_or_refused(text: str) -> None:
    reads(lambda: slurm.read(text, NOWHERE, "a.sbatch"))
    reads(lambda: slurm.read_install(text, NOWHERE, "install.sh"))
    cell = {"cell_type": "code", "source": [f"!{line}\n" for line in text.split("\n")]}
    reads(lambda: notebooks.read(json.dumps({"cells": [cell]}), NOWHERE, "a.ipynb"))


@given(st.lists(st.sampled_from(PYTHON), max_size=12).map("\n".join))
def test_a_module_of_python_is_read_or_refused(text: str) -> None:
    reads(lambda: modalapps.read(text, NOWHERE, "app.py"))
    reads(lambda: read_py(text, "setup.py", NOWHERE))


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda each: (
            st.lists(each) | st.dictionaries(st.sampled_from(["cells", "source", "cell_type"]), each)
        ),
    )
)
def test_a_notebook_of_any_shape_is_read_or_refused(value: object) -> None:
    reads(lambda: notebooks.read(json.dumps({"cells": value}), NOWHERE, "a.ipynb"))


@given(
    st.permutations(["--gres=gpu:a100:2", "-p gpu", "--mem=10G", "-C ib", "--time 1:00:00"]), st.booleans()
)
def test_the_order_of_options_says_nothing(options: list[str], together: bool) -> None:
    text = f"#SBATCH {' '.join(options)}" if together else "\n".join(f"#SBATCH {each}" for each in options)
    found = slurm.read(f"#!/bin/bash\n{text}\n", NOWHERE, "a.sbatch")
    assert [(each.key, each.value) for each in found.stated] == [("gpus", "a100")]
