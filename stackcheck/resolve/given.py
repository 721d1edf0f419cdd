"""Stand-ins for what is there before pip looks: conda's packages, and what comes from git, a URL or a path.

uv takes an installed distribution only from an environment. A wheel that holds nothing but METADATA tells it
the same: which version is there, and what that requires. No second one is drawn in, and a requirement that
the version does not satisfy is the conflict that it is.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.model import references
from stackcheck.model.errors import ResolveError
from stackcheck.model.redact import without_userinfo
from stackcheck.resolve.metadata import required_by, wheel_metadata
from stackcheck.resolve.question import Given, Question
from stackcheck.resolve.uvinput import GIVEN
from stackcheck.storage.folders import write_atomically
from stackcheck.storage.writable import not_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.intake.stack import Package
    from stackcheck.resolve.index import Fetcher


def with_metadata(question: Question, fetcher: Fetcher) -> tuple[Question, dict[str, str]]:
    """Read what the wheels that the stack names by URL or path require; return a note on each unread one."""
    known, notes = dict(question.given), {}
    for name, package in question.packages.items():
        if package.wheel is None:
            continue
        try:
            read = required_by(wheel_metadata(_address(package, question), fetcher))
        except ResolveError as error:
            notes[name] = f"what its wheel requires was not read: {error}"
        else:
            known[name] = Given(package.wheel.version, tuple(map(str, read)))
    return replace(question, given=known), notes


def _address(package: Package, question: Question) -> str:
    path = package.path or ""
    return package.url or (path if "://" in path else str(Path(question.stack.file).parent / path))


def write_stand_ins(folder: Path, given: Mapping[str, Given]) -> None:
    """Write the wheels of the given packages beside a project file.

    Raises ResolveError where they cannot be written.
    """
    for name, each in given.items():
        path = folder / GIVEN / f"{name.replace('-', '_')}-{each.version}-py3-none-any.whl"
        content = stand_in(name, each)
        try:
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content, mode=0o600)
        except OSError as error:
            raise ResolveError(not_written(path, error)) from None


def stand_in(name: str, given: Given) -> bytes:
    """Return a wheel that holds nothing but what a resolver reads; the same facts give the same bytes."""
    stem = f"{name.replace('-', '_')}-{given.version}.dist-info"
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {given.version}"]
    members = {
        "METADATA": "\n".join([*head, *(f"Requires-Dist: {each}" for each in given.requires)]) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": f"{stem}/METADATA,,\n{stem}/WHEEL,,\n{stem}/RECORD,,\n",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, text in members.items():
            archive.writestr(zipfile.ZipInfo(f"{stem}/{member}"), text)
    return buffer.getvalue()


def lock_of(uv_text: str, question: Question) -> str:
    """Return uv's lock without the stand-ins, which nobody can install, and with the files stated by URL."""
    if not question.given:
        return uv_text
    head, *blocks = re.split(r"(?m)^(?=\[\[packages\]\]$)", uv_text)
    names = {f'name = "{name}"' for name in question.given}
    kept = [block for block in blocks if not names & set(block.splitlines()[1:2])]
    wheels = [_archive(n, p) for n, p in question.packages.items() if p.url and references.sha256_of(p.url)]
    return "\n".join([head.rstrip(), *(each.rstrip() + "\n" for each in (*kept, *wheels))])


def _archive(name: str, package: Package) -> str:
    """Return the entry of a file that a URL names with its hash (PEP 751, packages.archive)."""
    url = without_userinfo((package.url or "").partition("#")[0])
    digest = references.sha256_of(package.url or "")
    return (
        f"[[packages]]\nname = {json.dumps(name)}\nversion = {json.dumps(str(package.exact))}\n"
        f"archive = {{ url = {json.dumps(url)}, hashes = {{ sha256 = {json.dumps(digest)} }} }}"
    )
