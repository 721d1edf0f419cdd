"""pip's requirement files: each line as what it states, or as what was not read."""

from pathlib import Path

import pytest

from stackcheck.intake import requirements
from stackcheck.intake.stated import Found, Stated
from stackcheck.model.errors import UsageError


def read(folder: Path, text: str, **others: str) -> Found:
    for name, content in {"requirements": text, **others}.items():
        (folder / f"{name}.txt").write_text(content, encoding="utf-8")
    return requirements.read(folder / "requirements.txt", "requirements.txt")


def packages(found: Found) -> dict[str, object]:
    return {
        each.key.removeprefix("packages."): each.value for each in found.stated if "packages." in each.key
    }


def left(found: Found) -> list[str]:
    return [f"{each.place}: {each.text}" for each in found.open]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("torch==2.5.0+cu124", {"version": "2.5.0+cu124"}),
        (
            "torch == 2.5.0 ; python_version < '3.12'",
            {"version": "2.5.0", "marker": 'python_version < "3.12"'},
        ),
        ("torch>=2.4,<2.6", {"version": "<2.6,>=2.4"}),
        ("torch==2.5.*", {"version": "==2.5.*"}),
        ("torch", {"version": "latest"}),
        ("torch[opt]~=2.5.0", {"version": "~=2.5.0", "extras": ["opt"]}),
        ("torch==2.5.0 \\\n  --hash=sha256:" + "a" * 64, {"version": "2.5.0"}),
        ("torch==2.5.0  # the last one for us", {"version": "2.5.0"}),
        (
            "torch @ https://example.org/torch-2.5.0-cp311-cp311-linux_x86_64.whl",
            {"version": "latest", "url": "https://example.org/torch-2.5.0-cp311-cp311-linux_x86_64.whl"},
        ),
        (
            "torch @ git+https://github.com/o/r@v1",
            {"version": "latest", "git": "git+https://github.com/o/r@v1"},
        ),
        (
            "git+https://github.com/o/r@v1#egg=torch",
            {"version": "latest", "git": "git+https://github.com/o/r@v1"},
        ),
        (
            "-e git+https://github.com/o/r@v1#egg=torch",
            {"version": "latest", "git": "git+https://github.com/o/r@v1"},
        ),
    ],
)
def test_a_line_states_a_package(tmp_path: Path, line: str, row: dict[str, object]) -> None:
    found = read(tmp_path, line)
    assert packages(found) == {"torch": row}
    assert found.open == ()


def test_options_state_where_packages_come_from(tmp_path: Path) -> None:
    found = read(
        tmp_path, "-i https://a/simple\n--extra-index-url=https://b/simple\n-f https://c/l.html\ntorch\n"
    )
    assert [(each.key, each.value, each.place.line) for each in found.stated] == [
        ("index.url", "https://a/simple", 1),
        ("index.extra", "https://b/simple", 2),
        ("index.find_links", "https://c/l.html", 3),
        ("packages.torch", {"version": "latest"}, 4),
    ]


def test_files_that_it_names_are_read_and_keep_their_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "-r base.txt\n-c limits.txt\n", base="\ntorch==2.5.0\n", limits="numpy<2\nscipy\n")
    assert found.stated == (
        Stated("packages.torch", {"version": "2.5.0"}, found.stated[0].place),
        Stated("constraints", "numpy<2", found.stated[1].place),
    )
    assert [str(each.place) for each in found.stated] == ["base.txt:2", "limits.txt:1"]
    assert left(found) == ["limits.txt:2: the constraint on scipy states no version."]


def test_files_that_name_each_other_end(tmp_path: Path) -> None:
    found = read(tmp_path, "-r base.txt\ntorch\n", base="-r requirements.txt\n")
    assert left(found) == ["base.txt:1: -r requirements.txt leads back to a file that is being read."]
    assert packages(found) == {"torch": {"version": "latest"}}


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read(tmp_path, "-r base.txt\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("torch==${TORCH}", "the variable ${TORCH} is not known here, so 'torch==${TORCH}' was not read."),
        ("two words", "'two words' is not a requirement that pip takes."),
        ("$(touch x)", "'$(touch x)' is not a requirement that pip takes."),
        ("-r https://u:secret@example.org/r.txt", "-r https://example.org/r.txt is not fetched."),
        ("./local", "'./local' names no distribution, so what it requires was not read."),
        ("--no-binary :all:", "--no-binary :all: builds every package from source; that is not judged."),
    ],
)
def test_what_is_not_read_is_said(tmp_path: Path, line: str, said: str) -> None:
    assert left(read(tmp_path, line)) == [f"requirements.txt:1: {said}"]


def test_the_project_itself_points_at_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    said = (
        "requirements.txt:1: the project itself is installed too: its requirements stand in pyproject.toml."
    )
    assert left(read(tmp_path, "-e .[dev]")) == [said]


def test_no_binary_builds_a_package_from_source(tmp_path: Path) -> None:
    found = read(tmp_path, "flash-attn==2.7.0\n--no-binary flash-attn\n")
    assert [each.value for each in found.stated] == [{"version": "2.7.0"}, {"from": "source"}]


def test_what_pip_list_prints_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Package    Version      Editable project location\n---------- -----\ntorch      2.5.0+cu124\nown 0.1 /src\n",
    )
    assert packages(found) == {"torch": {"version": "2.5.0+cu124"}, "own": {"version": "0.1"}}
    assert found.stated[0].place.line == 3
