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

from stackcheck.cachedir import cache_folder, write_atomically
from stackcheck.errors import LockError
from stackcheck.redact import secrets_of, without_userinfo
from stackcheck.resolving.derivation import read_failure
from stackcheck.resolving.doubt import in_doubt, passed_over
from stackcheck.resolving.index import Fetcher
from stackcheck.resolving.lock import Origin
from stackcheck.resolving.lockfile import parse_lock, render_lock
from stackcheck.resolving.resolution import PROVEN, LockedPackage, Resolution, Unresolved
from stackcheck.resolving.unread import (
    asks_several,
    keep_absent,
    load_absent,
    not_cached,
    unread_pages,
    verbose,
)
from stackcheck.resolving.uvinput import PROJECT, UvInput, uv_input
from stackcheck.resolving.uvrun import UvAnswer, compile_args, find_uv, project_folder, run_uv, uv_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Stack

__all__ = ["LockedPackage", "Options", "Resolution", "Unresolved", "resolve"]


@dataclass(frozen=True)
class Options:
    """How to resolve: `offline` uses only what is cached; `environ` stands for os.environ.

    `cache` is where pages and uv's input are kept, `uv` the binary, both found when not given. `answers`
    keeps what uv said, for variants of one stack that ask it the same question; by default nothing is kept.
    """

    offline: bool = False
    timeout_s: float = 600.0
    cache: Path | None = None
    uv: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    answers: dict[tuple[Any, ...], UvAnswer] | None = field(default=None, repr=False, compare=False)

    @property
    def cache_folder(self) -> Path:
        """Return the folder in use."""
        return self.cache or cache_folder(self.environ)

    @property
    def fetcher(self) -> Fetcher:
        """Return a reader of index pages with these settings."""
        return Fetcher(self.environ, self.cache_folder, self.offline)


def resolve(stack: Stack, options: Options | None = None) -> Resolution | Unresolved:
    """Resolve a stack.

    Raises ResolveError when uv cannot be run at all; everything that uv says about the stack or the
    indexes is a value.
    """
    options = options or Options()
    if not stack.python:
        return Unresolved("not-stated", "the stack states no Python, so its wheels cannot be chosen")
    if not any(package.origin != "conda" for package in stack.packages.values()):
        return Unresolved("not-stated", "the stack states no package that an index could have")
    first = _attempt(stack, options, lenient=False)
    if isinstance(first, Unresolved) and _may_be_assumption(first, stack):
        second = _attempt(stack, options, lenient=True)
        return second if isinstance(second, Resolution) else first
    return first


def _may_be_assumption(found: Unresolved, stack: Stack) -> bool:
    """Tell whether a failure may come from what was assumed: the glibc, or the patch release of Python."""
    patch = (stack.python or "").count(".") < 2
    glibc = not stack.glibc and stack.platform in (None, "linux/amd64", "linux/arm64")
    return {"no-platform-wheel": glibc, "no-python-wheel": patch, "no-wheel": patch}.get(found.kind, False)


def _attempt(stack: Stack, options: Options, *, lenient: bool) -> Resolution | Unresolved:
    start = time.monotonic()
    asked = uv_input(stack, options.environ, offline=options.offline, lenient=lenient)
    answer = _compile(asked, asked.args, "pylock.toml", options)
    if answer.code:
        secrets = secrets_of({**options.environ, **asked.env})
        found = read_failure(answer.stderr, offline=options.offline, secrets=secrets)
        if options.offline and found.kind in PROVEN and (missing := _missing_pages(stack, asked, options)):
            found = not_cached(missing, stack)
        found = replace(found, assumed=asked.assumed, offline=options.offline)
        return found if lenient else in_doubt(found, stack, options.fetcher)
    resolution = _resolution(stack, asked, answer, options, start)
    if isinstance(resolution, Unresolved) or resolution.offline:
        return resolution
    refusal, notes = passed_over(resolution, stack, options.fetcher)
    return refusal or replace(resolution, silent=notes)


def _compile(asked: UvInput, args: tuple[str, ...], form: str, options: Options) -> UvAnswer:
    question = (asked.project, args, form, frozenset(asked.env.items()))
    if options.answers is not None and question in options.answers:
        return options.answers[question]
    folder = project_folder(options.cache_folder, asked.project)
    binary, arguments = options.uv or find_uv(), compile_args(args, form)
    answer = run_uv(binary, arguments, cwd=folder, env=asked.env, timeout_s=options.timeout_s)
    if options.answers is not None:
        options.answers[question] = answer
    return answer


def _resolution(
    stack: Stack, asked: UvInput, answer: UvAnswer, options: Options, start: float
) -> Resolution | Unresolved:
    if missing := _missing_pages(stack, asked, options):
        return replace(not_cached(missing, stack), assumed=asked.assumed)
    version = uv_version(options.uv or find_uv())
    origins = _origins(asked, answer.stdout, options)
    try:
        text = render_lock(answer.stdout, origins, stack, platform=asked.platform, uv_version=version)
        packages = parse_lock(text, path="what uv resolved").packages
    except LockError as error:
        return Unresolved("resolver", f"uv {version} gave no usable lock: {error}")
    return Resolution(
        packages=packages,
        python=stack.python or "",
        platform=asked.platform,
        uv_version=version,
        lock_text=text,
        assumed=asked.assumed,
        offline="--offline" in asked.args,
        honoured=(*asked.honoured, *_settings_files(options.environ)),
        ignored=asked.ignored,
        left_out=asked.left_out,
        seconds=time.monotonic() - start,
    )


def _missing_pages(stack: Stack, asked: UvInput, options: Options) -> frozenset[str]:
    """Return the pages that uv had to do without, offline; online, remember those that there are not."""
    if not asks_several(stack, asked):
        return frozenset()
    offline, folder = "--offline" in asked.args, project_folder(options.cache_folder, asked.project)
    args = asked.args if offline else (*asked.args, "--offline")
    unread = unread_pages(_compile(asked, verbose(args), "requirements.txt", options).stderr, stack)
    if offline:
        return unread - load_absent(folder)
    keep_absent(folder, unread)
    return frozenset()


def _settings_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the settings files that uv reads on this machine, as `uv.toml=PATH`.

    Source: https://docs.astral.sh/uv/concepts/configuration-files/, checked 2026-11-20.
    """
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    files = (Path(home) / "uv" / "uv.toml", Path("/etc/uv/uv.toml"))
    return tuple(f"uv.toml={file}" for file in files if file.is_file() and os.access(file, os.R_OK))


def _origins(asked: UvInput, lock: str, options: Options) -> dict[str, Origin]:
    """Ask uv once more, from its cache alone, for what its lock does not say: indexes and dependencies.

    They follow from the question and the files chosen, so the same lock is asked about only once.
    """
    settings = [Path(each.partition("=")[2]).read_bytes() for each in _settings_files(options.environ)]
    subject = (asked.project, asked.args, asked.honoured, settings, lock)
    key = hashlib.sha256(repr(subject).encode()).hexdigest()
    kept = project_folder(options.cache_folder, asked.project) / "origins.json"
    if (known := _kept_origins(kept, key)) is not None:
        return known
    args = (*asked.args, "--emit-index-annotation", "--annotation-style", "split", "--no-strip-extras")
    if "--offline" not in args:
        args = (*args, "--offline")
    answer = _compile(asked, args, "requirements.txt", options)
    if answer.code:
        return {}
    found = read_annotations(answer.stdout)
    rows = {name: [origin.index, list(origin.requires)] for name, origin in found.items()}
    with suppress(OSError):
        write_atomically(kept, json.dumps({"key": key, "origins": rows}).encode(), mode=0o600)
    return found


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
