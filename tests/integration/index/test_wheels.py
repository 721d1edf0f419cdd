"""`check --bytes` and what `verify` cannot build: wheels of a real index, unpacked by the real uv."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import pipeline, rules
from stackcheck.cli import main
from stackcheck.intake.stack import Stack
from stackcheck.model.facts import OF_PROBE, Fault, Missing
from stackcheck.model.verdict import Level, Outcome
from stackcheck.resolve.resolver import Resolution, resolve
from stackcheck.steps import building
from stackcheck.steps.unpacking import unpacked
from stackcheck.targets import BuildOptions
from tests.integration.index.server import IndexServer, make_sdist, make_wheel

if TYPE_CHECKING:
    from stackcheck.model.report import Report
    from stackcheck.resolve.resolver import Options

ARM = {"python": "3.13", "platform": "linux/arm64", "glibc": "2.36"}
HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
OTHER = next(each for each in ("linux/arm64", "linux/amd64") if each != HERE)


@pytest.fixture
def how(options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pipeline.Options:
    """Return options of the pipeline, with uv's cache and home inside the test."""
    for name, value in options.environ.items():
        monkeypatch.setenv(name, value if name != "PATH" else f"{value}:{os.environ['PATH']}")
    monkeypatch.setenv("STACKCHECK_CACHE", str(tmp_path / "cache"))
    build = BuildOptions(cache=tmp_path / "cache")
    return pipeline.Options(build=build, bytes=True, locks=tmp_path / "locks")


def stack(server: IndexServer, **fields: Any) -> Stack:
    return Stack.model_validate({"id": "local", "index": {"url": server.simple("main")}, **ARM, **fields})


def quiet(_line: str) -> None:
    return


def said(report: Report, outcome: Outcome) -> dict[str, str]:
    return {each.code: each.message for each in report.verdicts if each.outcome is outcome}


def test_the_wheels_of_another_processor_are_judged_and_a_source_is_said_to_be_left_out(
    server: IndexServer, how: pipeline.Options
) -> None:
    tag = "cp313-cp313-manylinux_2_17_aarch64"
    server.add("main", make_wheel("native", "1.0", "pure>=1", tag=tag), make_wheel("pure", "1.5"))
    server.add("main", make_sdist("old", "2.0"))
    packages = {"native": "1.0", "old": {"version": "2.0", "from": "source"}}
    report = pipeline.check(stack(server, packages=packages), how, quiet)
    assert (report.result, report.reach.level) == (Outcome.PASS, Level.BYTES)
    good, left_out = said(report, Outcome.PASS), said(report, Outcome.SKIP)
    assert good["WHEEL301"].startswith("2 wheels for Python 3.13 on aarch64-manylinux_2_")
    assert good["DIST302"] == "all 2 locked versions are what is installed."
    assert good["DIST303"] == "the requirements of all 2 installed distributions are met."
    assert left_out["WHEEL301"] == (
        "old 2.0 comes as source (old-2.0.tar.gz), so its files were not looked at."
    )
    assert (report.subject.kind, report.subject.engine) == ("wheels", "wheels")
    assert not {each.code for each in report.verdicts if each.level > Level.BYTES}


def test_what_the_wheels_require_of_each_other_is_read_from_them(
    server: IndexServer, how: pipeline.Options
) -> None:
    server.add("main", make_wheel("app", "1.0", "lib==1.0"), make_wheel("lib", "2.0"))
    wrong = stack(server, packages={"app": "1.0"}, overrides=["lib==2.0"])
    report = pipeline.check(wrong, how, quiet)
    assert said(report, Outcome.FAIL) == {
        "DIST303": "app 1.0 requires lib==1.0, and lib 2.0 is installed.",
    }


def test_headers_and_data_of_a_wheel_do_not_lie_among_the_packages(
    server: IndexServer, how: pipeline.Options
) -> None:
    headers = {"x-1.0.data/headers/x.h": "", "x-1.0.data/data/share/x.txt": ""}
    server.add("main", make_wheel("x", "1.0", more=headers))
    files = pipeline.check(stack(server, packages={"x": "1.0"}), how, quiet).subject.name
    (packages,) = Path(files).glob("lib/python3.13/site-packages")
    assert {path.name for path in packages.glob("[!.]*")} == {"x", "x-1.0.dist-info"}
    assert (Path(files) / "share" / "x.txt").is_file()


def test_without_being_asked_for_no_wheel_is_unpacked(server: IndexServer, how: pipeline.Options) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    report = pipeline.check(stack(server, packages={"pure": "1.5"}), replace(how, bytes=False), quiet)
    assert report.reach.level is Level.RESOLVED
    assert not (how.build.cache / "unpacked").exists()


def test_what_an_image_or_no_resolution_leaves_unread_is_not_checked(
    server: IndexServer, how: pipeline.Options
) -> None:
    ready = stack(server, packages={"pure": "1.5"}, image={"ready": "registry.example/x:1"})
    found = unpacked(ready, {"resolution": Missing("never asked")}, how, quiet)
    assert found.facts[f"{OF_PROBE}loading"] == Missing(
        "nothing was unpacked: the stack brings an image, into which no lock goes"
    )
    report = pipeline.check(stack(server, packages={"pure": "9.9"}), how, quiet)
    assert said(report, Outcome.SKIP)["LOAD301"].startswith(
        "nothing was unpacked: the stack was not resolved"
    )


def test_a_changed_file_is_proven_and_an_index_that_is_gone_is_not(
    server: IndexServer, how: pipeline.Options, options: Options
) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    asked = stack(server, packages={"pure": "1.5"})
    found = resolve(asked, options)
    assert isinstance(found, Resolution)
    digest = found.packages[0].sha256
    changed = replace(found, written=found.lock_text.replace(digest, "0" * 64))
    fault = unpacked(asked, {"resolution": changed}, how, quiet).facts["unpacked"]
    assert isinstance(fault, Fault)
    assert fault.proven
    assert "the index serves another file than the one that was locked" in fault.message
    gone = replace(found, written=found.lock_text.replace(server.host, "127.0.0.1:1"))
    fault = unpacked(asked, {"resolution": gone}, how, quiet).facts["unpacked"]
    assert isinstance(fault, Fault)
    assert not fault.proven
    offline = unpacked(asked, {"resolution": gone}, replace(how, offline=True), quiet)
    assert "unpacked" not in {name for name, fact in offline.facts.items() if isinstance(fact, Fault)}
    assert offline.facts[f"{OF_PROBE}loading"] == Missing(
        "nothing was unpacked: not all of it is in the cache, and the network was not to be used"
    )


def test_a_second_look_unpacks_nothing_again_and_a_stack_with_the_same_wheels_neither(
    server: IndexServer, how: pipeline.Options
) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    told: list[str] = []
    reports = [
        pipeline.check(stack(server, id=name, packages={"pure": "1.5"}), how, told.append)
        for name in ("one", "two")
    ]
    assert sum("unpacking the wheels for" in line for line in told) == 1
    first, second = (said(report, Outcome.PASS) for report in reports)
    assert second.pop("WHEEL301").startswith("1 wheel for Python 3.13")
    assert "known by their SHA-256" in said(reports[1], Outcome.PASS)["WHEEL301"]
    assert first.pop("WHEEL301") != ""
    assert first == second
    folder = Path(reports[0].subject.name)
    shutil.rmtree(folder)
    again = pipeline.check(stack(server, packages={"pure": "1.5"}), how, quiet)
    assert (said(again, Outcome.PASS).keys(), folder.exists()) == (
        said(reports[1], Outcome.PASS).keys(),
        False,
    )
    fresh = replace(how, build=replace(how.build, no_cache=True))
    pipeline.check(stack(server, packages={"pure": "1.5"}), fresh, quiet)
    assert folder.exists()


@pytest.mark.parametrize(("name", "outcome"), [("gone", Outcome.FAIL), ("here", Outcome.PASS)])
def test_names_that_wheels_import_of_each_other_are_read_where_they_are_unpacked_and_kept(
    server: IndexServer, how: pipeline.Options, name: str, outcome: Outcome
) -> None:
    server.add("main", make_wheel("torch", "2.5.0"), make_wheel("lib", "1.0", more={"lib/a.py": "here = 1"}))
    code = {"app/b.py": f"from lib.a import {name}", "app/__init__.py": "from app import b"}
    server.add("main", make_wheel("app", "1.0", "torch", "lib", more=code))
    asked = stack(server, packages={"app": "1.0", "torch": "2.5.0"})
    said_: list[list[tuple[Outcome, str]]] = []
    told: list[str] = []
    for _ in range(2):
        report = pipeline.check(asked, how, told.append)
        said_.append([(each.outcome, each.message) for each in report.verdicts if each.code == "NEEDS301"])
    assert sum("unpacking the wheels for" in line for line in told) == 1
    assert said_[0] == said_[1]
    ((found, message),) = said_[0]
    assert (found, "app" in message) == (outcome, True)


def test_of_known_wheels_in_a_new_set_uv_unpacks_what_it_has_and_else_their_names_are_not_checked(
    server: IndexServer, how: pipeline.Options
) -> None:
    server.add("main", make_wheel("torch", "2.5.0"), make_wheel("lib", "1.0"), make_wheel("other", "1.0"))
    server.add("main", make_wheel("app", "1.0", "torch", "lib", more={"app/__init__.py": "import lib.gone"}))
    one, two = ({"app": "1.0", "torch": "2.5.0", **more} for more in ({}, {"other": "1.0"}))
    pipeline.check(stack(server, packages=two), how, quiet)
    first = pipeline.check(stack(server, packages=one), how, quiet)
    assert "NEEDS301" in said(first, Outcome.FAIL)
    shutil.rmtree(how.build.cache / "imported-names")
    shutil.rmtree(how.build.cache / "unpacked")
    shutil.rmtree(os.environ["UV_CACHE_DIR"])
    again = pipeline.check(stack(server, packages=one), how, quiet)
    assert "known by their SHA-256" in said(again, Outcome.PASS)["WHEEL301"]
    assert said(again, Outcome.SKIP)["NEEDS301"].startswith(
        "what importing app takes from others was not read: "
    )


def test_of_a_family_each_member_that_is_not_built_here_is_judged_by_its_files(
    server: IndexServer, how: pipeline.Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    python = ".".join(platform.python_version_tuple()[:2])
    monkeypatch.setattr(building, "find_python", lambda version, _environ: version == python)
    wanted = (("built", python, HERE), ("left", "3.14", HERE), ("other", python, OTHER))
    members = [
        stack(server, id=name, family="f", python=version, platform=system, packages={"pure": "1.5"})
        for name, version, system in wanted
    ]
    options = replace(how, engine="venv", bytes=False)
    reports = [pipeline.verify(member, options, quiet, members) for member in members]
    assert [report.reach.level for report in reports] == [Level.RUN, Level.BYTES, Level.BYTES]
    assert {report.exit_code() for report in reports} == {0}
    assert [report.subject.kind for report in reports] == ["venv", "wheels", "wheels"]
    reasons = [report.reach.unreached.get(Level.RUN) for report in reports]
    assert reasons == [
        None,
        "not built: there is no Python 3.14 on this machine, built stands for its family",
        f"not built: the stack is for {OTHER}, this machine is {HERE}",
    ]


def test_the_files_say_the_same_whether_they_were_unpacked_or_installed(
    server: IndexServer, how: pipeline.Options
) -> None:
    extension = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so"))
    twice = {"shared/a.py": "1"}
    server.add(
        "main", make_wheel("native", "1.0", "pure==1.0", more={"native/_C.so": extension.read_bytes()})
    )
    server.add("main", make_wheel("pure", "1.0", more=twice), make_wheel("pure", "1.5", more=twice))
    python = ".".join(platform.python_version_tuple()[:2])
    packages = {"native": "1.0", "pure": "1.5"}
    wrong = stack(server, python=python, platform=HERE, packages=packages, overrides=["pure==1.5"])
    options = replace(how, engine="venv", keep_going=True)
    of_files = {rule.code for rule in rules.of_files()} - {"WHEEL301", "LOAD305"}
    unpacked_, installed = (
        {(each.code, each.outcome.name) for each in report.verdicts if each.code in of_files}
        for report in (pipeline.check(wrong, options, quiet), pipeline.verify(wrong, options, quiet))
    )
    assert unpacked_ == installed
    assert {code for code, outcome in installed if outcome == "FAIL"} == {"DIST303"}
    assert {("LOAD301", "PASS"), ("LOAD302", "PASS"), ("DIST302", "PASS")} <= installed


def test_the_engine_wheels_builds_nothing_and_says_so(server: IndexServer, how: pipeline.Options) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    asked = stack(server, packages={"pure": "1.5"})
    report = pipeline.verify(asked, replace(how, engine="wheels"), quiet)
    assert report.reach.level is Level.BYTES
    assert report.reach.unreached[Level.RUN] == "not built: the engine wheels looks at files alone"


def test_the_command_says_how_far_it_came(
    server: IndexServer, how: pipeline.Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add("main", make_wheel("pure", "1.5"))
    text = f"""\
[[stack]]
id = "small"
python = "3.13"
platform = "linux/arm64"
packages = {{ pure = "1.5" }}
index = {{ url = "{server.simple("main")}" }}
"""
    (tmp_path / "s.toml").write_text(text)
    assert main(["check", "--bytes", "--quiet", str(tmp_path / "s.toml")]) == 0
    assert "PASS  small: up to bytes (the files of the wheels, nothing run)" in capsys.readouterr().out
    assert how.bytes


def test_the_matrix_says_which_library_of_a_wheel_serves_which_gpu(
    server: IndexServer, how: pipeline.Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = (Path(__file__).parents[2] / "data" / "gpucode" / "uneven.so").read_bytes()
    server.add("main", make_wheel("ops", "1.5", more={"ops/_C.so": library}))
    text = f"""\
[[stack]]
id = "small"
python = "3.11"
platform = "linux/amd64"
packages = {{ ops = "1.5" }}
index = {{ url = "{server.simple("main")}" }}
"""
    (tmp_path / "s.toml").write_text(text)
    asked = ["matrix", "--bytes", "--quiet", "--gpu", "T4,H100,B200", "--format", "json"]
    assert main([*asked, str(tmp_path / "s.toml")]) == 1, "its one library has nothing for a T4"
    (row,) = json.loads(capsys.readouterr().out)["libraries"]
    assert (row["package"], row["version"], row["files"], row["stacks"]) == (
        "ops",
        "1.5",
        ["_C.so"],
        ["small"],
    )
    assert row["gpus"] == {"T4": "no", "H100": "native", "B200": "ptx"}
    assert how.bytes


@pytest.mark.online
def test_real_wheels_for_arm_are_good_on_any_machine(
    how: pipeline.Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "30")
    packages = {"numpy": "1.26.4", "markupsafe": "3.0.2"}
    asked = Stack.model_validate({"id": "arm", **ARM, "python": "3.12", "packages": packages})
    report = pipeline.check(asked, replace(how, build=BuildOptions(cache=tmp_path / "cache")), quiet)
    assert (report.result, report.reach.level) == (Outcome.PASS, Level.BYTES)
    good = said(report, Outcome.PASS)
    assert said(report, Outcome.SKIP) == {}
    assert good["LOAD302"].startswith("glibc 2.36 (the system) serves all: the libraries need GLIBC_2.17")
    assert "find in the wheels what they need" in good["LOAD301"]
