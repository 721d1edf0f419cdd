"""What a command imports: each of these what it needs, and no more."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

HEAVY = ("docker", "filelock", "httpx", "jinja2", "pydantic", "pytest", "rich", "tomlkit", "uv")
"""Distributions that take 10 ms of CPU and more to import: more than a bare interpreter."""
LIGHT = {*HEAVY, "dataclasses", "importlib.metadata", "inspect"}
"""What is not needed to say what a rule means or what stands in a file either."""
_IMPORTED = """\
import sys
from stackcheck.cli import main
code = main(sys.argv[1:])
sys.stderr.write("\\n".join(["", str(code), *sys.modules]))
"""


def imported(*words: str) -> set[str]:
    """Return the modules that a command imports; it must succeed and say something."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, *words], capture_output=True, text=True, timeout=60, check=True
    )
    _, code, *modules = done.stderr.split("\n")
    assert (code, bool(done.stdout)) == ("0", True)
    return set(modules)


def distributions(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def library() -> str:
    """Return a library of this interpreter, or the interpreter: any file in ELF."""
    return str(next(Path(sys.base_prefix).glob("lib*/**/*.so"), Path(sys.executable).resolve()))


def test_a_file_is_inspected_without_definitions_engines_and_versions() -> None:
    modules = imported("inspect", library())
    assert {*distributions(modules), *modules} & {*LIGHT, "json", "packaging"} == set()
    rooms = {name.split(".")[1] for name in modules if name.startswith("stackcheck.")}
    assert rooms == {"cli", "inspect", "model", "report", "storage"}


def test_a_file_with_code_for_gpus_is_held_against_the_table_of_gpus_alone() -> None:
    modules = imported("inspect", str(Path(__file__).parents[1] / "data" / "gpucode" / "arches.fatbin"))
    assert distributions(modules) & {*HEAVY, "packaging"} == set()
    assert {name for name in modules if name.startswith("stackcheck.knowledge.")} == {
        f"stackcheck.knowledge.{name}" for name in ("dated", "folders", "gpus", "kinds", "reading", "told")
    }


def test_a_wheel_is_held_against_torch_by_its_bytes_and_the_exports_alone(tmp_path: Path) -> None:
    wheel, info = tmp_path / "small-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", "small-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: small\nVersion: 1.0\nRequires-Dist: torch==2.8.0\n"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(library(), "small/_C.so")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
    modules = imported("fits", str(wheel))
    assert {*distributions(modules), *modules} & {*LIGHT, "packaging"} == set()
    rooms = {name.split(".")[1] for name in modules if name.startswith("stackcheck.")}
    assert rooms == {"cli", "model", "report", "storage", "wheels"}


def test_a_rule_is_explained_without_the_rules_of_other_folders() -> None:
    modules = imported("explain", "TORCH101")
    assert {*distributions(modules), *modules} & LIGHT == set()
    assert {"json", "packaging.specifiers", "packaging.tags"} & modules == set()
    files = {name for name in modules if name.startswith("stackcheck.rules.") and name.count(".") > 2}
    assert {name.split(".")[2] for name in files} == {"torch"}


def test_no_rule_needs_definitions_to_be_explained() -> None:
    modules = imported("explain", "--all")
    assert distributions(modules) & {*HEAVY} == set()


def test_stacks_are_listed_without_rules_wheel_tags_and_what_resolves(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text('[[stack]]\nid = "small"\npackages = { torch = "2.8.0" }\n')
    modules = imported("list", "--matrices", str(tmp_path))
    assert {"packaging.tags", "packaging.requirements", "logging", "subprocess"} & modules == set()
    rooms = {name.split(".")[1] for name in modules if name.startswith("stackcheck.")}
    assert rooms & {"pipeline", "resolve", "rules", "steps", "targets"} == set()
