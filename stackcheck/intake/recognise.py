"""Which kind of file something is, by its name first and by what it holds; and what reads it."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from stackcheck.intake import (
    conda,
    dockerfiles,
    lockfiles,
    modalapps,
    notebooks,
    projects,
    requirements,
    slurm,
)
from stackcheck.intake.named import refuse_endless
from stackcheck.model.errors import UsageError
from stackcheck.storage.parsing import parse_toml
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stackcheck.intake.stated import Found

DEFINITION = "definition"
DOCKERFILE = "dockerfile"
WORKFLOW = "workflow"
JOB = "slurm"
NOTEBOOK = "notebook"
SCRIPT = "script"
MODAL = "modal"
MANIFESTS = ("k8s", "kubernetes", "deploy", "manifests")
"""Folders whose YAML files are manifests of Kubernetes."""
LAST = (WORKFLOW, NOTEBOOK, SCRIPT)
"""Kinds of files that are read where no other file states torch."""
JOB_FOLDERS = (
    "slurm", "sbatch", "jobs", "job", "scripts", "slurm_scripts", "job_scripts", "slurm_jobs", "hpc",
    "cluster", "launch", "recipes",
)  # fmt: skip
"""Folders in which scripts for sbatch lie."""
LOOSE = ("compose", "cog", "devcontainer", "kubernetes", "workflow", "skypilot", JOB, NOTEBOOK, MODAL, SCRIPT)
"""Kinds of files that say more than what is installed: of a folder, a broken one stops no other file."""
KINDS = (
    ("stackcheck.toml", ""),
    ("uv.lock", "lock"),
    ("pylock.toml", "lock"),
    ("pylock.*.toml", "lock"),
    ("poetry.lock", "lock"),
    ("pdm.lock", "lock"),
    ("pixi.lock", "pixi.lock"),
    ("pipfile.lock", "pipfile.lock"),
    ("pipfile", "pipfile"),
    ("setup.py", "setup.py"),
    ("setup.cfg", "setup.cfg"),
    ("pyproject.toml", "pyproject"),
    ("pixi.toml", "pixi"),
    ("dockerfile", DOCKERFILE),
    ("dockerfile.*", DOCKERFILE),
    ("*.dockerfile", DOCKERFILE),
    ("containerfile", DOCKERFILE),
    ("containerfile.*", DOCKERFILE),
    ("*compose*.y*ml", "compose"),
    ("cog.y*ml", "cog"),
    ("devcontainer.json", "devcontainer"),
    (".devcontainer.json", "devcontainer"),
    ("environment*.y*ml", "conda"),
    ("conda*.y*ml", "conda"),
    ("env*.y*ml", "conda"),
    ("*requirements*.txt", "requirements"),
    ("*requirements*.in", "requirements"),
    ("constraints*.txt", "requirements"),
    ("*.ipynb", NOTEBOOK),
    ("*.sbatch", JOB),
    ("*.slurm", JOB),
    ("*install*.sh", SCRIPT),
    ("*setup*.sh", SCRIPT),
    ("*env*.sh", SCRIPT),
    ("*requirements*.sh", SCRIPT),
    ("*dependencies*.sh", SCRIPT),
    ("*.toml", DEFINITION),
)
"""Patterns of names in lower case, the first that fits."""
_READ = (
    "requirements.txt, pyproject.toml, setup.py, setup.cfg, uv.lock, pylock.toml, poetry.lock, Pipfile, "
    "Pipfile.lock, pdm.lock, environment.yml, pixi.toml, pixi.lock, Dockerfile, compose files, Kubernetes "
    "manifests, devcontainer.json, cog.yaml, SkyPilot tasks, scripts for sbatch, Modal apps, notebooks, "
    "install scripts, workflows and definitions"
)
_YAML = (
    (r"dependencies\s*:", "conda"),
    (r"apiVersion\s*:", "kubernetes"),
    (r"services\s*:", "compose"),
    (r"jobs\s*:", "workflow"),
)
_RESOURCES, _SCRIPT = re.compile(r"resources\s*:"), re.compile(r"(?:setup|run)\s*:")
_REQUIREMENT = re.compile(r"-[a-z-]|git\+|[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:[=<>!~@;].*)?$")


def kind_of(path: Path) -> str:
    """Return the kind of a file by its name, "" when the name says nothing."""
    name = path.name.lower()
    if name.endswith((".yml", ".yaml")) and path.parent.name in {"workflows", *MANIFESTS}:
        return WORKFLOW if path.parent.name == "workflows" else "kubernetes"
    if name.endswith((".txt", ".in")) and path.parent.name == "requirements":
        return "requirements"  # requirements/base.txt
    return next((kind for pattern, kind in KINDS if fnmatch.fnmatchcase(name, pattern)), "")


def holds(path: Path, kind: str) -> bool:
    """Tell whether a file whose name says nothing is of a kind ("skypilot", "slurm"), by what it holds."""
    try:
        return kind_of(path) in {"", SCRIPT} and _by_content(read_text(path)) == kind
    except UsageError:
        return False


def read_file(path: Path, shown: str) -> Found:
    """Read one file of a project.

    Raises UsageError, one sentence with path and line, for a file that cannot be read or whose kind is not
    known.
    """
    kind = kind_of(path)
    text = read_text(path, errors="replace" if kind == DOCKERFILE else "strict")
    if kind in {"", DEFINITION}:
        kind = _by_content(text)
    if kind == DOCKERFILE:
        refuse_endless(text, shown)
    if not kind:
        raise UsageError(f"{shown}: what this file is cannot be told. {_READ} are read.")
    return _READERS[kind](text, path, shown)


def _by_content(text: str) -> str:
    """Return the kind of a file whose name says nothing: many requirement files have a name of their own."""
    if slurm.is_script(text):
        return JOB
    if modalapps.is_app(text):
        return MODAL
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line and not line.startswith("#")]
    if any(re.match(r"(?i)FROM\s+\S+", line) for line in lines[:20]):
        return DOCKERFILE
    for start, kind in _YAML:
        if any(re.match(start, line) for line in lines):
            return kind
    if any(map(_RESOURCES.match, lines)) and any(map(_SCRIPT.match, lines)):
        return "skypilot"
    return "requirements" if lines and all(map(_REQUIREMENT.match, lines)) else ""


def _requirements(text: str, path: Path, shown: str) -> Found:
    if "@EXPLICIT" in text.split("\n"):  # what `conda list --explicit` writes
        return conda.read_explicit(text, shown)
    return requirements.read(path, shown)


def _lock(text: str, path: Path, shown: str) -> Found:
    del path
    return lockfiles.read(text, parse_toml(text, shown), shown)


def _of_folder(read: Callable[[str, Path, str], Found]) -> Callable[[str, Path, str], Found]:
    """Return a reader that wants the folder of its file."""
    return lambda text, path, shown: read(text, path.parent, shown)


def _yaml(name: str) -> Callable[[str, Path, str], Found]:
    """Return a reader of YAML, imported when there is such a file."""

    def read(text: str, path: Path, shown: str) -> Found:
        if name == "kubernetes":
            from stackcheck.intake import kubernetes  # noqa: PLC0415

            return kubernetes.read(text, shown)
        from stackcheck.intake import cog, compose, devcontainer, skypilot, workflows  # noqa: PLC0415

        folder = path.parent
        if name == "workflow":  # its steps run in the folder of the project
            return workflows.read(text, folder.parent.parent if folder.name == "workflows" else folder, shown)
        readers = {
            "compose": compose.read,
            "cog": cog.read,
            "devcontainer": devcontainer.read,
            "skypilot": skypilot.read,
        }
        return readers[name](text, folder, shown)

    return read


def _project_of(path: Path) -> Path:
    """Return the folder that a script is started from: that of the project, wherever the script lies."""
    return path.parent.parent if path.parent.name in JOB_FOLDERS else path.parent


_READERS: dict[str, Callable[[str, Path, str], Found]] = {
    DOCKERFILE: _of_folder(dockerfiles.read_alone),
    "requirements": _requirements,
    "lock": _lock,
    "pyproject": _of_folder(projects.READERS["pyproject.toml"]),
    "setup.cfg": _of_folder(projects.READERS["setup.cfg"]),
    "setup.py": _of_folder(projects.READERS["setup.py"]),
    "pipfile": _of_folder(projects.READERS["Pipfile"]),
    "pipfile.lock": _of_folder(projects.READERS["Pipfile.lock"]),
    "pixi": lambda text, path, shown: conda.read_pixi(parse_toml(text, shown), text, shown),  # noqa: ARG005
    "pixi.lock": lambda text, path, shown: conda.read_pixi_lock(text, shown),  # noqa: ARG005
    "conda": lambda text, path, shown: conda.read_environment(text, shown, path.parent),
    **{name: _yaml(name) for name in LOOSE if name not in {JOB, NOTEBOOK, MODAL, SCRIPT}},
    JOB: lambda text, path, shown: slurm.read(text, _project_of(path), shown),
    SCRIPT: lambda text, path, shown: slurm.read_install(text, _project_of(path), shown),
    NOTEBOOK: lambda text, path, shown: notebooks.read(text, path.parent, shown),
    MODAL: lambda text, path, shown: modalapps.read(text, path.parent, shown),
}
