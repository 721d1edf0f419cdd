"""The reader lists what NVIDIA's cuobjdump lists: recorded for the fixtures, live where the tool is given."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

DATA = Path(__file__).parent.parent / "data" / "gpucode"
RECORDED = json.loads((DATA / "cuobjdump.json").read_text())
COMPARED = json.loads((DATA / "compared.json").read_text())


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compare_cuobjdump", Path(__file__).parent / "compare_cuobjdump.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


SCRIPT = load_script()
VERSION = tuple(map(int, RECORDED["cuobjdump"].split(".")))


@pytest.mark.parametrize("name", sorted(RECORDED["files"]))
@pytest.mark.parametrize("every", [False, True], ids=["default", "all"])
def test_fixtures_as_cuobjdump_lists_them(name: str, every: bool) -> None:
    document = SCRIPT.read_library(str(DATA / name))
    gpu = SCRIPT.from_json({key: value for key, value in document.items() if key != "path"})
    images = gpu.images + gpu.relocatable if every else gpu.images or gpu.relocatable
    theirs = SCRIPT.Counts(RECORDED["files"][name]["all" if every else "default"])
    assert SCRIPT.normalised(SCRIPT.own_counts(images), VERSION) == SCRIPT.normalised(theirs, VERSION)


def test_normalising_undoes_only_what_is_listed() -> None:
    counts = SCRIPT.Counts({"sm_100f": 1, "sm_100": 1, "sm_90a": 2, "sm_50a": 3, "compute_90a": 1})
    assert SCRIPT.normalised(counts, (13, 4)) == {"sm_100": 2, "sm_90a": 2, "sm_50a": 3, "compute_90a": 1}
    assert SCRIPT.normalised(counts, (12, 4)) == {"sm_100": 2, "sm_90a": 2, "sm_50": 3, "compute_90a": 1}


def test_the_recorded_comparison_of_whole_stacks_found_no_difference() -> None:
    assert sum(run["libraries"] for run in COMPARED) == 99
    assert all(set(run["outcomes"]) <= {"equal", "died"} for run in COMPARED)


def test_a_dropped_suffix_of_an_old_cuobjdump_is_told_apart_from_a_difference() -> None:
    mine, theirs = SCRIPT.Counts({"sm_90a": 2, "sm_80": 1}), SCRIPT.Counts({"sm_90": 2, "sm_80": 1})
    assert SCRIPT.outcome_of(mine, mine, (12, 4)) == "equal"
    assert SCRIPT.outcome_of(mine, theirs, (12, 4)) == "equal without a"
    assert SCRIPT.outcome_of(mine, theirs, (13, 0)) == "different"
    assert SCRIPT.outcome_of(mine, SCRIPT.Counts({"sm_90": 1, "sm_80": 1}), (12, 4)) == "different"


@pytest.mark.slow
def test_a_whole_stack_as_cuobjdump_lists_it() -> None:
    tool, roots = os.environ.get("STACKCHECK_CUOBJDUMP"), os.environ.get("STACKCHECK_CUOBJDUMP_ROOTS")
    if not tool or not roots:
        pytest.skip("set STACKCHECK_CUOBJDUMP (the tool) and STACKCHECK_CUOBJDUMP_ROOTS (folders, by colons)")
    version = SCRIPT.tool_version(tool)
    rows = [SCRIPT.compare(tool, path, version) for path in SCRIPT.binaryfiles.files(roots.split(":"), [])]
    compared = [row for row in rows if row is not None]
    assert compared
    assert [row for row in compared if "different" in (row["default"], row.get("all"))] == []
