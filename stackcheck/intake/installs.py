"""Which packages the shell lines of a build install: pip, uv and conda commands, read and never run.

`shell` says which commands run; what a condition or a loop decides is named as open.
Options: https://pip.pypa.io/en/stable/cli/pip_install/ and
https://docs.astral.sh/uv/reference/cli/#uv-pip-install.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from stackcheck.intake.shell import commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PIP = re.compile(r"(?:.*/)?pip(?:\d(?:\.\d+)?)?")
_PYTHON = re.compile(r"(?:.*/)?python(?:\d(?:\.\d+)?)?")
_CONDA = re.compile(r"(?:.*/)?(?:conda|mamba|micromamba)")
_SAYS = {
    "requirement": ("-r", "--requirement", "--requirements"),
    "constraint": ("-c", "--constraint", "--constraints"),
    "index": ("-i", "--index-url", "--default-index"),
    "extra": ("--extra-index-url", "--index"),
    "find_links": ("-f", "--find-links"),
    "editable": ("-e", "--editable"),
    "into": ("-t", "--target", "--prefix", "--root"),
}
"""Options of pip and uv whose value says which packages there are, or from where."""
_OTHERS = (
    "--timeout", "--retries", "--proxy", "--cert",
    "--client-cert", "--trusted-host", "--cache-dir", "--progress-bar", "--upgrade-strategy",
    "--platform", "--python-version", "--implementation", "--abi", "--global-option",
    "--config-settings", "--config-setting", "-C", "--log", "--src", "--python", "-p",
    "--index-strategy", "--exists-action", "--report", "--link-mode", "--torch-backend",
    "--prerelease", "--resolution", "--no-build-isolation-package", "--use-feature",
    "--root-user-action", "--extra", "--group", "--override", "--keyring-provider",
    "--allow-insecure-host", "--no-binary", "--only-binary", "--build-constraint", "-b",
)  # fmt: skip
"""Options that take a value and change nothing of that, or nothing that is read."""
_WITH_VALUE = {option: said for said, options in _SAYS.items() for option in options} | dict.fromkeys(
    _OTHERS, ""
)
_PROJECTS = {
    "uv": ("sync",), "poetry": ("install", "sync"), "pdm": ("install", "sync"),
    "pipenv": ("install", "sync"), "pixi": ("install",),
}  # fmt: skip
"""Commands that install the project of the working folder with what its lock file pins."""
_ADDS = {"uv": "add", "poetry": "add", "pdm": "add", "pipenv": "install"}
"""Commands that install what they name and add it to the project of the working folder."""
_SETUP_VERBS = {"install", "develop", "build_ext"}
_PROJECT_VALUES = {
    "--extra": "extra", "-E": "extra", "--extras": "extra", "--group": "group", "-G": "group",
    "--with": "group", "--only": "only", "--only-group": "only", "--directory": "folder", "-C": "folder",
    "--project": "folder", "--no-group": "", "--without": "", "--python": "", "-p": "", "--index": "",
}  # fmt: skip
_CONDA_VALUES = {"-n", "--name", "-p", "--prefix", "-c", "--channel", "-f", "--file", "--solver"}


@dataclass(frozen=True, slots=True)
class Install:
    """One install command: its tool, what it names, and the options that say where it is taken from."""

    tool: str
    """`pip` (also for `uv pip` and `uv add`), `mim`, `conda`, what installs a project by its lock (`uv`,
    `poetry` ...), or `setup.py`: a project whose setup.py is run itself."""
    names: tuple[str, ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


def installs(script: str, known: Mapping[str, str] | None = None) -> Iterator[Install]:
    """Yield the install commands of a shell script, in their order.

    >>> [each.names for each in installs("apt-get update && pip install -q torch==2.5.0; pip3 install ninja")]
    [('torch==2.5.0',), ('ninja',)]
    """
    found = (install_of(command.words) for command in commands(script, known))
    return (each for each in found if each is not None)


def install_of(command: Sequence[str]) -> Install | None:
    """Return what one command installs; None for any other command."""
    words = _program(list(command))
    if not words:
        return None
    tool = words[0].rpartition("/")[2]
    if tool == "setup.py":
        return Install(tool, (words[0],)) if _SETUP_VERBS.intersection(words[1:]) else None
    if _CONDA.fullmatch(words[0]):
        return _conda_call(words[1:])
    if "install" in words and (tool == "mim" or _PIP.fullmatch(words[0])):
        found = _pip(words[words.index("install") + 1 :])
        return replace(found, tool="mim") if tool == "mim" else found
    named = next((each for each in words[1:] if not each.startswith("-")), "")
    added = _pip(words[words.index(named) + 1 :]) if named and named == _ADDS.get(tool) else None
    if added is not None and (added.names or added.options):
        return added
    if named in _PROJECTS.get(tool, ()):
        return _project(tool, words[words.index(named) + 1 :])
    return None


def interpreter_of(command: Sequence[str]) -> str:
    """Return the interpreter that a command installs for, as it names it; "" where it names none.

    >>> interpreter_of(["python3.10", "-m", "pip", "install", "torch"])
    'python3.10'
    >>> interpreter_of(["uv", "pip", "install", "--python", "3.12", "torch"])
    '3.12'
    """
    if command and _PYTHON.fullmatch(command[0]):
        return command[0]
    if command and (match := re.fullmatch(r"(?:.*/)?pip(\d\.\d+)", command[0])):
        return f"python{match[1]}"
    if command[:1] == ["uv"] or command[:1] == ("uv",):
        return next((value for word, value in pairwise(command) if word in {"--python", "-p"}), "")
    return ""


def venv_of(command: Sequence[str]) -> str:
    """Return the folder of the environment that a command makes; "" for any other command.

    >>> venv_of(["python3", "-m", "venv", "/opt/venv"]), venv_of(["uv", "venv"])
    ('/opt/venv', '.venv')
    """
    words = list(command)
    if words[:2] == ["uv", "venv"]:
        values = {value for word, value in pairwise(words) if word in {"--python", "-p", "--prompt"}}
        return next((each for each in words[2:] if not each.startswith("-") and each not in values), ".venv")
    words = _program(words)
    if words and words[0].rpartition("/")[2] in {"venv", "virtualenv"}:
        return next((each for each in reversed(words[1:]) if not each.startswith("-")), "")
    return ""


def _program(words: list[str]) -> list[str]:
    """Return the command without what starts it: `conda run`, `uv` before pip, `python -m`, `python`."""
    if len(words) > 3 and words[1:3] == ["run", "-n"] and _CONDA.fullmatch(words[0]):
        words = words[4:]
    if words and re.fullmatch(r"(?:.*/)?uv", words[0]) and words[1:2] == ["pip"]:
        words = words[1:]
    if words and _PYTHON.fullmatch(words[0]):
        words = words[2:] if words[1:2] == ["-m"] else _from_script(words[1:])
    return words


def _from_script(words: list[str]) -> list[str]:
    """Return the script that a Python runs and its arguments, the options of Python left out."""
    return words[next((n for n, word in enumerate(words) if not word.startswith("-")), len(words)) :]


def _conda_call(words: list[str]) -> Install | None:
    if words[:1] == ["env"]:
        words = words[1:]
    return _conda(words[1:]) if words[:1] in (["install"], ["create"], ["update"]) else None


def _project(tool: str, words: list[str]) -> Install:
    """Return an install of the project that lies in the working folder, by its lock file."""
    options: dict[str, list[str]] = {}
    flags: set[str] = set()
    rest = iter(words)
    for word in rest:
        option, has, value = word.partition("=")
        if option in _PROJECT_VALUES:
            said = value if has else next(rest, "")
            options.setdefault(_PROJECT_VALUES[option], []).extend(re.split(r"[\s,]+", said))
        elif word.startswith("-"):
            flags.add(word)
    return Install(tool, (), {key: tuple(rows) for key, rows in options.items()}, frozenset(flags))


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
