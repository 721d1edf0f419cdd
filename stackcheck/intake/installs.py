"""Which packages the shell lines of a build install: pip, uv and conda commands, read and never run.

Only commands that stand there literally are read; what a variable of the shell, a loop or a script decides is
named as open. Options: https://pip.pypa.io/en/stable/cli/pip_install/ and
https://docs.astral.sh/uv/reference/cli/#uv-pip-install, checked 2026-11-30.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIP = re.compile(r"(?:.*/)?pip(?:\d(?:\.\d+)?)?")
_PYTHON = re.compile(r"(?:.*/)?python(?:\d(?:\.\d+)?)?")
_CONDA = re.compile(r"(?:.*/)?(?:conda|mamba|micromamba)")
_SEPARATORS = re.compile(r"\n|;|&&|\|\||(?<!\|)\|(?!\|)|(?<![<>&\d])&(?![&\d>])")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SAYS = {
    "requirement": ("-r", "--requirement", "--requirements"),
    "constraint": ("-c", "--constraint", "--constraints"),
    "index": ("-i", "--index-url", "--default-index"),
    "extra": ("--extra-index-url", "--index"),
    "find_links": ("-f", "--find-links"),
    "editable": ("-e", "--editable"),
}
"""Options of pip and uv whose value says which packages there are, or from where."""
_OTHERS = (
    "-t", "--target", "--prefix", "--root", "--timeout", "--retries", "--proxy", "--cert",
    "--client-cert", "--trusted-host", "--cache-dir", "--progress-bar", "--upgrade-strategy",
    "--platform", "--python-version", "--implementation", "--abi", "--global-option",
    "--config-settings", "--config-setting", "-C", "--log", "--src", "--python", "-p",
    "--index-strategy", "--exists-action", "--report", "--link-mode", "--torch-backend",
    "--prerelease", "--resolution", "--no-build-isolation-package", "--use-feature",
    "--root-user-action", "--extra", "--group", "--override", "--keyring-provider",
    "--allow-insecure-host", "--no-binary", "--only-binary",
)  # fmt: skip
"""Options that take a value and change nothing of that, or nothing that is read."""
_WITH_VALUE = {option: said for said, options in _SAYS.items() for option in options} | dict.fromkeys(
    _OTHERS, ""
)
_CONDA_VALUES = {"-n", "--name", "-p", "--prefix", "-c", "--channel", "-f", "--file", "--solver"}


@dataclass(frozen=True, slots=True)
class Install:
    """One install command: its tool, what it names, and the options that say where it is taken from."""

    tool: str
    """`pip` (also for uv) or `conda`."""
    names: tuple[str, ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


def installs(script: str) -> Iterator[Install]:
    """Yield the install commands of a shell script, in their order.

    >>> [each.names for each in installs("apt-get update && pip install -q torch==2.5.0; pip3 install ninja")]
    [('torch==2.5.0',), ('ninja',)]
    """
    for command in commands(script):
        found = _install(command)
        if found is not None:
            yield found


def commands(script: str) -> Iterator[list[str]]:
    """Yield the commands of a script as words, without what is assigned before them."""
    for text in _split(re.sub(r"\\\n", " ", script)):
        words = _words(text)
        while words and (
            _ASSIGNED.fullmatch(words[0]) or words[0] in {"then", "do", "else", "{", "(", "sudo", "exec"}
        ):
            words = words[1:]
        if words and words[0].startswith("--mount="):
            words = [word for word in words if not word.startswith(("--mount=", "--network=", "--security="))]
        if words:
            yield words


def _split(script: str) -> Iterator[str]:
    """Split at what ends a command, but not inside quotes."""
    rest, start = script, 0
    quoted = _quoted_spans(rest)
    for match in _SEPARATORS.finditer(rest):
        if not any(low <= match.start() < high for low, high in quoted):
            yield rest[start : match.start()]
            start = match.end()
    yield rest[start:]


def _quoted_spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", text)]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _install(words: list[str]) -> Install | None:
    if len(words) > 3 and words[1:3] == ["run", "-n"] and _CONDA.fullmatch(words[0]):
        words = words[4:]
    if words and re.fullmatch(r"(?:.*/)?uv", words[0]) and words[1:2] == ["pip"]:
        words = words[1:]
    if words and _PYTHON.fullmatch(words[0]) and words[1:3] == ["-m", "pip"]:
        words = words[2:]
    if words and (_PIP.fullmatch(words[0]) or words[0] == "pip") and "install" in words:
        return _pip(words[words.index("install") + 1 :])
    if words and _CONDA.fullmatch(words[0]) and words[1:2] in (["install"], ["create"]):
        return _conda(words[2:])
    return None


def _pip(words: list[str]) -> Install:
    names: list[str] = []
    flags: set[str] = set()
    options: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        option, has, value = word.partition("=")
        if word[:2] in {">", ">>", "2>"} or word.startswith((">", "2>")):
            break  # where the output goes; a version range would be quoted
        if word.startswith("-") and option in _WITH_VALUE:
            said = value if has else next(rest, "")
            if _WITH_VALUE[option]:
                options.setdefault(_WITH_VALUE[option], []).append(said)
        elif re.match(r"-[rcife].", word):  # -rrequirements.txt
            options.setdefault(_WITH_VALUE[word[:2]], []).append(word[2:])
        elif word.startswith("-"):
            flags.add(word)
        else:
            names.append(word)
    return Install("pip", tuple(names), {key: tuple(rows) for key, rows in options.items()}, frozenset(flags))


def _conda(words: list[str]) -> Install:
    names, files = [], []
    rest = iter(words)
    for word in rest:
        if word in _CONDA_VALUES:
            value = next(rest, "")
            files += [value] if word in {"-f", "--file"} else []
        elif not word.startswith("-"):
            names.append(word)
    return Install("conda", tuple(names), {"requirement": tuple(files)} if files else {})
