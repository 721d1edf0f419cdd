"""Resolution by the real uv against a real index on 127.0.0.1, healthy and with every fault."""

from __future__ import annotations

import stat
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import knowledge
from stackcheck.environment import definition_facts, environment_of
from stackcheck.intake.stack import Stack
from stackcheck.model.index_urls import login_name
from stackcheck.model.lock import Lock, fingerprint, is_current
from stackcheck.model.verdict import Outcome
from stackcheck.resolve.lockfile import read_lock
from stackcheck.resolve.locking import Locked, lock_stack, resolution_facts, what_it_lacks
from stackcheck.resolve.memory import RunMemory
from stackcheck.resolve.resolver import Options, Resolution, Unresolved, resolve
from stackcheck.rules import load_all
from stackcheck.rules.index.resolved import pages_hold_the_wheels
from stackcheck.rules.lock.resolved import pins_resolve
from stackcheck.rules.lock.resolved_files import locked_files_are_there
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.storage.stack_files import lock_path
from tests.integration.index.server import FAULTS, Handler, IndexServer, make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck.rules.registry import Finding

load_all()
SECRET = "s3cr3t-hunter2"


def stack(url: str, packages: dict[str, Any], **fields: Any) -> Stack:
    index = fields.pop("index", {"url": url})
    base = {"id": "local-stack", "python": "3.11", "platform": "linux/amd64", "glibc": "2.36"}
    return Stack.model_validate({**base, "packages": packages, "index": index, **fields})


def with_env(options: Options, **values: str) -> Options:
    return replace(options, environ={**options.environ, **values})


def resolved(found: Resolution | Unresolved) -> Resolution:
    assert isinstance(found, Resolution), found
    return found


def unresolved(found: Resolution | Unresolved) -> Unresolved:
    assert isinstance(found, Unresolved), found
    return found


def verdict_of(found: Resolution | Unresolved) -> list[Finding]:
    return pins_resolve(found)  # type: ignore[return-value]


def test_a_resolution_names_file_index_hash_and_what_each_package_drew_in(
    server: IndexServer, options: Options
) -> None:
    alpha = make_wheel("alpha", "1.0", "beta>=1")
    server.add("main", alpha, make_wheel("beta", "1.0"), make_wheel("beta", "2.0"))
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert [(p.name, str(p.version), p.requires) for p in found.packages] == [
        ("alpha", "1.0", ("beta",)),
        ("beta", "2.0", ()),
    ]
    first = found.by_name["alpha"]
    assert first.filename == "alpha-1.0-py3-none-any.whl"
    assert first.sha256 == alpha.sha256
    assert first.size == len(alpha.content)
    assert first.index == server.simple("main")
    assert first.url == f"http://{server.host}/main/files/alpha-1.0-py3-none-any.whl"
    assert first.uploaded.startswith("2026-01-02")
    assert (found.python, found.platform, found.assumed) == ("3.11", "x86_64-manylinux_2_36", ())


def test_what_is_kept_of_a_resolution_is_right_after_the_index_moved(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": ">=1.0"})
    first = resolved(resolve(wanted, options))
    assert resolved(resolve(wanted, options)) == first
    server.add("main", make_wheel("alpha", "2.0"))
    moved = resolved(resolve(wanted, options))
    assert [(p.name, str(p.version), p.requires) for p in moved.packages] == [("alpha", "2.0", ())]
    for kept in (options.cache_folder / "resolve").rglob("origins.json"):
        kept.write_bytes(b"{damaged")
    assert resolved(resolve(wanted, options)) == moved


def test_an_html_only_index_resolves_just_as_well(server: IndexServer, options: Options) -> None:
    server.json_pages = False
    server.add("main", make_wheel("alpha", "1.0"))
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert found.version("alpha") is not None


def test_the_best_version_of_all_indexes_wins_also_with_a_local_version(
    server: IndexServer, options: Options
) -> None:
    server.add("cu124", make_wheel("alpha", "1.0+cu124"), make_wheel("numpy", "1.0"))
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("numpy", "1.26.4"))
    index = {"url": server.simple("main"), "extra": [server.simple("cu124")]}
    wanted = stack("", {"alpha": "1.0+cu124", "numpy": "1.26.4"}, index=index)
    found = resolved(resolve(wanted, options))
    assert str(found.version("alpha")) == "1.0+cu124"
    assert found.by_name["alpha"].index == server.simple("cu124")
    assert found.by_name["numpy"].index == server.simple("main")


def test_a_package_with_its_own_index_comes_from_there_alone(server: IndexServer, options: Options) -> None:
    server.add("cu124", make_wheel("alpha", "1.0+cu124", "beta"))
    server.add("main", make_wheel("alpha", "2.0"), make_wheel("beta", "1.0"))
    alpha = {"version": ">=1.0", "index": server.simple("cu124")}
    found = resolved(resolve(stack(server.simple("main"), {"alpha": alpha}), options))
    assert str(found.version("alpha")) == "1.0+cu124"
    assert str(found.version("beta")) == "1.0"


def test_find_links_pages_of_the_stack_and_of_one_package_are_read(
    server: IndexServer, options: Options
) -> None:
    server.add("page", make_wheel("gamma", "3.0"))
    server.add("own", make_wheel("delta", "4.0"))
    server.add("main", make_wheel("alpha", "1.0"))
    packages = {
        "alpha": "1.0",
        "gamma": "3.0",
        "delta": {"version": "4.0", "find_links": server.links("own")},
    }
    index = {"url": server.simple("main"), "find_links": [server.links("page")]}
    found = resolved(resolve(stack("", packages, index=index), options))
    assert {p.name for p in found.packages} == {"alpha", "gamma", "delta"}
    assert all(p.sha256 for p in found.packages)


def test_a_folder_of_wheels_beside_the_definition_is_found(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    folder = tmp_path / "project" / "wheels"
    folder.mkdir(parents=True)
    upload = make_wheel("gamma", "3.0")
    (folder / upload.filename).write_bytes(upload.content)
    index = {"url": server.simple("main"), "find_links": ["wheels"]}
    wanted = stack("", {"alpha": "1.0", "gamma": "3.0"}, index=index, file=str(tmp_path / "project/m.toml"))
    found = resolved(resolve(wanted, options))
    assert found.by_name["gamma"].sha256 == upload.sha256


def test_of_several_fitting_wheels_the_one_an_installer_would_take_is_named(
    server: IndexServer, options: Options
) -> None:
    tags = ("py3-none-any", "cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_17_x86_64")
    server.add("main", *(make_wheel("alpha", "1.0", tag=tag) for tag in tags))
    server.add("main", make_wheel("alpha", "1.0", tag="cp312-cp312-manylinux_2_28_x86_64"))
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert found.by_name["alpha"].filename == "alpha-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"


def test_a_conflict_names_the_two_requirements_and_keeps_uvs_reasoning(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("spconv", "2.3.8", "cumm>=0.7.11,<0.8.0"))
    server.add("main", make_wheel("cumm", "0.7.11"), make_wheel("cumm", "0.8.2"))
    found = unresolved(resolve(stack(server.simple("main"), {"spconv": "2.3.8", "cumm": "0.8.2"}), options))
    assert found.kind == "conflict"
    assert found.requirements == ("spconv==2.3.8: cumm>=0.7.11,<0.8.0", "the stack: cumm==0.8.2")
    [verdict] = verdict_of(found)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "spconv==2.3.8 needs cumm>=0.7.11,<0.8.0, but the stack needs cumm==0.8.2."
    assert (verdict.expected, verdict.found) == found.requirements
    assert "we can conclude" in verdict.evidence[0].what


def test_a_version_that_is_not_there_is_a_fail_that_names_what_is(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("alpha", "1.1"))
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "2.0"}), options))
    assert (found.kind, found.exists) == ("not-found", ("1.1", "1.0"))
    [verdict] = verdict_of(found)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == (
        "the stack needs alpha==2.0, which is on none of the indexes and pages that were read; "
        "there is 1.1, 1.0."
    )


def test_a_file_that_an_index_lost_is_named_with_who_needs_it(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("torch", "2.5.0", "nvidia-cudnn-cu12==9.1.0.70"))
    server.add("main", make_wheel("nvidia-cudnn-cu12", "9.5.0.50"))
    found = unresolved(resolve(stack(server.simple("main"), {"torch": "2.5.0"}), options))
    assert found.kind == "not-found"
    assert found.message.startswith("torch==2.5.0 needs nvidia-cudnn-cu12==9.1.0.70, which is on none")
    assert found.exists == ("9.5.0.50",)


def test_a_replaced_pypi_is_named_when_a_package_is_missing(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "1.0", "beta": "1.0"}), options))
    assert found.kind == "not-found"
    assert "replaces PyPI" in found.hint
    assert "index.extra" in found.hint


def test_a_project_with_a_source_only_package_does_not_fail_and_all_of_them_are_named(
    server: IndexServer, options: Options
) -> None:
    """hydra-core 1.3.2 draws in antlr4-python3-runtime, which has no wheel: pip builds it."""
    server.add("main", make_wheel("hydra-core", "1.3.2", "antlr4==4.9.*", "omegaconf"))
    server.add("main", make_wheel("omegaconf", "2.3.0", "antlr4==4.9.*"), make_sdist("antlr4", "4.9.3"))
    server.add("main", make_sdist("deepspeed", "0.18.2"), make_wheel("deepspeed", "0.3.1.dev3"))
    packages = {"hydra-core": "1.3.2", "deepspeed": "0.18.2"}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert {p.name: str(p.version) for p in found.packages} == {
        "hydra-core": "1.3.2",
        "omegaconf": "2.3.0",
        "antlr4": "4.9.3",
        "deepspeed": "0.18.2",
    }
    assert found.by_name["hydra-core"].requires == ("antlr4", "omegaconf")
    _, verdict = verdict_of(found)
    assert (verdict.outcome, verdict.message) == (
        Outcome.WARN,
        (
            "pip would build from source, for want of a wheel that fits Python 3.11: antlr4 4.9.3 (for "
            "hydra-core and omegaconf), deepspeed 0.18.2; what these require themselves was not resolved."
        ),
    )


def test_an_open_version_is_the_newest_that_pip_would_take_and_not_an_ancestor_with_a_wheel(
    server: IndexServer, options: Options
) -> None:
    """deepspeed has no wheel since 0.3.1.dev3, so uv, asked for wheels alone, takes that."""
    server.add("main", make_wheel("deepspeed", "0.3.1.dev3"), make_sdist("deepspeed", "0.18.2"))
    server.add(
        "main", make_wheel("iopath", "0.1.9"), make_sdist("iopath", "0.1.10"), make_wheel("torch", "2.5.0")
    )
    server.add("main", make_sdist("torch", "2.4.0"))
    packages = {"deepspeed": "latest", "iopath": ">=0.1", "torch": "latest"}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert {p.name: str(p.version) for p in found.packages} == {
        "deepspeed": "0.18.2",
        "iopath": "0.1.10",
        "torch": "2.5.0",
    }
    assert found.source_only == ("deepspeed", "iopath")


def test_what_resolved_packages_say_of_torch_and_numpy_is_read_once(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("timm", "1.0", "torch>=1.7 ; python_version >= '3.9'", "pyyaml", "tqdm>=4"))
    server.add("main", make_wheel("torch", "2.5.0", "numpy<2"), make_wheel("numpy", "1.26.4"))
    server.add("main", make_wheel("pyyaml", "6.0"), make_wheel("tqdm", "4.70"))
    wanted = stack(server.simple("main"), {"timm": "1.0"})
    found = resolved(resolve(wanted, options))
    assert found.declared == {
        "timm": ('torch>=1.7; python_version >= "3.9"',),
        "torch": ("numpy<2",),
    }
    asked = len(server.requests)
    assert resolved(resolve(wanted, replace(options, offline=True))).declared == found.declared
    assert len(server.requests) == asked


def test_where_the_stack_forbids_source_builds_each_is_a_fail(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("hydra-core", "1.3.2", "antlr4"), make_sdist("antlr4", "4.9.3"))
    server.add("main", make_sdist("deepspeed", "0.18.2"))
    packages = {"hydra-core": "1.3.2", "deepspeed": "0.18.2"}
    wanted = stack(server.simple("main"), packages, source_builds="forbid")
    found = unresolved(resolve(wanted, options))
    assert found.kind == "no-wheel"
    refused = "which has no wheel for Python 3.11 on linux/amd64, and the stack forbids source builds."
    assert [(v.outcome, v.message) for v in verdict_of(found)] == [
        (
            Outcome.FAIL,
            f"hydra-core needs antlr4 4.9.3, {refused}",
        ),
        (
            Outcome.FAIL,
            f"the stack needs deepspeed 0.18.2, {refused}",
        ),
    ]


@pytest.mark.parametrize("has_wheel", [True, False])
def test_a_source_that_no_index_has_proves_nothing(
    server: IndexServer, options: Options, has_wheel: bool
) -> None:
    """Who builds our-ops or torch takes the source from a repository; a namesake on an index is not it."""
    server.add("main", make_wheel("beta", "1.0", "our-ops"))
    if has_wheel:
        server.add("main", make_wheel("our-ops", "0.0.1"))
    packages = {"our-ops": {"version": "0.1", "from": "source"}, "beta": "1.0"}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert [p.name for p in found.packages] == ["beta"]
    assert [(v.outcome, v.message) for v in verdict_of(found)] == [
        (Outcome.PASS, "1 package resolves together for Python 3.11."),
        (
            Outcome.SKIP,
            (
                "not resolved: our-ops: built from source, and no index has a source archive of it; state "
                "its git, url or path."
            ),
        ),
    ]


def test_a_stack_of_nothing_but_such_a_source_is_a_skip(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    packages = {"alpha": {"version": "1.0", "from": "source"}}
    found = unresolved(resolve(stack(server.simple("main"), packages), options))
    assert (found.kind, verdict_of(found)[0].outcome) == ("not-stated", Outcome.SKIP)


def test_a_package_from_git_or_a_folder_is_neither_looked_for_nor_drawn_in(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0", "ops>=1", "kernels"), make_wheel("ops", "9.9"))
    packages = {
        "alpha": "1.0",
        "ops": {"from": "git+https://me:hunter2@example.org/ops@v1.0", "version": "1.0"},
        "kernels": "./kernels",
    }
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert [p.name for p in found.packages] == ["alpha"]
    assert found.left_out == (
        "ops: comes from git+https://example.org/ops@v1.0; what it requires itself was not resolved",
        "kernels: comes from ./kernels; what it requires itself was not resolved",
    )
    assert "hunter2" not in repr(found)


def test_a_git_package_whose_version_another_one_refuses_is_a_conflict(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0", "ops>=2"))
    packages = {"alpha": "1.0", "ops": {"from": "git+https://example.org/ops@v1.0", "version": "1.0"}}
    found = unresolved(resolve(stack(server.simple("main"), packages), options))
    assert found.message == "alpha==1.0 needs ops>=2, but the stack needs ops==1.0"


@pytest.mark.parametrize("way", ["url", "hashed", "path"])
def test_what_a_wheel_by_url_or_path_requires_is_resolved(
    server: IndexServer, options: Options, tmp_path: Path, way: str
) -> None:
    upload = make_wheel("ops", "1.0+cu124", "beta<2")
    server.add("direct", upload)
    server.add("main", make_wheel("beta", "1.0"), make_wheel("beta", "2.0"))
    server.add("main", make_wheel("alpha", "1.0", "ops"))
    (tmp_path / upload.filename).write_bytes(upload.content)
    url = f"http://{server.host}/direct/files/{upload.filename}"
    place = {"url": url, "hashed": f"{url}#sha256={upload.sha256}", "path": f"./{upload.filename}"}[way]
    wanted = stack(server.simple("main"), {"ops": place, "alpha": "1.0"}, file=str(tmp_path / "m.toml"))
    found = resolved(resolve(wanted, options))
    locked_ops = {"ops": "1.0+cu124"} if way == "hashed" else {}
    assert {p.name: str(p.version) for p in found.packages} == {"alpha": "1.0", "beta": "1.0", **locked_ops}
    assert {name: str(version) for name, version in found.given.items()} == {"ops": "1.0+cu124"}
    if way == "hashed":
        ops = found.by_name["ops"]
        assert (ops.url, ops.sha256, ops.filename, ops.is_wheel) == (
            url,
            upload.sha256,
            upload.filename,
            True,
        )
        assert found.left_out == ()
    else:
        [note] = found.left_out
        assert note.endswith(f"{upload.filename}, which a lock can hold only with its #sha256=...")


def test_a_wheel_by_url_that_cannot_be_read_is_said(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", "ops"))
    place = f"http://me:hunter2@{server.host}/direct/files/ops-1.0-py3-none-any.whl"
    found = resolved(resolve(stack(server.simple("main"), {"ops": place, "alpha": "1.0"}), options))
    assert found.left_out[0].startswith("ops: what its wheel requires was not read: http://")
    assert [p.name for p in found.packages] == ["alpha"]
    assert "hunter2" not in repr(found)


def test_what_the_stack_itself_requires_is_held_against_its_pins(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("mmcv", "1.4.0"), make_wheel("mmcv", "2.2.0"), make_wheel("alpha", "1.0"))
    needs = ["mmcv>=1.3,<1.5", "alpha"]
    found = unresolved(resolve(stack(server.simple("main"), {"mmcv": "2.2.0"}, requires=needs), options))
    assert (found.kind, found.requirements) == (
        "conflict",
        ("the stack: mmcv==2.2.0", "the stack: mmcv>=1.3,<1.5"),
    )
    good = resolved(resolve(stack(server.simple("main"), {"mmcv": "1.4.0"}, requires=needs), options))
    assert {p.name for p in good.packages} == {"mmcv", "alpha"}


def test_constraints_and_overrides_mean_what_they_mean_to_uv(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", "beta", "gamma<2"), make_wheel("gamma", "3.0"))
    server.add("main", make_wheel("beta", "1.0"), make_wheel("beta", "2.0"))
    fields = {"constraints": ["beta<2"], "overrides": ["gamma==3.0"]}
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}, **fields), options))
    assert {p.name: str(p.version) for p in found.packages} == {"alpha": "1.0", "beta": "1.0", "gamma": "3.0"}


def test_a_package_whose_marker_is_false_is_not_resolved_and_said(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    packages = {"alpha": "1.0; sys_platform == 'linux'", "winonly": "1.0; sys_platform == 'win32'"}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert [p.name for p in found.packages] == ["alpha"]
    assert found.left_out == ()
    assert found.absent == ("winonly: its marker is false here: sys_platform == 'win32'",)


def test_a_source_package_is_taken_and_none_of_its_code_runs(server: IndexServer, options: Options) -> None:
    server.add("main", make_sdist("mmcv", "2.2.0"), make_wheel("alpha", "1.0"))
    packages = {"mmcv": {"version": "2.2.0", "from": "source"}, "alpha": "1.0"}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert found.by_name["mmcv"].filename == "mmcv-2.2.0.tar.gz"
    assert not found.by_name["mmcv"].is_wheel
    skips = [v.message for v in verdict_of(found) if v.outcome is Outcome.SKIP]
    assert skips == [
        (
            "not resolved: mmcv: built from source; what it requires itself is known only to its build, "
            "so state it."
        )
    ]


def test_beside_a_conda_torch_no_second_torch_is_drawn_in(server: IndexServer, options: Options) -> None:
    server.add(
        "main", make_wheel("timm", "0.9.12", "torch>=1.7", "torchvision"), make_wheel("torch", "2.15.0")
    )
    server.add("main", make_wheel("torchvision", "0.16.0", "torch==2.1.0"))
    server.add("main", make_wheel("torchvision", "0.30.0", "torch==2.15.0"))
    packages = {"timm": "0.9.12", "torch": {"version": "2.1.0", "from": "conda"}}
    wanted = stack(server.simple("main"), packages, cuda="11.8", accelerator="cuda")
    found = resolved(resolve(wanted, options))
    assert {p.name: str(p.version) for p in found.packages} == {"timm": "0.9.12", "torchvision": "0.16.0"}
    assert found.by_name["timm"].requires == ("torch", "torchvision")
    assert "given" not in found.lock_text
    assert found.left_out == (
        (
            "torch: comes from conda; its version was taken as given, and what it requires itself was not "
            "resolved"
        ),
    )
    facts = definition_facts(wanted, knowledge.load(), resolution=found)
    assert not [v for v in judge_one(RULES["CUDA102"], facts) if v.outcome is Outcome.FAIL]


def test_a_conda_torch_that_a_package_refuses_is_the_conflict(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("vllm", "0.6.3", "torch==2.4.0"), make_wheel("torch", "2.4.0"))
    packages = {"vllm": "0.6.3", "torch": {"version": "2.1.0", "from": "conda"}}
    found = unresolved(resolve(stack(server.simple("main"), packages), options))
    assert found.message == "vllm==0.6.3 needs torch==2.4.0, but the stack needs torch==2.1.0"


def test_a_conda_package_of_an_open_version_is_drawn_in_by_nobody(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("timm", "0.9.12", "torch"), make_wheel("torch", "2.15.0"))
    packages = {"timm": "0.9.12", "torch": {"version": ">=2", "from": "conda"}}
    found = resolved(resolve(stack(server.simple("main"), packages), options))
    assert [p.name for p in found.packages] == ["timm"]


def test_a_wheel_for_another_python_only_is_a_fail(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64"))
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert found.kind == "no-python-wheel"
    assert verdict_of(found)[0].message == (
        "the stack needs alpha==1.0, which has no wheel for Python 3.11 on linux/amd64; "
        "no version has a wheel for Python 3.11 on linux/amd64."
    )


def test_only_versions_that_would_serve_are_named_instead(server: IndexServer, options: Options) -> None:
    for version, tag in (
        ("1.0", "cp311-cp311-manylinux_2_17_x86_64"),
        ("1.1", "cp311-cp311-manylinux_2_17_aarch64"),
        ("1.2", "cp312-cp312-manylinux_2_17_aarch64"),
        ("1.3", "cp311-cp311-win_amd64"),
    ):
        server.add("main", make_wheel("alpha", version, tag=tag))
    server.add("main", make_sdist("alpha", "1.4"), make_wheel("decord", "0.6.0", tag="py3-none-win_amd64"))
    packages = {"alpha": "1.0", "decord": "0.6.0"}
    found = unresolved(resolve(stack(server.simple("main"), packages, platform="linux/arm64"), options))
    assert [v.message for v in verdict_of(found)] == [
        "the stack needs alpha==1.0, which has no wheel for linux/arm64; there is 1.1.",
        "the stack needs decord==0.6.0, which has no wheel for linux/arm64; no version has one.",
    ]


def test_what_lacks_the_platform_in_every_version_is_not_blamed_on_the_python(
    server: IndexServer, options: Options
) -> None:
    """cumm-cu118 = "latest" on linux/arm64: its newest versions have wheels for newer Pythons alone."""
    server.add("main", make_wheel("cumm", "0.8.2", tag="cp312-cp312-manylinux_2_28_x86_64"))
    server.add("main", make_wheel("cumm", "0.7.11", tag="cp311-cp311-manylinux_2_28_x86_64"))
    wanted = stack(server.simple("main"), {"cumm": "latest"}, platform="linux/arm64")
    found = unresolved(resolve(wanted, options))
    assert (found.kind, found.message) == (
        "no-platform-wheel",
        "the stack needs cumm, which has no wheel for linux/arm64; no version has one",
    )


def test_all_faults_are_named_in_one_run(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("torch", "2.9.1"), make_wheel("torch", "2.2.0"), make_wheel("alpha", "1.0"))
    server.add(
        "main", make_wheel("vision", "0.17", "torch==2.2.0"), make_wheel("vllm", "0.6.3", "torch==2.4.0")
    )
    packages = {"torch": "2.9.1", "vision": "0.17", "vllm": "0.6.3", "alpha": "2.0", "nowhere": "1.0"}
    found = unresolved(resolve(stack(server.simple("main"), packages), options))
    assert {v.message for v in verdict_of(found)} == {
        "the stack needs alpha==2.0, which is on none of the indexes and pages that were read; there is 1.0.",
        "the stack needs nowhere==1.0, which is on none of the indexes and pages that were read.",
        "vision==0.17 needs torch==2.2.0, but the stack needs torch==2.9.1.",
        "vllm==0.6.3 needs torch==2.4.0, but the stack needs torch==2.9.1.",
    }
    assert {v.outcome for v in verdict_of(found)} == {Outcome.FAIL}


def test_a_release_that_requires_a_newer_python_counts_as_no_wheel_for_this_one(
    server: IndexServer, options: Options
) -> None:
    server.add("main", replace(make_wheel("alpha", "1.0"), requires_python=">=3.12"))
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert found.kind == "no-python-wheel"


def test_a_patch_release_of_python_that_is_not_stated_fails_nothing(
    server: IndexServer, options: Options
) -> None:
    server.add("main", replace(make_wheel("alpha", "1.0"), requires_python=">=3.11.4"))
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    assert found.assumed == ("the newest patch release of Python 3.11",)
    assert "3.11.99" not in found.lock_text


def test_a_stated_patch_release_of_python_is_taken_at_its_word(server: IndexServer, options: Options) -> None:
    server.add("main", replace(make_wheel("alpha", "1.0"), requires_python=">=3.11.4"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"}, python="3.11.2")
    assert unresolved(resolve(wanted, options)).kind == "no-python-wheel"


def test_a_wheel_for_a_newer_glibc_is_a_fail_where_the_glibc_is_stated(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0", tag="cp311-cp311-manylinux_2_35_x86_64"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"}, glibc="2.31")
    assert unresolved(resolve(wanted, options)).kind == "no-platform-wheel"


def test_a_glibc_that_is_not_stated_fails_nothing(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", tag="cp311-cp311-manylinux_2_35_x86_64"))
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}, glibc=None), options))
    assert "glibc 2.40" in found.assumed
    assert "assuming glibc 2.40" in verdict_of(found)[0].message


def test_the_glibc_of_the_base_image_counts(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", tag="cp311-cp311-manylinux_2_39_x86_64"))
    base = {"base": "python:3.11-slim-bookworm"}
    wanted = stack(server.simple("main"), {"alpha": "1.0"}, glibc=None, image=base)
    assert unresolved(resolve(wanted, options)).kind == "no-platform-wheel"


def test_no_platform_stated_and_none_fitting_is_a_skip(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", tag="cp311-cp311-win_amd64"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"}, platform=None)
    found = unresolved(resolve(wanted, options))
    [verdict] = verdict_of(found)
    assert verdict.outcome is Outcome.SKIP
    assert verdict.message == (
        "the stack states no platform; for linux/amd64, the stack needs alpha==1.0, "
        "which has no wheel for linux/amd64; no version has one."
    )


def test_where_no_python_is_stated_the_newest_that_torch_has_and_that_resolves_is_taken(
    server: IndexServer, options: Options
) -> None:
    tags = ("cp310-cp310-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_x86_64")
    server.add("main", make_wheel("torch", "2.5.0"), *(make_wheel("alpha", "1.0", tag=tag) for tag in tags))
    wanted = stack(server.simple("main"), {"torch": "2.5.0", "alpha": "1.0"}, python=None)
    found = resolved(resolve(wanted, options))
    assert (found.python, found.assumed) == ("3.11", ("Python 3.11",))
    assert found.by_name["alpha"].filename == "alpha-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    assert [v.message for v in verdict_of(found)] == [
        "2 packages resolve together for Python 3.11 (assumed: the stack states none)."
    ]


def test_where_no_python_resolves_the_newest_says_why(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("torch", "2.5.0"), make_wheel("alpha", "1.0", tag="cp37-cp37m-win_amd64"))
    wanted = stack(server.simple("main"), {"torch": "2.5.0", "alpha": "1.0"}, python=None)
    found = unresolved(resolve(wanted, options))
    assert (found.kind, found.assumed) == ("no-platform-wheel", ("Python 3.13",))
    assert verdict_of(found)[0].outcome is Outcome.FAIL


CASES = [
    ("500", "bad-index", "answered with HTTP status 500"),
    ("503", "bad-index", "answered with HTTP status 503"),
    ("401", "denied", "HTTP status 401"),
    ("403", "denied", "HTTP status 403"),
    ("404", "bad-index", "this may not be a package index"),
    ("cut", "bad-index", "its answer was cut short"),
    ("slow", "unreachable", "it did not answer in time"),
    ("plain", "bad-index", "its answer is not an index page"),
    ("garbage", "bad-index", "the answer is called HTML but holds none"),
    ("login", "bad-index", "the answer is a login page"),
]


@pytest.mark.parametrize(("name", "kind", "words"), CASES)
def test_an_index_that_does_not_do_its_work_is_an_error_and_says_how(
    server: IndexServer, options: Options, name: str, kind: str, words: str
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/main/simple/"] = FAULTS[name]
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))
    [verdict] = verdict_of(found)
    assert (found.kind, verdict.outcome) == (kind, Outcome.ERROR)
    assert words in verdict.message
    assert server.host in verdict.message
    assert verdict.hint


PAGE_CASES = [(n, "bad-index" if n == "404" else k, w) for n, k, w in CASES if n not in ("404", "plain")]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [*PAGE_CASES, ("404", "bad-index", "HTTP status 404"), ("plain", "bad-index", "not an index page")],
)
def test_a_find_links_page_that_does_not_do_its_work_is_an_error(
    server: IndexServer, options: Options, name: str, kind: str, words: str
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/own/links/"] = FAULTS[name]
    mmcv = {"version": "2.2.0", "find_links": server.links("own")}
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "1.0", "mmcv": mmcv}), options))
    assert [p.name for p in found.packages] == ["alpha"]
    assert [each.kind for each in found.unreached] == [kind]
    good, verdict = verdict_of(found)
    assert (good.outcome, verdict.outcome) == (Outcome.PASS, Outcome.ERROR)
    assert "mmcv was left out: " in verdict.message
    assert words in verdict.message


def test_one_index_that_is_down_leaves_out_its_package_alone_and_is_asked_once_a_run(
    server: IndexServer, other: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("beta", "1.0", "thing"))
    other.faults["/"] = FAULTS["503"]
    thing = {"version": "1.0", "index": other.simple("down")}
    wanted = stack(server.simple("main"), {"alpha": "1.0", "beta": "1.0", "thing": thing})
    found = resolved(resolve(wanted, options))
    assert {p.name for p in found.packages} == {"alpha", "beta"}
    asked = len(other.requests)
    again = resolved(resolve(wanted.model_copy(update={"id": "second"}), options))
    assert len(other.requests) == asked
    assert again.unreached == found.unreached
    assert len(resolution_facts(wanted, options)["pages"]) == 1
    assert len(other.requests) == asked


def test_without_an_index_for_everything_what_may_be_there_is_not_called_missing(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/cu124/"] = FAULTS["503"]
    index = {"url": server.simple("main"), "extra": [server.simple("cu124")]}
    found = resolved(resolve(stack("", {"alpha": "1.0", "torch": "2.5.0+cu124"}, index=index), options))
    assert [p.name for p in found.packages] == ["alpha"]
    assert [v.outcome for v in verdict_of(found)] == [Outcome.PASS, Outcome.SKIP, Outcome.ERROR]
    assert found.left_out == ("torch: torch==2.5.0+cu124 may be on an index that did not answer",)


def test_an_index_that_is_down_is_an_error(options: Options) -> None:
    found = unresolved(resolve(stack("http://127.0.0.1:9/simple", {"alpha": "1.0"}), options))
    assert found.kind == "unreachable"
    assert verdict_of(found)[0].message == (
        "whether the pins resolve could not be checked: "
        "http://127.0.0.1:9/simple/alpha/: the connection was refused."
    )


def test_an_index_without_tls_where_https_is_stated_is_an_error(
    server: IndexServer, options: Options
) -> None:
    found = unresolved(resolve(stack(f"https://{server.host}/main/simple", {"alpha": "1.0"}), options))
    assert (found.kind, "TLS" in found.message) == ("unreachable", True)


def test_a_resolver_that_takes_too_long_is_an_error(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/main/simple/"] = FAULTS["slow"]
    patient = replace(with_env(options, UV_HTTP_TIMEOUT="30"), timeout_s=0.5)
    found = unresolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), patient))
    assert (found.kind, verdict_of(found)[0].outcome) == ("unreachable", Outcome.ERROR)


def test_offline_uses_the_cache_and_says_what_it_did_not_ask(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"})
    online = resolved(resolve(wanted, options))
    asked = len(server.requests)
    found = resolved(resolve(wanted, replace(options, offline=True)))
    assert len(server.requests) == asked
    assert found.lock_text == online.lock_text
    assert [v.message for v in verdict_of(found)] == [
        "2 packages resolve together for Python 3.11, from what uv has cached.",
        "whether the indexes still have these files was not asked (--offline).",
    ]


def test_offline_without_a_page_of_a_stated_index_proves_nothing(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.add("tagged", make_wheel("alpha", "1.0+cu118"))
    extra = {"url": server.simple("main"), "extra": [server.simple("tagged")]}
    both = stack("", {"alpha": "1.0"}, index=extra)
    offline = replace(options, offline=True)
    resolved(resolve(stack(server.simple("main"), {"alpha": "1.0"}), options))  # keeps the page of one index
    found = unresolved(resolve(both, offline))
    tagged = server.simple("tagged")
    assert (found.kind, found.where, found.hint) == ("offline", tagged, "run once without --offline")
    assert found.message == f"pages of {tagged} are not in uv's cache, and the network was not to be used"
    (verdict,) = verdict_of(found)
    assert verdict.outcome is Outcome.SKIP
    assert str(resolved(resolve(both, options)).version("alpha")) == "1.0+cu118"
    assert str(resolved(resolve(both, offline)).version("alpha")) == "1.0+cu118"


def test_offline_a_missing_page_may_lift_a_conflict(server: IndexServer, options: Options) -> None:
    server.add(
        "main", make_wheel("alpha", "1.0", "beta==1.0"), make_wheel("beta", "1.0"), make_wheel("beta", "2.0")
    )
    server.add("tagged", make_wheel("alpha", "1.0+free"))
    pins = {"alpha": "1.0", "beta": "2.0"}
    for kept in ("1.0", "2.0"):  # keeps every page and metadata of one index
        packages = {"beta": kept, **({"alpha": "1.0"} if kept == "1.0" else {})}
        resolved(resolve(stack(server.simple("main"), packages), options))
    extra = {"url": server.simple("main"), "extra": [server.simple("tagged")]}
    found = unresolved(resolve(stack("", pins, index=extra), replace(options, offline=True)))
    assert (found.kind, found.where) == ("offline", server.simple("tagged"))
    alone = unresolved(resolve(stack(server.simple("main"), pins), replace(options, offline=True)))
    assert alone.kind == "conflict"
    assert str(resolved(resolve(stack("", pins, index=extra), options)).version("alpha")) == "1.0+free"


def test_offline_knows_which_pages_an_index_does_not_have(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("beta", "1.0"))
    server.add("tagged", make_wheel("alpha", "1.0+cu118"))
    extra = {"url": server.simple("main"), "extra": [server.simple("tagged")]}
    both = stack("", {"alpha": "1.0", "beta": "1.0"}, index=extra)
    online = resolved(resolve(both, options))
    offline = resolved(resolve(both, replace(options, offline=True)))
    assert offline.packages == online.packages


def test_offline_with_nothing_cached_is_a_skip(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    found = unresolved(
        resolve(stack(server.simple("main"), {"alpha": "1.0"}), replace(options, offline=True))
    )
    [verdict] = verdict_of(found)
    assert (found.kind, verdict.outcome) == ("offline", Outcome.SKIP)
    assert verdict.message == (
        "the pins were not resolved: alpha is not in uv's cache, and the network was not to be used."
    )
    assert server.requests == []


def protected(server: IndexServer) -> None:
    server.credentials = f"user:{SECRET}"
    server.add("main", make_wheel("alpha", "1.0"))
    server.add("own", make_wheel("delta", "4.0"))


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the words of every process that is started: anybody on the machine can read these."""
    words: list[str] = []
    start = subprocess.Popen.__init__

    def noted(process: Any, args: Any, *rest: Any, **more: Any) -> None:
        words.extend(map(str, args if isinstance(args, (list, tuple)) else [args]))
        start(process, args, *rest, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", noted)
    return words


@pytest.mark.parametrize("way", ["url", "environment", "netrc"])
def test_credentials_work_and_are_written_nowhere(
    server: IndexServer, options: Options, tmp_path: Path, way: str, started: list[str]
) -> None:
    protected(server)
    main, own = server.simple("main"), server.links("own")
    if way == "url":
        main, own = (u.replace("http://", f"http://user:{SECRET}@") for u in (main, own))
    elif way == "environment":
        for name in map(login_name, (main, own)):
            stated = {f"UV_INDEX_{name}_USERNAME": "user", f"UV_INDEX_{name}_PASSWORD": SECRET}
            options = with_env(options, **stated)
    else:
        netrc = tmp_path / "home" / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
        netrc.chmod(0o600)
    wanted = stack(main, {"alpha": "1.0", "delta": {"version": "4.0", "find_links": own}})
    made = lock_stack(wanted, options, tmp_path / "locks")
    assert isinstance(made, Locked), made
    facts = resolution_facts(wanted, options, tmp_path / "locks")
    env = environment_of(wanted, knowledge.load())
    [page] = pages_hold_the_wheels(env, knowledge.load(), facts["pages"])  # type: ignore[misc]
    assert page.outcome is Outcome.PASS, page
    written = everything_written(tmp_path / "locks") + everything_written(tmp_path / "cache")
    assert SECRET.encode() not in written
    assert SECRET not in repr((facts, made, page))
    assert "compile" in started
    assert not [word for word in started if SECRET in word]


def test_wrong_credentials_are_an_error_that_does_not_show_them(
    server: IndexServer, options: Options
) -> None:
    protected(server)
    main = server.simple("main").replace("http://", "http://user:wrong-passw0rd@")
    found = unresolved(resolve(stack(main, {"alpha": "1.0"}), options))
    assert found.kind == "denied"
    assert "wrong-passw0rd" not in repr(found)
    assert "netrc" in verdict_of(found)[0].hint


def test_a_lock_is_whole_valid_and_made_of_the_definition(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0", "beta"), make_wheel("beta", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"}, id="v1.5-stack")
    made = lock_stack(wanted, options, tmp_path)
    assert isinstance(made, Locked)
    assert made.changed
    path = lock_path(wanted, tmp_path)
    assert path.name == "pylock.v1-5-stack.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    lock = read_lock(path)
    assert lock.packages == made.resolution.packages
    assert lock.fingerprint == fingerprint(wanted)
    assert is_current(lock, wanted)
    again = lock_stack(wanted, options, tmp_path)
    assert isinstance(again, Locked)
    assert not again.changed
    assert sorted(p.name for p in tmp_path.glob("*pylock*")) == ["pylock.v1-5-stack.toml"]


def test_no_lock_is_written_for_what_does_not_resolve(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    found = lock_stack(stack(server.simple("main"), {"alpha": "9"}), options, tmp_path / "locks")
    assert isinstance(found, Unresolved)
    assert not (tmp_path / "locks").exists()


def test_no_lock_is_written_while_an_index_is_down(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/own/"] = FAULTS["503"]
    thing = {"version": "1.0", "index": server.simple("own")}
    wanted = stack(server.simple("main"), {"alpha": "1.0", "thing": thing})
    found = lock_stack(wanted, options, tmp_path / "locks")
    assert isinstance(found, Unresolved)
    assert found.message.startswith("thing was left out: ")
    assert not (tmp_path / "locks").exists()
    assert what_it_lacks(resolved(resolve(wanted, options)), wanted) == found.message


def test_what_comes_from_git_is_in_no_lock_and_a_build_without_it_is_not_the_stack(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    packages = {
        "alpha": "1.0",
        "ops": "git+https://example.org/ops@v1",
        "cuda": {"version": "1", "from": "conda"},
    }
    wanted = stack(server.simple("main"), packages)
    assert what_it_lacks(resolved(resolve(wanted, options)), wanted) == (
        "no lock holds ops (git+https://example.org/ops@v1), which the stack states"
    )
    whole = stack(server.simple("main"), {"alpha": "1.0"})
    assert what_it_lacks(resolved(resolve(whole, options)), whole) == ""


def facts_of(wanted: Stack, options: Options, folder: Path) -> dict[str, Any]:
    return {"stack": wanted, **resolution_facts(wanted, options, folder)}


def judged_files(facts: dict[str, Any]) -> list[Finding]:
    names = ("stack", "lock", "resolving", "pages")
    return locked_files_are_there(**{name: facts[name] for name in names})  # type: ignore[return-value]


def test_a_locked_file_that_was_dropped_is_found_gone(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("torch", "2.5.0", "cudnn==9.1.0.70"), make_wheel("cudnn", "9.1.0.70"))
    wanted = stack(server.simple("main"), {"torch": "2.5.0"})
    lock_stack(wanted, options, tmp_path)
    assert [f.message for f in judged_files(facts_of(wanted, options, tmp_path))] == [
        "all 2 locked files are on their index, with the locked hashes"
    ]
    server.indexes["main"] = [u for u in server.indexes["main"] if u.project == "torch"]
    fresh = with_env(options, UV_CACHE_DIR=str(tmp_path / "other"))
    facts = facts_of(wanted, fresh, tmp_path)
    assert isinstance(facts["lock"], Lock)
    [verdict] = judged_files(facts)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message == "files of the committed lock are no longer on their index: cudnn 9.1.0.70"


def test_a_locked_file_with_other_content_under_the_same_name_is_found(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"})
    lock_stack(wanted, options, tmp_path)
    server.indexes["main"] = [make_wheel("alpha", "1.0", salt="other")]
    [verdict] = judged_files(facts_of(wanted, with_env(options, UV_CACHE_DIR=str(tmp_path / "n")), tmp_path))
    assert verdict.outcome is Outcome.FAIL
    assert "with other content: alpha 1.0" in verdict.message


def test_a_yanked_locked_file_is_a_warning(server: IndexServer, options: Options, tmp_path: Path) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": ">=1.0"})
    lock_stack(wanted, options, tmp_path)
    yanked = replace(server.indexes["main"][0], yanked=True)
    server.indexes["main"] = [yanked, make_wheel("alpha", "1.1")]
    [verdict] = judged_files(facts_of(wanted, with_env(options, UV_CACHE_DIR=str(tmp_path / "n")), tmp_path))
    assert (verdict.outcome, verdict.message) == (Outcome.WARN, "locked files were yanked: alpha 1.0")


def test_locked_files_on_an_index_that_is_down_are_unchecked(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    wanted = stack(server.simple("main"), {"alpha": "1.0"})
    lock_stack(wanted, options, tmp_path)
    server.faults["/main/simple/"] = FAULTS["503"]
    [verdict] = judged_files(facts_of(wanted, with_env(options, UV_CACHE_DIR=str(tmp_path / "n")), tmp_path))
    assert verdict.outcome is Outcome.SKIP
    assert "was not checked" in verdict.message


def test_settings_of_the_user_take_part_and_are_listed(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    env = with_env(
        options, PIP_INDEX_URL=server.simple("main"), UV_RESOLUTION="lowest", PIP_CONSTRAINT="c.txt"
    )
    found = resolved(resolve(stack("", {"alpha": ">=0"}, index={}), env))
    assert f"PIP_INDEX_URL={server.simple('main')}" in found.honoured
    assert found.ignored == ("PIP_CONSTRAINT=c.txt", "UV_RESOLUTION=lowest")


def test_the_settings_file_of_the_user_takes_part_and_is_listed(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    file = tmp_path / "home" / ".config" / "uv" / "uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[index]]\nurl = "{server.simple("main")}"\ndefault = true\n')
    found = resolved(resolve(stack("", {"alpha": "1.0"}, index={}), options))
    assert f"uv.toml={file}" in found.honoured
    assert f"setting taken over: uv.toml={file}" in [e.what for e in verdict_of(found)[0].evidence]


def test_the_folder_that_stackcheck_runs_in_has_no_say(
    server: IndexServer, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("alpha", "2.0"))
    (tmp_path / "uv.toml").write_text('constraint-dependencies = ["alpha<2"]\n')
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\nconstraint-dependencies = ["alpha<2"]\n')
    monkeypatch.chdir(tmp_path)
    found = resolved(resolve(stack(server.simple("main"), {"alpha": "latest"}), options))
    assert str(found.version("alpha")) == "2.0"


def test_an_index_that_is_no_url_is_an_error_and_no_traceback(options: Options) -> None:
    found = unresolved(resolve(stack("http://[broken/simple", {"alpha": "1.0"}), options))
    [verdict] = verdict_of(found)
    assert (found.kind, verdict.outcome) == ("resolver", Outcome.ERROR)
    assert verdict.message.startswith("whether the pins resolve could not be checked: uv could not resolve")


def test_a_uv_that_cannot_be_started_is_an_error(
    server: IndexServer, options: Options, tmp_path: Path
) -> None:
    wanted = stack(server.simple("main"), {"alpha": "1.0"})
    facts = resolution_facts(wanted, replace(options, uv=tmp_path / "no-uv"), tmp_path)
    [verdict] = verdict_of(facts["resolving"])
    assert verdict.outcome is Outcome.ERROR
    assert "uv cannot be started (No such file or directory); reinstall uv" in verdict.message
    assert facts["resolution"].reason.startswith("the stack was not resolved: ")


@pytest.mark.parametrize(("fault", "kind"), [("401", "denied"), ("403", "denied"), ("login", "bad-index")])
def test_an_index_that_uv_passes_over_in_silence_is_no_pass(
    server: IndexServer, options: Options, fault: str, kind: str
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/private/"] = FAULTS[fault]
    index = {"url": server.simple("main"), "extra": [server.simple("private")]}
    found = resolved(resolve(stack("", {"alpha": ">=1"}, index=index), options))
    assert [each.kind for each in found.unreached] == [kind]
    assert [v.outcome for v in verdict_of(found)] == [Outcome.PASS, Outcome.ERROR]


def test_an_index_that_is_not_there_is_a_warning_where_the_rest_resolves(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    index = {"url": server.simple("main"), "extra": [server.simple("typo")]}
    found = resolved(resolve(stack("", {"alpha": "1.0"}, index=index), options))
    assert [v.outcome for v in verdict_of(found)] == [Outcome.PASS, Outcome.WARN]
    assert f"{server.simple('typo')}: HTTP status 404" in verdict_of(found)[1].message


def test_an_index_that_has_nothing_of_the_stack_is_fine(server: IndexServer, options: Options) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.add("other", make_wheel("beta", "1.0"))
    index = {"url": server.simple("main"), "extra": [server.simple("other")]}
    found = resolved(resolve(stack("", {"alpha": "1.0"}, index=index), options))
    assert [v.outcome for v in verdict_of(found)] == [Outcome.PASS]


def test_a_conflict_seen_without_an_index_that_refuses_proves_nothing(
    server: IndexServer, options: Options
) -> None:
    server.add(
        "main", make_wheel("alpha", "1.0", "beta<2"), make_wheel("beta", "1.0"), make_wheel("beta", "2.0")
    )
    server.faults["/private/"] = FAULTS["403"]
    index = {"url": server.simple("main"), "extra": [server.simple("private")]}
    wanted = stack("", {"alpha": "1.0", "beta": "2.0"}, index=index)
    assert unresolved(resolve(wanted, options)).kind == "denied"
    del server.faults["/private/"]
    assert unresolved(resolve(wanted, replace(options, memory=RunMemory()))).kind == "conflict"


def drip(handler: Handler) -> None:
    """Answer for a minute, a byte at a time: no wait between two of them is long."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(300):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.2)


def test_a_page_that_drips_holds_a_stack_no_longer_than_the_call_allows(
    server: IndexServer, options: Options
) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("beta", "1.0"))
    server.faults["/main/simple/alpha/"] = drip
    started = time.monotonic()
    wanted = stack(server.simple("main"), {"alpha": "1.0", "beta": "1.0"})
    found = unresolved(resolve(wanted, replace(options, timeout_s=4)))
    assert time.monotonic() - started < 20
    assert found.kind == "unreachable"
    assert [each.outcome for each in verdict_of(found)] == [Outcome.ERROR]
