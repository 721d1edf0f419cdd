"""Read from PyPI which versions of packages have no Linux wheel, and print it as table rows.

    python tools/measure_sdists.py flash-attn mmcv

`sdist_only`: the versions of which the index has source alone, by the names of its files. `torch_import`: of
the newest of these those whose setup.py imports torch at its top while their pyproject.toml does not ask for
torch, so that an isolated build ends there. Nothing of a sdist is run.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import sys
import tarfile
import tomllib
import zipfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import WheelIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.version import Version

    from stackcheck.model.index_pages import File

_MOST_READ = 8
"""Sdists that are read of a package, the newest ones."""
_MOST = 96 << 20
_MOST_TEXT = 4 << 20
_MOST_EXCEPTIONS = 8
INDEX = WheelIndex(Fetcher(os.environ, most_bytes=_MOST))
_FAULTS = (ResolveError, tarfile.TarError, zipfile.BadZipFile, OSError, ValueError, SyntaxError, EOFError)


def by_version(name: str, files: Iterable[File]) -> dict[Version, list[File]]:
    """Return the files of each final release of a package, withdrawn ones left out."""
    found: dict[Version, list[File]] = defaultdict(list)
    for file in files:
        version = file.version if file.project == name else None
        if version and not version.is_prerelease and file.yanked is None:
            found[version].append(file)
    return found


def source_alone(files: Mapping[Version, Sequence[File]]) -> list[Version]:
    """Return the versions with a sdist and no wheel that a Linux machine could take, oldest first."""
    return sorted(
        version
        for version, each in files.items()
        if any(not file.is_wheel for file in each)
        and not any(file.is_wheel and ("linux" in file.name or "-any." in file.name) for file in each)
    )


def specifier(alone: Sequence[Version], every: Iterable[Version]) -> str:
    """Return a specifier of these versions: all; all but a few; or all after the last that has a wheel.

    It ends with the newest of them: of a later release nobody has looked.
    """
    others, last = sorted(set(every) - set(alone)), f"<={alone[-1]}"
    if len(others) <= _MOST_EXCEPTIONS:
        return ",".join([*(f"!={each}" for each in others if each < alone[-1]), last])
    return f">{others[-1]},{last}" if alone[-1] > others[-1] else ""


def texts(file: File) -> dict[str, str]:
    """Return setup.py and pyproject.toml of a sdist, as far as it has them."""
    with INDEX.open(file.url, _MOST) as opened:
        data = io.BytesIO(opened.read())
    if file.name.endswith(".zip"):
        with zipfile.ZipFile(data) as archive:
            return {
                name.partition("/")[2]: archive.read(name)[:_MOST_TEXT].decode(errors="replace")
                for name in archive.namelist()
                if name.partition("/")[2] in {"setup.py", "pyproject.toml"}
            }
    found = {}
    with tarfile.open(fileobj=data) as tar:
        for member in tar:
            name = member.name.removeprefix("./").partition("/")[2]
            if name in {"setup.py", "pyproject.toml"} and member.isfile() and member.size < _MOST_TEXT:
                taken = tar.extractfile(member)
                found[name] = taken.read().decode(errors="replace") if taken else ""
    return found


def imports_torch(setup: str) -> bool:
    """Tell whether a module imports torch at its top: not in a function, a branch or a `try`."""
    for node in ast.parse(setup).body:
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.partition(".")[0] == "torch" for name in names):
            return True
    return False


def asks_for_torch(pyproject: str) -> bool:
    """Tell whether an isolated build gets a torch."""
    build: Any = tomllib.loads(pyproject).get("build-system", {})
    for text in build.get("requires", []):
        try:
            if Requirement(text).name == "torch":
                return True
        except InvalidRequirement:
            continue
    return False


def ends_without_torch(
    alone: Sequence[Version], files: Mapping[Version, Sequence[File]]
) -> list[tuple[Version, str]]:
    """Return the newest versions, and their sdists, of which each imports torch in an isolated build."""
    found: list[tuple[Version, str]] = []
    for version in alone[: -_MOST_READ - 1 : -1]:
        sdist = next(file for file in files[version] if not file.is_wheel)
        read = texts(sdist)
        if not imports_torch(read.get("setup.py", "")) or asks_for_torch(read.get("pyproject.toml", "")):
            break
        found.append((version, sdist.name))
    return found


def rows(name: str) -> str:
    """Return the rows of a package; what could not be read is a comment."""
    try:
        files = by_version(name, INDEX.files(name))
        alone = source_alone(files)
        spec = specifier(alone, files) if alone else ""
        if not spec:
            return f"# {name}: every version, or the newest, has a wheel\n"
        page = f"the names of the files at https://pypi.org/simple/{name}/ (tools/measure_sdists.py)"
        said = f'[[sdist_only]]\nversions = "{spec}"\nsource = "{page}"\n'
        faulty = ends_without_torch(alone, files)
        if faulty:
            read = f"{faulty[-1][1]} to {faulty[0][1]}" if len(faulty) > 1 else faulty[0][1]
            said += (
                f'\n[[torch_import]]\nversions = ">={faulty[-1][0]}"\n'
                "fault = \"its setup.py imports torch: ModuleNotFoundError: No module named 'torch'\"\n"
                f'source = "setup.py and pyproject.toml in {read}, '
                f'https://pypi.org/project/{name}/ (tools/measure_sdists.py)"\n'
            )
    except _FAULTS as error:
        return f"# {name}: not read: {error}\n"
    return f"# {name}\n{said}"


def main() -> int:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="+")
    packages = list(map(canonicalize_name, parser.parse_args().packages))
    with ThreadPoolExecutor(4) as pool:
        for text in pool.map(rows, packages):
            sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
