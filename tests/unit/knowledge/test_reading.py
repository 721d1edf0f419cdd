"""The shipped tables load, every row of them; broken tables are refused with file, row and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.knowledge import cuda, gpus, reading, systems, torch
from stackcheck.knowledge.reading import FOLDER, Row, read_table
from stackcheck.model.errors import TableError
from stackcheck.model.verdict import Outcome
from stackcheck.rules.grading import UNVERIFIED, failed_by
from stackcheck_probes.binaries.capability import Capability, parse_code

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_the_shipped_tables_hold_what_they_are_said_to() -> None:
    table = knowledge.load().torch
    counts = (len(table.releases), len(table.builds), len(table.companions))
    assert counts >= (42, 175, 82)
    assert len(ROWS) == sum(
        len(rows)
        for name in ("torch", "cuda", "gpus", "systems", "isas")
        for rows in read_table(name).values()
        if isinstance(rows, list)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.where)
def test_every_row_has_a_source_that_can_be_read_again_and_a_date(row: Row) -> None:
    assert row.checked >= date(2026, 11, 20)
    assert "." in row.source or "/" in row.source, row.source
    assert "{" not in row.source, "a placeholder of the source was not filled"
    assert "/work" not in row.source


@pytest.mark.parametrize("name", ["torch", "cuda", "gpus", "systems"])
def test_no_source_is_listed_and_never_cited(name: str) -> None:
    table = read_table(name)
    cited: set[str] = set()
    for rows in table.values():
        for row in rows if isinstance(rows, list) else []:
            cited |= {row["source"]} if isinstance(row["source"], str) else set(row["source"])
    assert set(table["sources"]) <= cited


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
    ],
)
def test_systems_are_found_by_the_names_people_write(text: str, glibc: str | None) -> None:
    row = knowledge.load().systems.find(text)
    assert (str(row.glibc) if row else None) == glibc


HEAD = 'checked = {day}\n[sources]\nmine = "seen on https://wheels.example/"\n'
RELEASE = '[[release]]\ntorch = "{version}"\nglibc = "2.99"\npypi = {{ "linux/amd64" = "cpu" }}\npython = {{ "linux/amd64" = "3.12" }}\nsource = "mine"\n'


def own(folder: Path, *rows: str, day: str = "2030-01-01", name: str = "torch") -> Path:
    text = HEAD.format(day=day) + "".join(rows)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_users_rows_are_read_after_ours_and_sorted_in(tmp_path: Path) -> None:
    table = torch.load(own=own(tmp_path, *(RELEASE.format(version=v) for v in ("99.0", "2.5.7"))))
    shipped = torch.load()
    assert len(table.releases) == len(shipped.releases) + 2
    assert str(table.newest.torch) == "99.0"
    assert [str(row.torch) for row in table.releases] == sorted(
        (str(row.torch) for row in table.releases), key=Version
    )
    added = table.release("2.5.7")
    assert added is not None
    assert added.cited == "seen on https://wheels.example/ (checked 2030-01-01)"
    assert added.where == f"{tmp_path}/torch.toml: release[2]"


@pytest.mark.parametrize(("day", "glibc"), [("2030-01-01", "2.99"), ("2020-01-01", "2.17")])
def test_of_two_rows_about_the_same_the_one_checked_last_counts(tmp_path: Path, day: str, glibc: str) -> None:
    mine = RELEASE.format(version="2.5.0").replace('"cpu"', '"12.4"') + 'cuda = "11.8 12.1 12.4"\n'
    table = torch.load(own=own(tmp_path, mine, day=day))
    row = table.release("2.5.0")
    assert row is not None
    assert str(row.glibc) == glibc
    assert len(table.releases) == len(torch.load().releases)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (RELEASE.format(version="99.0") * 2, "release[2]: torch: 99 stands in {path}: release[1] already"),
        (RELEASE.format(version="ninety"), "release[1]: torch: Invalid version: 'ninety'"),
        (RELEASE.format(version="99.0").replace("glibc", "glbc"), "release[1]: glbc: unknown key"),
        (
            RELEASE.format(version="99.0").replace('"mine"', '"yours"'),
            "release[1]: source: 'yours' is not a key of [sources]",
        ),
        (
            "[[relaese]]\n",
            "relaese: unknown key; known: arch_list, build, checked, companion, host_compiler, release, sources.",
        ),
    ],
)
def test_what_is_wrong_in_a_users_own_table_is_said_with_its_path(
    tmp_path: Path, rows: str, message: str
) -> None:
    path = tmp_path / "torch.toml"
    with pytest.raises(TableError) as caught:
        torch.load(own=own(tmp_path, rows))
    assert str(caught.value).startswith(f"{path}: {message.format(path=path)}")


def test_a_users_own_table_that_is_not_toml_is_said_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        torch.load(own=own(tmp_path, "= ="))
    assert str(caught.value).startswith(f"{tmp_path / 'torch.toml'}:4: this is not TOML: ")
    assert caught.value.exit_code == 2


def test_own_tables_lie_where_the_environment_says() -> None:
    assert reading.own_folder({"STACKCHECK_TABLES": "/t"}) == Path("/t")
    assert reading.own_folder({"XDG_DATA_HOME": "/d"}) == Path("/d/stackcheck/tables")
    assert reading.own_folder({"HOME": "/home/x"}) == Path("/home/x/.local/share/stackcheck/tables")


def test_a_file_that_no_table_is_named_like_and_a_folder_that_is_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACKCHECK_TABLES", str(tmp_path))
    assert len(knowledge.files()) == 14
    own(tmp_path, name="gpus")
    assert knowledge.files()[-1] == tmp_path / "gpus.toml"
    own(tmp_path, name="gpu")
    with pytest.raises(TableError, match=r"gpu\.toml: there is no table of this name; known: cmake\.toml, "):
        knowledge.files()
    monkeypatch.setenv("STACKCHECK_TABLES", str(tmp_path / "absent"))
    with pytest.raises(TableError, match=r"absent, which is not a folder; make it, or unset it\."):
        knowledge.files()


LOADERS: dict[str, Callable[[Path], Any]] = {
    "torch": torch.load, "cuda": cuda.load, "gpus": gpus.load, "systems": systems.load
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("torch", "checked = 2026-11-20", "", "torch.toml: checked: a table states the date that it was checked."),
        ("torch", "[[companion]]", "[[companoin]]", "torch.toml: companoin: unknown key; known: arch_list, build, checked, companion, host_compiler, release, sources."),
        ("torch", 'torch = "2.5.0"\nuploaded', "uploaded", "torch.toml: release[27]: torch: this key is missing"),
        ("torch", 'torch = "2.5.0"\nuploaded', "torch = 25\nuploaded", "torch.toml: release[27]: torch: this must be a str, found 25"),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "two"\nuploaded', "torch.toml: release[27]: torch: Invalid version: 'two'"),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "2.5.9"\nuploaded', "torch.toml: release[28]: torch: 2.5.1 after 2.5.9: releases are sorted"),
        ("torch", 'torch = "2.5.0"\nuploaded', 'torch = "2.4.1"\nuploaded', "torch.toml: release[27]: torch: 2.4.1 stands in torch.toml: release[26] already"),
        ("torch", 'evidence = "wheel-bytes"', 'evidence = "hearsay"', "torch.toml: build[1]: evidence: this must be one of 'wheel-bytes', 'build-script', 'runtime-table', 'release-notes', 'third-party', found 'hearsay'"),
        ("torch", 'source = ["bytes-amd64"]', "", "torch.toml: build[1]: source: every row names its source"),
        ("torch", 'source = ["bytes-amd64"]', 'source = ["bites"]', "torch.toml: build[1]: source: 'bites' is not a key of [sources]"),
        ("torch", 'channels = "pypi index"\nsm', 'channels = "index"\nsm', "torch.toml: build[1]: channels: only the build that the release's `pypi` names is on PyPI"),
        ("torch", 'sm = "37 50', 'sm = "50 37', "torch.toml: build[1]: sm: sorted, each once"),
        ("torch", '"Kepler+Tesla" = "3.7"', '"Kepler+Tesla" = "3.8"', "torch.toml: arch_list[1]: names.Kepler+Tesla: 3.8 is not among the row's arches"),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'python = { "linux/amd64" = "3.7 3.6 3.8" }\npypi = { "linux/amd64" = "10.2"', "torch.toml: release[1]: python.linux/amd64: Pythons are sorted, each once"),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'python = { "linux/amd46" = "3.6 3.7 3.8" }\npypi = { "linux/amd64" = "10.2"', "torch.toml: release[1]: python.linux/amd46: unknown platform linux/amd46"),
        ("torch", 'pypi = { "linux/amd64" = "10.2"', 'pypi = { "linux/amd64" = "10.3"', "torch.toml: release[1]: pypi.linux/amd64: 10.3 is not among the row's cuda"),
        ("cuda", 'driver_linux = "550.54.14"', 'driver_linux = "500.1"', "cuda.toml: toolkit[17]: driver_linux: not above 545.23.06 of the toolkit before"),
        ("cuda", 'floor_linux = "525.60.13"', 'floor_linux = "425.60.13"', "cuda.toml: family[2]: floor_linux: not above 450.80.02 of the major version before"),
        ("cuda", 'floor_linux = "525.60.13"', 'floor_linux = "545.60.13"', "cuda.toml: toolkit[14]: driver_linux: below the floor 545.60.13 of CUDA 12"),
        ("cuda", 'last_toolkit = "12.9"', 'last_toolkit = "12.8"', "cuda.toml: toolkit[21]: sm: 5.0 is Maxwell, which ended with CUDA 12.8"),
        ("cuda", 'capabilities = "7.0"', 'capabilities = "6.0"', "cuda.toml: generation[4]: capabilities: 6.0 is Pascal too"),
        ("gpus", 'gfx = "gfx1250"', 'gfx = "mi450"', "gpus.toml: amd[1]: gfx: 'mi450' is not a target such as gfx90a"),
        ("gpus", 'capability = "12.1"', 'capability = "twelve"', "gpus.toml: nvidia[1]: capability: 'twelve' is not a compute capability such as 8.9 or sm_89"),
        ("systems", 'glibc = "2.27"', 'glibc = "2.07"', "systems.toml: system[2]: glibc: not above 2.23 of ubuntu 16.04"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_file_row_and_key(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / f"{name}.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TableError) as caught:
        LOADERS[name](tmp_path)
    assert str(caught.value) == message


def test_a_table_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"torch\.toml: there is no such file; reinstall stackcheck"):
        torch.load(tmp_path)
    (tmp_path / "torch.toml").write_text("[[release", encoding="utf-8")
    with pytest.raises(TableError, match="reinstall stackcheck"):
        reading.read_table("torch", tmp_path)


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
