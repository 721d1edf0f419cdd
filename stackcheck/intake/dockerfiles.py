"""Read what a Dockerfile leaves in its last stage: base image, variables, and what its install lines leave.

The order counts: of two installs of one package the later one stays, unless it is content with the first.
Nothing is run and nothing is fetched; files that a COPY takes from the context are read.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from stackcheck.images.dockersteps import scopes
from stackcheck.intake.conda import spec
from stackcheck.intake.installs import Install, installs
from stackcheck.intake.requirements import included, read_lines
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.model.field_texts import LATEST
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from stackcheck.images.dockersteps import Instruction, Scope

KIND = "Dockerfile"
_PYTHON_TAG = re.compile(r"(?:docker\.io/)?(?:library/)?python:(\d+\.\d+)")
_PIP_VARIABLES = {
    "PIP_INDEX_URL": "index.url", "UV_DEFAULT_INDEX": "index.url", "UV_INDEX_URL": "index.url",
    "PIP_EXTRA_INDEX_URL": "index.extra", "UV_EXTRA_INDEX_URL": "index.extra", "PIP_FIND_LINKS": "index.find_links",
}  # fmt: skip
_WORTH = re.compile(r"TORCH|CUDA|NVIDIA|HSA_|HIP_|ROCM|PYTORCH|NCCL|LD_LIBRARY_PATH|FORCE_|MAX_JOBS|MMCV|SPCONV|CUMM")
"""Variables that say something of a GPU stack; the others of an image say nothing that is judged."""


@dataclass
class _Stage:
    """What the lines of one stage have left so far."""

    base: str = ""
    place: Place = Place("")
    env: dict[str, Stated] = field(default_factory=dict)
    packages: dict[str, Stated] = field(default_factory=dict)
    others: list[Stated] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)
    copied: list[tuple[str, str]] = field(default_factory=list)
    replaced: list[tuple[Stated, Stated]] = field(default_factory=list)

    def child(self) -> _Stage:
        return _Stage(
            self.base, self.place, dict(self.env), dict(self.packages), list(self.others), list(self.open),
            list(self.copied), list(self.replaced),
        )  # fmt: skip


def read(path: Path, shown: str, context: Path | None = None) -> Found:
    """Read a Dockerfile and the requirement files that it copies out of its context (default: its folder).

    Raises UsageError when the file cannot be read.
    """
    text = read_text(path)
    context = context or path.parent
    raw = text.split("\n")
    stages: dict[str, _Stage] = {}
    stage = _Stage()
    for each, scope in scopes(text):
        place = Place(shown, each.line)
        if each.word == "FROM":
            base, name = _from(scope.expand(each.rest))
            stage = stages[base.lower()].child() if base.lower() in stages else _Stage(base, place)
            stages[name or str(len(stages))] = stage
        else:
            _step(each, scope, stage, _Source(raw, shown, each.line), context)
    return Found(KIND, shown, tuple(_statements(stage)), tuple(_open(stage)))


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an instruction stands, to find the line of a word in it."""

    raw: Sequence[str]
    shown: str
    line: int

    def place(self, word: str) -> Place:
        """Return the line of the instruction that holds a word; its first line when none does."""
        for number in range(self.line, min(len(self.raw), self.line + 200) + 1):
            if word and word in self.raw[number - 1]:
                return Place(self.shown, number)
            if number > self.line and re.match(r"\s*(?:FROM|RUN|COPY|ENV|ARG|CMD)\s", self.raw[number - 1]):
                break
        return Place(self.shown, self.line)


def _from(rest: str) -> tuple[str, str]:
    words = [word for word in rest.split() if not word.startswith("--")]
    return (words[0] if words else ""), (words[2].lower() if len(words) > 2 else "")


def _step(each: Instruction, scope: Scope, stage: _Stage, source: _Source, context: Path) -> None:
    if each.word == "ENV":
        before = scope.env
        from stackcheck.images.dockersteps import after  # noqa: PLC0415 - the scope behind this very line

        for name, value in after(each, scope).env.items():
            if before.get(name) != value:
                stage.env[name] = Stated(f"env.{name}", value, source.place(name))
    elif each.word in {"COPY", "ADD"} and "--from" not in each.rest:
        words = [word for word in scope.expand(each.rest).split() if not word.startswith("--")]
        target = posixpath.join(scope.workdir, words[-1]) if words else ""
        for word in words[:-1]:
            name = target if not words[-1].endswith(("/", ".")) else posixpath.join(target, posixpath.basename(word))
            stage.copied.append((posixpath.normpath(name if word not in {".", "./"} else target), word))
    elif each.word == "RUN":
        for install in installs(scope.expand(each.rest, keep_unknown=True)):
            for said in _of_install(install, scope, stage, source, context):
                _take(said, stage)


def _of_install(
    install: Install, scope: Scope, stage: _Stage, source: _Source, context: Path
) -> Iterator[Stated | Open]:
    if install.tool == "conda":
        for name in install.names:
            yield from spec(name, source.place(name))
        return
    for name in install.names:
        if "$" in name:
            yield Open(f"{name!r} holds a variable that is not known here, so it was not read.", source.place(name))
            continue
        for each in read_lines(name, source.shown, source.place(name).line, context):
            yield _with_options(each, install)
    for key, target in (("requirement", "-r"), ("constraint", "-c")):
        for name in install.options.get(key, ()):
            yield from (_with_options(each, install) for each in _file(target, name, scope, stage, source, context))
    for name in install.options.get("editable", ()):
        yield from read_lines(f"-e {name}", source.shown, source.place(name).line, context)
    for url in install.options.get("extra", ()):
        yield Stated("index.extra", url, source.place(url))
    for url in install.options.get("find_links", ()):
        yield Stated("index.find_links", url, source.place(url))


def _with_options(each: Stated | Open, install: Install) -> Stated | Open:
    """Return a statement with what the options of its call say: an index of one call is that of its packages."""
    if isinstance(each, Open) or not each.key.startswith("packages."):
        return each
    row = dict(each.value)
    index = install.options.get("index", ())
    if index and not {"git", "url", "path"} & row.keys():
        row.setdefault("index", index[-1])
    if "--no-build-isolation" in install.flags:
        row["_unisolated"] = True
    if "--no-deps" in install.flags:
        row["_no_deps"] = True
    if install.flags & {"--force-reinstall", "--upgrade", "-U", "--ignore-installed", "-I"}:
        row["_again"] = True
    return Stated(each.key, row, each.place)


def _file(
    target: str, name: str, scope: Scope, stage: _Stage, source: _Source, context: Path
) -> Iterator[Stated | Open]:
    inside = posixpath.normpath(posixpath.join(scope.workdir, name))
    near = _in_context(inside, stage, context)
    place = source.place(name)
    if near is None:
        yield Open(f"{name} is not among the files of the build context, so it was not read.", place)
        return
    shown = posixpath.join(posixpath.dirname(source.shown), near)
    yield from included(Stated(target, near, Place(shown)), context, source.shown)


def _in_context(inside: str, stage: _Stage, context: Path) -> str | None:
    """Return the file of the context that lies at a path of the image, None when none is known to."""
    for target, word in reversed(stage.copied):
        near = None
        if inside == target:
            near = word
        elif inside.startswith(target.rstrip("/") + "/"):
            near = posixpath.join(word, inside[len(target.rstrip("/")) + 1 :])
        if near is not None and (context / near).is_file():
            return posixpath.normpath(near)
    return None


def _take(said: Stated | Open, stage: _Stage) -> None:
    if isinstance(said, Open):
        stage.open.append(said)
    elif not said.key.startswith("packages."):
        stage.others.append(said)
    else:
        old = stage.packages.get(said.key)
        if old is None or not _content(said, old):
            if old is not None and old.value != said.value:
                stage.replaced.append((old, said))
            stage.packages[said.key] = said


def _content(new: Stated, old: Stated) -> bool:
    """Tell whether an install leaves what is there: pip keeps a version that a requirement takes."""
    wanted = new.value.get("version", LATEST)
    if new.value.get("_again") or {"git", "url", "path"} & new.value.keys():
        return False
    if wanted == LATEST:
        return True
    try:
        have = Version(str(old.value.get("version")))
        exact = re.match(r"\d", wanted)
        return have in SpecifierSet(f"=={wanted}" if exact else wanted, prereleases=True)
    except (InvalidVersion, InvalidSpecifier):
        return False


def _statements(stage: _Stage) -> Iterator[Stated]:
    if stage.base:
        yield Stated("image.base", stage.base, stage.place)
        if match := _PYTHON_TAG.match(stage.base):
            yield Stated("python", match[1], stage.place)
    for name, each in stage.env.items():
        if name in _PIP_VARIABLES:
            yield Stated(_PIP_VARIABLES[name], each.value, each.place)
        elif _WORTH.search(name):
            yield each
    yield from stage.others
    for each in stage.packages.values():
        row = {key: value for key, value in each.value.items() if not key.startswith("_")}
        yield Stated(each.key, row, each.place)
        if each.value.get("_unisolated"):
            yield Stated("no_build_isolation", each.key.removeprefix("packages."), each.place)


def _open(stage: _Stage) -> Iterator[Open]:
    yield from stage.open
    for old, new in stage.replaced:
        name = new.key.removeprefix("packages.")
        yield Open(
            f"{name} {new.value.get('version', LATEST)} takes the place of {old.value.get('version', LATEST)} "
            f"of {old.place}.",
            new.place,
            "replaced",
        )
