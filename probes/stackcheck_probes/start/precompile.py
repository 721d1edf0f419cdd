"""Compile an archive of Python sources with the Python that will run it: a quick start compiles nothing.

The compiled modules stand beside their sources, so that another Python, which cannot use them, still starts.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import sys
import zipfile

_DATE = (1980, 1, 1, 0, 0, 0)
_UNCHECKED = 1  # a hash-based .pyc whose source is not looked at (PEP 552)


def compiled(path: str) -> bytes:
    """Return the archive at `path` with each module compiled; the same bytes for the same input."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as writer:
        for name in sorted(archive.namelist()):
            source = archive.read(name)
            if name.endswith(".py"):
                _write(writer, name + "c", _pyc(source, name))
            _write(writer, name, source)
    return made.getvalue()


def _pyc(source: bytes, name: str) -> bytes:
    code = compile(source, "stackcheck.pyz/" + name, "exec", dont_inherit=True)
    digest: bytes = importlib.util.source_hash(source)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED.to_bytes(4, "little") + digest
    return header + marshal.dumps(code)


def _write(writer: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o444 << 16
    writer.writestr(entry, content)


def main() -> int:
    """Write the compiled form of the archive that runs to standard output."""
    sys.stdout.buffer.write(compiled(sys.argv[0]))
    return 0
