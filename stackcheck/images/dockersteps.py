"""The steps of a Dockerfile and what the build cache knows each by: text and digests of files in, no engine.

A step is found in the cache while everything that it was made from is the same: its text, the files that it
copies, the environment, build arguments, user and folder that a command sees, and every step before it.
Source: docs.docker.com/build/cache/invalidation and docs.docker.com/reference/dockerfile ("Impact on build
caching"), checked 2026-11-20.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Parts: TypeAlias = Mapping[str, str]
"""What a step is known by: its parts ("text", "files", "environment", ...), each as a short digest."""

PREDEFINED = frozenset(
    name
    for each in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (each, each.lower())
)
"""Build arguments that the cache leaves aside (docs.docker.com/reference/dockerfile/#predefined-args)."""

_INSTRUCTION = re.compile(r"^\s*([A-Za-z]+)(?:\s+(.*))?$", re.DOTALL)
_VARIABLE = re.compile(r"\\\$|\$(?:\{(?P<braced>\w+)(?::?(?P<how>[-+])(?P<word>[^}]*))?\}|(?P<plain>\w+))")
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_FLAG = re.compile(r"--([\w-]+)(?:=(\S+))?\s+")
_PAIR = re.compile(r"""([A-Za-z_][\w.-]*)=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the line where it starts, its word in upper case, and the rest as one text."""

    line: int
    word: str
    rest: str

    def __str__(self) -> str:
        """Return it as one line, blanks squeezed."""
        return f"{self.word} {' '.join(self.rest.split())}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that a builder runs and keeps: where it stands, and what the cache knows it by.

    `takes` are the stages that the step builds on or copies from.
    """

    stage: str
    line: int
    text: str
    parts: Parts
    takes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command sees at one point of a stage."""

    env: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"
    shell: str = ""

    def expand(self, text: str, *, keep_unknown: bool = False) -> str:
        """Replace $NAME, ${NAME}, ${NAME:-word} and ${NAME:+word}; ENV wins over ARG.

        A variable that nothing sets is empty; with `keep_unknown` it stays as it is written.
        """
        known = {**self.args, **self.env}

        def value(match: re.Match[str]) -> str:
            unknown = (match["braced"] or match["plain"]) not in known and not match["how"]
            if match[0] == r"\$" or (keep_unknown and unknown):
                return match[0]
            found = known.get(match["braced"] or match["plain"], "")
            if match["how"] == "-":
                return found or match["word"]
            return match["word"] if match["how"] == "+" and found else "" if match["how"] else found

        return _VARIABLE.sub(value, text)


def parse(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a Dockerfile: comments dropped, continued lines and heredocs joined."""
    escape = "`" if re.match(r"(?:#.*\n)*?#\s*escape\s*=\s*`", text, re.IGNORECASE) else "\\"
    lines = enumerate(text.splitlines(), start=1)
    found = []
    for number, first in lines:
        if not first.strip() or first.lstrip().startswith("#"):
            continue
        pieces = [first.rstrip()]
        while pieces[-1].endswith(escape):
            following = next((each for _, each in lines if not each.lstrip().startswith("#")), None)
            pieces[-1] = pieces[-1][:-1]
            if following is None:
                break
            pieces.append(following.rstrip())
        match = _INSTRUCTION.match("".join(pieces))
        if match is None:
            continue
        word, rest = match[1].upper(), match[2] or ""
        if word in {"RUN", "COPY", "ADD"}:
            rest += "".join(_heredocs(rest, lines))
        found.append(Instruction(number, word, rest.strip()))
    return tuple(found)


def _heredocs(rest: str, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, name in _HEREDOC.findall(rest):
        for _, line in lines:
            yield f"\n{line}"
            if line.strip() == name:
                break


def steps(
    text: str,
    files: Mapping[str, str],
    arguments: Mapping[str, str] | None = None,
    images: Mapping[str, str] | None = None,
    *,
    classic: bool = False,
) -> tuple[Step, ...]:
    """Return the steps of a Dockerfile, in order.

    `files` are the digests of the context by path, `arguments` the values of --build-arg, `images` the ids of
    base images by name as far as they are known. BuildKit keeps no step for instructions that only set
    something; the classic builder (`classic`) does, so there a change of a LABEL rebuilds what follows.
    """
    given = dict(arguments or {})
    before, stage, number = Scope(), "", -1
    scope, found, stages = before, [], dict[str, str]()
    for each in parse(text):
        if each.word == "FROM":
            number += 1
            base, stage = _base(before.expand(each.rest), number)
            origin = (stages[base.lower()],) if base.lower() in stages else ()
            parts = {"text": base, "image": (images or {}).get(base, "")}
            found.append(Step(stage, each.line, str(each), _digests(parts), origin))
            scope, stages = Scope(), {**stages, stage: stage, str(number): stage}
        elif number < 0:
            before = _after(each, before, given, {})
        else:
            step, scope = _step(each, scope, given, files, before)
            if step or classic:
                parts = step or {"text": scope.expand(str(each))}
                takes = tuple(stages[name] for name in _sources(each) if name in stages)
                found.append(Step(stage, each.line, str(each), _digests(parts), takes))
    return tuple(found)


def scopes(text: str, arguments: Mapping[str, str] | None = None) -> Iterator[tuple[Instruction, Scope]]:
    """Yield every instruction of the stages with what it sees; `arguments` are those of --build-arg.

    Build arguments that are not given have their defaults.

    A FROM sees the arguments before the first of them; a stage that is built on another goes on from there.
    """
    given = arguments or {}
    before = scope = Scope()
    ends: dict[str, Scope] = {}
    stage, number = "", -1
    for each in parse(text):
        if each.word == "FROM":
            ends[stage] = scope
            number += 1
            base, stage = _base(before.expand(each.rest), number)
            inherited = ends.get(base.lower(), Scope()) if number else Scope()
            yield each, before
            scope = replace(inherited, args={})
        elif number < 0:
            before = _after(each, before, given, {})
        else:
            yield each, scope
            scope = _after(each, scope, given, before.args)


def after(each: Instruction, scope: Scope) -> Scope:
    """Return what the instruction behind this one sees, build arguments at their defaults."""
    return _after(each, scope, {}, {})


def bases(text: str, arguments: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the images that a Dockerfile builds on, without its own stages and `scratch`.

    Build arguments count with their defaults; a reference with one that has no value is left out.
    """
    before, stages, found = Scope(), {"scratch"}, dict[str, None]()
    for each in parse(text):
        if each.word == "FROM":
            base, stage = _base(before.expand(each.rest), len(stages) - 1)
            used = [match for match in _VARIABLE.finditer(each.rest) if match["how"] != "-"]
            known = all((match["plain"] or match["braced"]) in before.args for match in used)
            if base and known and base.lower() not in stages:
                found[base] = None
            stages.add(stage)
        elif each.word == "ARG":
            before = _after(each, before, arguments or {}, {})
    return tuple(found)


def _base(rest: str, number: int) -> tuple[str, str]:
    """Return the image or stage that a FROM names, and the name of the stage that it begins."""
    words = [word for word in rest.split() if not word.startswith("--")]
    named = len(words) > 2 and words[1].upper() == "AS"
    return words[0] if words else "", words[2].lower() if named else str(number)


def _step(
    each: Instruction, scope: Scope, given: Mapping[str, str], files: Mapping[str, str], before: Scope
) -> tuple[dict[str, str], Scope]:
    """Return what a step is made from, nothing for one that only sets something, and the scope behind it."""
    if each.word == "RUN":
        hidden = {*PREDEFINED, *scope.env}
        seen = {name: value for name, value in scope.args.items() if name not in hidden}
        bound = list(_mounted(each.rest))
        return {
            "text": each.rest,
            "environment": _text(scope.env),
            "arguments": _text(seen),
            "user, folder or shell": f"{scope.user}\n{scope.workdir}\n{scope.shell}",
            "files": _text(matching(files, bound)) if bound else "",
        }, scope
    if each.word in {"COPY", "ADD"}:
        flags, words = _copied(scope.expand(each.rest))
        context = {} if "from" in flags else matching(files, words[:-1])
        place = scope.workdir if words and not words[-1].startswith("/") else ""
        return {
            "text": f"{sorted(flags.items())} {words}",
            "files": _text(context),
            "user, folder or shell": place,
        }, scope
    after = _after(each, scope, given, before.args)
    return ({"text": after.workdir} if each.word == "WORKDIR" else {}), after


def _after(each: Instruction, scope: Scope, given: Mapping[str, str], outer: Mapping[str, str]) -> Scope:
    """Return the scope behind an instruction that sets something."""
    if each.word not in {"ENV", "ARG", "USER", "WORKDIR", "SHELL"}:
        return scope
    rest = scope.expand(each.rest)
    if each.word == "ENV":
        return replace(scope, env={**scope.env, **_pairs(rest)})
    if each.word == "ARG":
        name, stated, default = rest.partition("=")
        value = given.get(name, default.strip("\"'") if stated else outer.get(name))
        return scope if value is None else replace(scope, args={**scope.args, name: value})
    if each.word == "USER":
        return replace(scope, user=rest)
    if each.word == "WORKDIR":
        return replace(scope, workdir=posixpath.normpath(posixpath.join(scope.workdir, rest)))
    return replace(scope, shell=rest) if each.word == "SHELL" else scope


def _pairs(rest: str) -> dict[str, str]:
    """Read NAME=value pairs, quoted or not, or the old `NAME value`."""
    pairs = _PAIR.findall(rest)
    if not pairs or "=" not in rest.split(maxsplit=1)[0]:
        name, _, value = rest.partition(" ")
        return {name: value.strip()}
    return {name: "".join(_words(value)) for name, value in pairs}


def _copied(rest: str) -> tuple[dict[str, str], list[str]]:
    flags = {}
    while match := _FLAG.match(rest):
        flags[match[1]] = match[2] or ""
        rest = rest[match.end() :]
    if rest.startswith("["):
        try:
            return flags, [str(word) for word in json.loads(rest)]
        except json.JSONDecodeError:
            return flags, rest.split()
    return flags, rest.split()


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an odd quote: docker has its own opinion, the text as it stands serves the cache
        return [text]


def _sources(each: Instruction) -> list[str]:
    """Return the stages that an instruction names by --from=NAME or --mount=...,from=NAME."""
    return [name.lower() for name in re.findall(r"(?:--from=|[=,]from=)([^\s,]+)", each.rest)]


def _mounted(rest: str) -> Iterator[str]:
    """Yield what `--mount=type=bind` of a RUN takes from the context."""
    for options in re.findall(r"--mount=(\S+)", rest):
        pairs = dict(part.partition("=")[::2] for part in options.split(","))
        if pairs.get("type", "bind") == "bind" and "from" not in pairs:
            yield pairs.get("source") or pairs.get("src") or "."


def matching(files: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """Return the files of a context that sources of a COPY name: a file, a folder, a pattern.

    >>> matching({"src/a.py": "1", "src/sub/b.py": "2", "c.txt": "3"}, ["src/"])
    {'src/a.py': '1', 'src/sub/b.py': '2'}
    """
    wanted = [posixpath.normpath(pattern.lstrip("/") or ".") for pattern in patterns]
    return {path: digest for path, digest in files.items() if any(_under(path, each) for each in wanted)}


def _under(path: str, pattern: str) -> bool:
    if pattern == ".":
        return True
    parts, wanted = path.split("/"), pattern.split("/")
    pairs = zip(parts, wanted, strict=False)
    return len(parts) >= len(wanted) and all(fnmatchcase(part, each) for part, each in pairs)


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True) if values else ""


def _digests(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(text.encode()).hexdigest()[:12] for name, text in parts.items() if text}


def with_base(text: str, before: str, now: str) -> str:
    """Return a Dockerfile that builds on another image; a reference made of build arguments stays."""
    line = rf"(?im)^(\s*FROM\s+(?:--\S+\s+)*){re.escape(before)}(?=\s|$)"
    return re.sub(line, lambda match: match[1] + now, text)
