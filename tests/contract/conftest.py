"""Every target that the contract is about: ours, and one of another package by its entry point."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.targets import BuildOptions
from stackcheck.targets.engine import ContainerEngine
from stackcheck.targets.process.process_identity import LABEL, parse_owner
from stackcheck.targets.registry import GROUP, engine_class
from tests.answering import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.targets import Engine, Target

BASE = os.environ.get("STACKCHECK_TEST_BASE", "stackcheck-test-base:bookworm")
HERE = Path(__file__).parent
ENGINES = [
    "here",
    "venv",
    "wheels",
    "bare",
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("podman", marks=pytest.mark.podman),
]


@dataclass
class Case:
    """One engine, started, with what its stacks are made of; `said` is the progress that it told.

    `id` is the stack's, which no other run on the same engine has.
    """

    engine: Engine
    folder: Path
    options: BuildOptions
    said: list[str] = field(default_factory=list)
    id: str = field(default_factory=lambda: f"contract-{uuid.uuid4().hex[:8]}")

    @property
    def able(self) -> Any:
        return self.engine.capabilities

    def stack(self, **fields: Any) -> Stack:
        python = "3.11" if self.able.images else f"{sys.version_info.major}.{sys.version_info.minor}"
        image = {"base": BASE, **fields.pop("image", {})}
        return Stack.model_validate({"id": self.id, "python": python, "image": image, **fields})

    def lock(self, **changed: Any) -> Resolution:
        """Return the lock of a wheel that is unlike any other, so that no cache knows it."""
        package = replace(wheel(self.folder), **changed)
        text = f"""\
lock-version = "1.0"
created-by = "stackcheck"

[[packages]]
name = "{package.name}"
version = "{package.version}"
wheels = [{{ url = "{package.url}", hashes = {{ sha256 = "{package.sha256}" }} }}]
"""
        python = self.stack().python or ""
        return Resolution((package,), python, "x86_64-manylinux_2_28", "0.13.8", text)

    def prepare(self, stack: Stack, resolution: Resolution | None = None) -> Target:
        return self.engine.prepare(stack, resolution, self.options, self.said.append)

    def run(self, target: Target, script: str, timeout_s: float = 60, **request: Any) -> bytes:
        return self.engine.run_agent(target, answering(script), request, timeout_s=timeout_s)

    def remove_images(self, stack: str) -> None:
        if isinstance(self.engine, ContainerEngine):
            for image in self.engine.client.images.list(filters={"label": f"stackcheck.stack={stack}"}):
                self.engine.client.images.remove(str(image.id), force=True)

    def left(self, pid: int | None = None) -> list[Any]:
        """Return what a run of that process left: containers in the engine, folders in the cache."""
        found: list[Any] = [*(self.options.cache / "tmp").glob("*")]
        if isinstance(self.engine, ContainerEngine):
            rows = self.engine.client.api.containers(all=True, filters={"label": LABEL})
            owners = [(row["Id"], parse_owner(row["Labels"][LABEL])) for row in rows]
            found += [each for each, owner in owners if owner and owner.pid == (pid or os.getpid())]
        return found


def wheel(folder: Path) -> LockedPackage:
    path = folder / "tinypkg-1.0-py3-none-any.whl"
    info = "tinypkg-1.0.dist-info"
    texts = {
        "tinypkg.py": f"VALUE = {uuid.uuid4().hex!r}\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*texts, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**texts, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LockedPackage("tinypkg", Version("1.0"), path.name, path.as_uri(), sha256=digest)


def installed_engine(folder: Path) -> str:
    """Install the example as a package would be, into a folder for `sys.path`; return the folder."""
    (folder / "bare_engine.py").write_text((HERE / "example_engine.py").read_text("utf-8"))
    info = folder / "bare_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bare-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nbare = bare_engine:BareEngine\n")
    return str(folder)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a package that has an engine of its own."""
    return installed_engine(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(autouse=True)
def elsewhere(package: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put that package on `sys.path`, for the tests of the contract alone."""
    monkeypatch.syspath_prepend(package)
    return package


@pytest.fixture(params=ENGINES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """Return each engine; with --docker or --podman, one that does not answer is a failure."""
    path = f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("DOCKER_HOST", "CONTAINER_HOST") if name in os.environ}
    environ = {"PATH": path, "HOME": str(tmp_path), **kept}
    options = BuildOptions(cache=tmp_path / "cache", environ=environ, network="none")
    engine = engine_class(request.param).start(options.cache, dict(os.environ))
    made = Case(engine, tmp_path, options)
    yield made
    made.remove_images(made.id)
    engine.close()
