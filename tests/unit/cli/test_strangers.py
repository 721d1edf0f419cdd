"""`--untrusted` is for `check`: the other commands refuse it and say why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackcheck.cli import COMMANDS, configure, make_parser
from stackcheck.cli.strangers import OPTION, WHY_NOT

DOCS = Path(__file__).parents[3] / "docs"
PARSERS = make_parser()[1]


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"check", "entrypoint"}))
def test_a_command_that_does_not_take_it_says_why(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        PARSERS[command].refuse([OPTION])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"--untrusted is for `check`; `{command}` does not take it: " in said
    assert "`stackcheck check --untrusted`" in said
    assert WHY_NOT.get(command, "it reads no definition") in said


def test_every_command_that_reads_definitions_has_its_reason() -> None:
    parsers = make_parser()[1]
    for name, parser in parsers.items():
        configure(name, parser)
    helps = {name: parser.format_help() for name, parser in parsers.items()}
    reads = {name for name, text in helps.items() if "--matrices" in text}
    assert reads - {"check"} <= WHY_NOT.keys()
    assert [name for name, text in helps.items() if f"{OPTION} " in text] == ["check"]


def test_the_page_says_of_each_what_it_does() -> None:
    page = (DOCS / "trust.md").read_text(encoding="utf-8")
    part = page.partition("## A pull request")[2].partition("## Credentials")[0]
    assert set(WHY_NOT) <= set(re.findall(r"`(\w+)`", part))
