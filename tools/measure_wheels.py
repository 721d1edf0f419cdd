"""Read out of the wheels on PyPI what their METADATA does not say, and print it as table rows.

    python tools/measure_wheels.py numpy onnxruntime scikit-learn
    python tools/measure_wheels.py sonames ctranslate2 onnxruntime-gpu
    python tools/measure_wheels.py extras transformers accelerate

`numpy`: the NumPy C API that the compiled modules were built with. One that was built with NumPy 2 looks for
`numpy._core._multiarray_umath` first; an older one knows `numpy.core` alone. `sonames`: the CUDA and cuDNN
libraries that the libraries in the wheel name. `extras`: what `Requires-Dist` asks of torch and triton,
extras included. Nothing is installed; wheels are read in pieces, one for each version.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from stackcheck.model.errors import ResolveError
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import WheelIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stackcheck.model.index_pages import File

INDEX = WheelIndex(Fetcher(os.environ))
_NEW_NUMPY, _OLD_NUMPY = b"numpy._core._multiarray_umath", b"numpy.core._multiarray_umath"
_CYTHON_NEW, _CYTHON_OLD = (
    b"numpy._core.multiarray failed to import",
    b"numpy.core.multiarray failed to import",
)
_SONAME = re.compile(rb"lib(cudnn|cublas|cudart|nvrtc|cufft)\w*\.so\.(\d+)")
_WANTED = frozenset({"torch", "triton"})
_MODULES_READ, _BEGIN = 6, 24 << 20
_FAULTS = (ResolveError, zipfile.BadZipFile, OSError, ValueError)


def newest_wheels(project: str, since: Version) -> dict[Version, File]:
    """Return one wheel of each release: for Linux on amd64 where there is one."""
    chosen: dict[Version, tuple[bool, File]] = {}
    for file in INDEX.files(project):
        try:
            _, version, _, _ = parse_wheel_filename(file.name)
        except ValueError:
            continue
        best = "x86_64" in file.name and "linux" in file.name
        if (
            version >= since
            and not version.is_prerelease
            and (version not in chosen or best > chosen[version][0])
        ):
            chosen[version] = (best, file)
    return {version: file for version, (_, file) in sorted(chosen.items())}


def numpy_api(wheel: zipfile.ZipFile) -> str:
    """Return "1", "2", or "" for a wheel of which no module names NumPy's C API."""
    modules = sorted(
        (i for i in wheel.infolist() if re.search(r"\.(so|pyd)$", i.filename)), key=lambda i: i.file_size
    )
    found = ""
    for info in modules[:_MODULES_READ] + modules[-2:]:
        data = wheel.read(info)
        if _NEW_NUMPY in data or _CYTHON_NEW in data:
            found = "2"
        elif _OLD_NUMPY in data or _CYTHON_OLD in data:
            return "1"
    return found


def sonames(wheel: zipfile.ZipFile) -> str:
    """Return the CUDA libraries with their major versions, as "cublas 12, cudnn 8"."""
    found: set[str] = set()
    for info in wheel.infolist():
        if re.search(r"\.so[.\d]*$", info.filename):
            with wheel.open(info) as member:  # names stand at the beginning of an ELF file
                found |= {
                    f"{name.decode()} {major.decode()}"
                    for name, major in _SONAME.findall(member.read(_BEGIN))
                }
    return ", ".join(sorted(found))


def extras(wheel: zipfile.ZipFile) -> str:
    """Return what the METADATA of a wheel asks of torch and triton, as TOML."""
    name = next(i for i in wheel.namelist() if i.endswith(".dist-info/METADATA") and i.count("/") == 1)
    wanted, _ = parse_email(wheel.read(name))
    found = {}
    for text in wanted.get("requires_dist", ()):
        need = Requirement(text)
        if canonicalize_name(need.name) in _WANTED and need.specifier:
            found[canonicalize_name(need.name)] = str(need.specifier)
    return ", ".join(f'{dist} = "{asked}"' for dist, asked in sorted(found.items()))


KINDS: dict[str, Callable[[zipfile.ZipFile], str]] = {
    "numpy": numpy_api,
    "sonames": sonames,
    "extras": extras,
}


def measure(
    project: str, read: Callable[[zipfile.ZipFile], str], since: Version
) -> Iterable[tuple[Version, str]]:
    """Return (version, what was read) for each release; "?" and the reason where one cannot be read."""

    def one(entry: tuple[Version, File]) -> tuple[Version, str]:
        try:
            with INDEX.open(entry[1].url) as file, zipfile.ZipFile(file) as wheel:
                return entry[0], read(wheel)
        except _FAULTS as error:
            return entry[0], f"? {error}"

    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(one, newest_wheels(project, since).items())


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each run of releases of which the same was read."""
    parser = argparse.ArgumentParser(description="Read what METADATA does not say out of the wheels on PyPI.")
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("projects", nargs="+")
    parser.add_argument("--since", type=Version, default=Version("0"))
    options: Any = parser.parse_args(arguments)
    for project in options.projects:
        last, first, until = None, None, None
        for version, said in [*measure(project, KINDS[options.kind], options.since), (None, None)]:
            if said != last:
                if last is not None:
                    sys.stdout.write(f"{project} {first} - {until}: {last or 'nothing'}\n")
                last, first = said, version
            until = version
    return 0


if __name__ == "__main__":
    sys.exit(main())
