"""Laws of the binary readers: damaged bytes give the readers' own errors, whole ones the same answer."""

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck_probes.binaries.bytesource import BytesSource, Slice
from stackcheck_probes.binaries.gpureader import read_gpu_code
from stackcheck_probes.binaries.unpack import DamagedError, lz4_block

pytestmark = pytest.mark.property

DATA = Path(__file__).parent.parent / "data" / "gpucode"
FIXTURES = [path for path in sorted(DATA.glob("*.*")) if path.suffix not in (".json", ".sh")]
FOUND = sorted((DATA / "found").glob("*"))


def load_fuzzer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_readers", Path(__file__).parent / "fuzz_readers.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


FUZZER = load_fuzzer()
SEEDS = FUZZER.seeds()


@given(st.integers(0, 1 << 32), st.sampled_from(range(len(SEEDS))), st.booleans())
def test_damaged_bytes_never_crash_a_reader(seed: int, which: int, deep: bool) -> None:
    FUZZER.read(FUZZER.damage(SEEDS[which], random.Random(seed)), deep=deep)  # noqa: S311


@given(
    st.binary(max_size=600),
    st.sampled_from([b"\x7fELF\x02\x01", b"\x50\xed\x55\xba", b"CCOB", b"!<arch>\n", b"PK"]),
)
def test_any_bytes_never_crash_a_reader(content: bytes, start: bytes) -> None:
    FUZZER.read(start + content, deep=True)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
@pytest.mark.parametrize("deep", [False, True])
def test_what_the_fuzzer_once_found_is_read(path: Path, deep: bool) -> None:
    FUZZER.read(path.read_bytes(), deep=deep)


def test_something_was_found_and_kept() -> None:
    assert FOUND


@given(st.data())
def test_a_cut_library_never_reads_as_one_without_device_code(data: st.DataObject) -> None:
    content = (DATA / "uneven.so").read_bytes()
    cut = data.draw(st.integers(64, len(content) - 1))
    gpu = read_gpu_code(BytesSource(content[:cut]))
    assert gpu.cut
    assert gpu.unread


@given(st.sampled_from(FIXTURES), st.binary(max_size=100), st.binary(max_size=100))
def test_a_slice_reads_as_the_file_does(path: Path, before: bytes, after: bytes) -> None:
    content = path.read_bytes()
    inside = Slice(BytesSource(before + content + after), len(before), len(content))
    assert (
        read_gpu_code(inside, path.name, deep=True).groups
        == read_gpu_code(BytesSource(content), path.name, deep=True).groups
    )


@given(st.binary(max_size=300), st.integers(1, 200))
def test_lz4_stays_within_its_limit(packed: bytes, limit: int) -> None:
    try:
        assert len(lz4_block(packed, limit)) <= limit
    except DamagedError as error:
        assert str(error).startswith("LZ4: ")  # noqa: PT017
