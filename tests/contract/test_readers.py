"""Every file that a call or a definition names, against every way in which a file can be bad.

A bad file is one sentence with its path and exit code 2: no call hangs, ends in a fault of stackcheck, or
ends green. Where a kind is not bad for an input (a Dockerfile with a Latin-1 comment builds), `TAKEN` has it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stackcheck
from stackcheck.cli import main
from stackcheck.model.report import Report
from stackcheck.report.jsonfile import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT_S = 20
NOBODY = 65534
DEFINITION = '[[stack]]\nid = "good"\npython = "3.11"\n[stack.packages]\nnumpy = "1.26.4"\n'
OWN = DEFINITION.replace("[stack.packages]", 'image = { dockerfile = "Dockerfile" }\n[stack.packages]')
LOCK = """lock-version = "1.0"
created-by = "stackcheck"
packages = []
[tool.stackcheck]
stack = "good"
python = "3.11"
platform = "x86_64-manylinux_2_28"
"""
DRIFT = ("drift", "good.toml", "--offline", "--no-history", "--locks", "good-locks")
SHELF = "pytorch-python313-cuda13_0-sm120-avx2"


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(600 << 20)


def _closed(path: Path) -> None:
    path.write_text(DEFINITION, encoding="utf-8")
    path.chmod(0)


def _text(of_toml: str, of_json: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(of_json if path.suffix in {".json", ".lock"} else of_toml, encoding="utf-8")

    return write


BAD: dict[str, Callable[[Path], object]] = {
    "latin-1": lambda path: path.write_bytes(b"# caf\xe9\nFROM python:3.11\n"),
    "utf-16": lambda path: path.write_bytes("x == [".encode("utf-16")),
    "utf-16 without a mark": lambda path: path.write_bytes("x == [".encode("utf-16-le")),
    "cut utf-16": lambda path: path.write_bytes(b"\xff\xfex"),
    "mark": lambda path: path.write_bytes(b"\xef\xbb\xbfx == ["),
    "empty": lambda path: path.write_bytes(b""),
    "zero bytes": lambda path: path.write_bytes(b"\0" * 100),
    "pipe": os.mkfifo,
    "folder": lambda path: path.mkdir(),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "link to itself": lambda path: path.symlink_to(path),
    "no permission": _closed,
    "long number": _text("x = " + "1" * 5000, "1" * 5000),
    "deep": _text("x = " + "[" * 200_000, "[" * 200_000),
    "deep tables": _text("x = " + "{a = " * 3000, '{"a": ' * 3000),
    "deep name": _text(".".join("a" * 3000) + " = 1", '{"a": ' * 150 + "1" + "}" * 150),
    "huge": _sparse,
    "another shape": _text('stack = "text"', '{"stack": [1, null]}'),
    "twice": _text("a = 1\na = 2\n", "[[]]"),
}

NOT_FILES = {
    "pipe", "folder", "device", "link to nothing", "link to itself", "no permission", "huge"
}  # fmt: skip

CALLS: dict[str, tuple[str, list[list[str]]]] = {
    "definition": (
        "bad.toml",
        [
            *(
                [command, "bad.toml", "--offline"]
                for command in ("check", "lock", "build", "verify", "suggest", "drift", "bake")
            ),
            ["list", "bad.toml"],
            ["probe", "--here", "--stack", "bad.toml"],
            ["inspect", "torch.so", "--stack", "bad.toml"],
            ["recipes", "render", "bad.toml"],
            ["recipes", "check", "shelf", "bad.toml"],
        ],
    ),
    "file of a folder": ("m/bad.toml", [["list", "--matrices", "m"], ["check", "go*", "--matrices", "m"]]),
    "lock": ("locks/pylock.good.toml", [["drift", "good.toml", "--offline", "--locks", "locks"]]),
    "report": ("bad.json", [["report", "bad.json"]]),
    "scan": ("bad.json", [[*DRIFT, "--scan", "bad.json"]]),
    "baseline": ("bad.json", [[*DRIFT, "--baseline", "bad.json"]]),
    "accepted": ("report.drift.json", [[*DRIFT, "--baseline", "report.json"]]),
    "dockerfile": (
        "Dockerfile",
        [[command, "own.toml", "--offline"] for command in ("check", "verify", "suggest")],
    ),
    "requirements": ("requirements.txt", [["check", "requirements.txt", "--offline"]]),
    "project": ("pyproject.toml", [["check", "pyproject.toml", "--offline"], ["init", "pyproject.toml"]]),
    "lock of uv": ("pylock.toml", [["check", "pylock.toml", "--offline"]]),
    "environment": ("environment.yml", [["check", "environment.yml", "--offline"]]),
    "pipfile": ("Pipfile.lock", [["check", "Pipfile.lock", "--offline"]]),
    "recipe": ("shelf/bad.nix", [["recipes", "check", "shelf", SHELF]]),
    "certificates": ("bad.pem", [["build", "good.toml", "--offline", "--ca", "bad.pem"]]),
    "secret": ("bad.key", [["build", "good.toml", "--offline", "--secret", "key=bad.key"]]),
    "wheel": ("bad.whl", [["fits", "./bad.whl"], ["inspect", "./bad.whl"]]),
    "library": ("bad.so", [["fits", "./bad.so"], ["inspect", "./bad.so"]]),
    "table": ("knowledge/told/torch.toml", [["tables", "torch"]]),
}

TAKEN: dict[str, set[str]] = {
    "dockerfile": {"latin-1"},
    "recipe": set(BAD) - NOT_FILES - {"zero bytes", "utf-16 without a mark"},
    "library": {"folder"},
    "wheel": {"folder"},
}
"""Kinds that are not bad for an input: it is read, and judged by what it says."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Return a folder that everybody may enter: pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="stackcheck-readers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def project(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with good files of every kind, and stand in it."""
    folder = Path(tempfile.mkdtemp(dir=place))
    folder.chmod(0o755)
    for name in ("m", "shelf", "knowledge/told", "locks", "good-locks"):
        (folder / name).mkdir(parents=True)
    for name, text in {
        "good.toml": DEFINITION,
        "own.toml": OWN,
        "m/good.toml": DEFINITION,
        "good-locks/pylock.good.toml": LOCK,
        "report.json": to_json([Report("good", (), command="check")]),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STACKCHECK_KNOWLEDGE", str(folder / "knowledge"))
    yield folder
    shutil.rmtree(folder)


class HangError(BaseException):
    """A call did not end in time; not an Exception, which a command might catch."""


def _too_long(_signal: int, _frame: object) -> None:
    raise HangError


@contextmanager
def limited() -> Iterator[None]:
    """Stop what hangs, and put back the signals that a command sets."""
    kept = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGTERM, kept)


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody while a call runs: root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def call(words: list[str], kind: str) -> int:
    with limited():
        if kind != "no permission":
            return main(words)
        with without_rights():
            return main(words)


@pytest.mark.parametrize(
    ("what", "kind"),
    # A secret is any regular file, so a call with one would go on to build.
    [(what, kind) for what in CALLS for kind in BAD if what != "secret" or kind in NOT_FILES - {"huge"}],
)
def test_a_bad_file_is_one_sentence_and_exit_2(
    what: str, kind: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, calls = CALLS[what]
    BAD[kind](project / name)
    for words in calls:
        code = call(words, kind)
        said = capsys.readouterr()
        shown = f"{' '.join(words)} with a file that is {kind!r}: {code}, {said.err[:600]!r}"
        assert "fault of stackcheck" not in said.err, shown
        assert "Traceback" not in said.err, shown
        if kind not in TAKEN.get(what, ()):
            assert code == 2, shown
            assert name.rpartition("/")[2] in said.err, shown
            errors = [line for line in said.err.splitlines() if line.startswith("stackcheck: error: ")]
            assert len(errors) == 1, shown


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_beside_stops_nobody_who_asked_for_another_stack(
    kind: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BAD[kind](project / "m" / "bad.toml")
    words = ["list", "good", "--matrices", "m"]
    assert call(words, kind) == 0
    said = capsys.readouterr()
    assert "good" in said.out
    if kind in NOT_FILES:  # what could be read as text and does not name the stack is not parsed
        assert said.err.startswith("stackcheck: m/bad.toml")
        assert said.err.count("\n") == 1


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "no permission"])  # pytest needs its folder
def test_a_bad_definition_is_a_usage_error_of_pytest(
    kind: str, project: Path, pytester: pytest.Pytester
) -> None:
    BAD[kind](project / "bad.toml")
    with limited():
        result = pytester.runpytest_inprocess("--stack", str(project / "bad.toml"), "--stack-check-only")
    said = result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR, said
    assert "bad.toml" in said
    assert "INTERNALERROR" not in said + result.stdout.str()


def test_there_is_one_parser_of_toml() -> None:
    """Nobody else imports a parser of TOML."""
    root = Path(stackcheck.__file__).parent
    texts = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*.py")}
    taken = re.compile(r"^\s*(import|from) (tomli|tomllib)\b", re.MULTILINE)
    assert [name for name, text in texts.items() if taken.search(text)] == ["storage/parsing.py"]
