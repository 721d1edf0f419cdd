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

from stackcheck.images.dockersteps import after, scopes
from stackcheck.intake.conda import spec
from stackcheck.intake.installs import Install, installs
from stackcheck.intake.requirements import included, read_lines
from stackcheck.intake.stated import Found, Open, Place, Stated
from stackcheck.model.versions import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from stackcheck.images.dockersteps import Instruction, Scope

KIND = "Dockerfile"
_PYTHON_TAG = re.compile(r"(?:docker\.io/)?(?:library/)?python:(\d+\.\d+)")
_PIP_VARIABLES = {
    "PIP_INDEX_URL": "index.url", "UV_DEFAULT_INDEX": "index.url", "UV_INDEX_URL": "index.url",
    "PIP_EXTRA_INDEX_URL": "index.extra", "UV_EXTRA_INDEX_URL": "index.extra",
    "PIP_FIND_LINKS": "index.find_links", "UV_FIND_LINKS": "index.find_links",
}  # fmt: skip
_LONGEST = 300
"""Lines that one instruction may have; a word is looked for in no more of them."""
_INSTRUCTION = re.compile(r"\s*(?:FROM|RUN|COPY|ADD|ENV|ARG|CMD|WORKDIR|USER|LABEL|ENTRYPOINT)\s")
_WORTH = re.compile(
    r"TORCH|CUDA|NVIDIA|HSA_|HIP_|ROCM|PYTORCH|NCCL|LD_LIBRARY_PATH|FORCE_|MAX_JOBS|MMCV|SPCONV|CUMM"
)
"""Variables that say something of a GPU stack; the others of an image say nothing that is judged."""


@dataclass
class _Stage:
    """What the lines of one stage have left so far."""

    base: str = ""
    place: Place = field(default_factory=lambda: Place(""))
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


def read(text: str, context: Path, shown: str) -> Found:
    """Read a Dockerfile and the requirement files that it copies out of its context.

    Raises UsageError when one of these cannot be read.
    """
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
            here = _Here(raw, shown, each.line, context, scope.workdir, stage.copied)
            _step(each, scope, stage, here)
    return Found(KIND, shown, tuple(_statements(stage)), tuple(_open(stage)))


@dataclass(frozen=True, slots=True)
class _Here:
    """Where an instruction stands: in the file, and among what its stage has copied out of the context."""

    raw: Sequence[str]
    shown: str
    line: int
    context: Path
    workdir: str
    copied: Sequence[tuple[str, str]]

    def place(self, word: str) -> Place:
        """Return the line of the instruction that holds a word; its first line when none does."""
        for number in range(self.line, min(len(self.raw), self.line + _LONGEST) + 1):
            text = self.raw[number - 1]
            if word and word in text:
                return Place(self.shown, number)
            if number > self.line and _INSTRUCTION.match(text):
                break
        return Place(self.shown, self.line)

    def in_context(self, name: str) -> str | None:
        """Return the file of the context that a name in the image leads to, None when none is known to."""
        inside = posixpath.normpath(posixpath.join(self.workdir, name))
        for target, word in reversed(self.copied):
            folder = target.rstrip("/") + "/"
            near = word if inside == target else None
            if inside.startswith(folder):
                near = posixpath.join(word, inside.removeprefix(folder))
            if near is not None and (self.context / near).is_file():
                return posixpath.normpath(near)
        return None


def _from(rest: str) -> tuple[str, str]:
    words = [word for word in rest.split() if not word.startswith("--")]
    return (words[0] if words else ""), (words[2].lower() if len(words) > 2 else "")


def _step(each: Instruction, scope: Scope, stage: _Stage, here: _Here) -> None:
    if each.word == "ENV":
        before = scope.env
        for name, value in after(each, scope).env.items():
            if before.get(name) != value:
                stage.env[name] = Stated(f"env.{name}", value, here.place(name))
    elif each.word in {"COPY", "ADD"} and "--from" not in each.rest:
        stage.copied.extend(_copied(scope.expand(each.rest), here))
    elif each.word == "RUN":
        for install in installs(scope.expand(each.rest, keep_unknown=True)):
            for said in _of_install(install, here):
                _take(said, stage)


def _copied(rest: str, here: _Here) -> Iterator[tuple[str, str]]:
    """Yield where in the image each source of a COPY comes to lie, and the source.

    Of a folder its content is copied; a file goes into a target that ends in a slash, or becomes it.
    """
    words = [word for word in rest.split() if not word.startswith("--")]
    target = posixpath.join(here.workdir, words[-1]) if words else ""
    for word in words[:-1]:
        into = words[-1].endswith(("/", ".")) and not (here.context / word).is_dir()
        yield posixpath.normpath(posixpath.join(target, posixpath.basename(word)) if into else target), word


def _of_install(install: Install, here: _Here) -> Iterator[Stated | Open]:
    """Yield what one install command states."""
    if install.tool == "conda":
        for name in install.names:
            yield from spec(name, here.place(name))
        return
    for name in install.names:
        yield from (_with_options(each, install) for each in _named(name, here))
    for key, target in (("requirement", "-r"), ("constraint", "-c")):
        for name in install.options.get(key, ()):
            yield from (_with_options(each, install) for each in _file(target, name, here))
    for name in install.options.get("editable", ()):
        yield from read_lines(f"-e {name}", here.shown, here.place(name).line, here.context)
    for key, target in (("extra", "index.extra"), ("find_links", "index.find_links")):
        yield from (Stated(target, url, here.place(url)) for url in install.options.get(key, ()))


def _named(name: str, here: _Here) -> Iterator[Stated | Open]:
    place = here.place(name)
    if "$" in name:
        yield Open(f"{name!r} holds a variable that is not known here, so it was not read.", place)
    else:
        yield from read_lines(name, here.shown, place.line, here.context)


def _with_options(each: Stated | Open, install: Install) -> Stated | Open:
    """Return a statement with what the options of its call say: its index is that of its packages alone."""
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


def _file(target: str, name: str, here: _Here) -> Iterator[Stated | Open]:
    near = here.in_context(name)
    if near is None:
        yield Open(
            f"{name} is not among the files of the build context, so it was not read.", here.place(name)
        )
        return
    shown = posixpath.join(posixpath.dirname(here.shown), near)
    yield from included(Stated(target, near, Place(shown)), here.context, here.shown)


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
        first, second = (each.value.get("version", LATEST) for each in (old, new))
        yield Open(
            f"{name} {second} takes the place of {first} of {old.place}.",
            new.place,
            "replaced",
        )
