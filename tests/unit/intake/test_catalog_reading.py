"""What of many definition files is parsed for the stacks that somebody names."""

from pathlib import Path

import pytest

from stackcheck.intake import catalog
from stackcheck.model.errors import DefinitionError, UsageError

BROKEN = '[[stack]]\nid = "broken"\ncuda = 12.4\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "broken.toml").write_text(BROKEN)
    (tmp_path / "good.toml").write_text('[[stack]]\nid = "good"\n')
    return tmp_path


def ids(folder: Path, *patterns: str) -> list[str]:
    return [stack.id for stack in catalog.find(patterns, [folder])]


def test_a_fault_elsewhere_does_not_keep_a_stack_from_being_found(folder: Path) -> None:
    assert ids(folder, "good") == ["good"]


def test_a_glob_and_an_unknown_name_read_every_file(folder: Path) -> None:
    for pattern in ("g*", "goood"):
        with pytest.raises(DefinitionError) as caught:
            ids(folder, pattern)
        assert len(caught.value.faults) == 1


def test_a_family_is_found_by_its_name_and_by_its_members(folder: Path) -> None:
    (folder / "family.toml").write_text('[[stack]]\nid = "f"\n[stack.axes]\npython = ["3.11", "3.12"]\n')
    assert ids(folder, "f") == ["f-py311", "f-py312"]
    assert ids(folder, "f-py312") == ["f-py312"]


def test_an_id_that_axes_make_is_found_in_a_file_that_does_not_name_it(folder: Path) -> None:
    text = '[[stack]]\nid = "f"\nid_format = "py{python_digits}-f"\n[stack.axes]\npython = ["3.11"]\n'
    (folder / "family.toml").write_text(text)
    assert ids(folder, "py311-f") == ["py311-f"]


def test_an_escaped_id_is_found(folder: Path) -> None:
    (folder / "escaped.toml").write_text('[[stack]]\nid = "\\u0061bc"\n')
    assert ids(folder, "abc") == ["abc"]


def test_the_tiers_below_are_read_wherever_they_stand(folder: Path) -> None:
    for name, below in (("c", 'from_stack = "b-tier"'), ("b", 'from_stack = "a-tier"'), ("a", "")):
        text = f'[[stack]]\nid = "{name}-tier"\n[stack.image]\ndockerfile = "D"\n{below}\n'
        (folder / f"{name}.toml").write_text(text)
    (stack,) = catalog.find(["c-tier"], [folder])
    assert [tier.id for tier in stack.below] == ["a-tier", "b-tier"]


def test_an_id_that_is_there_twice_is_a_fault_still(folder: Path) -> None:
    (folder / "again.toml").write_text('[[stack]]\nid = "good"\n')
    with pytest.raises(DefinitionError, match="ids are unique"):
        ids(folder, "good")


def test_an_unknown_name_is_told_near_names_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('[[stack]]\nid = "good"\n')
    with pytest.raises(UsageError, match="no stack is named 'goood'; did you mean 'good'"):
        ids(tmp_path, "goood")


def test_a_bad_file_beside_is_told_and_counts_once_the_stack_may_stand_in_it(folder: Path) -> None:
    (folder / "binary.toml").write_bytes(b"\xff")
    (folder / "axes.toml").write_text('axes = "of a broken file"\nx = = 1\n')
    said: list[str] = []
    assert [stack.id for stack in catalog.load([folder], ["good"], said.append)] == ["good"]
    assert [line.partition(": ")[0] for line in said] == [f"{folder}/binary.toml:1", f"{folder}/axes.toml:2"]
    assert all(line.endswith(". The stacks that were asked for stand elsewhere.") for line in said)
    with pytest.raises(DefinitionError) as caught:
        catalog.load([folder], ["good", "absent"], said.append)
    assert len(caught.value.faults) == 2
    assert len(said) == 2


def test_a_fault_in_the_file_of_the_asked_stack_counts(folder: Path) -> None:
    (folder / "good.toml").write_text(f'[[stack]]\nid = "good"\n{BROKEN}')
    with pytest.raises(DefinitionError):
        ids(folder, "good")


def test_a_file_that_is_named_is_said_by_itself(folder: Path) -> None:
    (folder / "binary.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"binary\.toml:1: byte 0 \(0xff\) is not UTF-8"):
        catalog.load([folder / "binary.toml"])
