"""Feed damaged bytes to every reader of binaries: python -m tests.property.fuzz_readers RUNS [SEED] [FOLDER]

Each run takes a real fixture (or an archive of fixtures), damages it and reads it. A finding is any exception
but the reader's own, a run of more than two seconds, or memory past the limit; its bytes are written to
FOLDER. What was found once is kept in tests/data/gpucode/found and read again by every test run.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import json
import lzma
import random
import resource
import signal
import sys
import tarfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

from stackcheck.inspect.imagearchive import read_archive
from stackcheck.inspect.packagefiles import read_package
from stackcheck.model.errors import WheelError
from stackcheck.wheels.document import facts_of_document, to_document
from stackcheck.wheels.read import read_wheel
from stackcheck_probes.binaries.bytesource import BytesSource, SourceError
from stackcheck_probes.binaries.elf import Elf, ElfError
from stackcheck_probes.binaries.gpucode import from_json, to_json
from stackcheck_probes.binaries.gpureader import GpuCodeError, read_gpu_code
from stackcheck_probes.binaries.inflate import Budget
from stackcheck_probes.binaries.libraryfile import read_source
from stackcheck_probes.binaries.tarmembers import layer, tar_members
from stackcheck_probes.loader.symbols import Symbols, gnu_hash
from tests.unit.probes.test_codeobject import PTX, code_object
from tests.unit.probes.test_hidden import library, spread

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DATA = Path(__file__).parent.parent / "data" / "gpucode"
MEMORY = 1 << 30
SECONDS = 2.0
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x100, 0xFFFF, 1 << 20, 1_000_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
WIDE = (*NUMBERS, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)


class HangError(BaseException):
    """A run took too long; not an Exception, so that no reader can swallow it."""


def read(content: bytes, *, deep: bool = False) -> None:
    """Read the bytes as every kind of input; only the readers' own errors may happen."""
    source = BytesSource(content)
    try:
        gpu = read_gpu_code(source, "libfuzzed.so", deep=deep)
        if from_json(to_json(gpu)) != gpu:
            raise AssertionError("JSON does not give back what was read")
    except GpuCodeError:
        pass
    with contextlib.suppress(GpuCodeError):
        read_gpu_code(source, "fuzzed.ptx")
    try:
        elf = Elf(source)
        elf.dynamic()
        for section in elf.sections[:64]:
            elf.read_start(section, 4096)
            elf.offset_of(section.addr)
        symbols = Symbols(elf)
        for name in symbols.undefined()[:64]:
            symbols.exports(name, gnu_hash(name))
        symbols.versions_needed()
        symbols.versions_defined()
    except ElfError:
        pass
    with contextlib.suppress(SourceError):
        read_package(source, deep=deep)
    with contextlib.suppress(SourceError):
        read_archive(source, deep=deep)
    with contextlib.suppress(WheelError):
        facts = read_wheel(io.BytesIO(content), sha256="0" * 64)
        document, tables = to_document(facts)
        again = facts_of_document(json.loads(json.dumps(document)), memoryview(b"".join(tables)))
        if again != facts:
            raise AssertionError("JSON does not give back the facts of a wheel")
    with contextlib.suppress(SourceError):
        for member in tar_members(layer(source, Budget(64 << 20))):
            if member.is_file:
                read_source(member.content, member.name, deep=deep)


def seeds() -> list[bytes]:
    """Return the fixtures and archives of them."""
    files = [path for path in sorted(DATA.glob("*.*")) if path.suffix not in (".json", ".sh")]
    found = [path.read_bytes() for path in files]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name in ("uneven.so", "sm_86.cubin", "compress-size.fatbin"):
                archive.writestr(f"x/{name}", (DATA / name).read_bytes())
            archive.writestr("x-1.dist-info/METADATA", "Name: x\nVersion: 1\nRequires-Dist: torch\n")
            archive.writestr("x-1.dist-info/RECORD", "x/uneven.so,sha256=0,10\nx/sm_86.cubin,sha256=1,\n")
        found.append(buffer.getvalue())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for name in ("uneven.so", "sm_86.cubin"):
            layer.add(DATA / name, "é/" * 60 + name, filter=_anonymous)
    fatbin = (DATA / "compress-none.fatbin").read_bytes()
    found += [buffer.getvalue(), _gzip(buffer.getvalue())]
    found += [code_object(0x4C, 3), PTX.encode(), library(spread(fatbin, 300_000, 50_000))]
    return found + _images() + _condas()


def _gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


def _tar(entries: list[tuple[str, bytes | tuple[bytes, str]]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in entries:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
            else:
                member.type, member.linkname = what
                archive.addfile(member)
    return buffer.getvalue()


def _images() -> list[bytes]:
    """Return images of layers with hard links, links, whiteouts and a package that is judged for loading."""
    site = "usr/lib/python3.11/site-packages"
    cubin = (DATA / "sm_86.cubin").read_bytes()
    lower = _tar([
        (f"{site}/pkg-1.dist-info/METADATA", b"Name: pkg\nVersion: 1\n"),
        (f"{site}/pkg/plain.so", (DATA / "plain.so").read_bytes()),
        ("cache/a.cubin", cubin),
        ("opt/b.cubin", (tarfile.LNKTYPE, "cache/a.cubin")),
        ("lib", (tarfile.SYMTYPE, "usr/lib")),
        ("x/y/z.so", (tarfile.SYMTYPE, "../../opt/b.cubin")),
    ])  # fmt: skip
    upper = _tar([
        (".wh.cache", b""), ("x/.wh..wh..opq", b""),
        ("lib/c.cubin", cubin), ("x/pipe", (tarfile.FIFOTYPE, "")),
    ])  # fmt: skip
    images = [lower]
    for pack in (bytes, _gzip, zstd.compress):
        manifest = b'[{"Config": "c", "Layers": ["0/layer.tar", "1/layer.tar"]}]'
        images.append(
            _tar([("0/layer.tar", pack(lower)), ("1/layer.tar", pack(upper)), ("manifest.json", manifest)])
        )
    index = b'{"manifests": [{"digest": "a:m", "platform": {"os": "linux", "architecture": "amd64"}}]}'
    manifest = b'{"layers": [{"digest": "a:0"}, {"digest": "a:1"}]}'
    blobs = [("blobs/a/m", manifest), ("blobs/a/0", lower), ("blobs/a/1", upper)]
    return [*images, _tar([("index.json", index), *blobs])]


def _condas() -> list[bytes]:
    files = _tar([("lib/a.cubin", (DATA / "sm_86.cubin").read_bytes()), ("info/index.json", b"{}")])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("pkg-x-1.tar.zst"), zstd.compress(files))
    return [buffer.getvalue(), bz2.compress(files), lzma.compress(files), zstd.compress(files)]


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to eight damages: numbers, flips, cuts, moves; headers more often."""
    result = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if not result:
            break
        span = min(len(result), chance.choice((64, 512, 4096, len(result))))
        at = chance.randrange(span) if chance.random() < 0.7 else len(result) - 1 - chance.randrange(span)
        _one_damage(result, at, chance)
    return bytes(result)


def _one_damage(result: bytearray, at: int, chance: random.Random) -> None:
    kind = chance.randrange(7)
    if kind == 0:
        result[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        result[at : at + 4] = chance.choice(NUMBERS).to_bytes(4, "little")
    elif kind == 2:
        at -= at % 8
        result[at : at + 8] = chance.choice(WIDE).to_bytes(8, "little")
    elif kind == 3:
        result[at : at + 2] = chance.choice((0, 1, 0x7FFF, 0xFFFF, chance.randrange(1 << 16))).to_bytes(
            2, "little"
        )
    elif kind == 4 and chance.random() < 0.3:
        del result[at:]
    elif kind == 5:
        other = chance.randrange(len(result))
        length = chance.choice((8, 16, 64, 256))
        result[at : at + length] = result[other : other + length]
    elif kind == 6 and chance.random() < 0.2:
        del result[at : at + chance.choice((1, 8, 64))]


def run(runs: int, seed: int, folder: Path) -> int:
    """Do the runs; return the number of findings, each written to `folder`."""
    chance = random.Random(seed)  # noqa: S311 - reproducible damage, not a secret
    inputs = seeds()
    findings = 0
    signal.signal(signal.SIGALRM, _hang)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    began, slowest = time.monotonic(), 0.0
    for number in range(runs):
        content = damage(chance.choice(inputs), chance)
        start = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            read(content, deep=number % 4 == 0)
        except (Exception, HangError) as error:  # noqa: BLE001 - this is what is looked for
            findings += 1
            name = f"{type(error).__name__}-{seed}-{number}"
            (folder / name).write_bytes(content)
            print(f"{name}: {str(error)[:200]}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.monotonic() - start)
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{runs} runs of {len(inputs)} inputs, seed {seed}: {findings} findings in {took:.0f} s")
    print(f"slowest run {slowest * 1e3:.0f} ms, {peak:.0f} MB resident at most")
    return findings


def _hang(*_: Any) -> None:
    raise HangError(f"more than {SECONDS} seconds")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    out = Path(arguments[2] if len(arguments) > 2 else "fuzz-findings")
    out.mkdir(parents=True, exist_ok=True)
    sys.exit(run(int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1, out) > 0)
