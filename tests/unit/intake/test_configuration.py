"""What a project states once: read, held against its keys, and put where the files leave something open."""

import datetime as dt
from pathlib import Path

import pytest

from stackcheck.intake import catalog
from stackcheck.intake.configuration import Configuration, configuration
from stackcheck.intake.project import take
from stackcheck.intake.written_out import definition_text
from stackcheck.model.errors import UsageError

TEXT = """\
matrices = "stacks"
gpus = ["L4", "H100"]
driver = ">=550.54"
python = "3.12"
require = "resolved"

[ignore]
TORCH102 = "we build torchaudio ourselves"
ARCH101 = { reason = "the T4s go in January", until = 2031-01-31 }
CUDA101 = { reason = "until the new image", until = 2020-01-31 }
"""
TODAY = dt.date(2026, 11, 30)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "requirements.txt").write_text("torch==2.5.0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_of_its_own_and_a_table_of_pyproject_say_the_same(project: Path) -> None:
    (project / "stackcheck.toml").write_text(TEXT, encoding="utf-8")
    own, file = configuration()
    assert (own.gpus, own.require, file) == (("L4", "H100"), "resolved", "stackcheck.toml")
    (project / "stackcheck.toml").unlink()
    table = "[tool.stackcheck]\n" + TEXT.replace("[ignore]", "[tool.stackcheck.ignore]")
    (project / "pyproject.toml").write_text(table, encoding="utf-8")
    assert configuration() == (own, "pyproject.toml")


def test_without_one_nothing_is_configured(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "stackcheck-user"\n', encoding="utf-8")
    assert configuration() == (Configuration(), "")


def test_it_is_looked_for_upwards_to_the_folder_of_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "stackcheck.toml").write_text(TEXT, encoding="utf-8")
    (project / "service").mkdir()
    monkeypatch.chdir(project / "service")
    assert configuration()[0].driver == ">=550.54"
    assert catalog.folders() == [project / "stacks"]
    assert catalog.folders([Path("other")]) == [Path("other")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('gpu = ["L4"]', "gpu: unknown key; did you mean 'gpus'?"),
        ('engine = "docker"', "engine: that is for the call, or for the environment of who calls: "),
        ('require = "tested"', "require: input should be 'stated', 'resolved', 'bytes', 'run' or 'gpu'."),
        (
            'ignore = { TORCH102 = "ok" }',
            "ignore.TORCH102.reason: say why in a few words, for those who read it",
        ),
        ('ignore = { TORCH102 = { reason = "a long reason", til = 1 } }', "ignore.TORCH102.til: unknown key"),
        ("gpus = [", "2: this is not TOML: "),
    ],
)
def test_a_fault_is_named_with_file_and_key(project: Path, text: str, said: str) -> None:
    (project / "stackcheck.toml").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        configuration()
    assert str(caught.value).replace("toml:2", "toml: 2").startswith(f"stackcheck.toml: {said}")


def test_it_says_what_the_files_leave_open_and_the_call_decides(project: Path) -> None:
    (project / "stackcheck.toml").write_text(TEXT, encoding="utf-8")
    (each,) = take([Path()], {"gpus": ["T4"]})
    stack = each.stack
    assert [gpu.product for gpu in stack.gpus] == ["NVIDIA T4"]
    assert (stack.driver, stack.python, stack.places["driver"]) == (">=550.54", "3.12", "stackcheck.toml")
    assert stack.ignore == {
        "TORCH102": "we build torchaudio ourselves",
        "ARCH101": "the T4s go in January",
    }
    assert stack.unread == (
        "stackcheck.toml: CUDA101 is not ignored any more: that ended on 2020-01-31 (until the new image).",
    )
    found, faults = catalog.load_text(definition_text([each], Path()), file="a.toml")
    assert (faults, found[0].ignore) == ([], stack.ignore)


def test_an_ignore_holds_through_its_last_day() -> None:
    row = {"ignore": {"TORCH102": {"reason": "a long reason", "until": TODAY}}}
    told = Configuration.model_validate(row)
    assert told.accepted(TODAY) == {"TORCH102": "a long reason"}
    assert told.expired(TODAY) == ()
    assert told.accepted(TODAY + dt.timedelta(days=1)) == {}
    assert len(told.expired(TODAY + dt.timedelta(days=1))) == 1


def test_its_file_is_not_taken_for_a_definition(project: Path) -> None:
    (project / "stackcheck.toml").write_text('python = "3.12"\n', encoding="utf-8")
    assert catalog.is_project(".")
    (project / "requirements.txt").unlink()
    with pytest.raises(UsageError, match="there is nothing here that says what is installed"):
        catalog.find(["."])
