"""A plan as files: the definition says the same stack again, and the requirements file installs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

from stackcheck import knowledge
from stackcheck.intake import catalog
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Level
from stackcheck.plan.draft import Ask, drafted
from stackcheck.plan.planning import Plan, is_open, pinned
from stackcheck.plan.serving import served
from stackcheck.plan.words import wishes_of
from stackcheck.plan.written import definition, requirements
from stackcheck.suggest import Suggestion
from stackcheck.suggest.answer import OFFLINE, Answer

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack

TABLES = knowledge.load()
PYPI = "https://pypi.org/simple"


def resolution(*files: str) -> Resolution:
    packages = []
    for file in files:
        name, version = file.removesuffix(".tar.gz").split("-")[:2]
        packages.append(LockedPackage(name.replace("_", "-"), Version(version), file, index=PYPI))
    return Resolution(tuple(packages), "3.12", "x86_64-manylinux_2_28", "0.13.8", "")


def plan(*words: str, built: tuple[str, ...] = (), files: tuple[str, ...] = (), **hosts: Any) -> Plan:
    ask = Ask(wishes_of(words, TABLES), hosts, frozenset(built))
    stack = drafted(ask, TABLES)
    if not files:
        return Plan(ask, stack, Answer(Suggestion(stack, ()), gap=OFFLINE), stack)
    taken = resolution(*files)
    found = Answer(Suggestion(stack, ()), resolved=True, resolution=taken)
    return Plan(ask, stack, found, pinned(stack, taken))


FLASH = plan(
    "torch==2.8", "cuda==12.8", "python==3.12", "flash-attn", "numpy<3",
    built=("flash-attn",),
    files=("torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl", "flash_attn-2.8.3.tar.gz", "numpy-2.3.1-x.whl"),
    gpus=["L4"],
    driver="570",
)  # fmt: skip


def read_again(text: str) -> Stack:
    stacks, faults = catalog.load_text(text, file="")
    assert faults == []
    return stacks[0]


def test_the_definition_is_the_stack_that_was_judged() -> None:
    text = definition(FLASH, served(FLASH.stack, FLASH.resolution, TABLES), "torch==2.8")
    assert read_again(text).model_copy(update={"family": ""}) == FLASH.stack
    assert text.startswith("# Made by `stackcheck plan torch==2.8` on ")
    assert "proven by the rules and by resolving it." in text.splitlines()[0]
    assert 'flash-attn = { version = "2.8.3", from = "source" }  # built from flash_attn-2.8.3.tar.gz' in text


def test_the_requirements_leave_what_is_built_against_torch_to_a_second_step() -> None:
    assert requirements(FLASH, "torch==2.8").splitlines()[1:] == [
        "# For Python 3.12 on linux/amd64, L4, driver 570.",
        "torch==2.8.0",
        "numpy==2.3.1",
        "# Then, built from source against the torch above, with nvcc 12.8:",
        "#   TORCH_CUDA_ARCH_LIST='8.9' pip install --no-build-isolation 'flash-attn==2.8.3'",
    ]


def test_the_requirements_name_each_index_and_page_once() -> None:
    text = requirements(plan("torch==2.8", "cuda==12.6", "torchvision", "torch-scatter"), "")
    assert text.splitlines()[2:] == [
        "--extra-index-url https://download.pytorch.org/whl/cu126",
        "--find-links https://data.pyg.org/whl/torch-2.8.0+cu126.html",
        "torch==2.8.0+cu126",
        "torchvision==0.23.0+cu126",
        "torch-scatter",
    ]


def test_what_was_not_resolved_does_not_read_as_proven() -> None:
    made = plan("torch==2.8", "transformers")
    assert "not proven whole: Not resolved, because of --offline" in requirements(made, "")
    assert is_open(made.stack) == ("transformers (any version)",)
    rows = {each.name: each for each in served(made.stack, None, TABLES)}
    assert rows["transformers"].version == ""
    assert rows["torch"].level is Level.STATED
    assert rows["torch"].evidence == "the tables know a wheel for this Python and platform; not resolved"


def test_each_package_says_what_serves_it_and_how_far_that_is_known() -> None:
    rows = {each.name: each for each in served(FLASH.stack, FLASH.resolution, TABLES)}
    assert (rows["flash-attn"].built, rows["flash-attn"].level) == (True, Level.RESOLVED)
    assert rows["flash-attn"].evidence == "found by the resolver; building it was not tried"
    assert rows["torch"].file == "torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    unpacked = {each.name: each for each in served(FLASH.stack, FLASH.resolution, TABLES, unpacked=True)}
    assert unpacked["torch"].level is Level.BYTES
    assert unpacked["flash-attn"].level is Level.RESOLVED
