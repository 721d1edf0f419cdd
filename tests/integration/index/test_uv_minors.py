"""Every minor of uv that pyproject.toml allows: each kind of failure is read from its own words.

The binaries come from the package index, 20 MB each, once a checkout (pytest's cache folder).
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcheck.intake.stack import Stack
from stackcheck.resolve.memory import RunMemory
from stackcheck.resolve.resolver import Options, Resolution, Unresolved, resolve
from stackcheck.resolve.uvrun import find_uv
from tests.integration.index.server import FAULTS, IndexServer, make_sdist, make_wheel

ROOT = Path(__file__).parents[3]
MINORS = ("0.8", "0.9", "0.10", "0.11", "0.12", "0.13")


def test_the_minors_are_those_that_the_project_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [uv] = [each for each in map(Requirement, project["dependencies"]) if each.name == "uv"]
    newest = int(MINORS[-1].partition(".")[2])
    assert all(uv.specifier.contains(f"{minor}.99") for minor in MINORS)
    assert not any(uv.specifier.contains(text) for text in ("0.7.99", f"0.{newest + 1}.0", "1.0.0"))


@pytest.fixture(scope="session", params=MINORS)
def uv(request: pytest.FixtureRequest) -> Path:
    minor: str = request.param
    folder = request.config.cache.mkdir("uv") / minor
    binary = folder / "bin" / "uv"
    if not binary.is_file():
        arguments = ["pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"uv=={minor}.*"]
        subprocess.run([str(find_uv()), *arguments, "--python", sys.executable], check=True, timeout=120)
    return binary


def stack(url: str, packages: dict[str, Any], **fields: Any) -> Stack:
    index = fields.pop("index", {"url": url})
    base = {"id": "s", "python": "3.11", "platform": "linux/amd64", "glibc": "2.36"}
    return Stack.model_validate({**base, "packages": packages, "index": index, **fields})


def filled(server: IndexServer) -> None:
    server.add("main", make_wheel("spconv", "2.3.8", "cumm>=0.7.11,<0.8.0"), make_wheel("alpha", "1.0"))
    server.add("main", make_wheel("cumm", "0.7.11"), make_wheel("cumm", "0.8.2"), make_wheel("alpha", "1.1"))
    server.add(
        "main", make_wheel("vision", "0.19.0", "torch==2.4.0"), make_wheel("audio", "2.5", "torch==2.5.0")
    )
    server.add("main", make_wheel("torch", "2.4.0", "triton==3.0.0 ; platform_system == 'Linux'"))
    server.add(
        "main", make_wheel("torch", "2.5.0"), make_wheel("triton", "3.0.0"), make_wheel("triton", "3.1.0")
    )
    server.add("main", make_wheel("hydra", "1.3.2", "antlr==4.9.*"), make_sdist("antlr", "4.9.3"))
    server.add("main", make_wheel("older", "1.0", tag="cp39-cp39-manylinux_2_17_x86_64"))
    server.add("main", make_wheel("windows", "1.0", tag="cp311-cp311-win_amd64"))
    server.add("main", replace(make_wheel("newer", "1.0"), requires_python=">=3.12"))
    server.add("main", make_wheel("lost", "1.0", "gone==1.0"), make_wheel("gone", "2.0"))
    server.add(
        "main", replace(make_wheel("withdrawn", "1.0"), yanked=True), make_wheel("wants", "1.0", "withdrawn")
    )


CONFLICTS: dict[str, tuple[dict[str, str], set[str]]] = {
    "a range and a pin": (
        {"spconv": "2.3.8", "cumm": "0.8.2"},
        {"spconv==2.3.8: cumm>=0.7.11,<0.8.0", "the stack: cumm==0.8.2"},
    ),
    "two packages": (
        {"vision": "0.19.0", "audio": "2.5"},
        {"vision==0.19.0: torch==2.4.0", "audio==2.5: torch==2.5.0"},
    ),
    "a marker": (
        {"torch": "2.4.0", "triton": "3.1.0"},
        {"torch==2.4.0: triton==3.0.0", "the stack: triton==3.1.0"},
    ),
}
FOR = "for Python 3.11 on linux/amd64"
MISSING: dict[str, tuple[dict[str, str], str, str]] = {
    "no such version": (
        {"alpha": "9.0"},
        "not-found",
        "the stack needs alpha==9.0, which is on none of the indexes and pages that were read",
    ),
    "no version in the range": (
        {"alpha": ">=2"},
        "not-found",
        "the stack needs alpha>=2, which is on none of the indexes and pages that were read",
    ),
    "no such project": (
        {"nowhere": "1.0"},
        "not-found",
        "the stack needs nowhere==1.0, which is on none of the indexes and pages that were read",
    ),
    "drawn in and gone": (
        {"lost": "1.0"},
        "not-found",
        "lost==1.0 needs gone==1.0, which is on none of the indexes and pages that were read",
    ),
    "another Python": (
        {"older": "1.0"},
        "no-python-wheel",
        f"the stack needs older==1.0, which has no wheel {FOR}; no version has a wheel {FOR}",
    ),
    "requires a newer Python": (
        {"newer": "1.0"},
        "no-python-wheel",
        f"the stack needs newer==1.0, which has no wheel {FOR}; no version has a wheel {FOR}",
    ),
    "another platform": (
        {"windows": "1.0"},
        "no-platform-wheel",
        "the stack needs windows==1.0, which has no wheel for linux/amd64; no version has one",
    ),
}


@pytest.mark.online
class TestEachMinor:
    @pytest.fixture
    def asked(self, uv: Path, options: Options, server: IndexServer) -> Options:
        filled(server)
        return replace(options, uv=uv, memory=RunMemory())

    @pytest.mark.parametrize("name", CONFLICTS)
    def test_a_conflict(self, server: IndexServer, asked: Options, name: str) -> None:
        packages, requirements = CONFLICTS[name]
        found = resolve(stack(server.simple("main"), packages), asked)
        assert isinstance(found, Unresolved), found
        assert (found.kind, set(found.requirements)) == ("conflict", requirements)
        assert found.message == " but ".join(found.requirements).replace(": ", " needs ").replace(
            " but", ", but"
        )

    @pytest.mark.parametrize("name", MISSING)
    def test_what_is_missing(self, server: IndexServer, asked: Options, name: str) -> None:
        packages, kind, message = MISSING[name]
        found = resolve(stack(server.simple("main"), packages), asked)
        assert isinstance(found, Unresolved), found
        assert (found.kind, found.message) == (kind, message)

    def test_a_source_only_package_and_what_draws_it_in(self, server: IndexServer, asked: Options) -> None:
        found = resolve(stack(server.simple("main"), {"hydra": "1.3.2"}), asked)
        assert isinstance(found, Resolution), found
        assert found.source_only == ("antlr",)
        assert found.parents_of("antlr") == ("hydra",)
        assert found.by_name["hydra"].index == server.simple("main")

    def test_a_given_package_is_not_drawn_in(self, server: IndexServer, asked: Options) -> None:
        packages = {"vision": "0.19.0", "torch": {"version": "2.4.0", "from": "conda"}}
        found = resolve(stack(server.simple("main"), packages), asked)
        assert isinstance(found, Resolution), found
        assert [p.name for p in found.packages] == ["vision"]

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("500", "bad-index"),
            ("401", "denied"),
            ("cut", "bad-index"),
            ("slow", "unreachable"),
            ("plain", "bad-index"),
        ],
    )
    def test_an_index_that_does_not_answer(
        self, server: IndexServer, asked: Options, fault: str, kind: str
    ) -> None:
        server.faults["/main/simple/"] = FAULTS[fault]
        found = resolve(stack(server.simple("main"), {"alpha": "1.0"}), asked)
        assert isinstance(found, Unresolved), found
        assert (found.kind, server.host in found.message) == (kind, True)

    @pytest.mark.parametrize(
        ("url", "words"), [("http://127.0.0.1:9/simple", "refused"), ("http://no.invalid/simple", "DNS")]
    )
    def test_a_host_that_is_not_there(self, asked: Options, url: str, words: str) -> None:
        found = resolve(stack(url, {"alpha": "1.0"}), asked)
        assert isinstance(found, Unresolved), found
        assert (found.kind, words in found.message) == ("unreachable", True)

    def test_a_find_links_page_that_is_not_there(self, server: IndexServer, asked: Options) -> None:
        index = {"url": server.simple("main"), "find_links": [f"http://{server.host}/nothing/links/"]}
        found = resolve(stack("", {"alpha": "1.0"}, index=index), asked)
        assert isinstance(found, Resolution), found
        assert [(each.kind, each.status) for each in found.unreached] == [("bad-index", 404)]

    def test_offline(self, server: IndexServer, asked: Options) -> None:
        both = {"url": server.simple("main"), "extra": [server.simple("tagged")]}
        server.add("tagged", make_wheel("alpha", "1.0+cu118"))
        offline = replace(asked, offline=True)
        found = resolve(stack(server.simple("main"), {"alpha": "1.0"}), offline)
        assert isinstance(found, Unresolved), found
        assert (found.kind, found.requirements) == ("offline", ("alpha",))
        assert isinstance(resolve(stack(server.simple("main"), {"alpha": "1.0"}), asked), Resolution)
        kept = resolve(stack(server.simple("main"), {"alpha": "1.0"}), replace(offline, memory=RunMemory()))
        assert isinstance(kept, Resolution), kept
        partly = resolve(stack("", {"alpha": "1.0"}, index=both), replace(offline, memory=RunMemory()))
        assert isinstance(partly, Unresolved), partly
        assert (partly.kind, partly.where) == ("offline", server.simple("tagged"))
