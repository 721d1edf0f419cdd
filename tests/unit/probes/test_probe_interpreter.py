"""Which torches an interpreter can reach, and where each entry of its path comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.probes import interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.python import Interpreter


def install_torch(folder: Path, version: str, *, compiled: bool = True, source: bool = False) -> None:
    package = folder / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "version.py").write_text(f"__version__ = '{version}'\ndebug = False\n")
    if compiled:
        (package / "_C.cpython-311-x86_64-linux-gnu.so").touch()
    if source:
        (package / "csrc").mkdir()
        (folder / "setup.py").touch()
    else:
        (folder / f"torch-{version.partition('+')[0]}.dist-info").mkdir()


class Machine:
    """A prefix with site-packages, a user site, and a source tree, under a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.prefix = root / "prefix"
        self.site = self.prefix / "lib/python3.11/site-packages"
        self.user = root / "home/.local/lib/python3.11/site-packages"
        self.system = root / "usr/lib/python3/dist-packages"
        self.tree, self.work = root / "pytorch", root / "work"
        for folder in (self.site, self.user, self.system, self.work):
            folder.mkdir(parents=True)

    def look(self, *sys_path: Path, **params: Any) -> Interpreter:
        real: dict[str, Any] = {
            "sys_path": [str(path) for path in sys_path],
            "pythonpath": "",
            "site_packages": [str(self.site), str(self.system)],
            "user_site": str(self.user),
            "user_site_enabled": False,
            "prefix": str(self.prefix),
            "cwd": str(self.work),
            "source_trees": [str(self.tree)],
        }
        return interpreter.run(real | params)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def torches(facts: Interpreter) -> list[tuple[str | None, str, bool, bool]]:
    return [(t["version"], t["origin"], t["reachable"], t["wins"]) for t in facts["torches"]]


def test_one_torch(machine: Machine) -> None:
    install_torch(machine.site, "2.5.0+cu124")
    facts = machine.look(machine.site)
    assert facts["torches"] == [
        {
            "path": str(machine.site / "torch"),
            "version": "2.5.0+cu124",
            "cuda": None,
            "hip": None,
            "metadata": ["torch-2.5.0.dist-info"],
            "source_tree": False,
            "compiled": True,
            "origin": "site-packages",
            "reachable": True,
            "wins": True,
        }
    ]


def test_torches_come_in_the_order_of_the_path_and_the_first_wins(machine: Machine) -> None:
    install_torch(machine.tree, "2.6.0a0+git1", compiled=False, source=True)
    install_torch(machine.user, "2.4.0")
    install_torch(machine.site, "2.5.0")
    install_torch(machine.system, "2.1.0")
    path = (machine.tree, machine.user, machine.site, machine.system)
    facts = machine.look(*path, pythonpath=str(machine.tree), user_site_enabled=True)
    assert torches(facts) == [
        ("2.6.0a0+git1", "pythonpath", True, True),
        ("2.4.0", "user-site", True, False),
        ("2.5.0", "site-packages", True, False),
        ("2.1.0", "system-site-packages", True, False),
    ]
    assert (facts["torches"][0]["source_tree"], facts["torches"][0]["compiled"]) == (True, False)


def test_a_pth_file_that_adds_a_source_tree_is_named(machine: Machine) -> None:
    install_torch(machine.tree, "2.6.0", source=True)
    (machine.site / "torch.pth").write_text(f"# comment\nimport os\n{machine.tree}\n")
    facts = machine.look(machine.site, machine.tree)
    assert torches(facts) == [("2.6.0", "pth", True, True)]
    assert facts["torches"][0]["pth"] == str(machine.site / "torch.pth")


def test_torches_that_no_script_reaches_are_told_apart(machine: Machine) -> None:
    install_torch(machine.site, "2.5.0")
    install_torch(machine.user, "2.4.0")
    install_torch(machine.work, "2.3.0", source=True)
    install_torch(machine.tree, "2.6.0", source=True)
    assert torches(machine.look(machine.site)) == [
        ("2.5.0", "site-packages", True, True),
        ("2.3.0", "cwd", False, False),
        ("2.4.0", "user-site (switched off)", False, False),
        ("2.6.0", "source tree (not on sys.path)", False, False),
    ]


def test_a_linked_folder_is_the_same_torch_and_not_a_second_one(machine: Machine) -> None:
    install_torch(machine.site, "2.5.0")
    (machine.prefix / "lib64").symlink_to(machine.prefix / "lib")
    linked = machine.prefix / "lib64/python3.11/site-packages"
    assert len(machine.look(machine.site, linked)["torches"]) == 1


def test_a_folder_named_torch_without_code_is_no_torch(machine: Machine) -> None:
    (machine.work / "torch").mkdir()
    assert machine.look(machine.site)["torches"] == []


def test_conda_s_own_list_of_packages(machine: Machine) -> None:
    (machine.prefix / "conda-meta").mkdir()
    for name in ("pytorch-2.4.1-py3.11_cuda12.1_0.json", "blas-1.0-mkl.json", "history"):
        (machine.prefix / "conda-meta" / name).touch()
    conda = machine.look(machine.site)["conda"]
    assert conda["prefix"] == str(machine.prefix)
    assert conda["packages"] == {"blas": "1.0", "pytorch": "2.4.1"}


def test_the_markers_are_those_of_this_interpreter() -> None:
    from packaging.markers import default_environment  # noqa: PLC0415 - only this test compares with it

    assert interpreter.run({})["markers"] == default_environment()
