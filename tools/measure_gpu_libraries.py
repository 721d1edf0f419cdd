r"""Write the GPU code of each library in wheels that carry one for each CUDA version, as rows.

    python tools/measure_gpu_libraries.py bitsandbytes 'libbitsandbytes_cuda(\d+)\.so' 0.46.1 0.47.0

Reads the Linux wheels of these versions on PyPI in pieces, and prints a `[[library_code]]` row a version and
platform: what the library for each CUDA version has code for. Nothing is kept.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from stackcheck.model.wheel_tags import stack_platforms
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.wheels.read import read_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackcheck_probes.facts.binaries import CodeFacts

MOST_BYTES = 512 << 20
PLATFORMS = ("linux/amd64", "linux/arm64")


def main(arguments: list[str]) -> int:
    """Print the rows; 2 for a wrong call."""
    if len(arguments) < 3:
        sys.stderr.write(__doc__ or "")
        return 2
    name, pattern, *versions = arguments
    source = WheelIndex(Fetcher(os.environ, most_bytes=MOST_BYTES), PYPI)
    for file in source.files(name):
        place = next((each for each in PLATFORMS if each in platforms_of(file.name)), None)
        if str(file.version) not in versions or not file.is_wheel or place is None:
            continue
        with source.open(file.url, MOST_BYTES) as wheel:
            facts = read_wheel(
                wheel,
                filename=file.name,
                sha256=file.sha256,
                wanted=lambda path, _size: bool(re.search(pattern, path)),
            )
        code = {each.path: code_of(each.code) for each in facts.libraries if re.search(pattern, each.path)}
        sys.stdout.write("\n".join(row(str(file.version), place, by_cuda(code, pattern))) + "\n\n")
        sys.stdout.flush()
    return 0


def platforms_of(filename: str) -> set[str]:
    """Return the platforms that the name of a wheel is for."""
    tags = filename.removesuffix(".whl").split("-")[-1].split(".")
    return {each for tag in tags for each in stack_platforms(tag)}


def code_of(code: CodeFacts) -> tuple[str, ...]:
    """Return the GPU code of a library as words: "sm_75", "compute_90"."""
    words = {str(image["code"]).partition(":")[0] for image in code.get("images", ())}
    return tuple(sorted(words, key=lambda word: (word.startswith("compute"), int(re.sub(r"\D", "", word)))))


def by_cuda(code: Mapping[str, Iterable[str]], pattern: str) -> dict[str, tuple[str, ...]]:
    """Return CUDA version -> code, by the digits in the name of each library."""
    found: dict[str, tuple[str, ...]] = {}
    for path, words in code.items():
        match = re.search(pattern, path)
        digits = match[1] if match else ""
        found[f"{digits[:-1]}.{digits[-1]}"] = tuple(words)
    return dict(sorted(found.items(), key=lambda each: [int(part) for part in each[0].split(".")]))


def row(version: str, platform: str, code: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a row; CUDA versions with the same code share one entry."""
    alike: dict[str, list[str]] = defaultdict(list)
    for cuda, words in code.items():
        alike[" ".join(words)].append(cuda)
    yield "[[library_code]]"
    yield f'versions = ["{version}"]'
    yield f'platforms = "{platform}"'
    entries = ", ".join(f'"{" ".join(cudas)}" = "{words}"' for words, cudas in alike.items())
    yield f"code = {{ {entries} }}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
