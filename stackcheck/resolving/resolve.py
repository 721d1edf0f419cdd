"""Resolve a stack with uv: which exact files would be installed, or why none can be.

What is honoured of the user's machine: index and find-links settings (UV_DEFAULT_INDEX, UV_INDEX,
UV_FIND_LINKS and pip's PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS), uv.toml of user and system,
certificates, proxies, netrc and uv's cache. Settings that would change the choice behind the definition's
back (constraints, overrides, strategies, a torch backend) are left out and listed in `Resolution.ignored`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from stackcheck import tables
from stackcheck.cachedir import cache_folder, write_atomically
from stackcheck.errors import LockError
from stackcheck.redact import secrets_of, without_userinfo
from stackcheck.resolving.derivation import THE_STACK, read_failure
from stackcheck.resolving.doubt import Reader, stated_indexes
from stackcheck.resolving.given import with_metadata, write_stand_ins
from stackcheck.resolving.index import Fetcher
from stackcheck.resolving.lock import Origin
from stackcheck.resolving.lockfile import parse_lock, render_lock
from stackcheck.resolving.memory import RunMemory
from stackcheck.resolving.question import question_of
from stackcheck.resolving.resolution import LockedPackage, Resolution, Unresolved
from stackcheck.resolving.rounds import Settled, settle
from stackcheck.resolving.unread import (
    asks_several,
    keep_absent,
    load_absent,
    not_cached,
    unread_pages,
    verbose,
)
from stackcheck.resolving.uvinput import PROJECT, UvInput, project_of, uv_input
from stackcheck.resolving.uvrun import UvAnswer, compile_args, find_uv, project_folder, run_uv, uv_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Package, Stack
    from stackcheck.resolving.question import Question

__all__ = ["LockedPackage", "Options", "Resolution", "Unresolved", "resolve"]


@dataclass(frozen=True)
class Options:
    """How to resolve: `offline` uses only what is cached; `environ` stands for os.environ.

    `cache` is where pages and uv's input are kept, `uv` the binary, both found when not given. `answers`
    keeps what uv said, for variants of one stack that ask it the same question; by default it is kept for one
    stack. `memory` is what one run learns of indexes, for all its stacks.
    """

    offline: bool = False
    timeout_s: float = 600.0
    cache: Path | None = None
    uv: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    answers: dict[tuple[Any, ...], UvAnswer] | None = field(default=None, repr=False, compare=False)
    memory: RunMemory = field(default_factory=RunMemory, repr=False, compare=False)

    @property
    def cache_folder(self) -> Path:
        """Return the folder in use."""
        return self.cache or cache_folder(self.environ)

    @property
    def fetcher(self) -> Fetcher:
        """Return a reader of index pages with these settings."""
        return Fetcher(self.environ, self.cache_folder, self.offline)


def resolve(stack: Stack, options: Options | None = None) -> Resolution | Unresolved:
    """Resolve a stack; one that states no Python for the newest of those that its torch has wheels for.

    Raises ResolveError when uv cannot be run at all; everything that uv says about the stack or the
    indexes is a value.
    """
    options = options or Options()
    if options.answers is None:
        options = replace(options, answers={})
    if not stack.requires and not any(map(_is_resolved, stack.packages.values())):
        return Unresolved("not-stated", "the stack states no package that an index could have")
    if stack.python:
        return _Resolver(stack, options, stack.python).found()
    return _for_likely_python(stack, options)


def _for_likely_python(stack: Stack, options: Options) -> Resolution | Unresolved:
    """Resolve for the newest Python that does it without a source build, else for the newest that does it."""
    found: list[Resolution] = []
    failed: list[Unresolved] = []
    for python in likely_pythons(stack):
        answer = _Resolver(stack, options, python).found()
        if isinstance(answer, Unresolved):
            failed.append(answer)
            if not answer.proven:
                break
        else:
            found.append(answer)
            if not answer.source_only:
                break
    best = min(found, key=lambda each: len(each.source_only), default=None)
    missing = Unresolved("not-stated", "the stack states no Python, so its wheels cannot be chosen")
    return best or next(iter(failed), missing)


def _is_resolved(package: Package) -> bool:
    """Tell whether there is something to resolve for a package: its version, or what its wheel requires."""
    return package.origin != "conda" and (not package.direct or package.wheel is not None)


def likely_pythons(stack: Stack) -> list[str]:
    """Return the Pythons that the pinned torch, else its newest release, has wheels for, newest first."""
    torch = tables.load().torch
    version = stack.version("torch")
    release = (torch.release(version) if version else None) or torch.newest
    known = release.python.get(stack.platform or "linux/amd64", ())
    usual = (each for each in known if not each.endswith("t"))
    return sorted(usual, key=Version, reverse=True)


class _Resolver:
    """One stack with one Python: the questions, uv's answers, and what comes of them."""

    def __init__(self, stack: Stack, options: Options, python: str) -> None:
        self.stack, self.options = stack, options
        self.start = time.monotonic()
        self.fetcher = options.fetcher
        self.reader = Reader(self.fetcher, options.memory)
        self.question, self.notes = with_metadata(question_of(stack, python), self.fetcher)

    def found(self) -> Resolution | Unresolved:
        """Return the resolution, or why there is none."""
        if self.offline and (known := self.options.memory.uncached_of(self.question)):
            return replace(known, assumed=self.question.assumed)
        settled = settle(self.question, self._failure, self.reader)
        question = settled.question
        reasons = [*settled.culprits, *([settled.failure] if settled.failure else [])]
        if not reasons:
            found = self._resolution(settled)
            if isinstance(found, Resolution):
                return found
            reasons = [replace(found, others=()), *found.others]
        reasons += [each for each in settled.unreached if each not in reasons]
        said = [replace(each, assumed=question.assumed, offline=self.offline) for each in reasons]
        return replace(said[0], others=tuple(said[1:]))

    @property
    def offline(self) -> bool:
        """Tell whether only what is cached counts."""
        return self.options.offline

    def _failure(self, question: Question) -> Unresolved | None:
        """Ask uv; return why it found nothing."""
        asked = uv_input(question, self.options.environ, offline=self.offline)
        answer = self._compile(asked, asked.args, "pylock.toml")
        secrets = secrets_of({**self.options.environ, **asked.env})
        found = read_failure(answer.stderr, offline=self.offline, secrets=secrets) if answer.code else None
        silent = "--offline" in asked.args and (found is None or found.proven)
        if silent and (missing := self._missing_pages(question, asked)):
            found = not_cached(missing, question)
        if found is not None:
            self.options.memory.keep_uncached(question, found)
        return found

    def _compile(self, asked: UvInput, args: tuple[str, ...], form: str) -> UvAnswer:
        options, question = self.options, (asked.project, args, form, frozenset(asked.env.items()))
        answers = options.answers if options.answers is not None else {}
        if question not in answers:
            folder = project_folder(options.cache_folder, asked.project)
            write_stand_ins(folder, asked.given)
            binary, arguments = options.uv or find_uv(), compile_args(args, form)
            answers[question] = run_uv(
                binary, arguments, cwd=folder, env=asked.env, timeout_s=options.timeout_s
            )
        return answers[question]

    def _missing_pages(self, question: Question, asked: UvInput) -> frozenset[str]:
        """Return the pages that uv had to do without, offline; online, remember those that there are not."""
        if not asks_several(question, asked.env):
            return frozenset()
        # One stack's questions of one run go on from the same first one: what it lacked, all of them lack.
        folder = project_folder(self.options.cache_folder, project_of(self.question))
        offline = "--offline" in asked.args
        args = asked.args if offline else (*asked.args, "--offline")
        unread = unread_pages(self._compile(asked, verbose(args), "requirements.txt").stderr, question)
        if offline:
            return unread - load_absent(folder)
        keep_absent(folder, unread)
        return frozenset()

    def _resolution(self, settled: Settled) -> Resolution | Unresolved:
        question, options = settled.question, self.options
        asked = uv_input(question, options.environ, offline=self.offline)
        answer = self._compile(asked, asked.args, "pylock.toml")
        offline = "--offline" in asked.args
        if not offline:
            self._missing_pages(question, asked)
        version = uv_version(options.uv or find_uv())
        origins = self._origins(asked, answer.stdout)
        try:
            text = render_lock(
                answer.stdout,
                origins,
                self.stack,
                platform=question.uv_platform,
                uv_version=version,
                python=question.python,
                without=question.given.keys(),
            )
            packages = parse_lock(text, path="what uv resolved").packages
        except LockError as error:
            return Unresolved("resolver", f"uv {version} gave no usable lock: {error}")
        found = Resolution(
            packages=packages,
            python=question.python,
            platform=question.uv_platform,
            uv_version=version,
            lock_text=text,
            assumed=question.assumed,
            offline=offline,
            honoured=(*asked.honoured, *_settings_files(options.environ)),
            ignored=asked.ignored,
            left_out=tuple(
                f"{n}: {why}" for n, why in {**left_out(self.stack), **self.notes, **settled.notes}.items()
            ),
            unreached=settled.unreached,
            given={name: each.version for name, each in question.given.items()},
            source_only=tuple(
                p.name for p in packages if not p.is_wheel and p.name not in question.stated_sources
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

    def _origins(self, asked: UvInput, lock: str) -> dict[str, Origin]:
        """Ask uv once more, from its cache alone, for what its lock does not say: indexes and dependencies.

        They follow from the question and the files chosen, so the same lock is asked about only once.
        """
        folder, environ = self.options.cache_folder, self.options.environ
        settings = [Path(each.partition("=")[2]).read_bytes() for each in _settings_files(environ)]
        subject = (asked.project, asked.args, asked.honoured, settings, lock)
        key = hashlib.sha256(repr(subject).encode()).hexdigest()
        kept = project_folder(folder, asked.project) / "origins.json"
        if (known := _kept_origins(kept, key)) is not None:
            return known
        args = (*asked.args, "--emit-index-annotation", "--annotation-style", "split", "--no-strip-extras")
        if "--offline" not in args:
            args = (*args, "--offline")
        answer = self._compile(asked, args, "requirements.txt")
        if answer.code:
            return {}
        found = read_annotations(answer.stdout)
        rows = {name: [origin.index, list(origin.requires)] for name, origin in found.items()}
        with suppress(OSError):
            write_atomically(kept, json.dumps({"key": key, "origins": rows}).encode(), mode=0o600)
        return found


def _nothing_left(found: Resolution) -> Unresolved | None:
    """Return why a resolution in which nothing is left is none."""
    if found.packages or found.given:
        return None
    if found.unreached:
        return replace(found.unreached[0], assumed=found.assumed)
    return Unresolved("not-stated", "; ".join(found.left_out) or "the stack needs no package here")


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
    notes = {name: f"its marker is false here: {marker}" for name, marker in stack.left_out.items()}
    for name, package in stack.packages.items():
        if package.origin == "conda":
            version = "its version was taken as given" if package.exact else "its version is not known"
            notes[name] = f"comes from conda; {version}, and what it requires itself was not resolved"
        elif package.direct and not package.wheel:
            notes[name] = f"comes from {package.direct}; what it requires itself was not resolved"
        elif package.origin == "source" and not package.direct:
            notes[name] = "built from source; what it requires itself is known only to its build, so state it"
    return notes


def _settings_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings files that uv reads on this machine, as `uv.toml=PATH`.

    Source: https://docs.astral.sh/uv/concepts/configuration-files/, checked 2026-11-20.
    """
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    files = (Path(home) / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))
    return tuple(f"uv.toml={file}" for file in files if file.is_file() and os.access(file, os.R_OK))


def _kept_origins(path: Path, key: str) -> dict[str, Origin] | None:
    """Return what was kept for this very lock; None when there is nothing, or it is damaged."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["key"] != key:
            return None
        return {str(name): Origin(str(index), tuple(map(str, requires)))
                for name, (index, requires) in kept["origins"].items()}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_annotations(text: str) -> dict[str, Origin]:
    """Read uv's comments: `# from URL`, and `# via NAME` turned around into what NAME requires."""
    index: dict[str, str] = {}
    requires: dict[str, list[str]] = defaultdict(list)
    name, via = "", False
    for line in text.splitlines():
        words = line.strip().lstrip("# ").split()
        if not line.startswith((" ", "#")) and "==" in line:
            name, via = re.split(r"[=\[]", line, maxsplit=1)[0], False
        elif words[:1] == ["from"] and len(words) > 1:
            index[name], via = without_userinfo(words[1]), False
        elif words[:1] == ["via"] or (via and words):
            via = True
            parent = words[-1] if words[0] == "via" else words[0]
            if parent not in ("via", PROJECT) and not parent.startswith("("):
                requires[parent.partition("[")[0]].append(name)
    names = {*index, *requires}
    return {each: Origin(index.get(each, ""), tuple(sorted(set(requires[each])))) for each in names if each}
