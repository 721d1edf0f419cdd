"""Rules about the interpreter and where it takes packages from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed, given, passed, rule, states, warned

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.python import Distributions, Interpreter, Pythons, ReachableTorch

CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "py-opencv": "opencv-python",
}
"""conda name -> name on the package index, where they differ (checked 2026-11-20 on conda-forge)."""


@rule("PYTHON301", when=states("python"))
def python_is_the_stack_s(stack: Stack, interpreter: Interpreter) -> Finding:
    """The interpreter is the Python that the stack states.

    Wheels with native code are built for one minor version (cp311), and for the free-threaded build apart
    (cp313t): with another interpreter they do not load.

    Source: packaging.python.org/en/latest/specifications/platform-compatibility-tags (checked 2026-11-20).
    Example: the stack states 3.11, the image's `python3` is 3.12.
    Fix: take a base image with that Python, or state the Python of the image.
    """
    found = interpreter["version"] + ("t" if interpreter["free_threaded"] else "")
    wanted = Version(str(stack.python)).release
    evidence = Evidence(f"{interpreter['executable']} is Python {found}", "interpreter")
    if Version(interpreter["version"]).release[: len(wanted)] != wanted:
        return failed(
            f"the interpreter is Python {found}, the stack states {stack.python}",
            evidence,
            expected=str(stack.python),
            found=found,
            hint="use a base image (or environment) with that Python; wheels are built for one minor version",
        )
    if interpreter["free_threaded"]:
        return failed(
            f"the interpreter is the free-threaded build of Python {interpreter['version']}, "
            "and wheels for the usual build do not load there",
            evidence,
            expected=f"{stack.python} with the GIL",
            found=found,
            hint="use the usual build of that Python",
        )
    return passed(f"the interpreter is Python {found}", evidence, expected=str(stack.python), found=found)


@rule("PYTHON304", about="torch")
def one_torch_is_reachable(interpreter: Interpreter) -> list[Finding]:
    """Exactly one torch can be reached by the interpreter.

    Two torches on sys.path (a virtual environment over system packages, PYTHONPATH, a .pth file, a source
    tree) end in `generic_type: type "RpcBackendOptions" is already registered!` when both get loaded, or in
    undefined symbols when an extension finds the other one. A source tree without its compiled part, found
    first, fails with "Failed to load PyTorch C extensions".

    Source: reproduced on torch 2.5.0 (checked 2026-11-20); github.com/pytorch/pytorch/issues/91773.
    Example: PYTHONPATH=/pytorch in an image where a wheel of torch is installed too.
    Fix: remove all but one; keep source trees off PYTHONPATH and out of the working directory.
    """
    reachable = [torch for torch in interpreter["torches"] if torch["reachable"]]
    if not reachable:
        return []
    winner, others = reachable[0], reachable[1:]
    findings = _working_directory(interpreter, winner)
    if winner["source_tree"] and not winner["compiled"]:
        return [_uncompiled(winner), *findings]
    if others:
        return [_several(winner, others), *findings]
    seen = Evidence(f"{_named(winner)}, from {winner['origin']}", "interpreter")
    message = f"one torch is reachable: {_named(winner)}"
    return findings or [passed(message, seen, expected="one torch", found="one torch")]


def _named(torch: ReachableTorch) -> str:
    via = f" by {torch['pth']}" if torch.get("pth") else ""
    return f"torch {torch['version'] or '(version unknown)'} at {torch['path']}{via}"


def _uncompiled(winner: ReachableTorch) -> Finding:
    return failed(
        f"`import torch` takes the source tree {winner['path']} (from {winner['origin']}), "
        "which holds no compiled torch._C",
        Evidence(_named(winner), "interpreter"),
        expected="an installed torch",
        found=f"a source tree from {winner['origin']}",
        hint=_way_out(winner),
        about=winner["path"],
    )


def _several(winner: ReachableTorch, others: list[ReachableTorch]) -> Finding:
    rows = [winner, *others]
    versions = {torch["version"] for torch in rows}
    evidence = [Evidence(f"{_named(torch)}, from {torch['origin']}", "interpreter") for torch in rows]
    paths = [torch["path"] for torch in others]
    message = f"{len(rows)} torches are reachable; {_named(winner)} (from {winner['origin']}) wins over " + (
        ", ".join(f"{_named(torch)} (from {torch['origin']})" for torch in others)
    )
    hint = _way_out(winner if winner["source_tree"] else others[0])
    if None not in versions and len(versions) == 1 and not winner["source_tree"]:
        return warned(
            message,
            *evidence,
            expected="one torch",
            found=f"{len(rows)} of one version",
            hint=hint,
            about=paths,
        )
    found = " and ".join(str(torch["version"]) for torch in rows)
    if None in versions and not winner["source_tree"]:
        return warned(message, *evidence, expected="one torch", found=found, hint=hint, about=paths)
    return failed(message, *evidence, expected="one torch", found=found, hint=hint, about=paths)


def _way_out(torch: ReachableTorch) -> str:
    origins = {
        "pythonpath": "take its folder off PYTHONPATH",
        "pth": f"remove it from {torch.get('pth')}",
        "user-site": "set PYTHONNOUSERSITE=1, or uninstall it from the user site",
        "system-site-packages": "make the environment without --system-site-packages",
        "cwd": "do not start Python in that folder",
    }
    return origins.get(torch["origin"], f"uninstall the one at {torch['path']}")


def _working_directory(interpreter: Interpreter, winner: ReachableTorch) -> list[Finding]:
    here = [t for t in interpreter["torches"] if not t["reachable"] and t["origin"] == "cwd"]
    return [
        warned(
            f"in the working directory, `python -c` and `python -m` take {_named(torch)}; "
            f"a script elsewhere takes {_named(winner)}",
            Evidence(_named(torch), "interpreter"),
            expected="one torch",
            found=f"another torch in {interpreter['cwd']}",
            hint="choose another working directory (WORKDIR)",
            about=torch["path"],
        )
        for torch in here
    ]


@rule("PYTHON305")
def torch_files_fit_their_metadata(interpreter: Interpreter) -> Finding | None:
    """The torch that wins is the one that its metadata names.

    When the files of one torch lie over another (a copied folder, an interrupted upgrade, conda over pip),
    pip and every requirement check look at the old metadata while Python runs the new files.

    Source: torch/version.py and torch-*.dist-info of the official wheels (checked 2026-11-20).
    Example: torch-2.4.0.dist-info beside a torch/version.py of 2.5.0.
    Fix: uninstall torch until pip finds none, then install one.
    """
    winner = next((torch for torch in interpreter["torches"] if torch["wins"]), None)
    if winner is None or not winner["version"] or not winner["metadata"]:
        return None
    stated = [name.split("-")[1].rsplit(".", 1)[0] for name in winner["metadata"]]
    evidence = Evidence(
        f"{winner['path']}/version.py says {winner['version']}", ", ".join(winner["metadata"])
    )
    try:
        releases = {Version(text).release for text in stated}
        fits = releases == {Version(winner["version"]).release}
    except InvalidVersion:
        return None
    if fits:
        return passed(f"the files of torch are those of its metadata, {winner['version']}", evidence)
    return failed(
        f"the files of torch are of {winner['version']}, its metadata is of {' and '.join(stated)}",
        evidence,
        expected=f"metadata of {winner['version']}",
        found=" and ".join(stated),
        hint="uninstall torch until none is found, then install it once",
    )


def _has_conda(facts: Facts) -> bool:
    seen = facts.get("interpreter")
    conda = seen["conda"] if isinstance(seen, Mapping) else None
    return bool(conda and (conda["packages"] or conda["environment"].get("CONDA_PREFIX")))


@rule("PYTHON302", when=_has_conda, about="package")
def conda_and_pip_agree(interpreter: Interpreter, distributions: Distributions) -> Finding:
    """No package is installed by both conda and pip, and the active environment is the one that runs.

    Each writes over the other's files without knowing; what is loaded is then neither's. A shell with one
    environment active and another interpreter first on PATH installs where nobody looks.

    Source: docs.conda.io, "Using pip in an environment"; github.com/pytorch/pytorch/issues/138991.
    Example: conda's pytorch 2.4.1 with torch 2.5.0 of pip in the same folder.
    Fix: let one of the two install it: `conda remove NAME --force`, or uninstall pip's.
    """
    conda = interpreter["conda"]
    active = conda["environment"].get("CONDA_PREFIX")
    if active and not _below(interpreter["prefix"], active) and not _below(active, interpreter["prefix"]):
        return warned(
            f"the conda environment {active} is active, and the interpreter is {interpreter['executable']}",
            expected=f"the interpreter of {active}",
            found=interpreter["prefix"],
            hint="activate the environment that is meant, or call its python by its path",
            about=active,
        )
    theirs = {CONDA_NAMES.get(name, canonicalize_name(name)): v for name, v in conda["packages"].items()}
    both = {
        (name := dist["name"]): f"{name} ({theirs[name]} by conda, {dist['version']} by {dist['installer']})"
        for dist in distributions["distributions"]
        if dist["name"] in theirs and dist["installer"] not in (None, "conda")
        if dist["version"].partition("+")[0] != theirs[dist["name"]]
    }
    if not both:
        return passed("no package is installed by both conda and pip in different versions")
    return warned(
        f"conda and pip each installed another version of {', '.join(list(both.values())[:5])}",
        expected="one installer for each package",
        found=f"{len(both)} by both",
        hint="let one of the two install it: conda remove --force, or pip uninstall",
        about=both,
    )


def _below(path: str, folder: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


@rule("PYTHON303", about="package")
def user_site_shadows_nothing(interpreter: Interpreter, distributions: Distributions) -> Finding | None:
    """Nothing in the user site shadows an installed package.

    ~/.local comes before site-packages. A `pip install --user` years ago, or a home directory mounted into a
    container, silently replaces what the image brings.

    Source: docs.python.org/3/library/site.html (checked 2026-11-20).
    Example: ~/.local/lib/python3.11/site-packages/numpy 2.1 over the image's numpy 1.26.4.
    Fix: set PYTHONNOUSERSITE=1, or uninstall the copy in the user site.
    """
    user = interpreter["user_site"]
    if not user["enabled"]:
        return None
    rows = distributions["distributions"]
    theirs = {row["name"]: row["version"] for row in rows if row["location"] == user["path"]}
    hidden = {r["name"]: r["version"] for r in rows if r["location"] != user["path"] and r["name"] in theirs}
    different = {n: f"{n} {theirs[n]} over {v}" for n, v in hidden.items() if theirs[n] != v}
    if not different:
        return passed(f"nothing in the user site {user['path']} shadows another version")
    return warned(
        f"the user site {user['path']} shadows {', '.join(list(different.values())[:5])}",
        expected="nothing shadowed",
        found=f"{len(different)} shadowed",
        hint="set PYTHONNOUSERSITE=1, or uninstall the copies there",
        about=different,
    )


@rule("PYTHON306", when=given("image"), about="environment")
def torch_is_in_the_environment_that_was_asked(interpreter: Interpreter, pythons: Pythons) -> Finding | None:
    """The interpreter that was asked has the torch of the image.

    An image can hold several environments. One whose torch lies behind another interpreter than the one that
    was asked was not checked, whatever else passes.

    Source: github.com/pytorch/pytorch/pull/170253 (a venv that is not on PATH; read 2026-11-30).
    Example: torch in /opt/venv, and `python3` on PATH is Debian's.
    Fix: `--python PATH`, or image.python in the stack.
    """
    others = pythons.get("torches", [])
    if not others or any(row["reachable"] for row in interpreter["torches"]):
        return None
    rows = ", ".join(f"{row['python'] or row['path']} (torch {row['version']})" for row in others[:4])
    return warned(
        f"{interpreter['executable']} has no torch, and the image has: {rows}; that torch was not checked.",
        expected="the interpreter that has the torch",
        found=interpreter["executable"],
        hint=f"name it: --python {others[0]['python'] or 'PATH'}, or image.python in a stack",
        about=(row["path"] for row in others),
    )
