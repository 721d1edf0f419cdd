"""The shipped tables load, every row of them; broken tables are refused with file, row and key."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge import cuda, folders, gpus, packages, systems, torch
from stackcheck.knowledge.told import Told
from stackcheck.model.errors import TableError, UsageError
from stackcheck.model.verdict import Outcome
from stackcheck.rules.grading import UNVERIFIED, failed_by
from stackcheck_probes.binaries.capability import Capability, parse_code
from tests.unit.knowledge.told_folders import beside, edited, instead

if TYPE_CHECKING:
    from stackcheck.knowledge.reading import Row
    from stackcheck.rules.registry import Finding

ROWS: list[Row] = [
    *knowledge.load().torch.releases,
    *knowledge.load().torch.builds,
    *knowledge.load().torch.companions,
    *knowledge.load().torch.arch_names,
    *knowledge.load().torch.compilers,
    *knowledge.load().cuda.toolkits,
    *knowledge.load().cuda.families,
    *knowledge.load().cuda.generations,
    *knowledge.load().cuda.device_drivers,
    *knowledge.load().cuda.cudnn,
    *knowledge.load().gpus.nvidia,
    *knowledge.load().gpus.amd,
    *knowledge.load().systems.systems,
    *knowledge.load().systems.policies,
    *knowledge.load().isas.isas,
    *knowledge.load().isas.implied,
]


def test_what_ships_holds_what_it_is_said_to() -> None:
    table = knowledge.load().torch
    counts = (len(table.releases), len(table.builds), len(table.companions))
    assert counts >= (42, 175, 82)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.where).rpartition("/")[2])
def test_every_row_has_a_source_that_can_be_read_again_and_a_date(row: Row) -> None:
    assert row.checked >= date(2026, 11, 20)
    assert "." in row.source or "/" in row.source, row.source
    assert "{" not in row.source, "a placeholder of the source was not filled"
    assert "/work" not in row.source


def test_what_the_wheels_say_stands_in_the_table() -> None:
    table = knowledge.load().torch
    release = table.release("2.5.0+cu124")
    assert release is not None
    assert (release.pypi["linux/amd64"], release.pypi["windows/amd64"]) == ("12.4", "cpu")
    build = table.build("2.5.0", "12.4", "linux/amd64")
    assert build is not None
    assert " ".join(map(str, build.codes or ())) == "sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90"
    assert (table.abi("2.5.0", "12.4", "linux/amd64"), table.abi("2.7.0", None, "linux/amd64")) == (
        False,
        True,
    )
    assert table.abi("2.6.0", "12.6", "linux/amd64") is True
    assert table.abi("99.0", None, "linux/amd64") is None


@pytest.mark.parametrize(
    ("name", "version", "torch_version", "fits"),
    [
        ("torchvision", "0.20.0", "2.5.0+cu124", True),
        ("torchvision", "0.20.1", "2.5.0", False),
        ("torchvision", "0.29.2", "2.15.0", True),
        ("torchvision", "0.15.0", "2.0.0", True),  # pins 2.0.0+cu117: compared without the local part
        ("torchaudio", "2.11.0", "2.14.1", True),
        ("torchaudio", "2.11.0", "2.10.0", False),
    ],
)
def test_companions_accept_what_their_metadata_and_symbols_say(
    name: str, version: str, torch_version: str, fits: bool
) -> None:
    row = knowledge.load().torch.companion(name, version)
    assert row is not None
    assert row.accepts(Version(torch_version)) is fits


def test_a_version_that_no_row_knows_is_no_data() -> None:
    known = knowledge.load()
    assert known.torch.release("2.10.0.dev20250929+rocm7.0") is None
    assert known.torch.companion("torchvision", "9.9") is None
    assert known.cuda.toolkit("12.7") is None
    assert known.torch.arch_names_of(Version("1.0")) is None


def test_toolkits_know_their_capabilities_and_drivers() -> None:
    table = knowledge.load().cuda
    knows = {
        (version, code)
        for version in ("11.1", "11.8", "12.0", "12.8", "12.9", "13.0")
        for code in ("sm_89", "sm_90a", "sm_101", "sm_110", "sm_103f")
        if (row := table.toolkit(version)) and row.knows(parse_code(code))  # type: ignore[arg-type]
    }
    assert knows == {
        ("11.8", "sm_89"), ("12.0", "sm_89"), ("12.0", "sm_90a"), ("12.8", "sm_89"), ("12.8", "sm_90a"),
        ("12.8", "sm_101"), ("12.9", "sm_89"), ("12.9", "sm_90a"), ("12.9", "sm_101"), ("12.9", "sm_103f"),
        ("13.0", "sm_89"), ("13.0", "sm_90a"), ("13.0", "sm_110"), ("13.0", "sm_103f"),
    }  # fmt: skip
    floor = table.floor(Version("13.2"))
    assert floor is not None
    assert str(floor[0]) == "580.65.06", "printed as NVIDIA writes it"
    volta = table.generation(Capability(7, 0))
    assert volta is not None
    assert (volta.name, volta.last_branch) == ("Volta", 580)


@pytest.mark.parametrize(
    ("text", "glibc"),
    [
        ("Ubuntu 18.04.5", "2.27"),
        ("CentOS 7.9", "2.17"),
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", "2.35"),
        ("python:3.11-slim-bookworm", "2.36"),
        ("Red Hat Enterprise Linux 8", "2.28"),
        ("rockylinux 9", "2.34"),
        ("python:3.13-slim-trixie", "2.41"),
        ("Debian GNU/Linux 13", "2.41"),
        ("debian:13", "2.41"),
        ("Amazon Linux 2", "2.26"),
        ("amazonlinux:2.0.20230307.0", "2.26"),
        ("public.ecr.aws/amazonlinux/amazonlinux:2023", "2.34"),
        ("Amazon Linux 2023", "2.34"),
        ("quay.io/pypa/manylinux2014_x86_64", "2.17"),
        ("quay.io/pypa/manylinux_2_28_x86_64:latest", "2.28"),
        ("AlmaLinux 8.9", "2.28"),
        ("Windows 10", None),
        ("Gentoo", None),
        ("Ubuntu 26.04 LTS", "2.43"),
        ("nvidia/cuda:13.3.1-devel-ubuntu26.04", "2.43"),
        ("fedora:43", "2.42"),
        ("Fedora Linux 42 (Container Image)", "2.41"),
        ("SLES 15 SP6", "2.38"),
        ("SUSE Linux Enterprise Server 15 SP4", "2.31"),
        ("opensuse/leap:15.6", "2.38"),
        ("nvidia/cuda:13.2.1-devel-suse16", "2.40"),
        ("nvidia/cuda:13.2.1-devel-amzn2023", "2.34"),
        ("nvidia/cuda:12.9.1-devel-cm2", "2.35"),
        ("nvidia/cuda:13.2.1-devel-azl3", None),
        ("mcr.microsoft.com/cbl-mariner/base/core:2.0", "2.35"),
        ("nvidia/cuda:12.9.1-devel-oraclelinux8", "2.28"),
        ("registry.access.redhat.com/ubi10/ubi:latest", "2.39"),
        ("registry.example.com/team/base:7", None),
        ("alpine:3.20", "None"),
        ("JetPack 6.1", "2.35"),
        ("L4T R35.4.1", "2.31"),
        ("Jetson Linux 38.2", "2.39"),
        ("nvcr.io/nvidia/l4t-pytorch:r35.2.1-pth2.0-py3", "2.31"),
        ("nvcr.io/nvidia/l4t-base:r32.7.1", "2.27"),
        ("dustynv/l4t-pytorch:r36.4.0-cu128-24.04", None),
        ("nvcr.io/nvidia/l4t-cuda:12.6.11-runtime", None),
    ],
)
def test_systems_are_found_by_the_names_people_write(text: str, glibc: str | None) -> None:
    row = knowledge.load().systems.find(text)
    assert (str(row.glibc) if row else None) == glibc


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("nvidia/cuda:12.4.1-devel-ubuntu22.04", "3.10"), ("ubuntu:22.04", "3.10"), ("ubuntu:jammy", "3.10"), ("ubuntu:20.04", "3.8"), ("Ubuntu 26.04", "3.14"),
        ("rockylinux:9", "3.9"), ("registry.access.redhat.com/ubi8/ubi", "3.6"), ("almalinux:10", "3.12"), ("fedora:44", "3.14"), ("fedora:41", ""), ("debian:12-slim", "3.11"),
    ],
)  # fmt: skip
def test_the_python_of_a_system(text: str, python: str) -> None:
    row = knowledge.load().systems.find(text)
    assert row is not None
    assert row.python == python


def test_the_system_of_a_container_of_nvidia_s_is_the_one_whose_python_it_has() -> None:
    table = knowledge.load().systems
    found = [table.with_python("ubuntu", python) for python in ("3.8", "3.10", "3.12", "3.7")]
    assert [row.version if row else None for row in found] == ["20.04", "22.04", "24.04", None]


HEAD = 'checked = {day}\n[sources]\nmine = "seen on https://wheels.example/"\n'
RELEASE = '[[release]]\ntorch = "{version}"\nglibc = "2.99"\npypi = {{ "linux/amd64" = "cpu" }}\npython = {{ "linux/amd64" = "3.12" }}\nsource = "mine"\n'


def own(folder: Path, *rows: str, day: str = "2026-11-30", name: str = "torch") -> Told:
    return beside(folder, name, HEAD.format(day=day) + "".join(rows))


def test_a_teams_rows_are_read_after_ours_and_sorted_in(tmp_path: Path) -> None:
    table = torch.load(own(tmp_path, *(RELEASE.format(version=v) for v in ("99.0", "2.5.7"))))
    shipped = torch.load()
    assert len(table.releases) == len(shipped.releases) + 2
    assert str(table.newest.torch) == "99.0"
    assert [str(row.torch) for row in table.releases] == sorted(
        (str(row.torch) for row in table.releases), key=Version
    )
    added = table.release("2.5.7")
    assert added is not None
    path = tmp_path / "told" / "torch.toml"
    assert added.cited == f"seen on https://wheels.example/ (checked 2026-11-30; stated in {path})"
    assert str(added.where) == f"{path}:10"


OTHERWISE = RELEASE.format(version="2.5.0").replace('"cpu"', '"12.4"') + 'cuda = "11.8 12.1 12.4"\n'


def test_a_row_that_says_otherwise_than_ours_takes_its_place_where_it_says_why(tmp_path: Path) -> None:
    table = torch.load(own(tmp_path, OTHERWISE, 'overrides = "we build it on a newer base"\n'))
    row = table.release("2.5.0")
    assert row is not None
    assert str(row.glibc) == "2.99"
    assert row.cited.endswith(", in the place of what ships: we build it on a newer base)")
    assert len(table.releases) == len(torch.load().releases)


def test_a_row_that_says_otherwise_than_ours_without_a_reason_is_refused_with_both_places(
    tmp_path: Path,
) -> None:
    with pytest.raises(TableError) as caught:
        torch.load(own(tmp_path, OTHERWISE))
    ours = knowledge.load().torch.release("2.5.0")
    assert ours is not None
    assert str(caught.value) == (
        f"{tmp_path}/told/torch.toml:4: release: overrides: this row says otherwise than {ours.where}; "
        "state in `overrides` why it is right, or leave it out."
    )


@pytest.mark.parametrize(("day", "glibc"), [("2026-12-24", "2.99"), ("2020-01-01", "2.17")])
def test_of_a_row_that_a_command_wrote_and_ours_the_one_checked_last_counts(
    tmp_path: Path, day: str, glibc: str
) -> None:
    table = torch.load(own(tmp_path, OTHERWISE, 'made = "stackcheck tables refresh"\n', day=day))
    row = table.release("2.5.0")
    assert row is not None
    assert str(row.glibc) == glibc
    assert len(table.releases) == len(torch.load().releases)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (RELEASE.format(version="99.0") * 2, "11: release: torch: 99 stands in {path}:4 already."),
        (RELEASE.format(version="ninety"), "5: release: torch: Invalid version: 'ninety'."),
        (RELEASE.format(version="99.0").replace("glibc", "glbc"), "6: release: glbc: unknown key; known: "),
        (
            RELEASE.format(version="99.0").replace('"mine"', '"yours"'),
            "9: release: source: 'yours' is not a key of [sources].",
        ),
        ("[[relaese]]\n", "4: relaese: unknown kind of row; did you mean 'release'?"),
        ("[[toolkit]]\n", "4: toolkit: such rows stand in toolkits.toml."),
    ],
)
def test_what_is_wrong_in_a_teams_own_file_is_said_with_its_path(
    tmp_path: Path, rows: str, message: str
) -> None:
    path = tmp_path / "told" / "torch.toml"
    with pytest.raises(TableError) as caught:
        torch.load(own(tmp_path, rows))
    assert str(caught.value).startswith(f"{path}:{message.format(path=path)}")


def test_a_teams_own_file_that_is_not_toml_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        torch.load(own(tmp_path, "= ="))
    assert str(caught.value).startswith(f"{tmp_path}/told/torch.toml:4: this is not TOML: ")
    assert caught.value.exit_code == 2


def test_a_row_stands_in_the_file_of_the_package_that_it_is_about(tmp_path: Path) -> None:
    row = '[[newest]]\ndist = "triton"\nversion = "9"\nsource = "mine"\n'
    with pytest.raises(
        TableError, match=r"torch\.toml:5: newest: dist: rows about 'triton' stand in triton\.toml\."
    ):
        packages.load(own(tmp_path, row)).newest.get("torch")


def test_the_folders_of_the_user_the_project_the_environment_and_the_call_are_read_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [tmp_path / each for each in ("data", "project", "a", "b", "call")]
    for path in (*named, tmp_path / "data" / "knowledge"):
        path.mkdir(exist_ok=True)
    monkeypatch.setenv("STACKCHECK_DATA", str(named[0]))
    assert folders.own_folder() == tmp_path / "data" / "knowledge"
    monkeypatch.setattr(folders._Stated, "project", (named[1],))
    assert folders.own_folder() == named[1]
    monkeypatch.setenv("STACKCHECK_KNOWLEDGE", f"{named[2]}:{named[3]}")
    assert folders.own_folder() == named[2]
    monkeypatch.setattr(folders._Stated, "call", (named[4],))
    assert folders.own_folder() == named[4]
    found = folders.in_order()
    assert [each.path for each in found] == [folders.SHIPPED, tmp_path / "data" / "knowledge", *named[1:]]
    assert [each.own for each in found] == [False, *[True] * 5]


def test_the_data_of_a_user_lie_where_the_environment_says() -> None:
    assert folders.data_folder({"STACKCHECK_DATA": "/t"}) == Path("/t")
    assert folders.data_folder({"XDG_DATA_HOME": "/d"}) == Path("/d/stackcheck")
    assert folders.data_folder({"HOME": "/home/x"}) == Path("/home/x/.local/share/stackcheck")


def test_a_folder_that_is_not_there_or_of_another_form_and_the_old_variable_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKCHECK_KNOWLEDGE", str(tmp_path / "absent"))
    with pytest.raises(
        UsageError, match=r"absent: STACKCHECK_KNOWLEDGE names this as a folder of knowledge, and"
    ):
        folders.in_order()
    (tmp_path / "torch.toml").touch()
    monkeypatch.setenv("STACKCHECK_KNOWLEDGE", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"torch\.toml: nobody reads this file; in a folder of knowledge .* told/"
    ):
        folders.in_order()
    monkeypatch.setenv("STACKCHECK_TABLES", str(tmp_path))
    with pytest.raises(
        UsageError, match="STACKCHECK_TABLES is not read any more; STACKCHECK_KNOWLEDGE names"
    ):
        folders.in_order()


def test_an_installed_package_brings_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_gpu" / "told").mkdir(parents=True)
    (tmp_path / "acme_gpu" / "__init__.py").touch()
    info = tmp_path / "acme_gpu-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gpu\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[stackcheck.knowledge]\nacme = acme_gpu\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("STACKCHECK_DATA", str(tmp_path))
    assert folders.in_order()[-1] == folders.Folder(tmp_path / "acme_gpu", own=True)
    (info / "entry_points.txt").write_text("[stackcheck.knowledge]\nacme = acme_gone\n")
    monkeypatch.setenv("STACKCHECK_DATA", str(tmp_path / "other"))
    with pytest.raises(
        UsageError, match=r"acme-gpu brings knowledge \(acme_gone\), which is not a package that can"
    ):
        folders.in_order()


def load(name: str, told: Told) -> Any:
    """Load the tables that a file is of."""
    for module in {"torch": (torch,), "systems": (systems,), "gpus": (gpus, cuda)}.get(name, (cuda,)):
        module.load(told)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("torch", "checked = 2026-11-20", "", "checked: a file states the date that it was checked."),
        ("torch", "[[release]]", "[[releaes]]", "releaes: unknown kind of row; did you mean 'release'?"),
        ("torch", 'torch = "2.5.0"\nuploaded', "uploaded", "release: torch: this key is missing."),
        ("torch", 'torch = "2.5.0"\nuploaded', "torch = 25\nuploaded", "release: torch: this must be a str, found 25."),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "two"\nuploaded', "release: torch: Invalid version: 'two'."),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "2.5.9"\nuploaded', "release: torch: 2.5.1 after 2.5.9: releases are sorted."),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "2.4.1"\nuploaded', "release: torch: 2.4.1 stands in FILE already."),
        ("torch", 'evidence = "wheel-bytes"', 'evidence = "hearsay"', "build: evidence: this must be one of 'wheel-bytes', 'build-script', 'runtime-table', 'release-notes', 'third-party', found 'hearsay'."),
        ("torch", 'source = ["bytes-amd64"]', "", "build: source: every row names its source."),
        ("torch", 'source = ["bytes-amd64"]', 'source = ["bites"]', "build: source: 'bites' is not a key of [sources]."),
        ("torch", 'channels = "pypi index"\nsm', 'channels = "index"\nsm', "build: channels: only the build that the release's `pypi` names is on PyPI."),
        ("torch", 'sm = "37 50', 'sm = "50 37', "build: sm: sorted, each once."),
        ("torch", '"Kepler+Tesla" = "3.7"', '"Kepler+Tesla" = "3.8"', "arch_list: names.Kepler+Tesla: 3.8 is not among the row's arches."),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'python = { "linux/amd64" = "3.7 3.6 3.8" }\npypi = { "linux/amd64" = "10.2"', "release: python.linux/amd64: Pythons are sorted, each once."),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'python = { "linux/amd46" = "3.6 3.7 3.8" }\npypi = { "linux/amd64" = "10.2"', "release: python.linux/amd46: unknown platform linux/amd46."),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'pypi = { "linux/amd64" = "10.3"', "release: pypi.linux/amd64: 10.3 is not among the row's cuda."),
        ("toolkits", 'driver_linux = "550.54.14"', 'driver_linux = "500.1"', "toolkit: driver_linux: not above 545.23.06 of the toolkit before."),
        ("drivers", 'floor_linux = "525.60.13"', 'floor_linux = "425.60.13"', "family: floor_linux: not above 450.80.02 of the major version before."),
        ("drivers", 'floor_linux = "525.60.13"', 'floor_linux = "545.60.13"', "toolkit: driver_linux: below the floor 545.60.13 of CUDA 12."),
        ("gpus", 'last_toolkit = "12.9"', 'last_toolkit = "12.8"', "toolkit: sm: 5.0 is Maxwell, which ended with CUDA 12.8."),
        ("gpus", 'capabilities = "7.0 7.2"', 'capabilities = "6.0 7.2"', "generation: capabilities: 6.0 is Pascal too."),
        ("gpus", 'gfx = "gfx1250"', 'gfx = "mi450"', "amd: gfx: 'mi450' is not a target such as gfx90a."),
        ("gpus", 'capability = "12.1"', 'capability = "twelve"', "nvidia: capability: 'twelve' is not a compute capability such as 8.9 or sm_89."),
        ("systems", 'glibc = "2.27"', 'glibc = "2.07"', "system: glibc: not above 2.23 of ubuntu 16.04."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_file_line_and_key(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    told = edited(tmp_path, name, old, new)
    with pytest.raises(TableError) as caught:
        load(name, told)
    assert re.sub(r"\S+/told/[a-z]+\.toml:\d+", "FILE", str(caught.value)) == f"FILE: {message}"


def test_a_file_that_is_not_there_has_no_rows_and_one_that_is_not_toml_is_named(tmp_path: Path) -> None:
    told = instead(tmp_path, "systems", "[[system")
    with pytest.raises(TableError, match=r"systems\.toml:1: this is not TOML: "):
        systems.load(told)
    (tmp_path / "told" / "systems.toml").unlink()
    assert list(Told(told.folders).rows("system", systems.System)) == []


def test_an_unverified_row_warns_where_a_verified_one_fails() -> None:
    sure = next(row for row in knowledge.load().torch.builds if not row.unverified)
    doubt = next(row for row in knowledge.load().torch.builds if row.unverified)

    def graded(*said: tuple[Row, str], doubtful: bool = False) -> Finding:
        return failed_by("It breaks.", *said, expected="a", found="b", hint="c", doubtful=doubtful)

    assert graded((sure, "x")).outcome is Outcome.FAIL
    weak = graded((sure, "x"), (doubt, "y"))
    assert weak.outcome is Outcome.WARN
    assert weak.message == f"It breaks. {UNVERIFIED}"
    assert "unverified" in weak.evidence[1].source
    assert graded((sure, "x"), doubtful=True).outcome is Outcome.WARN
