"""Read conda's environment.yml, explicit lock files and pixi.toml: conda's packages, and pip's beside them.

Formats: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html and
https://pixi.sh/latest/reference/pixi_manifest/.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows as rows_of
from stackcheck.intake.documents import table
from stackcheck.intake.requirements import included, read_lines
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of, package, python_asked
from stackcheck.intake.tomllines import Lines
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KIND = "conda environment"
_NAMES = {"pytorch": "torch", "pytorch-gpu": "torch", "opencv": "opencv-python", "faiss-gpu": "faiss-gpu"}
"""Conda's names of distributions that pip knows by another one."""
_CUDA = ("pytorch-cuda", "cudatoolkit", "cuda-version")
"""What states the CUDA version of an environment; the last of them that is stated counts."""
_OF_CONDA = frozenset({"conda", "mamba", "python_abi", "conda-build", "conda-libmamba-solver"})
"""conda itself and what it adds for its solver: nothing that a stack is made of."""
_TOOLKIT = ("cuda-toolkit", "cuda-nvcc")
_SPEC = re.compile(r"^(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>[=<>!~ ].*)?$")
_PYTHON_PACKAGE = re.compile(r"py\d+|python|cuda\d|cu\d|cpu_")
_NOT_PYTHON = re.compile(
    r"^(_|lib|ld_|gcc|gxx|cuda|nvidia|mkl|intel-|openssl|zlib|xz|tk|sqlite|ncurses|readline)"
)
_ADDRESS = re.compile(
    r"^(?P<url>https?://\S+/(?P<name>[\w.-]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+?))\.(?:conda|tar\.bz2)"
)


def read_environment(text: str, shown: str, folder: Path) -> Found:
    """Read an environment.yml. Raises UsageError for what is none."""
    from stackcheck.intake.yamls import documents  # noqa: PLC0415 - few files are YAML

    document = next(iter(documents(text, shown)), None)
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise UsageError(f"{shown}: this is not an environment of conda: it has no list of dependencies.")
    return read(document, text, shown, folder)


def read(document: Any, text: str, shown: str, folder: Path) -> Found:
    """Read an environment.yml from its text and what it parses to."""
    lines = Lines(text, shown)
    said: list[Stated | Open] = []
    rows = document.get("dependencies") if isinstance(document, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, str):
            said += spec(row, lines.place(row))
        elif isinstance(row, dict):
            said += _of_pip(rows_of(row, "pip"), lines, shown, folder)
    variables = document.get("variables") if isinstance(document, dict) else None
    for name, value in (variables if isinstance(variables, dict) else {}).items():
        said.append(Stated(f"env.{name}", str(value), lines.place(str(name))))
    return found_of(KIND, shown, said)


def _of_pip(rows: list[Any], lines: Lines, shown: str, folder: Path) -> Iterator[Stated | Open]:
    texts = [each for each in rows if isinstance(each, str)]
    numbers = [lines.place(each).line for each in texts]
    for each in read_lines("\n".join(texts), shown, numbers, folder):
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
    """Read a pixi.toml, or the `[tool.pixi]` of a pyproject.toml; each feature is a member."""
    lines = Lines(text, shown)
    system = document.get("system-requirements")
    said: list[Stated | Open] = list(_pixi_table(document, lines))
    linux = table(document, "target", "linux-64") or table(document, "target", "linux")
    said += _pixi_table(linux, lines)
    if isinstance(system, dict) and isinstance(system.get("cuda"), str):
        said.append(Stated("driver_cuda", system["cuda"], lines.place("cuda")))
    members = {
        f"feature {name}": tuple(_pixi_table(feature, lines))
        for name, feature in table(document, "feature").items()
        if isinstance(feature, dict)
    }
    found = found_of(
        KIND, shown, (*said, *(row for rows in members.values() for row in rows if isinstance(row, Open)))
    )
    return replace(
        found,
        members=tuple(
            (name, tuple(each for each in rows if isinstance(each, Stated))) for name, rows in members.items()
        ),
    )


def _pixi_table(document: Mapping[str, Any], lines: Lines) -> Iterator[Stated | Open]:
    for name, value in table(document, "dependencies").items():
        row = value if isinstance(value, dict) else {"version": value}
        version, build = str(row.get("version", "*")).replace("*", "").rstrip("."), str(row.get("build", ""))
        yield from _conda(name, version, build, lines.place(name))
    for name, value in table(document, "pypi-dependencies").items():
        row = value if isinstance(value, dict) else {"version": value}
        wanted = str(row.get("version", "*"))
        yield package(
            name, lines.place(name), version=None if wanted == "*" else wanted.removeprefix("=="),
            extras=row.get("extras"), index=row.get("index"),
            **{key: row[key] for key in ("url", "path") if isinstance(row.get(key), str)},
        )  # fmt: skip
    for url in rows_of(document, "pypi-options", "extra-index-urls"):
        if isinstance(url, str):
            yield Stated("index.extra", url, lines.place(url))


def read_pixi_lock(text: str, shown: str) -> Found:
    """Read the default environment of a pixi.lock for 64-bit Linux.

    Raises UsageError for what is not YAML.
    """
    from stackcheck.intake.yamls import documents, place  # noqa: PLC0415 - few files are YAML

    document = next(iter(documents(text, shown)), None)
    known = {each.get("pypi"): each for each in rows_of(document, "packages") if isinstance(each, dict)}
    platforms = table(document, "environments", "default", "packages")
    chosen = rows_of(platforms, "linux-64")
    said: list[Stated | Open] = []
    for number, row in enumerate(chosen):
        where = place(chosen, number, shown)
        address = row.get("conda") if isinstance(row, dict) else None
        if isinstance(address, str) and (match := _ADDRESS.match(address)):
            said += _conda(match["name"], match["version"], match["build"], where)
        pypi = known.get(row.get("pypi")) if isinstance(row, dict) and "pypi" in row else None
        if pypi and isinstance(pypi.get("name"), str) and isinstance(pypi.get("version"), str):
            said.append(package(pypi["name"], where, version=pypi["version"]))
    if not chosen:
        said.append(
            Open("it has no default environment for linux-64, so nothing of it was read.", Place(shown))
        )
    return found_of("lock file", shown, said)


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
    if name in _OF_CONDA:
        return
    minor = re.match(r"\d+\.\d+", version)
    if name == "python":
        if minor:
            yield Stated("python", minor[0], place)
        elif re.search(r"[<>!~]", version):
            yield python_asked(version, place)
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
