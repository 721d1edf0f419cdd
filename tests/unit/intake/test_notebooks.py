"""Notebooks: what their cells install, line for line, where no other file states torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcheck.intake import notebooks
from stackcheck.intake.project import take
from stackcheck.model.errors import UsageError

CELLS = (
    "import os\n# !pip install torch==1.0\n",
    "!pip install -q torch==2.1.0 \\\n  torchvision==0.16.0\n%pip install timm==0.9.12\n%cd x\n",
    "%%bash\nV=0.0.22\npip install xformers==$V.post7\n",
    "!pip install peft=={version}\n!nvidia-smi\n%matplotlib inline\n",
)


def notebook(*cells: str, indent: int | None = 1) -> str:
    rows = [{"cell_type": "code", "source": each.splitlines(keepends=True), "outputs": []} for each in cells]
    rows.append({"cell_type": "markdown", "source": ["!pip install numpy==1.0"], "outputs": []})
    return json.dumps({"cells": rows, "nbformat": 4}, indent=indent)


def test_cells_install_in_their_order() -> None:
    text = notebook(*CELLS)
    (found,) = notebooks.read(text, Path("/nothing"), "a.ipynb").containers
    rows = {each.key: each for each in found.stated}
    assert {key: each.value["version"] for key, each in rows.items()} == {
        "packages.torch": "2.1.0",
        "packages.torchvision": "0.16.0",
        "packages.timm": "0.9.12",
        "packages.xformers": "0.0.22.post7",
    }
    lines = text.split("\n")
    assert "timm==0.9.12" in lines[rows["packages.timm"].place.line - 1]
    assert "torchvision==0.16.0" in lines[rows["packages.torchvision"].place.line - 1]
    assert [each.text for each in found.open] == [
        "'peft==$UNKNOWN' holds a variable that is not known here, so it was not read."
    ]


def test_a_notebook_on_one_line_and_with_whole_texts_says_the_same() -> None:
    one = notebooks.read(notebook(*CELLS), Path("/nothing"), "a.ipynb").containers[0]
    flat = notebooks.read(notebook(*CELLS, indent=None), Path("/nothing"), "a.ipynb").containers[0]
    document = {"cells": [{"cell_type": "code", "source": each} for each in CELLS]}
    whole = notebooks.read(json.dumps(document), Path("/nothing"), "a.ipynb").containers[0]
    said = [[(each.key, each.value) for each in found.stated] for found in (one, flat, whole)]
    assert said[0] == said[1] == said[2]


def test_notebooks_count_where_no_other_file_states_torch(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook("!pip install torch==2.1.0\n"))
    (taken,) = take([tmp_path])
    assert taken.stack.packages["torch"].version == "2.1.0"
    (tmp_path / "requirements.txt").write_text("torch==2.5.1\n")
    (taken,) = take([tmp_path])
    assert taken.stack.packages["torch"].version == "2.5.1"


def test_what_is_not_a_notebook_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"a\.ipynb: this is not a notebook: it has no cells"):
        notebooks.read("{}", Path("/nothing"), "a.ipynb")
