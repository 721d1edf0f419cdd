"""Which Python an image really runs: by its ENTRYPOINT, CMD and variables, and scripts they name. Pure.

Nothing is run. A launcher is looked through, a script is read for its shebang, a shell script for what it
starts last. What no text says is not guessed: then the image's variables count, and after these its PATH.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from stackcheck.intake.shell import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Read = Callable[[str], bytes | None]

PYTHON = re.compile(r"(python|pypy)(\d(\.\d+)?t?)?$")
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
INITS = frozenset({"tini", "tini-static", "dumb-init", "docker-init", "catatonit", "s6-setuidgid", "exec"})
WRAPPERS = frozenset(
    {
        "nice",
        "ionice",
        "nohup",
        "stdbuf",
        "numactl",
        "xvfb-run",
        "setpriv",
        "gosu",
        "su-exec",
        "timeout",
        "chroot",
    }
)
CONDAS = frozenset({"conda", "mamba", "micromamba"})
RUNNERS = frozenset({"uv", "poetry", "pipenv", "hatch", "pdm", "rye"})
DEEPEST = 8
_PLACES = re.compile(r"/[\w./+-]*/bin/(?:python|pypy)[\d.]*t?\b")
_ACTIVATE = re.compile(r"(?:^|[\s;&])(?:\.|source)\s+(\S+)/bin/activate\b")
_CONDA_ENV = re.compile(r"(?:conda|mamba|micromamba)\s+activate\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An interpreter: its path or name, and who says so; `certain` when the command itself starts it."""

    python: str
    why: str
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What an image starts: ENTRYPOINT and CMD in one, its variables, and its working folder."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    folder: str = "/"


def candidates(command: Command, read: Read) -> list[Candidate]:
    """Return the interpreters to ask, the likeliest first; the last one is `python3` on PATH.

    read: a path of the image -> the beginning of that file, links followed; None for what is not there.
    """
    env = command.env
    found = _of_words(list(command.words), command, read, 0)
    rows = [found] if found else []
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX"):
        if env.get(name):
            place = posixpath.join(command.folder, env[name])
            rows.append(Candidate(f"{place}/bin/python", name))
    rows.append(Candidate("python3", "PATH"))
    return list({row.python: row for row in reversed(rows)}.values())[::-1]


def _of_words(words: list[str], command: Command, read: Read, depth: int) -> Candidate | None:
    """Return what a command line starts; None where its text does not say."""
    while words and ("=" in words[0] and not words[0].startswith(("/", "-"))):
        words = words[1:]
    if not words or depth > DEEPEST:
        return None
    first, name = words[0], posixpath.basename(words[0])
    if PYTHON.match(name):
        return Candidate(first, "the command", certain=True)
    if name == "env":
        return _of_words(_after_env(words[1:]), command, read, depth + 1)
    if name in INITS or name in WRAPPERS:
        return _of_words(_after_options(words[1:], name), command, read, depth + 1)
    if name in CONDAS and "run" in words:
        return _of_conda(words, command, read)
    if name in RUNNERS and "run" in words[1:3]:
        place = command.env.get("UV_PROJECT_ENVIRONMENT") or command.env.get("VIRTUAL_ENV") or ".venv"
        return Candidate(f"{posixpath.join(command.folder, place)}/bin/python", f"`{name} run`", certain=True)
    if name in SHELLS:
        return _of_shell(words[1:], command, read, depth)
    return _of_file(first, words[1:], command, read, depth)


def _after_env(words: list[str]) -> list[str]:
    """Return what `env` starts: its options and assignments left away, the text of -S split."""
    while words:
        word = words[0]
        if word in {"-S", "--split-string"}:
            return shlex.split(words[1]) + words[2:] if len(words) > 1 else []
        if word.startswith("-S"):
            return shlex.split(word[2:]) + words[1:]
        if word in {"-u", "--unset", "-C", "--chdir"}:
            words = words[2:]
        elif word.startswith("-") or "=" in word:
            words = words[1:]
        else:
            break
    return words


def _after_options(words: list[str], name: str) -> list[str]:
    """Return what a launcher starts: behind `--`, else behind its options (and a user, a time, a folder)."""
    if "--" in words:
        return words[words.index("--") + 1 :]
    while words and words[0].startswith("-"):
        takes_one = (
            words[0] in {"-p", "-e", "-n", "-c", "-i", "-o", "-N", "-m", "-s", "-k"} and len(words) > 2
        )
        words = words[2:] if takes_one and not PYTHON.match(posixpath.basename(words[1])) else words[1:]
    return words[1:] if name in {"gosu", "su-exec", "timeout", "chroot", "s6-setuidgid"} else words


def _of_conda(words: list[str], command: Command, read: Read) -> Candidate | None:
    option = dict(pairwise(words))
    place = option.get("-p") or option.get("--prefix")
    named = option.get("-n") or option.get("--name")
    if not place and named:
        place = f"{_conda_root(words[0], command, read)}/envs/{named}"
    return Candidate(f"{place}/bin/python", "`conda run`", certain=True) if place else None


def _conda_root(conda: str, command: Command, read: Read) -> str:
    stated = command.env.get("MAMBA_ROOT_PREFIX") or command.env.get("CONDA_ROOT")
    path = next(_on_path(conda, command, read), "")
    return stated or (path.rpartition("/")[0].rpartition("/")[0] if path else "/opt/conda")


def _of_shell(words: list[str], command: Command, read: Read, depth: int) -> Candidate | None:
    """Return what a shell starts: by the text of -c, or by its script, with the words that follow it."""
    while words and words[0].startswith("-"):
        if "c" in words[0] and not words[0].startswith("--"):
            return _of_script(words[1], words[2:], command, read, depth) if len(words) > 1 else None
        words = words[1:]
    if not words:
        return None
    content = read(posixpath.join(command.folder, words[0]))
    text = content.decode("utf-8", "replace") if content else ""
    return _of_script(text, words[1:], command, read, depth) if text else None


def _of_script(
    text: str, arguments: Sequence[str], command: Command, read: Read, depth: int
) -> Candidate | None:
    """Return what a shell script starts last, with the environment that it activates."""
    env = dict(command.env)
    if activated := _ACTIVATE.findall(text):
        env["VIRTUAL_ENV"] = activated[-1]
    if (named := _CONDA_ENV.findall(text)) and "VIRTUAL_ENV" not in env:
        root = _conda_root("conda", command, read)
        place = named[-1] if named[-1].startswith("/") else f"{root}/envs/{named[-1]}"
        env["VIRTUAL_ENV"] = root if named[-1] == "base" else place
    inside = Command(command.words, env, command.folder)
    changed = bool(activated or named)
    for each in reversed(list(commands(text, env))):
        words = list(each.words[1:] if each.words[:1] == ("exec",) else each.words)
        started = list(arguments) if words[:1] and words[0] in {"$@", "${@}", "$*"} else words
        found = _of_words(started, inside, read, depth + 1)
        if found and "/" not in found.python and changed:
            break
        if found:
            return found
    if changed:
        return Candidate(
            f"{env['VIRTUAL_ENV']}/bin/python", "the environment that a script activates", certain=True
        )
    place = next(iter(_PLACES.findall(text)[::-1]), "")
    return Candidate(place, "a script of the image", certain=True) if place else None


def _of_file(word: str, arguments: list[str], command: Command, read: Read, depth: int) -> Candidate | None:
    """Return what a program that is a script is run by; None for a binary and for what is not there."""
    for path in _on_path(word, command, read):
        content = read(path) or b""
        if not content.startswith(b"#!"):
            return None
        line, _, rest = content[2:].decode("utf-8", "replace").partition("\n")
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        if words and posixpath.basename(words[0]) == "env":
            words = _after_env(words[1:])
        if words and posixpath.basename(words[0]) in SHELLS:
            return _of_script(rest, arguments, command, read, depth + 1)
        found = _of_words(words, command, read, depth + 1)
        return Candidate(found.python, f"the shebang of {path}", certain=True) if found else None
    return None


def _on_path(word: str, command: Command, read: Read) -> Iterator[str]:
    """Yield where a word is found as the kernel or a shell finds it."""
    if "/" in word:
        places = [posixpath.join(command.folder, word)]
    else:
        path = command.env.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        places = [f"{folder}/{word}" for folder in path.split(":") if folder]
    yield from (place for place in places if read(place) is not None)
