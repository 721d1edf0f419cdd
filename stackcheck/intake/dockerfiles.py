"""Read what a Dockerfile leaves in its last stage: base image, variables, and what its install lines leave.

`steps` reads the commands; files that a COPY takes from the context are read. ENTRYPOINT and CMD run later,
in a container, and are left alone.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stackcheck.images.dockersteps import after, scopes
from stackcheck.intake.clones import clone_of, is_own
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.model.errors import UsageError
from stackcheck.storage.confinement import refuse_outside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from stackcheck.images.dockersteps import Instruction, Scope

KIND = "Dockerfile"
_PYTHON_TAG = re.compile(r"(?:docker\.io/)?(?:library/)?python:(\d+\.\d+)")
_TORCH_TAG = re.compile(
    r"(?:^|/)(?:pytorch/pytorch:(?P<own>\d+\.\d+\.\d+)-"
    r"|rocm/pytorch:\S+_pytorch(?:_release)?_(?P<rocm>\d+\.\d+\.\d+)|l4t-pytorch:r\S+-pth(?P<jetson>\d+\.\d+))"
)
_NVIDIA_TAG = re.compile(r"nvcr\.io/nvidia/pytorch:(\d\d\.\d\d)")
_ROCM_BASE = re.compile(r"(?:^|/)rocm/")
_JETSON_BASE = re.compile(r"(?:^|/)(?:l4t-|jetson-)")
_PIP_VARIABLES = {
    "PIP_INDEX_URL": "index.url", "UV_DEFAULT_INDEX": "index.url", "UV_INDEX_URL": "index.url",
    "PIP_EXTRA_INDEX_URL": "index.extra", "UV_EXTRA_INDEX_URL": "index.extra",
    "PIP_FIND_LINKS": "index.find_links", "UV_FIND_LINKS": "index.find_links",
}  # fmt: skip
_WORTH = re.compile(
    r"TORCH|CUDA|NVIDIA|HSA_|HIP_|ROCM|PYTORCH|NCCL|LD_LIBRARY_PATH|FORCE_|MAX_JOBS|MMCV|SPCONV|CUMM"
)
"""Variables that say something of a GPU stack; the others of an image say nothing that is judged."""
_PLATFORM = {"TARGETARCH": "amd64", "TARGETOS": "linux", "TARGETPLATFORM": "linux/amd64"}
"""What BuildKit sets for a build on the platform that is judged when none is stated."""
_BOUND = re.compile(r"--mount=(\S+)")


_ENVIRONMENTS = frozenset({"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX"})
_PACKAGES_OF_THE_IMAGE = re.compile(
    r"/usr/local(/lib(/python[\d.]+)?)?|/opt/\w*(conda|forge|mamba)\d?(/envs(/[^/]+)?)?|/root/\.local(/lib)?"
    r"|/.*/(site|dist)-packages"
)
"""Folders of an image in which installs without an environment put packages, whole."""


def is_worth(name: str) -> bool:
    """Tell whether a variable says something of a GPU stack."""
    return bool(_WORTH.search(name))


def brings_torch(image: str) -> bool:
    """Tell whether the name of an image says which torch is in it, by itself or by what is known of it."""
    if _TORCH_TAG.search(image):
        return True
    from stackcheck.knowledge import images  # noqa: PLC0415 - few names do not say it themselves

    known, tag = images.load(), _NVIDIA_TAG.search(image)
    return known.with_torch(image) is not None or (
        tag is not None and known.nvidia_pytorch(tag[1]) is not None
    )


@dataclass
class _Stage:
    """What the lines of one stage have left so far."""

    base: str = ""
    place: Place = field(default_factory=lambda: Place(""))
    env: dict[str, Stated] = field(default_factory=dict)
    environments: set[str] = field(default_factory=set)
    """Where its variables say that an environment of Python lies."""
    copied: list[tuple[str, str]] = field(default_factory=list)
    left: Left = field(default_factory=Left)

    def child(self) -> _Stage:
        return _Stage(
            self.base,
            self.place,
            dict(self.env),
            set(self.environments),
            list(self.copied),
            self.left.copy(),
        )

    @property
    def brought(self) -> Stated | None:
        """Return the torch of the base image, as its name says it."""
        match = _TORCH_TAG.search(self.base)
        version = match and (match["own"] or match["rocm"] or f"{match['jetson']}.0")
        return Stated("packages.torch", {"version": version}, self.place) if version else None


@dataclass(frozen=True, slots=True)
class Build:
    """How a Dockerfile is built: build arguments, the stage that is wanted ("" for the last), the context."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    context: Path | None = None
    context_shown: str | None = None


def read(text: str, folder: Path, shown: str, build: Build | None = None) -> Found:
    """Read a Dockerfile and the files that it copies out of its context, by default the folder it lies in.

    Raises UsageError when one of these cannot be read.
    """
    build = build or Build()
    context = build.context or folder
    near = posixpath.dirname(shown) if build.context_shown is None else build.context_shown
    raw = text.split("\n")
    stages: dict[str, _Stage] = {}
    stage = _Stage()
    for each, scope in scopes(text, {**_PLATFORM, **build.arguments}):
        place = Place(shown, each.line)
        if each.word == "FROM":
            if stages and build.target.lower() in stages:
                break
            named, name = _from(each.rest)
            base = scope.expand(named)
            stage = stages[base.lower()].child() if base.lower() in stages else _Stage(base, place)
            if not base or "$" in base:
                text_ = f"the image {named} hangs on a variable that is not known here."
                stage.left.open.append(Open(text_, place))
            stages[name or str(len(stages))] = stage
        else:
            here = Here(
                raw,
                shown,
                each.line,
                context,
                near,
                scope.workdir,
                stage.copied,
                stage.left.reads,
                stage.brought,
            )
            _step(each, scope, stage, here)
            if each.word in {"COPY", "ADD"} and (other := _stage_of(each.rest, stages)) is not None:
                _from_stage(scope.expand(each.rest), stage, other)
    return Found(
        KIND, shown, tuple(_statements(stage)), tuple(stage.left.open), reads=tuple(stage.left.reads)
    )


def read_alone(text: str, folder: Path, shown: str) -> Found:
    """Read a Dockerfile of which nothing says from which folder it is built.

    One in `docker/` or `docker/gpu/` is often built from a folder above: the first that has more of what it
    copies. Raises UsageError as `read` does.
    """
    sources = set(_sources(text)) or set(_cloned(text, folder.parent))
    above = {"..": folder.parent, "../..": folder.parent.parent}
    able = {up: _there(place, sources) for up, place in above.items() if sources and _may_read(place)}
    up = max(able, key=lambda each: able[each], default="")
    if not up or able[up] <= _there(folder, sources):
        return read(text, folder, shown)
    near = posixpath.normpath(posixpath.join(posixpath.dirname(shown), up))
    found = read(text, folder, shown, Build(context=above[up], context_shown="" if near == "." else near))
    return replace(found, stated=(*found.stated, Stated("image.context", up, Place(shown))))


def _sources(text: str) -> Iterator[str]:
    """Yield the files and folders that are copied out of the context, as they stand there."""
    for each, _ in scopes(text, {}):
        if each.word in {"COPY", "ADD"} and "--from" not in each.rest:
            words = [word for word in each.rest.split() if not word.startswith("--")]
            plain = (word.strip("/").removeprefix("./") for word in words[:-1])
            yield from (word for word in plain if word and not re.search(r"[$*?\[\"\0]|://|^\.\.?$", word))


def _cloned(text: str, above: Path) -> Iterator[str]:
    """Yield the files of the folder above where a Dockerfile that copies nothing clones that project."""
    clones = (clone_of(match.split()) for match in re.findall(r"git clone [^&;|\n\\]*", text))
    if _may_read(above) and any(each and is_own(each[0], above) for each in clones):
        yield from (each.name for each in above.iterdir() if each.is_file())


def _there(folder: Path, names: Iterable[str]) -> int:
    return sum(os.path.lexists(folder / name) for name in names)


def _may_read(folder: Path) -> bool:
    try:
        refuse_outside(folder)
    except UsageError:
        return False
    return True


def _from(rest: str) -> tuple[str, str]:
    words = [word for word in rest.split() if not word.startswith("--")]
    return (words[0] if words else ""), (words[2].lower() if len(words) > 2 else "")


def _step(each: Instruction, scope: Scope, stage: _Stage, here: Here) -> None:
    if each.word == "ENV":
        before = scope.env
        for name, value in after(each, scope).env.items():
            if name in _ENVIRONMENTS:
                stage.environments.add(posixpath.normpath(posixpath.join(scope.workdir, value)))
            if before.get(name) != value:
                stage.env[name] = Stated(f"env.{name}", value, here.place(name))
    elif each.word in {"COPY", "ADD"} and "--from" not in each.rest:
        stage.copied.extend(_copied(scope.expand(each.rest), here))
    elif each.word == "RUN":
        bound = list(_bound(scope.expand(each.rest), here)) if "--mount" in each.rest else []
        here = replace(here, copied=[*stage.copied, *bound])
        run_script(each.rest, {**scope.args, **scope.env}, here, stage.left)


def _stage_of(rest: str, stages: Mapping[str, _Stage]) -> _Stage | None:
    """Return the earlier stage that a COPY takes files of; None for the context and for another image."""
    match = re.search(r"--from=(\S+)", rest)
    return stages.get(match[1].lower()) if match else None


def _from_stage(rest: str, stage: _Stage, other: _Stage) -> None:
    """Take over what another stage has installed, where a COPY takes the folder that it lies in."""
    words = [posixpath.normpath(word) for word in rest.split() if not word.startswith("--")]
    own = other.environments | other.left.folders
    for source in (posixpath.join("/", word) for word in words[:-1]):
        whole = any(
            f"{each}/".startswith(f"{source.rstrip('/')}/") or source == f"{each}/lib" for each in own
        )
        if whole or _PACKAGES_OF_THE_IMAGE.fullmatch(source):
            stage.left.add(other.left)
            if other.brought is not None:
                stage.left.packages.setdefault(other.brought.key, other.brought)
            return


def _copied(rest: str, here: Here) -> Iterator[tuple[str, str]]:
    """Yield where in the image each source of a COPY comes to lie, and the source.

    Of a folder its content is copied; a file goes into a target that is a folder, or becomes it.
    """
    words = [word for word in rest.split() if not word.startswith("--")]
    if words and words[0].startswith("["):
        words = re.findall(r'"([^"]*)"', rest)
    target = posixpath.join(here.workdir, words[-1]) if words else ""
    several = len(words) > 2
    for word in words[:-1]:
        for source in _globbed(word, here.context):
            a_file = not (here.context / source).is_dir()
            # Whether the target is a folder already is not known here: where it is, the file lies in it.
            if a_file:
                yield posixpath.normpath(posixpath.join(target, posixpath.basename(source))), source
            if not (a_file and (several or words[-1].endswith(("/", ".")))):
                yield posixpath.normpath(target), source


def _globbed(word: str, context: Path) -> list[str]:
    """Return the sources that a pattern of one folder of the context means; any other word as it is."""
    word = word.lstrip("/") or "."
    folder, _, pattern = word.rpartition("/")
    if not re.search(r"[*?\[]", pattern) or re.search(r"[*?\[]", folder):
        return [word]
    try:
        return sorted(str(path.relative_to(context)) for path in (context / folder).glob(pattern))[:100]
    except (OSError, ValueError):
        return []


def _bound(rest: str, here: Here) -> Iterator[tuple[str, str]]:
    """Yield what the mounts of a RUN bind out of the context for its commands."""
    for match in _BOUND.finditer(rest):
        options = dict(part.partition("=")[::2] for part in match[1].split(","))
        target = options.get("target") or options.get("dst") or options.get("destination") or ""
        if options.get("type", "bind") == "bind" and "from" not in options and target:
            source = options.get("source") or options.get("src") or "."
            yield posixpath.normpath(posixpath.join(here.workdir, target)), source.lstrip("/") or "."


def _statements(stage: _Stage) -> Iterator[Stated]:
    if stage.base and "$" not in stage.base:
        yield Stated("image.base", stage.base, stage.place)
        if match := _PYTHON_TAG.match(stage.base):
            yield Stated("python", match[1], stage.place)
        if _ROCM_BASE.search(stage.base):
            yield Stated("accelerator", "rocm", stage.place)
        if _JETSON_BASE.search(stage.base):
            yield Stated("platform", "linux/arm64", stage.place)
    for name, each in stage.env.items():
        if name in _PIP_VARIABLES:
            yield Stated(_PIP_VARIABLES[name], each.value, each.place)
        elif is_worth(name):
            yield each
    yield from stage.left.statements()
