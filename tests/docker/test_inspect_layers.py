"""`docker save` read from the disk says what the engine says of the same image, case by case."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.inspect.inspection import read_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.docker
DATA = Path(__file__).parents[1] / "data" / "gpucode"
SITE = "usr/local/lib/python3.11/dist-packages"


@dataclass(frozen=True)
class Case:
    """What the layers do in a folder of their own, /t/NAME, and the libraries that are there in the end."""

    steps: tuple[str, str, str]
    found: tuple[str, ...]


CASES = {
    "hard link whose first name goes": Case(
        ("mkdir cache site; cp /seed.so cache/a.so; ln cache/a.so site/a.so", "rm -r cache", ":"),
        ("site/a.so",),
    ),
    "hard link that stays": Case(("cp /seed.so a.so; ln a.so b.so", ":", ":"), ("a.so", "b.so")),
    "hard link to a file of a lower layer": Case(("cp /seed.so a.so", "ln a.so b.so", "rm a.so"), ("b.so",)),
    "hard link under a name that says nothing": Case(
        ("cp /seed.so blob; chmod -x blob; ln blob a.so", ":", ":"), ("a.so",)
    ),
    "link in place of a folder": Case(
        ("mkdir l; cp /seed.so l/a.so", "rm -r l; ln -s /elsewhere l", ":"), ()
    ),
    "folder in place of a link": Case(
        ("mkdir r; cp /seed.so r/a.so; ln -s r l", "rm l; mkdir l; cp /seed.so l/b.so", ":"),
        ("l/b.so", "r/a.so"),
    ),
    "file under two paths": Case(
        ("mkdir -p usr/lib; cp /seed.so usr/lib/a.so; ln -s usr/lib lib", "cp /other.so lib/a.so", ":"),
        ("usr/lib/a.so",),
    ),
    "removed through a link": Case(
        ("mkdir -p usr/lib; cp /seed.so usr/lib/a.so; ln -s usr/lib lib", "rm lib/a.so", ":"), ()
    ),
    "file removed": Case(("cp /seed.so a.so; cp /seed.so b.so", "rm a.so", ":"), ("b.so",)),
    "file removed and there again": Case(("cp /seed.so a.so", "rm a.so", "cp /other.so a.so"), ("a.so",)),
    "folder removed": Case(("mkdir -p x/y; cp /seed.so x/y/a.so", "rm -r x", ":"), ()),
    "folder made anew": Case(
        ("mkdir x; cp /seed.so x/a.so", "rm -r x; mkdir x; cp /seed.so x/b.so", ":"), ("x/b.so",)
    ),
    "folder in place of a file": Case(
        ("cp /seed.so a.so", "rm a.so; mkdir a.so; cp /seed.so a.so/b.so", ":"), ("a.so/b.so",)
    ),
    "file in place of a folder": Case(
        ("mkdir x.so; cp /seed.so x.so/a.so", "rm -r x.so; cp /seed.so x.so", ":"), ("x.so",)
    ),
    "renamed folder": Case(("mkdir x; cp /seed.so x/a.so", "mv x y", ":"), ("y/a.so",)),
    "link to a file without a suffix": Case(
        ("cp /seed.so 0; chmod -x 0; ln -s 0 a.so; ln -s a.so b.so", ":", ":"), ("a.so",)
    ),
    "link whose file goes": Case(("cp /seed.so a.so.1; ln -s a.so.1 a.so", "rm a.so.1", ":"), ()),
    "links that lead round and round": Case(("ln -s a.so b.so; ln -s b.so a.so; ln -s . s", ":", ":"), ()),
    "program without a suffix": Case(("cp /seed.so tool; chmod +x tool", ":", ":"), ("tool",)),
    "program that is one no more": Case(("cp /seed.so tool; chmod +x tool", "chmod -x tool", ":"), ()),
    "pipe and device": Case(("mkfifo p.so; cp /seed.so a.so", ":", ":"), ("a.so",)),
    "long and odd names": Case(
        (
            "d=$(printf 'x%.0s' $(seq 200)); mkdir -p $d/$d; cp /seed.so $d/$d/é.so",
            "cp /seed.so 'a b.so'",
            ":",
        ),
        ("a b.so", f"{'x' * 200}/{'x' * 200}/é.so"),
    ),
    "file with holes": Case(("cp /seed.so a.so; truncate -s 5M a.so", ":", ":"), ("a.so",)),
    "binaries of other systems": Case(("touch a.dll b.pyd c.whl", ":", ":"), ()),
}
CASES_AT = {name: f"/t/{number}" for number, name in enumerate(CASES)}


def _packed(*files: tuple[str, bytes | tuple[bytes, str]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                entry.type, entry.linkname = content
                archive.addfile(entry)
    return made.getvalue()


def _whole(chunks: Any) -> bytes:
    return b"".join(chunks)


def _seeds() -> bytes:
    uneven = (DATA / "uneven.so").read_bytes()
    info = f"{SITE}/pkg-1.dist-info/METADATA"
    return _packed(
        ("seed.so", uneven),
        ("other.so", (DATA / "rdc.so").read_bytes()),
        (f"{SITE}/pkg/lib.so", uneven),
        (info, b"Metadata-Version: 2.1\nName: pkg\nVersion: 1\n"),
    )


@dataclass(frozen=True)
class Seen:
    """One image, through the engine, from its archive, and from what `docker export` writes."""

    engine: dict[str, Any]
    saved: dict[str, Any]
    exported: dict[str, Any]


def inspect(*args: str, cache: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "stackcheck", "inspect", *args, "--gpu=A100", "--format=json", "--quiet"],
        env={**os.environ, "STACKCHECK_CACHE": str(cache)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def seen(client: docker.DockerClient, base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Make one image whose layers do every case, and look at it in each way."""
    folder = tmp_path_factory.mktemp("layers")
    name = f"stackcheck-test-inspect-layers:{uuid.uuid4().hex[:12]}"
    containers = [client.containers.create(base, ["true"])]
    try:
        containers[0].put_archive("/", _seeds())
        containers[0].commit(name)
        for number in range(3):
            script = "set -e\n" + "\n".join(
                f"mkdir -p {CASES_AT[each]}; cd {CASES_AT[each]}; {case.steps[number]}"
                for each, case in CASES.items()
            )
            containers.append(client.containers.create(name, ["sh", "-c", script]))
            containers[-1].start()
            assert containers[-1].wait()["StatusCode"] == 0, containers[-1].logs().decode()
            containers[-1].commit(name)
        (folder / "saved.tar").write_bytes(_whole(client.images.get(name).save()))
        (folder / "exported.tar").write_bytes(_whole(containers[-1].export()))
        yield Seen(
            inspect("--image", name, cache=folder),
            inspect(str(folder / "saved.tar"), cache=folder),
            inspect(str(folder / "exported.tar"), cache=folder),
        )
    finally:
        for container in containers:
            container.remove(force=True)
        client.images.remove(name, force=True)
        for path in folder.glob("*.tar"):
            path.unlink()


def rows(document: dict[str, Any], folder: str) -> dict[str, Any]:
    found = {row["path"]: row["serves"] for row in document["libraries"]}
    return {
        path.removeprefix(f"{folder}/"): row for path, row in found.items() if path.startswith(f"{folder}/")
    }


@pytest.mark.parametrize("name", CASES)
def test_the_layers_of_a_saved_image_are_what_the_engine_shows(seen: Seen, name: str) -> None:
    folder = CASES_AT[name]
    engine = rows(seen.engine, folder)
    assert tuple(sorted(engine)) == tuple(sorted(CASES[name].found))
    assert rows(seen.saved, folder) == engine
    assert rows(seen.exported, folder) == engine


@pytest.mark.parametrize("key", ["libraries", "sizes", "binaries", "unreadable", "skipped", "loading"])
def test_the_whole_of_a_saved_image_is_what_the_engine_shows(seen: Seen, key: str) -> None:
    assert seen.saved[key] == seen.engine[key]
    assert seen.exported[key] == seen.engine[key]


def test_a_file_under_a_link_of_a_lower_layer_is_told_where_engines_differ(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    """A layer that nothing was run for: overlay2 keeps layers apart, and makes `lib` a folder."""
    uneven = (DATA / "uneven.so").read_bytes()
    layers = [
        _packed(("usr/lib/a.so", uneven), ("lib", (tarfile.SYMTYPE, "usr/lib"))),
        _packed(("lib/a.so", uneven + b"x")),
    ]
    name = f"stackcheck-test-inspect-layers:{uuid.uuid4().hex[:12]}"
    digests = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["x"]},
              "rootfs": {"type": "layers", "diff_ids": digests}}  # fmt: skip
    manifest = [{"Config": "c.json", "RepoTags": [name], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    parts = (("c.json", json.dumps(config).encode()), ("manifest.json", json.dumps(manifest).encode()))
    packed = _packed(("0/layer.tar", layers[0]), ("1/layer.tar", layers[1]), *parts)
    client.images.load(packed)
    container = client.containers.create(name)
    try:
        exported = _whole(container.export())
        (tmp_path / "image.tar").write_bytes(_whole(client.images.get(name).save(named=True)))
    finally:
        container.remove(force=True)
        client.images.remove(name, force=True)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        apart = "usr/lib/a.so" in archive.getnames() and archive.getmember("lib").isdir()
    found = read_target(tmp_path / "image.tar")
    assert [path for path, _ in found.libraries] == ["/usr/lib/a.so"]
    assert any("lib -> usr/lib" in each and "overlay2" in each for each in found.left_out)
    assert apart == (client.info()["Driver"] == "overlay2")
