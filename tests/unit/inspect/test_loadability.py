"""Whether what is installed will load, as `inspect` tells it: environments have an answer, wheels have none."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest

from stackcheck.inspect import loadability
from stackcheck.inspect.answer import Gate, exit_code
from stackcheck.inspect.inspection import read_target
from stackcheck.model.facts import Missing
from stackcheck.model.verdict import Outcome

EXTENSION = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with one distribution that has one extension, which loads."""
    (tmp_path / "torchvision").mkdir()
    shutil.copy(EXTENSION, tmp_path / "torchvision" / "_C.so")
    info = tmp_path / "torchvision-0.20.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: torchvision\nVersion: 0.20.0\n")
    (info / "INSTALLER").write_text("uv")
    return tmp_path


def needs_another(site: Path, name: str = "torchvision") -> None:
    """Let the extension ask for a library that is nowhere."""
    path = site / name / "_C.so"
    path.write_bytes(EXTENSION.read_bytes().replace(b"libc.so.6\0", b"libq.so.7\0"))


def test_what_loads_passes(site: Path) -> None:
    found = read_target(site)
    assert {verdict.outcome for verdict in found.loading} == {Outcome.PASS}
    said = {verdict.code: verdict.message for verdict in found.loading}
    assert said["LOAD301"] == "all 1 libraries find what they need."
    assert exit_code(found, (), Gate(), asked=False, strict=True) == 0


def test_what_does_not_load_fails_and_says_why(site: Path) -> None:
    needs_another(site)
    found = read_target(site)
    (failed,) = [verdict for verdict in found.loading if verdict.outcome is Outcome.FAIL]
    assert (failed.code, failed.message) == (
        "LOAD301",
        "torchvision/_C.so cannot be loaded: libq.so.7 is not there.",
    )
    assert exit_code(found, (), Gate(), asked=False) == 1


def test_what_nobody_may_load_is_a_warning(site: Path) -> None:
    (site / "torchvision").rename(site / "another")
    needs_another(site, "another")
    found = read_target(site)
    assert [v.code for v in found.loading if v.outcome is Outcome.WARN] == ["LOAD301"]
    assert (
        exit_code(found, (), Gate(), asked=False),
        exit_code(found, (), Gate(), asked=False, strict=True),
    ) == (0, 3)


def test_a_virtual_environment_is_judged_too(site: Path, tmp_path: Path) -> None:
    place = tmp_path / "env" / "lib" / "python3.11"
    place.mkdir(parents=True)
    shutil.copytree(site, place / "site-packages", ignore=shutil.ignore_patterns("env"))
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    found = read_target(tmp_path / "env")
    assert (found.kind, len(found.loading) > 3) == ("environment", True)


def test_a_wheel_that_was_only_unpacked_has_no_answer_as_the_wheel_has_none(site: Path) -> None:
    needs_another(site)
    (site / "torchvision-0.20.0.dist-info" / "INSTALLER").unlink()
    assert read_target(site).loading == ()
    (site / "torch-2.5.0.dist-info").mkdir()
    assert exit_code(read_target(site), (), Gate(), asked=False) == 1


def test_a_folder_without_distributions_has_no_answer(site: Path) -> None:
    shutil.rmtree(site / "torchvision-0.20.0.dist-info")
    assert read_target(site).loading == ()
    assert read_target(site / "torchvision" / "_C.so").loading == ()


def test_an_environment_without_libraries_has_nothing_to_load_and_never_passes(site: Path) -> None:
    shutil.rmtree(site / "torchvision")
    assert read_target(site).loading == ()


def test_a_probe_that_failed_is_the_reason_of_every_skip() -> None:
    seen = {name: Missing(f"the probe {name} failed.") for name in loadability.PROBES}
    verdicts = loadability.judged(seen)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.SKIP}
    assert "the probe loading failed." in {verdict.message for verdict in verdicts}
