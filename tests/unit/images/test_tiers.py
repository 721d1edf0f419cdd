"""Chains of images in definitions: order, faults, manifests, and what a tier is built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackcheck.images.tiers import Tier, TierImage, from_fault, link, plan
from stackcheck.intake import catalog
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import DefinitionError, UsageError
from stackcheck.targets import BuildOptions
from stackcheck.targets.containers.own_dockerfile import (
    LABEL_FILES,
    LABEL_STEPS,
    built_on,
    own_build,
    read_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path


def tier(name: str, below: str | None = None, **image: str) -> Stack:
    fields = {"dockerfile": f"{name}/Dockerfile", "tag": f"{name}:1", **image}
    return Stack.model_validate({"id": name, "image": fields | ({"from_stack": below} if below else {})})


def test_a_chain_is_put_in_order_lowest_first() -> None:
    stacks, faults = link([tier("top", "middle"), tier("middle", "base"), tier("base")])
    assert faults == []
    assert [[each.id for each in stack.below] for stack in stacks] == [["base", "middle"], ["base"], []]
    assert [[each.id for each in stack.below] for stack in stacks[0].below] == [[], ["base"]]


@pytest.mark.parametrize(
    ("stacks", "fault"),
    [
        ([tier("a", "b")], "a: image.from_stack: there is no stack 'b'"),
        ([tier("a", "a")], "a: image.from_stack: 'a' is built on this stack itself"),
        (
            [tier("a", "b"), Stack(id="b")],
            "a: image.from_stack: 'b' has neither image.dockerfile nor image.ready",
        ),
    ],
)
def test_faults_of_a_chain(stacks: list[Stack], fault: str) -> None:
    assert link(stacks)[1] == [fault]


def test_a_circle_is_a_fault_of_every_tier_in_it() -> None:
    assert link([tier("a", "b"), tier("b", "a")])[1] == [
        "b: image.from_stack: 'a' is built on this stack itself",
        "a: image.from_stack: 'b' is built on this stack itself",
    ]


def test_the_reader_links_chains_across_files_and_names_their_faults(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        '[[stack]]\nid = "base"\n[stack.image]\ndockerfile = "D"\ntag = "base:1"\n'
    )
    (tmp_path / "b.toml").write_text('[[stack]]\nid = "top"\n[stack.image]\nfrom_stack = "base"\n')
    top = catalog.select(catalog.load([tmp_path]), ["top"])[0]
    assert [each.id for each in top.below] == ["base"]
    (tmp_path / "b.toml").write_text('[[stack]]\nid = "top"\n[stack.image]\nfrom_stack = "bas"\n')
    with pytest.raises(DefinitionError, match=r"top: image\.from_stack: there is no stack .bas."):
        catalog.load([tmp_path])


def test_what_the_reader_sets_cannot_be_written() -> None:
    stacks, faults = catalog.load_text('[[stack]]\nid = "a"\nbelow = []\n', file="s.toml")
    assert (stacks, faults) == ([], ["s.toml: stack[1] (a).below: unknown key; state image.from_stack"])


def test_a_tier_builds_on_the_tier_below_by_its_name() -> None:
    (top, _), _ = link([tier("top", "base"), tier("base")])
    assert from_fault(top, ["base:1", "python:3.11"]) == ""
    assert from_fault(top, ["debian:12"]) == (
        "its Dockerfile has no FROM base:1, the image of base; it has debian:12"
    )
    (top, _), _ = link(
        [tier("top", "base"), Stack.model_validate({"id": "base", "image": {"dockerfile": "D"}})]
    )
    assert from_fault(top, ["base:1"]) == "base states no image.tag, so no FROM can name its image"
    assert from_fault(tier("alone"), ["debian:12"]) == ""


def test_a_manifest_names_files_patterns_and_folders(tmp_path: Path) -> None:
    (tmp_path / "src/sub").mkdir(parents=True)
    for name in ("Dockerfile", "src/a.py", "src/sub/b.py", "notes.md"):
        (tmp_path / name).write_text(name)
    listed = tmp_path / ".image-manifest"
    listed.write_text("# what decides\n\nDockerfile\nsrc/\n*.md\n")
    found = read_manifest(listed, tmp_path)
    assert sorted(found) == ["Dockerfile", "notes.md", "src/a.py", "src/sub/b.py"]
    (tmp_path / "src/sub/b.py").write_text("changed")
    after = read_manifest(listed, tmp_path)
    assert [path for path in found if found[path] != after[path]] == ["src/sub/b.py"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Dockerfil\n", ":1: 'Dockerfil' names no file below "),
        ("# one\n../secret\n", ":2: '../secret' leads out of "),
        ("/etc/passwd\n", ":1: '/etc/passwd' leads out of "),
        ("# nothing\n", ": the manifest names no file"),
    ],
)
def test_faults_of_a_manifest(tmp_path: Path, text: str, fault: str) -> None:
    listed = tmp_path / "manifest"
    listed.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_manifest(listed, tmp_path)
    assert fault in str(caught.value)


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="manifest: there is no such file"):
        read_manifest(tmp_path / "manifest", tmp_path)


def test_the_manifest_decides_and_the_dockerfile_always_counts(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nCOPY . /app\n")
    (tmp_path / "listed.txt").write_text("1")
    (tmp_path / "other.txt").write_text("1")
    (tmp_path / "manifest").write_text("listed.txt\n")
    image = {"dockerfile": "Dockerfile", "manifest": "manifest"}
    stack = Stack.model_validate({"id": "s", "file": str(tmp_path / "s.toml"), "image": image})

    def now() -> str:
        return own_build(stack, BuildOptions(environ={})).tier.fingerprint("")

    first = now()
    (tmp_path / "other.txt").write_text("2")
    assert now() == first
    (tmp_path / "listed.txt").write_text("2")
    second = now()
    (tmp_path / "Dockerfile").write_text("FROM python:3.11\nCOPY . /app\nRUN true\n")
    assert len({first, second, now()}) == 3
    own = own_build(stack, BuildOptions(environ={}))
    assert (own.bases, built_on(own, {"python:3.11": "sha256:1"})) == (("python:3.11",), "")
    assert set(own.labels("sha256:1", {}, classic=False)) == {"stackcheck.built-on", LABEL_FILES, LABEL_STEPS}


def test_without_a_manifest_the_base_counts(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1 AS x\nFROM b:1\n")
    stack = Stack.model_validate(
        {"id": "s", "file": str(tmp_path / "s.toml"), "image": {"dockerfile": "Dockerfile"}}
    )
    own = own_build(stack, BuildOptions(environ={}))
    assert built_on(own, {"a:1": "sha256:1"}) == "not here: b:1 sha256:1"
    assert list(own.tier.files) == ["Dockerfile"]


def test_a_dockerfile_outside_the_context_counts_too(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("")
    (tmp_path / "Dockerfile").write_text("FROM a:1\nCOPY . /src\n")
    image = {"dockerfile": "Dockerfile", "context": "src"}
    stack = Stack.model_validate({"id": "s", "file": str(tmp_path / "s.toml"), "image": image})
    assert sorted(own_build(stack, BuildOptions(environ={})).tier.files) == ["Dockerfile", "a.py"]


def test_what_an_image_does_not_tell_is_not_made_up() -> None:
    wanted = Tier("s", {"a": "1"}, {})
    unknown = TierImage("id", "s:1", "older", {}, "")
    assert plan([wanted], {"s": (unknown,)})[0].reasons == ("its files or build settings changed",)
    several = Tier("s", dict.fromkeys("abcde", "1"), {})
    reasons = plan([several], {"s": (TierImage("id", "s:1", "older", {"z": "1"}, ""),)})[0].reasons
    assert reasons == ("a, b, c and 2 more new", "z gone")
