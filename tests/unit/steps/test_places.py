"""Where a verdict points: the line of a project's file, or of a definition."""

from pathlib import Path

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Outcome, Verdict
from stackcheck.rules import load_all
from stackcheck.steps.places import placed

load_all()

DEFINITION = """\
# torch = "1.0"
[[stack]]
id = "other"
packages = { torch = "2.4.0" }

[[stack]]
id = "mine"
python = "3.11"
[stack.packages]
torch = "2.5.0"
"torchvision" = "0.20.0"
"""


def place(stack: Stack, code: str, subject: str = "", outcome: Outcome = Outcome.FAIL) -> str:
    (found,) = placed([Verdict(code, "title", outcome, "message", subject=subject)], stack)
    return found.place


def test_a_finding_points_at_the_file_that_stated_its_subject_or_what_its_family_is_about() -> None:
    places = {"packages.torchvision": "r.txt:7", "packages.torch": "Dockerfile:3", "python": "Dockerfile:1"}
    stack = Stack(id="a", file="Dockerfile", read_from=("Dockerfile", "r.txt"), places=places)
    assert place(stack, "TORCH101", "torchvision") == "r.txt:7"
    assert place(stack, "TORCH101") == "Dockerfile:3"
    assert place(stack, "PYTHON101") == "Dockerfile:1"
    assert place(stack, "NUMPY101", "numpy") == "Dockerfile:3", "numpy is drawn in by torch"
    assert place(stack, "LOCK201") == ""


@pytest.mark.parametrize(("subject", "line"), [("torchvision", 11), ("torch", 10), ("", 10), ("cumm", 10)])
def test_a_finding_of_a_definition_points_into_the_table_of_its_stack(
    tmp_path: Path, subject: str, line: int
) -> None:
    file = tmp_path / "d.toml"
    file.write_text(DEFINITION, encoding="utf-8")
    assert place(Stack(id="mine", file=str(file)), "TORCH101", subject) == f"{file}:{line}"


def test_what_passed_points_nowhere_and_a_file_that_is_gone_neither() -> None:
    assert place(Stack(id="a", places={"packages.torch": "x:1"}), "TORCH101", outcome=Outcome.PASS) == ""
    assert place(Stack(id="a", file="gone.toml"), "TORCH101") == ""
