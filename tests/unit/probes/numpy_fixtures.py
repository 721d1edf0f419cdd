"""Distributions with compiled modules that name a NumPy: a real extension module, with a mark in its data."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from stackcheck_probes.binaries.bytesource import BytesSource
from stackcheck_probes.binaries.elf import Elf

EXTENSION = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so")).read_bytes()


def module(*marks: bytes) -> bytes:
    """Return an extension module in whose read-only data the marks stand."""
    section = Elf(BytesSource(EXTENSION)).section(".rodata")
    assert section is not None
    text = b"\0".join(marks)
    start = section.offset + section.size - len(text)
    return EXTENSION[:start] + text + EXTENSION[start + len(text) :]


def install(
    folder: Path, name: str, requires: tuple[str, ...], modules: dict[str, bytes], version: str = "1.0"
) -> None:
    """Write a distribution into a package folder."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n{needs}\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in modules))
    for path, data in modules.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
