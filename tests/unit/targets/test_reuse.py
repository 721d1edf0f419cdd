"""What the probes saw is reused only while everything that it rests on is the same: each part is moved once."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import EngineError
from stackcheck.model.facts import Missing
from stackcheck.model.resolution import Resolution
from stackcheck.probing.observation import Observation, parse_observation
from stackcheck.targets import BuildOptions, Capabilities, Target, reuse
from stackcheck.targets.reuse import ReusingEngine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STACK = Stack(id="s", packages={"torch": "2.5.0"})
LOCK = Resolution((), "3.11", "x86_64-manylinux_2_28", "0.13.8", "the lock")
TARGET = Target(
    "docker", "image", "s:1", "sha256:" + "a" * 64, ("python3",), Missing("none"), gpus=("nvidia:all",)
)
REQUEST = {"probes": ["distributions"], "params": {}}
FIRST = "this target was not probed before, or something that it rests on has moved"


def observation(**probes: Any) -> bytes:
    agent = {"python": "3.11.2", "executable": "python3", "seconds": 1.0}
    return json.dumps({"schema_version": 1, "agent": agent, "probes": probes}).encode()


def seen(**facts: Any) -> dict[str, Any]:
    return {"status": "ok", "grade": "static", "seconds": 0.1, "facts": facts}


def host(driver: str = "550.54.15", free: int = 1, kernel: str = "6.1") -> Observation:
    return parse_observation(
        observation(
            system=seen(kernel=kernel, shm={"bytes": 64, "free": free}),
            nvidia_driver=seen(nvml={"driver": driver}),
            rocm_host=seen(gpus=[]),
        )
    )


ABLE = Capabilities(content_ids=True, is_local=True)


@dataclass
class Fake:
    """An engine that counts how often the agent ran."""

    name: str = "docker"
    version: str = "27.0"
    capabilities: Capabilities = ABLE
    swept: int = 0
    target: Target = TARGET
    document: bytes = field(default_factory=lambda: observation(distributions=seen(distributions=[])))
    runs: int = 0

    def prepare(self, *_: object) -> Target:
        return self.target

    def run_agent(self, _t: Target, _a: bytes, _r: Mapping[str, Any], *, timeout_s: float) -> bytes:
        assert timeout_s > 0
        self.runs += 1
        return self.document

    def close(self) -> None:
        return


@dataclass
class Twice:
    """Two runs through the cache, the second with something moved."""

    cache: Path
    said: list[str] = field(default_factory=list)
    fake: Fake = field(default_factory=Fake)

    def run(
        self,
        stack: Stack = STACK,
        lock: Resolution = LOCK,
        agent: bytes = b"agent",
        request: Mapping[str, Any] = REQUEST,
        seen_host: Observation | EngineError | None = None,
    ) -> Mapping[str, Any]:
        def look(_cache: Path) -> Observation:
            if isinstance(seen_host, EngineError):
                raise seen_host
            return seen_host or host()

        engine = ReusingEngine(self.fake, self.cache, self.said.append, look)
        target = engine.prepare(stack, lock, BuildOptions(cache=self.cache), self.said.append)
        found: Mapping[str, Any] = json.loads(engine.run_agent(target, agent, request, timeout_s=1))
        engine.close()
        return found


@pytest.fixture
def twice(tmp_path: Path) -> Twice:
    made = Twice(tmp_path)
    made.run()
    assert (made.fake.runs, made.said) == (1, [f"nothing is reused: {FIRST}"])
    made.said.clear()
    return made


def test_the_same_everything_is_reused_and_says_so(twice: Twice) -> None:
    found = twice.run()
    assert twice.fake.runs == 1
    assert twice.said == ["reusing what the probes saw of sha256:aaaaaaaaaaaa"]
    assert found["reused"].keys() == {"seen"}
    assert parse_observation(json.dumps(found).encode()).probes.keys() == {"distributions"}


def test_free_shared_memory_moves_by_itself(twice: Twice) -> None:
    twice.run(seen_host=host(free=2))
    assert twice.fake.runs == 1


@pytest.mark.parametrize(
    "moved",
    [
        {"stack": Stack(id="s", packages={"torch": "2.5.1"})},
        {"stack": Stack(id="s", packages={"torch": "2.5.0"}, gpus=("L4",))},
        {"lock": replace(LOCK, written="another lock")},
        {"agent": b"another agent"},
        {"request": {**REQUEST, "probes": ["libraries"]}},
        {"seen_host": host(driver="535.54.03")},
        {"seen_host": host(kernel="6.2")},
    ],
    ids=["definition", "gpus", "lock", "agent", "request", "driver", "kernel"],
)
def test_whatever_moves_the_probes_run_again(twice: Twice, moved: dict[str, Any]) -> None:
    assert "reused" not in twice.run(**moved)
    assert twice.fake.runs == 2
    assert twice.said == [f"nothing is reused: {FIRST}"]


@pytest.mark.parametrize(
    "fields",
    [{"target": replace(TARGET, id="sha256:" + "b" * 64)}, {"target": replace(TARGET, gpus=())}, {"version": "28.0"}],
    ids=["image", "gpus given", "engine"],
)  # fmt: skip
def test_another_image_or_engine_is_probed(twice: Twice, fields: dict[str, Any]) -> None:
    twice.fake = replace(twice.fake, **fields)
    assert "reused" not in twice.run()
    assert twice.fake.runs == 2


def test_other_tables_are_a_doubt(twice: Twice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "tables_digest", lambda: "others")
    twice.run()
    assert twice.fake.runs == 2


def test_another_stackcheck_is_a_doubt(twice: Twice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "__version__", "0.0.0")
    twice.run()
    assert twice.fake.runs == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"capabilities": Capabilities(is_local=True)},
            "only what was seen of an image, or of an environment made here, can be bound to it",
        ),
        (
            {"target": replace(TARGET, id="s:1")},
            "only what was seen of an image, or of an environment made here, can be bound to it",
        ),
        (
            {"capabilities": Capabilities(content_ids=True)},
            "the engine is on another machine, whose driver is not seen from here",
        ),
    ],
)
def test_what_cannot_be_bound_is_never_reused(twice: Twice, fields: dict[str, Any], reason: str) -> None:
    twice.fake = replace(twice.fake, **fields)
    twice.run()
    twice.run()
    assert twice.fake.runs == 3
    assert twice.said == [f"nothing is reused: {reason}"] * 2


def test_a_machine_that_cannot_be_looked_at_is_a_doubt(twice: Twice) -> None:
    twice.run(seen_host=EngineError("no python"))
    blind = parse_observation(observation(system=seen(kernel="6.1", shm={})))
    twice.run(seen_host=blind)
    assert twice.fake.runs == 3
    assert twice.said == [
        "nothing is reused: this machine could not be looked at: no python",
        "nothing is reused: this machine could not be looked at: the probe nvidia_driver was not run",
    ]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda row: {**row, "document": row["document"].replace("ok", "OK")}, "what is kept is damaged"),
        (lambda row: {**row, "bound": {**row["bound"], "host": "x"}}, "what is kept is about something else"),
        (lambda row: {**row, "seen": row["seen"] - 25 * 3600}, "what is kept is older than a day"),
        (lambda row: {**row, "seen": row["seen"] + 3600}, "what is kept is older than a day"),
        (lambda row: {"bound": row["bound"]}, "what is kept is damaged"),
        (lambda _row: [], "what is kept is damaged"),
    ],
)
def test_a_damaged_or_old_file_is_not_used(twice: Twice, damage: Any, reason: str) -> None:
    (path,) = (twice.cache / "observations").iterdir()
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    twice.run()
    assert (twice.fake.runs, twice.said) == (2, [f"nothing is reused: {reason}"])
    path.write_bytes(path.read_bytes()[:50])
    twice.run()
    assert twice.fake.runs == 3


def test_an_observation_with_a_crashed_probe_is_not_kept(tmp_path: Path) -> None:
    error = {"status": "error", "error": {"kind": "signal", "message": "died", "signal": "SIGSEGV"}}
    made = Twice(tmp_path, fake=Fake(document=observation(torch_cpu=error)))
    made.run()
    made.run()
    assert made.fake.runs == 2


STAMPED = Capabilities(is_local=True, stamped=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "venvs" / "ab12"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").write_text("an interpreter")
    (made / "lib").mkdir()
    (made / "lib" / "torch.py").write_text("x = 1")
    return made


@pytest.fixture
def again(tmp_path: Path, folder: Path) -> Twice:
    """Return runs over an environment that was probed once."""
    target = replace(TARGET, kind="venv", name=str(folder), id="ab12", gpus=(), env={"PATH": "/bin"})
    made = Twice(tmp_path, fake=Fake(name="venv", capabilities=STAMPED, target=target))
    made.run()
    assert made.fake.runs == 1
    return made


def _edited(folder: Path) -> None:
    (folder / "lib" / "torch.py").write_text("x = 2")


def _edited_behind_its_time(folder: Path) -> None:
    path = folder / "lib" / "torch.py"
    then = path.stat()
    path.write_text("x = 2")
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def _replaced(folder: Path) -> None:
    path = folder / "lib" / "torch.py"
    then = path.stat()
    path.with_suffix(".new").write_text("x = 2")
    path.with_suffix(".new").replace(path)
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def _added(folder: Path) -> None:
    (folder / "lib" / "extra.pth").write_text("import os")


def _removed(folder: Path) -> None:
    (folder / "lib" / "torch.py").unlink()


def _another_python(folder: Path) -> None:
    (folder / "bin" / "python").write_text("another interpreter")


def _made_a_program(folder: Path) -> None:
    (folder / "lib" / "torch.py").chmod(0o755)


def _led_elsewhere(folder: Path) -> None:
    (folder / "lib" / "link").symlink_to("/elsewhere")


CHANGES = (
    _edited,
    _edited_behind_its_time,
    _replaced,
    _added,
    _removed,
    _another_python,
    _made_a_program,
    _led_elsewhere,
)


@pytest.mark.parametrize("change", CHANGES)
def test_an_environment_with_a_changed_file_is_probed_again(again: Twice, folder: Path, change: Any) -> None:
    again.run()
    assert again.fake.runs == 1
    again.said.clear()
    change(folder)
    assert "reused" not in again.run()
    assert again.fake.runs == 2
    assert again.said == ["nothing is reused: a file of the environment has changed since it was probed"]


def test_byte_code_and_a_link_from_another_environment_change_nothing(again: Twice, folder: Path) -> None:
    (folder / "lib" / "__pycache__").mkdir()
    (folder / "lib" / "__pycache__" / "torch.cpython-311.pyc").write_text("code")
    os.link(folder / "lib" / "torch.py", folder.parent / "linked.py")
    assert "reused" in again.run()
    assert again.fake.runs == 1


def test_another_environment_variable_is_a_doubt_and_another_terminal_is_not(again: Twice) -> None:
    again.fake = replace(again.fake, target=replace(again.fake.target, env={"PATH": "/bin", "SHLVL": "7"}))
    again.run()
    assert again.fake.runs == 1
    moved = {"PATH": "/bin", "LD_LIBRARY_PATH": "/opt/lib"}
    again.fake = replace(again.fake, target=replace(again.fake.target, env=moved))
    again.run()
    assert again.fake.runs == 2


def test_what_moves_while_the_probes_run_is_not_kept(tmp_path: Path, folder: Path) -> None:
    class Writing(Fake):
        def run_agent(self, *args: Any, **more: Any) -> bytes:
            _edited(folder)
            return super().run_agent(*args, **more)

    target = replace(TARGET, kind="venv", name=str(folder), id="ab12")
    made = Twice(tmp_path, fake=Writing(name="venv", capabilities=STAMPED, target=target))
    made.run()
    made.run()
    assert made.fake.runs == 2
