"""What `lock` and `build` say, literally, of every way they can end."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck import pipeline
from stackcheck.cli import build, lock, options, output, probe
from stackcheck.cli.parser import add_manners
from stackcheck.inspect.environments import UNSTATED
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import BuildFailedError, StackcheckError, UsageError
from stackcheck.model.facts import Missing
from stackcheck.model.lock import Lock
from stackcheck.model.resolution import Unresolved
from stackcheck.resolve.locking import Locked
from stackcheck.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable

STACKS = (Stack(id="good"), Stack(id="bad"))


def call(module: Any, *words: str) -> Namespace:
    parser = ArgumentParser()
    module.configure(parser)
    add_manners(parser)
    return parser.parse_args(words)


def target(*, built: bool) -> Target:
    return Target(
        "docker", "image", "stackcheck/good:ab12", "sha256:ab", ("python3",), Missing("none"), built=built
    )


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck.cli.stacks.chosen", lambda _args: STACKS)


def made(results: dict[str, Any]) -> Callable[..., Any]:
    """Stand for a function that takes a stack first: return its result, or raise it."""

    def of(stack: Stack, *_rest: object) -> Any:
        result = results[stack.id]
        if isinstance(result, Exception):
            raise result
        return result

    return of


@pytest.mark.usefixtures("named")
def test_build(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failed = BuildFailedError(
        "step 3 failed: pip install", log_tail="ERROR: no\x1b[31m wheel", log_file="/c/x.log"
    )
    monkeypatch.setattr(pipeline, "build", made({"good": target(built=True), "bad": failed}))
    assert build.execute(call(build, "any")) == 1
    assert capsys.readouterr().out == (
        "good: image stackcheck/good:ab12 (built)\n"
        "\n"
        "FAIL  bad: does not build\n"
        "\n"
        "    step 3 failed: pip install\n"
        "    ERROR: no wheel\n"
        "\n"
        "the whole log: /c/x.log\n"
    )
    assert build.execute(call(build, "any", "--format", "json")) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["targets"][0] == {
        "stack": "good", "built": True, "kind": "image", "name": "stackcheck/good:ab12", "id": "sha256:ab",
    }  # fmt: skip
    assert document["failed"][0]["log_file"] == "/c/x.log"


@pytest.mark.usefixtures("named")
def test_nothing_had_to_be_built(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pipeline, "build", made(dict.fromkeys(("good", "bad"), target(built=False))))
    assert build.execute(call(build, "any")) == 0
    assert capsys.readouterr().out.startswith(
        "good: image stackcheck/good:ab12 (nothing had to be built)\nbad: "
    )


def locked(*, changed: bool) -> Any:
    packages = (SimpleNamespace(name="torch", version=Version("2.5.0")),)
    file = Lock("locks/pylock.good.toml", packages, "good", "", "3.11", "linux/amd64", "")  # type: ignore[arg-type]
    return Locked(file, SimpleNamespace(), changed)  # type: ignore[arg-type]


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("bad", "code", "text"),
    [
        (locked(changed=False), 0, "bad: locks/pylock.good.toml unchanged, 1 package\n"),
        (
            Unresolved(
                "conflict", "a and b exclude each other", ("a", "b"), "Because a\nand b", hint="drop b"
            ),
            1,
            "\nFAIL  bad: no lock: a and b exclude each other\n      do        drop b\n"
            "\n    Because a\n    and b\n",
        ),
        (Unresolved("unreachable", "the index is down"), 3, "ERROR bad: no lock: the index is down\n"),
    ],
)
def test_lock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bad: Any, code: int, text: str
) -> None:
    monkeypatch.setattr(lock, "lock_stack", made({"good": locked(changed=True), "bad": bad}))
    assert lock.execute(call(lock, "any", "--quiet")) == code
    assert capsys.readouterr().out == f"good: locks/pylock.good.toml written, 1 package\n{text}"
    lock.execute(call(lock, "any", "--quiet", "--format", "json"))
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["packages"] == {"torch": "2.5.0"}
    assert rows[1].get("message", "") == getattr(bad, "message", "")


def test_every_option_reaches_the_pipeline(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----\n")
    parser = ArgumentParser()
    for add in (options.add_resolving, options.add_building, options.add_probing):
        add(parser)
    words = (
        f"--offline --locks L --engine venv --base B --mirror M --ca {ca} --secret netrc={ca} --build-arg A=1=2 "
        "--network none --no-cache --logs G --build-timeout 5 --gpus 0,GPU-1 --timeout 7"
    )
    got = options.pipeline_options(parser.parse_args(words.split()))
    assert (got.offline, got.engine, got.locks, got.timeout_s) == (True, "venv", Path("L"), 7.0)
    made = got.build
    assert (made.base, made.mirror, made.ca_file, made.secrets) == ("B", "M", ca, {"netrc": ca})
    assert (made.build_args, made.network, made.no_cache) == ({"A": "1=2"}, "none", True)
    assert (made.logs, made.timeout_s, made.gpus) == (Path("G"), 5.0, ("0", "GPU-1"))


def test_without_options_the_pipeline_has_its_defaults() -> None:
    got = options.pipeline_options(Namespace())
    default = pipeline.Options(build=got.build)
    assert got == default
    assert (got.build.gpus, got.build.timeout_s, got.build.no_cache) == ("auto", 3600.0, False)


def test_a_secret_on_the_command_line_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        options.pipeline_options(Namespace(secret=["=hunter2"]))
    assert str(caught.value) == "--secret: give NAME=VALUE, not ''"


def test_probe_without_a_stack_claims_nothing() -> None:
    assert probe._stack(call(probe, "--here")) is UNSTATED
    stated = {name for name, value in UNSTATED if value not in ((), {}, "", None, "pass")}
    assert stated <= {"index", "image", "probes"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "r.txt"
    place.write_text("old", encoding="utf-8")

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StackcheckError) as caught:
        output.write("new", place)
    assert str(caught.value) == f"-o {place}: this cannot be written: No space left on device."
    assert place.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [place]
