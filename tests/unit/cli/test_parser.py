"""How a command line is read: any order, near names, and help that can be copied from."""

from __future__ import annotations

import shlex

import pytest

from stackcheck import cli
from stackcheck.cli.examples import EXAMPLES, exits
from stackcheck.cli.parser import in_front


def read(line: str) -> tuple[object, ...]:
    """Return what `stackcheck LINE` is understood as: command, stacks, quiet, format."""
    front, rest = in_front(shlex.split(line))
    parser, commands = cli.make_parser([rest[0]])
    cli.configure(rest[0], commands[rest[0]])
    args = vars(parser.read([*front, *rest]))
    return args["command"], args["stacks"], args["quiet"], args["format"], args["color"]


@pytest.mark.parametrize(
    ("line", "stacks"),
    [
        ("check A B -q --format md --color never", ["A", "B"]),
        ("check -q A --format md B --color=never", ["A", "B"]),
        ("-q --color never check A --format=md B", ["A", "B"]),
        ("--color never -q check --format md -- A -B", ["A", "-B"]),
        ("--format=md -q check --color never A", ["A"]),
    ],
)
def test_options_stand_anywhere(line: str, stacks: list[str]) -> None:
    assert read(line) == ("check", stacks, True, "md", "never")


def test_options_stand_anywhere_around_an_action_too() -> None:
    parser, commands = cli.make_parser(["recipes"])
    cli.configure("recipes", commands["recipes"])
    args = parser.read(shlex.split("-q recipes check nix --matrices M a --strict b"))
    assert (args.command, args.action, str(args.folder)) == ("recipes", "check", "nix")
    assert (args.stacks, args.strict, args.quiet) == (["a", "b"], True, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("check . --ofline", "stackcheck check: error: unknown option '--ofline'; did you mean '--offline'?\n"),
        ("check . --formt=md", "stackcheck check: error: unknown option '--formt'; did you mean '--format'?\n"),
        ("check . --xyzzy", "stackcheck check: error: unknown option '--xyzzy'.\n"),
        ("recipes check x --strct", "stackcheck recipes check: error: unknown option '--strct'; did you mean '--strict'?\n"),
        ("site a b", "stackcheck site: error: 'b' is one operand too many.\n"),
        ("recipes chek x", "invalid choice: 'chek' (choose from 'check', 'render'); did you mean 'check'?\n"),
        ("report r --format sarf", "; did you mean 'sarif'?\n"),
        ("fits", "stackcheck fits: error: the following arguments are required: TARGET.\n"),
        ("chek .", "stackcheck: error: 'chek' is not a command; did you mean 'check'?\n"),
        ("hlp", "stackcheck: error: 'hlp' is not a command; did you mean 'help'?\n"),
        ("help chek", "stackcheck: error: 'chek' is not a command; did you mean 'check'?\n"),
        ("entrypoint --chek", "stackcheck entrypoint: error: unknown option '--chek'; did you mean '--check'?\n"),
    ],
)  # fmt: skip
def test_a_misspelt_word_is_answered_with_the_near_one(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(shlex.split(line))
    except SystemExit as ended:
        code = int(str(ended.code))
    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert "See `stackcheck help " in error or "is not a command" in error


BELOW = [name for name in EXAMPLES if " " in name]


@pytest.mark.parametrize("command", [*cli.COMMANDS, *BELOW])
def test_every_help_has_examples_that_its_parser_takes_and_the_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        cli.main(["help", *command.split()])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    for row in EXAMPLES[command]:
        assert f"\n  stackcheck {row.words}\n" in text
        name = command.partition(" ")[0]
        parser, commands = cli.make_parser([name])
        cli.configure(name, commands[name])
        parser.read(shlex.split(row.words.partition(" > ")[0]))
    for code, means in exits(command).items():
        assert f"\n  {code}  {means}\n" in text
    assert [line for line in text.splitlines() if len(line) > 80 and not line.startswith("usage: ")] == []


def test_help_comes_by_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    said = set()
    for line in ("help check", "check --help", "check -h", "-h check", "check x -q -h"):
        with pytest.raises(SystemExit):
            cli.main(shlex.split(line))
        said.add(capsys.readouterr().out)
    assert len(said) == 1
    assert said.pop().startswith("usage: stackcheck check [OPTION]... STACK [STACK ...]\n")


def test_without_a_word_the_help_is_shown_and_the_call_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("usage: stackcheck [OPTION]... COMMAND ...\n")
