"""The text of a Dockerfile: exports, activations, and one torch for all."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from stackcheck.images.dockersteps import parse, scopes
from stackcheck.intake.named import dockerfile_path
from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed, given, passed, rule, warned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.images.dockersteps import Instruction, Scope
    from stackcheck.intake.stack import Stack

_CLONED = re.compile(
    r"git\s+clone\b(?P<options>[^&;|]*?)(?P<url>\S*/pytorch(?:\.git)?)(?=\s|$)(?P<rest>[^&;|]*)"
)


_BUILDS = re.compile(
    r"setup\.py\s+(?:bdist_wheel|install|develop)|-m\s+build\b|pip3?\s+(?:wheel|install)\s+(?:-\S+\s+)*\."
)


_COMPANION = re.compile(r"\b(?:torch)?(?:vision|audio)\b")


_TWO = Evidence(
    "Python files of one torch over the libraries of another end in `generic_type: cannot initialize type "
    '"RpcBackendOptions": an object with that name is already defined`',
    "reproduced on the CPU with torch 2.5.0 (tests/integration/test_two_torches.py)",
)


@rule("DOCKER103", when=given("dockerfile"), about="package")
def companions_see_one_torch(stack: Stack, dockerfile: str) -> list[Finding]:
    """A Dockerfile builds torchvision and torchaudio where only the installed torch can be found.

    A checkout of torch that is still there when its companions are built is a second torch: PYTHONPATH, the
    user site or the working directory bring its Python files over the libraries of the installed one, and the
    process ends in `cannot initialize type "RpcBackendOptions"`.

    Source: reproduced on the CPU with torch 2.5.0; https://docs.python.org/3/using/cmdline.html
    Example: ENV PYTHONPATH=/pytorch before `RUN python setup.py bdist_wheel` in /vision.
    Fix: PYTHONNOUSERSITE=1 PYTHONPATH= before the command, or remove the checkout first.
    """
    findings, trees, begun = [], set[str](), False
    for each, scope in scopes(dockerfile):
        if each.word != "RUN":
            continue
        trees |= set(_cloned(each, scope))
        begun = begun or bool(trees)
        trees -= {tree for tree in trees if _removes(each.rest, tree)}
        if trees and _builds_companion(each, scope):
            judged = _judge(each, scope, sorted(trees))
            findings.append(judged._replace(place=_at(stack, each.line)))
        elif begun and _builds_companion(each, scope):
            findings.append(
                passed(f"Line {each.line} builds {_what(each, scope)} beside no checkout of torch.")
            )
    return findings


def _removes(command: str, tree: str) -> bool:
    return bool(re.search(rf"\brm\s+-\w+\s+(?:\S+\s+)*{re.escape(tree)}(?:[\s;&|]|$)", command))


def _cloned(each: Instruction, scope: Scope) -> Iterator[str]:
    for match in _CLONED.finditer(scope.expand(each.rest)):
        words = [word for word in match["rest"].split() if word.startswith("/")]
        yield words[-1] if words else posixpath.join(scope.workdir, "pytorch")


def _builds_companion(each: Instruction, scope: Scope) -> bool:
    return bool(_BUILDS.search(each.rest)) and _what(each, scope) != ""


def _what(each: Instruction, scope: Scope) -> str:
    """Return which companion a command builds, by the folder that it stands in or names."""
    places = " ".join([scope.workdir, *re.findall(r"\bcd +(\S+)", each.rest)])
    found = _COMPANION.search(places)
    return f"torch{found[0].removeprefix('torch')}" if found else ""


def _judge(each: Instruction, scope: Scope, trees: list[str]) -> Finding:
    inline = dict(re.findall(r"\b(PYTHONPATH|PYTHONNOUSERSITE)=(\S*)", each.rest))
    seen = {**{name: scope.env.get(name, "") for name in ("PYTHONPATH", "PYTHONNOUSERSITE")}, **inline}
    what = f"Line {each.line} builds {_what(each, scope)}"
    onto = [tree for tree in trees if tree in scope.expand(seen["PYTHONPATH"]).strip("\"'").split(":")]
    fix = "write PYTHONNOUSERSITE=1 PYTHONPATH= before the command, or remove the checkout first"
    if onto:
        return failed(
            f"{what} with PYTHONPATH={seen['PYTHONPATH']}: {onto[0]} is a second "
            "torch beside the installed one.",
            _TWO,
            expected="PYTHONPATH without a checkout of torch",
            found=f"PYTHONPATH={seen['PYTHONPATH']}",
            hint=fix,
            about=_what(each, scope),
        )
    stated = "PYTHONPATH" in inline or "PYTHONPATH" in scope.env
    if seen["PYTHONNOUSERSITE"].strip("\"'") and stated:
        return passed(f"{what} in a clean environment.", _TWO)
    return warned(
        f"{what} while the checkout {', '.join(trees)} is there, and nothing keeps PYTHONPATH and "
        "the user site out.",
        _TWO,
        expected="PYTHONNOUSERSITE=1 and an empty PYTHONPATH",
        found="neither",
        hint=fix,
        about=_what(each, scope),
    )


_ACTIVATE = re.compile(r"(?:^|.*?(?:&&|;)\s*)(?:\.|source)\s+(?P<path>\S*activate)\b")
_EXPORT = re.compile(r"(?:^(?:--\S+\s+)*|&&\s*|;\s*)export\s+([A-Za-z_]\w*)=")


_SETS = re.compile(r"^([A-Za-z_]\w*)\s|(?:^|\s)([A-Za-z_]\w*)=")


_LAYERS = Evidence(
    "each RUN is a shell of its own: what it exports ends with it",
    "https://docs.docker.com/reference/dockerfile/#run",
)


def _at(stack: Stack, line: int) -> str:
    return f"{dockerfile_path(stack).as_posix()}:{line}"


@rule("DOCKER101", when=given("dockerfile"), about="variable")
def exports_in_run(stack: Stack, dockerfile: str) -> list[Finding]:
    """Variables are set with ENV and not with `RUN export`.

    Source: https://docs.docker.com/reference/dockerfile/#run
    Example: `RUN export HSA_OVERRIDE_GFX_VERSION=8.0.3 && apt-get update`: the next line does not see it.
    Fix: `ENV HSA_OVERRIDE_GFX_VERSION=8.0.3`.
    """
    every = parse(dockerfile)
    set_by_env = {name for each in every if each.word == "ENV" for name in _set_by(each.rest)}
    found: dict[str, int] = {}
    for each in every:
        for name in _EXPORT.findall(each.rest.partition("\n")[0]) if each.word == "RUN" else ():
            found.setdefault(name, each.line)
    return [
        warned(
            f"RUN export {name}=... ends with that RUN: later instructions and the container do not see it.",
            _LAYERS,
            expected=f"ENV {name}=...",
            found=f"RUN export {name}=...",
            hint=f"write ENV {name}=... instead",
            about=name,
        )._replace(
            place=_at(stack, line),
        )
        for name, line in found.items()
        if name not in set_by_env
    ]


def _set_by(rest: str) -> list[str]:
    """Return the variables that an ENV sets: `A=1 B=2`, or `A 1`."""
    return [one or other for one, other in _SETS.findall(rest)]


@rule("DOCKER102", when=given("dockerfile"), about="environment")
def activates_in_run(stack: Stack, dockerfile: str) -> list[Finding]:
    """A virtual environment is put on the PATH and not activated in one RUN.

    Source: https://docs.docker.com/reference/dockerfile/#run
    Example: `RUN . .venv/bin/activate && pip install cmake`: later lines use the system's pip.
    Fix: `ENV PATH=/opt/venv/bin:$PATH`, or call /opt/venv/bin/pip.
    """
    found: dict[str, int] = {}
    steps = parse(dockerfile)
    if _each_activates(steps):
        return []
    for each in steps:
        match = _ACTIVATE.match(each.rest.partition("\n")[0]) if each.word == "RUN" else None
        if match:
            found.setdefault(match["path"], each.line)
    return [
        warned(
            f"RUN activates {path} for itself alone: later instructions use the system's Python.",
            _LAYERS,
            expected="ENV PATH=<environment>/bin:$PATH",
            found=f"RUN . {path}",
            hint="set PATH with ENV, or call the environment's own python and pip",
            about=path,
        )._replace(
            place=_at(stack, line),
        )
        for path, line in found.items()
    ]


_USES_PYTHON = re.compile(r"(?<![\w./-])(?:python|pip|uv)[\d.]*(?![\w./-])")


def _each_activates(steps: Sequence[Instruction]) -> bool:
    """Tell whether what the container starts, and each RUN that uses Python, activates for itself."""
    used = [each for each in steps if each.word in {"RUN", "CMD", "ENTRYPOINT"}]
    after = [each for each in used if each.line > _first_activated(used)]
    starts = [each for each in after if each.word != "RUN" and "activate" in each.rest]
    plain = [each for each in after if "activate" not in each.rest and _USES_PYTHON.search(each.rest)]
    return bool(starts) and not plain


def _first_activated(steps: Sequence[Instruction]) -> int:
    return next((each.line for each in steps if each.word == "RUN" and "/activate" in each.rest), 0)
