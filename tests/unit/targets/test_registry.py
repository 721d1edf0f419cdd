"""Which engines there are: ours by a dict, others by entry point; nothing is imported before it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.model.errors import EngineError, UsageError
from stackcheck.targets import Capabilities, choose, registry
from stackcheck.targets.registry import OURS, engine_class, engines_that, known_name, names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that installs a package with an entry point and, beside it, a module."""

    def make(entry: str, module: str) -> None:
        info = tmp_path / "other-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{entry}\n")
        (tmp_path / f"{entry.partition('=')[2].partition(':')[0].strip()}.py").write_text(module)
        monkeypatch.syspath_prepend(str(tmp_path))

    return make


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert names() == ("docker", "podman", "venv", "wheels", "here")
    with pytest.raises(
        UsageError, match=r"there is no engine 'dokcer'; known: docker, podman, venv, wheels, here"
    ):
        known_name("dokcer")
    with pytest.raises(UsageError, match="there is no engine 'dokcer'"):
        choose("dokcer", print)


def test_every_one_of_ours_has_its_name_and_says_what_it_can() -> None:
    for name in OURS:
        found = engine_class(name)
        assert getattr(found, "name", "") == name
        assert isinstance(found.capabilities, Capabilities)
    assert engines_that("images") == ("docker", "podman")
    assert engines_that("plans") == ("docker",)
    assert registry.without_containers() == "venv"


def test_a_package_adds_one_and_cannot_take_a_name_of_ours(install: Callable[[str, str], None]) -> None:
    install("docker = taken_name:Engine", "raise RuntimeError('imported')\n")
    assert names() == ("docker", "podman", "venv", "wheels", "here")
    assert engine_class("docker").__module__ == "stackcheck.targets.containers.docker"


@pytest.mark.parametrize(
    ("module", "fault"),
    [
        ("raise RuntimeError('boom')\n", "cannot be loaded: RuntimeError: boom."),
        ("", "cannot be loaded: AttributeError: "),
        ("class Engine: pass\n", "has no capabilities, or no start()."),
    ],
    ids=["raises", "empty", "not an engine"],
)
def test_one_that_is_broken_is_an_error_that_names_it(
    install: Callable[[str, str], None], module: str, fault: str, request: pytest.FixtureRequest
) -> None:
    place = f"broken_{request.node.callspec.id.replace(' ', '_')}"
    install(f"broken = {place}:Engine", module)
    assert known_name("broken") == "broken"
    with pytest.raises(EngineError) as caught:
        choose("broken", print)
    assert str(caught.value).startswith(f"the engine broken ({place}:Engine) {fault}")
