"""Read conda's environment.yml, explicit lock files and pixi.toml: conda's packages, and pip's beside them.

Formats: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html and
https://pixi.sh/latest/reference/pixi_manifest/, checked 2026-11-30.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stackcheck.intake.requirements import read_lines
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of, package
from stackcheck.intake.tomllines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KIND = "conda environment"
_NAMES = {"pytorch": "torch", "pytorch-gpu": "torch", "opencv": "opencv-python", "faiss-gpu": "faiss-gpu"}
"""Conda's names of distributions that pip knows by another one."""
_CUDA = ("pytorch-cuda", "cudatoolkit", "cuda-version")
"""What states the CUDA version of an environment; the last of them that is stated counts."""
_TOOLKIT = ("cuda-toolkit", "cuda-nvcc")
_SPEC = re.compile(r"^(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>[=<>!~ ].*)?$")
_PYTHON_PACKAGE = re.compile(r"py\d+|python|cuda\d|cu\d|cpu_")
_NOT_PYTHON = re.compile(
    r"^(_|lib|ld_|gcc|gxx|cuda|nvidia|mkl|intel-|openssl|zlib|xz|tk|sqlite|ncurses|readline)"
)
_ADDRESS = re.compile(
    r"^(?P<url>https?://\S+/(?P<name>[\w.-]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+?))\.(?:conda|tar\.bz2)"
)


def read(document: Any, text: str, shown: str, folder: Path) -> Found:
    """Read an environment.yml from its text and what it parses to."""
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    rows = document.get("dependencies") if isinstance(document, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, str):
            said += spec(row, lines.place(row))
        elif isinstance(row, dict):
            for line in row.get("pip") or ():
                number = lines.place(str(line)).line
                said += _of_pip(str(line), shown, number, folder)
    variables = document.get("variables") if isinstance(document, dict) else None
    for name, value in (variables if isinstance(variables, dict) else {}).items():
        said.append(Stated(f"env.{name}", str(value), lines.place(str(name))))
    return found_of(KIND, shown, said)


def _of_pip(line: str, shown: str, number: int, folder: Path) -> Iterator[Stated | Open]:
    from stackcheck.intake.requirements import included  # noqa: PLC0415 - most environments have no such line

    for each in read_lines(line, shown, number, folder):
        if isinstance(each, Stated) and each.key in {"-r", "-c"}:
            yield from included(each, folder, shown)
        else:
            yield each


def read_explicit(text: str, shown: str) -> Found:
    """Read what `conda list --explicit` writes: an address a line, whose name states version and build."""
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    for line in text.split("\n"):
        if match := _ADDRESS.match(line.strip()):
            said += _conda(match["name"], match["version"], match["build"], lines.place(match["url"]))
    return found_of(KIND, shown, said)


def read_pixi(document: Mapping[str, Any], text: str, shown: str) -> Found:
    """Read a pixi.toml, or the `[tool.pixi]` of a pyproject.toml."""
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    rows = document.get("dependencies")
    for name, value in (rows if isinstance(rows, dict) else {}).items():
        version, build = (
            (value.get("version", "*"), value.get("build", "")) if isinstance(value, dict) else (value, "")
        )
        said += _conda(
            str(name), str(version).replace("*", "").rstrip("."), str(build), lines.place(str(name))
        )
    rows = document.get("pypi-dependencies")
    for name, value in (rows if isinstance(rows, dict) else {}).items():
        row = value if isinstance(value, dict) else {"version": value}
        version = str(row.get("version", "*"))
        said.append(package(
            str(name), lines.place(str(name)), version=None if version == "*" else version.removeprefix("=="),
            extras=row.get("extras"), index=row.get("index"),
            **{key: row[key] for key in ("url", "path") if isinstance(row.get(key), str)},
        ))  # fmt: skip
    system = document.get("system-requirements")
    if isinstance(system, dict) and isinstance(system.get("cuda"), str):
        said.append(Stated("driver_cuda", system["cuda"], lines.place("cuda")))
    return found_of(KIND, shown, said)


def spec(text: str, place: Place) -> Iterator[Stated | Open]:
    """Read one match specification of conda, such as "pytorch=2.1.0=py3.10_cuda11.8*"."""
    match = _SPEC.match(text.strip())
    if match is None:
        yield Open(f"{text[:80]!r} is not a conda package that is read.", place)
        return
    rest = (match["rest"] or "").strip()
    version, build = _version(rest)
    yield from _conda(match["name"], version, build, place)


def _version(rest: str) -> tuple[str, str]:
    """Return version and build string of a match specification; ("", "") when it takes any.

    >>> _version("=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0"), _version(">=2,<3"), _version("==2.1")
    (('2.1.0', 'py3.10_cuda11.8_cudnn8.7.0_0'), ('>=2,<3', ''), ('2.1', ''))
    """
    if not rest.startswith("=") and not rest[:1].isspace() and rest[:1] in "<>!~":
        return rest.replace(" ", ""), ""
    parts = re.split(r"[=\s]+", rest.strip("= "))
    return parts[0] if parts else "", parts[1] if len(parts) > 1 else ""


def _conda(name: str, version: str, build: str, place: Place) -> Iterator[Stated | Open]:
    name = name.lower()
    minor = re.match(r"\d+\.\d+", version)
    if name == "python":
        if minor:
            yield Stated("python", minor[0], place)
    elif name in _CUDA or (name in _TOOLKIT and minor):
        if minor:
            yield Stated("toolkit" if name in _TOOLKIT else "cuda", minor[0], place)
    elif name in _NAMES or _is_python_package(name, build):
        # A version of conda's is a prefix: 2.1 takes 2.1.2. A whole one is a pin.
        exact = version.removesuffix(".*")
        whole = exact if re.fullmatch(r"\d+\.\d+\.\d+\S*", exact) or not exact else None
        wanted = (
            version
            if version[:1] in tuple("<>!~") and version
            else whole or f"=={exact}.*"
            if exact
            else None
        )
        yield package(_NAMES.get(name, name), place, version=wanted, **{"from": "conda"})


def _is_python_package(name: str, build: str) -> bool:
    """Tell whether a conda package is a Python distribution as far as name and build string say."""
    return bool(_PYTHON_PACKAGE.search(build)) or (
        not build and not _NOT_PYTHON.match(name) and name != "pip"
    )
