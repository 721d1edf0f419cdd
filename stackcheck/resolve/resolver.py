"""Resolve a stack with uv: which exact files would be installed, or why none can be.

What is honoured of the user's machine: index and find-links settings (UV_DEFAULT_INDEX, UV_INDEX,
UV_FIND_LINKS and pip's PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS), uv.toml of user and system,
certificates, proxies, netrc and uv's cache. Settings that would change the choice behind the definition's
back (constraints, overrides, strategies, a torch backend) are left out and listed in `Resolution.ignored`.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment.images import kept_image, system_python
from stackcheck.model import references
from stackcheck.model.enumeration import some
from stackcheck.model.errors import LockError
from stackcheck.model.platforms import judged_for
from stackcheck.model.resolution import THE_STACK, LockedPackage, Resolution, Unresolved
from stackcheck.resolve.alternatives import has_wheel, newer_source
from stackcheck.resolve.asking import Asker
from stackcheck.resolve.given import lock_of, with_metadata
from stackcheck.resolve.lockfile import Made, packages_of, renamed, render_lock
from stackcheck.resolve.metadata import declared
from stackcheck.resolve.options import Options
from stackcheck.resolve.origins import origins_of, settings_files
from stackcheck.resolve.question import Given, question_of
from stackcheck.resolve.rounds import Settled, settle
from stackcheck.resolve.uvrun import find_uv, uv_version
from stackcheck.resolve.verify_refusals import Reader, asked_for, stated_indexes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stackcheck.intake.stack import Package, Stack
    from stackcheck.resolve.question import Question

__all__ = ["LockedPackage", "Options", "Resolution", "Unresolved", "resolve"]


def resolve(stack: Stack, options: Options | None = None) -> Resolution | Unresolved:
    """Resolve a stack; one that states no Python for a likely one, see `likely_pythons`.

    Raises ResolveError when uv cannot be run at all; everything that uv says about the stack or the
    indexes is a value.
    """
    options = options or Options()
    if not stack.requires and not any(map(_is_resolved, stack.packages.values())):
        return _of_conda_alone(stack) or Unresolved(
            "not-stated", "the stack states no package that an index could have"
        )
    if options.answers is None:
        return _resolved(stack, replace(options, answers={}))
    return _remembered(stack, options) if options.offline and not stack.below else _resolved(stack, options)


def _of_conda_alone(stack: Stack) -> Unresolved | None:
    """Say who chooses the packages of a stack that are all conda's; None for any other stack."""
    if not stack.packages or any(each.origin != "conda" for each in stack.packages.values()):
        return None
    file = next((name for name in stack.read_from if name.endswith((".yml", ".yaml"))), "environment.yml")
    return Unresolved(
        "not-stated",
        "all of them are conda's, and its solver was not asked what the channels have",
        hint=f"`conda env create --dry-run -f {file}` asks it, and installs nothing",
    )


def _resolved(stack: Stack, options: Options) -> Resolution | Unresolved:
    if stack.python:
        return _Resolver(stack, options, stack.python).found()
    return _for_likely_python(stack, options)


_UNREAD = {"id", "family", "file", "summary", "gpus", "axes", "smoke", "expect", "expect_codes", "ignore"}
"""Fields of a stack that resolving does not read; of `file` it reads the folder."""


def _remembered(stack: Stack, options: Options) -> Resolution | Unresolved:
    """Resolve a stack unless one was that differs in name and hardware alone; uv's answers are shared."""
    memory = options.memory
    asked = f"{Path(stack.file).parent}\0{stack.model_dump_json(exclude=_UNREAD)}"
    known = memory.resolved.get(asked)
    if known is None:
        found = _resolved(stack, options)
        memory.keep_resolved(asked, stack.id, found)
        return found
    first, found = known
    if isinstance(found, Unresolved):
        return found
    return replace(found, written=lambda: renamed(found.lock_text, first, stack.id))


def _for_likely_python(stack: Stack, options: Options) -> Resolution | Unresolved:
    """Resolve for the newest Python that does it without a source build, else for the newest that does it.

    An older one is tried for as long as each leaves less to build than the one before.
    """
    found: list[Resolution] = []
    failed: list[Unresolved] = []
    for python in _served_first(stack, options):
        answer = _Resolver(stack, options, python).found()
        if isinstance(answer, Unresolved):
            failed.append(answer)
            if not answer.proven:
                break
        else:
            best_so_far = min((len(each.source_only) for each in found), default=None)
            found.append(answer)
            if not answer.source_only or (best_so_far is not None and len(answer.source_only) >= best_so_far):
                break
    best = min(found, key=lambda each: len(each.source_only), default=None)
    missing = Unresolved("not-stated", "the stack states no Python, so its wheels cannot be chosen")
    return best or next(iter(failed), missing)


def _served_first(stack: Stack, options: Options) -> list[str]:
    """Return the likely Pythons, those first that the pins have wheels for."""
    pythons = likely_pythons(stack)
    pins = {
        name: each.exact
        for name, each in stack.packages.items()
        if each.exact and not each.direct and each.origin not in {"conda", "source"}
    }
    if not pins or len(pythons) == 1 or options.fetcher.offline:
        return pythons
    reader = Reader(options.fetcher, options.memory)
    asked = question_of(stack, pythons[0])
    pages = {name: reader.files(name, asked_for(name, asked, options.fetcher))[0] for name in pins}

    def unserved(python: str) -> int:
        question = replace(asked, python=python)
        return sum(not has_wheel(pages[name], pin, question) for name, pin in pins.items())

    return sorted(pythons, key=unserved)


def _is_resolved(package: Package) -> bool:
    """Tell whether there is something to resolve for a package: its version, or what its wheel requires."""
    return package.origin != "conda" and (not package.direct or package.wheel is not None)


def _is_stated_source(name: str, question: Question) -> bool:
    package = question.packages.get(name)
    return package is not None and package.origin == "source"


def likely_pythons(stack: Stack) -> list[str]:
    """Return the Pythons to try where a stack states none, the likeliest first.

    That of its system; then those that the pinned torch has wheels for, newest first. Where torch is not
    pinned those of its newest release come first, and older ones follow; without torch the Python that runs
    this comes before them. What the project says of its Pythons leaves out the others.
    """
    tables = knowledge.load()
    version = stack.version("torch")
    release = tables.torch.release(version) if version else None
    platform = judged_for(stack.platform)
    own = system_python(stack, tables)
    if release is not None:
        known = _newest_first(release.python.get(platform, ()))
        return _admitted([*(each for each in (own,) if each in known), *known], stack)
    newest = _newest_first(tables.torch.newest.python.get(platform, ()))
    every = _newest_first(python for row in tables.torch.releases for python in row.python.get(platform, ()))
    here = "" if "torch" in stack.packages else f"{sys.version_info.major}.{sys.version_info.minor}"
    return _admitted([*filter(None, (own, here)), *newest, *every], stack)


def _admitted(pythons: Iterable[str], stack: Stack) -> list[str]:
    """Return each Python once, without those that the project's own range leaves out, where any is left."""
    every = list(dict.fromkeys(pythons))
    wanted = SpecifierSet(stack.python_range)
    return [each for each in every if any(wanted.contains(f"{each}.{n}") for n in (0, 99))] or every


def _newest_first(pythons: Iterable[str]) -> list[str]:
    return sorted({each for each in pythons if not each.endswith("t")}, key=Version, reverse=True)


def with_torch_of_image(question: Question) -> Question:
    """Return the question with the torch that the image brings as given, where the stack states none itself.

    pip leaves it where it is, unless something requires another one.
    """
    brings = kept_image(question.stack, knowledge.load())
    if brings is None or brings.torch is None or "torch" in question.packages:
        return question
    return replace(question, given={**question.given, "torch": Given(brings.torch)})


_MOST_NAMED = 4


def with_image(found: Resolution, stack: Stack) -> Resolution:
    """Say of which packages an image may have another version than the one that was taken."""
    image = kept_image(stack, knowledge.load())
    pinned = {name for name, package in stack.packages.items() if package.exact is not None}
    free = sorted({package.name for package in found.packages} - pinned)
    if image is None or not free:
        return found
    note = f"{some(free, _MOST_NAMED)}: {image.name} may have another version, which pip keeps"
    return replace(found, left_out=(*found.left_out, note))


class _Resolver:
    """One stack with one Python: the questions, uv's answers, and what comes of them."""

    def __init__(self, stack: Stack, options: Options, python: str) -> None:
        self.stack, self.options = stack, options
        self.start = time.monotonic()
        self.fetcher = options.fetcher
        self.reader = Reader(self.fetcher, options.memory)
        self.question, self.notes = with_metadata(question_of(stack, python), self.fetcher)
        self.asker = Asker(options, self.question)

    def found(self) -> Resolution | Unresolved:
        """Return the resolution, or why there is none."""
        brought = with_torch_of_image(self.question)
        found = self._found(brought)
        replaced = brought != self.question and isinstance(found, Unresolved) and found.proven
        found = self._found(self.question) if replaced else found
        return with_image(found, self.stack) if isinstance(found, Resolution) else found

    def _found(self, asked: Question) -> Resolution | Unresolved:
        if self.offline and (known := self.options.memory.uncached_of(asked)):
            return replace(known, assumed=asked.assumed)
        settled = settle(asked, self.asker.failure, self.reader)
        question = settled.question
        reasons = [*settled.culprits, *([settled.failure] if settled.failure else [])]
        if not reasons:
            found = self._preferred(self._resolution(settled), settled)
            if isinstance(found, Resolution):
                return replace(found, declared=declared(found, self.fetcher))
            reasons = [replace(found, others=()), *found.others]
        reasons += [each for each in settled.unreached if each not in reasons]
        said = [replace(each, assumed=question.assumed, offline=self.offline) for each in reasons]
        return replace(said[0], others=tuple(said[1:]))

    def _preferred(self, found: Resolution | Unresolved, settled: Settled) -> Resolution | Unresolved:
        """Return what pip would take: it builds the newest version rather than take an old one's wheel."""
        if isinstance(found, Unresolved) or found.offline:
            return found
        names = frozenset(p.name for p in found.packages if self._is_passed_over(p, settled.question))
        if not names:
            return found
        question = replace(settled.question, built=settled.question.built | names)
        again = settle(question, self.asker.failure, self.reader)
        if again.failure or again.culprits:
            return found
        return self._resolution(replace(settled, question=again.question))

    def _is_passed_over(self, package: LockedPackage, question: Question) -> bool:
        """Tell whether a newer version of a package exists as source only, where the stack leaves it open."""
        stated = question.packages.get(package.name)
        is_open = package.version.is_prerelease if stated is None else stated.exact is None
        if not is_open or not package.is_wheel:
            return False
        files, _ = self.reader.files(package.name, asked_for(package.name, question, self.fetcher))
        wanted = stated.specifier if stated else SpecifierSet()
        return newer_source(files, wanted, package.version, question)

    @property
    def offline(self) -> bool:
        """Tell whether only what is cached counts."""
        return self.options.offline

    def _resolution(self, settled: Settled) -> Resolution | Unresolved:
        question, options = settled.question, self.options
        asked = self.asker.input_of(question)
        answer = self.asker.compile(asked, asked.args, "pylock.toml")
        offline = "--offline" in asked.args
        if not offline:
            self.asker.missing_pages(question, asked)
        version = uv_version(options.uv or find_uv())
        try:
            made = Made(question.uv_platform, version, question.python)
            locked, origins = lock_of(answer.stdout, question), origins_of(asked, answer.stdout, self.asker)
            packages = packages_of(locked, origins, self.stack.python or "", made)
        except LockError as error:
            return Unresolved("resolver", f"uv {version} gave no usable lock: {error}")
        found = Resolution(
            packages=packages,
            python=question.python,
            platform=question.uv_platform,
            uv_version=version,
            written=partial(render_lock, locked, origins, self.stack, made),
            assumed=question.assumed,
            offline=offline,
            honoured=(*asked.honoured, *settings_files(options.environ)),
            ignored=asked.ignored,
            left_out=tuple(
                f"{n}: {why}" for n, why in {**left_out(self.stack), **self.notes, **settled.notes}.items()
            ),
            absent=tuple(f"{n}: its marker is false here: {why}" for n, why in self.stack.left_out.items()),
            unreached=settled.unreached,
            given={name: each.version for name, each in question.given.items()},
            source_only=tuple(
                p.name for p in packages if not p.is_wheel and not _is_stated_source(p.name, question)
            ),
            seconds=time.monotonic() - self.start,
        )
        if refusal := _nothing_left(found) or _forbidden(found, question):
            return refusal
        return found if offline else self._passed_over(found, question)

    def _passed_over(self, found: Resolution, question: Question) -> Resolution:
        """Look at the stated indexes that gave nothing; uv passes over one that refuses in silence."""
        used = {package.index.rstrip("/") for package in found.packages}
        quiet = [p for p in stated_indexes(question) if p.shown.rstrip("/") not in used]
        name = found.packages[0].name if found.packages else ""
        said = [why for place in quiet if name and (why := self.reader.trouble(name, place))]
        refused = tuple(why for why in said if why.status != 404)
        silent = tuple(why.message for why in said if why.status == 404)
        return replace(found, silent=silent, unreached=(*found.unreached, *refused))


def _nothing_left(found: Resolution) -> Unresolved | None:
    """Return why a resolution in which nothing is left is none."""
    if found.packages or found.given:
        return None
    if found.unreached:
        return replace(found.unreached[0], assumed=found.assumed)
    return Unresolved(
        "not-stated", "; ".join((*found.left_out, *found.absent)) or "the stack needs no package here"
    )


def _needed_by(name: str, found: Resolution) -> str:
    parents = found.parents_of(name)
    return (
        f"{' and '.join(parents)} need"
        if len(parents) > 1
        else f"{parents[0] if parents else THE_STACK} needs"
    )


def _forbidden(found: Resolution, question: Question) -> Unresolved | None:
    """Return what has no wheel, where the stack forbids to build it; the rest stands in `others`."""
    reasons = [
        Unresolved(
            "no-wheel",
            f"{_needed_by(name, found)} {name} {found.version(name)}, "
            f"which has no wheel for {question.title}, and the stack forbids source builds",
            (f"{name}=={found.version(name)}",),
            who=" and ".join(found.parents_of(name)) or THE_STACK,
        )
        for name in (found.source_only if question.forbids_builds else ())
    ]
    return replace(reasons[0], others=tuple(reasons[1:])) if reasons else None


def left_out(stack: Stack) -> dict[str, str]:
    """Return what of a stack no resolver looks at, or not wholly, each with the reason."""
    notes: dict[str, str] = {}
    for name, package in stack.packages.items():
        if package.origin == "conda":
            version = "its version was taken as given" if package.exact else "its version is not known"
            notes[name] = f"comes from conda; {version}, and what it requires itself was not resolved"
        elif package.wheel and not references.sha256_of(package.url or ""):
            notes[name] = f"comes from {package.direct}, which a lock can hold only with its #sha256=..."
        elif package.direct and not package.wheel:
            notes[name] = f"comes from {package.direct}; what it requires itself was not resolved"
        elif package.origin == "source" and not package.direct:
            notes[name] = "built from source; what it requires itself is known only to its build, so state it"
    return notes
