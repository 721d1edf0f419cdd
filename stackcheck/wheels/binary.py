"""Read one binary, of a wheel or alone: what the loader asks of it, its GPU code, its NumPy interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.wheels.facts import LibraryFacts, NumpyFacts, export_table, machine_name
from stackcheck_probes.binaries.bytesource import SourceError
from stackcheck_probes.binaries.elf import MAGIC, Elf, ElfError
from stackcheck_probes.binaries.libraryfile import read_source
from stackcheck_probes.loader.symbols import Symbols
from stackcheck_probes.probes import libraries, loading, numpy_modules

if TYPE_CHECKING:
    from typing import Any

    from stackcheck_probes.binaries.bytesource import ByteSource
    from stackcheck_probes.facts.binaries import CodeFacts


def library_facts(source: ByteSource, path: str) -> LibraryFacts | None:
    """Return the facts of a binary called `path`; None when its first bytes are not those of one."""
    code = read_source(source, path)
    if code is not None and libraries.hides_code(code):
        code = read_source(source, path, deep=True)
    if code is None:
        return None
    facts: CodeFacts = {key: value for key, value in code.items() if key != "path"}  # type: ignore[assignment]
    try:
        if source.pread(0, 4) != MAGIC:
            return LibraryFacts(path, source.size, code=facts)
        loaded = _loader_facts(Elf(source))
        numpy = _numpy(source) if path.endswith(".so") else None
        return LibraryFacts(path, source.size, code=facts, numpy=numpy, **loaded)
    except (ElfError, SourceError) as error:
        return LibraryFacts(path, source.size, code=facts, error=str(error))


def _loader_facts(elf: Elf) -> dict[str, Any]:
    """Return the fields that the loader's tables give."""
    dynamic = elf.dynamic()
    facts: dict[str, Any] = {"machine": machine_name(elf.machine), "bits": elf.bits}
    if elf.cut:
        facts["error"] = "the file is cut off"
    if dynamic is None:
        return facts
    facts |= {
        "dynamic": True,
        "soname": dynamic.soname,
        "needed": dynamic.needed,
        "rpath": dynamic.rpath,
        "runpath": dynamic.runpath,
    }
    try:
        return facts | _symbol_facts(Symbols(elf, dynamic))
    except (ElfError, SourceError) as error:
        return facts | {"error": f"its dynamic symbols cannot be read: {error}"}


def _symbol_facts(symbols: Symbols) -> dict[str, Any]:
    judged = [name for name in symbols.undefined(loading.MARKS) if loading.is_judged(name)]
    return {
        "versions_needed": tuple((each.file, each.version, each.weak) for each in symbols.versions_needed()),
        "versions_defined": tuple(sorted(symbols.versions_defined())),
        "undefined": tuple(name.decode("utf-8", "surrogateescape") for name in judged),
        "abi": loading.abi_of(judged),
        "exports": export_table(symbols.exported()),
    }


def _numpy(source: ByteSource) -> NumpyFacts | None:
    major = numpy_modules.api(source)
    return None if major is None else {"api": major}
