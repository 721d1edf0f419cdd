"""Refreshing the torch table: wheels made in memory, an index made of literals."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest
from packaging.version import Version

from stackcheck.knowledge import packages, torch
from stackcheck.knowledge.extending import extended, write_own
from stackcheck.knowledge.folders import SHIPPED, TOLD, Folder
from stackcheck.knowledge.refresh import Refresh, refresh, refresh_newest, render_diff
from stackcheck.knowledge.told import Told
from stackcheck.knowledge.wheelfile import BLOCK, RangeFile, read_member
from stackcheck.model.errors import ResolveError, TableError
from tests.unit.knowledge.told_folders import instead

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TODAY = date(2027, 1, 2)
METADATA = """Metadata-Version: 2.1
Name: torch
Version: 2.16.0
Requires-Dist: filelock
Requires-Dist: nvidia-cudnn-cu13==9.30.0.1; platform_system == "Linux"
Requires-Dist: nvidia-nccl-cu13==2.31.1; platform_system == "Linux"
Requires-Dist: triton~=3.10.0; platform_system == "Linux" and python_version < "3.16"

Tensors.
"""
SAYS_CUDA = "__version__ = '2.16.0+cu132'\ncuda: Optional[str] = '13.2'\n"
SAYS_CPU = "__version__ = '2.16.0+cpu'\r\ncuda: Optional[str] = None\r\n"
LIBRARY = b"\x7fELF...\0sm_75 sm_80 sm_120 compute_120\0..."


def wheel(members: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


CUDA_WHEEL = wheel(
    {
        "torch/version.py": SAYS_CUDA,
        "torch/lib/libtorch_python.so": LIBRARY,
        "torch-2.16.0.dist-info/METADATA": METADATA,
    }
)
CPU_WHEEL = wheel({"torch/version.py": SAYS_CPU, "torch-2.16.0.dist-info/METADATA": "Name: torch\n"})
VISION = wheel({"torchvision-0.30.0.dist-info/METADATA": "Name: torchvision\nRequires-Dist: torch>=2.16\n"})


@dataclass(frozen=True)
class Link:
    name: str
    yanked: str | None = None
    uploaded: str = "2026-12-24T10:00:00Z"

    @property
    def url(self) -> str:
        return f"https://files.example/{self.name}"


@dataclass(frozen=True)
class Index:
    """An index of literals: project -> links, and the bytes of each file."""

    links: dict[str, list[Link]]
    wheels: dict[str, bytes] = field(default_factory=dict)

    def files(self, project: str) -> list[Link]:
        if project not in self.links:
            raise ResolveError("https://pypi.example/: HTTP status 503")
        return self.links[project]

    def open(self, url: str) -> io.RawIOBase:
        content = self.wheels[url.rpartition("/")[2]]
        return RangeFile(lambda start, stop: content[start:stop], len(content))


LINUX = "torch-2.16.0-cp312-cp312-manylinux_2_28_x86_64.whl"
THREADS = "torch-2.16.0-cp315-cp315t-manylinux_2_28_x86_64.whl"
WINDOWS = "torch-2.16.0-cp312-cp312-win_amd64.whl"
NEW_VISION = "torchvision-0.30.0-py3-none-manylinux_2_28_x86_64.whl"
NEW = Index(
    {
        "torch": [Link(LINUX), Link(THREADS), Link(WINDOWS), Link("torch-2.16.0.tar.gz"), Link("torch-1.0.0-cp37-cp37m-manylinux1_x86_64.whl"), Link("torch-2.17.0rc1-cp312-cp312-win_amd64.whl")],
        "torchvision": [Link(NEW_VISION, yanked='broken "wheel"\n')],
        "torchaudio": [],
    },
    {LINUX: CUDA_WHEEL, THREADS: CUDA_WHEEL, WINDOWS: CPU_WHEEL, NEW_VISION: VISION},
)  # fmt: skip


def test_a_new_release_becomes_rows_that_say_what_its_wheels_say() -> None:
    found = refresh(NEW, torch.load(), TODAY)
    assert (found.changes, found.unread) == ((), ())
    assert [each.title for each in found.additions] == [
        "torch 2.16.0",
        "torch 2.16.0+cu132 (linux/amd64)",
        "torchvision 0.30.0",
    ]
    release, build, vision = (each.text for each in found.additions)
    assert release == (
        '[[release]]\ntorch = "2.16.0"\nuploaded = 2026-12-24\ncuda = "13.2"\ncuda_unverified = true\n'
        'pypi = { "linux/amd64" = "13.2", "windows/amd64" = "cpu" }\n'
        'python = { "linux/amd64" = "3.12 3.15t", "windows/amd64" = "3.12" }\nglibc = "2.28"\ncudnn = 9\n'
        'note = "from the wheels on the index: builds for other CUDA versions are not known"\n'
        'made = "stackcheck tables refresh"\nchecked = 2027-01-02\n'
        'source = "METADATA, file names, torch/version.py, torch/lib/libc10.so, torch/lib/libtorch_python.so and '
        'torch/cuda/__init__.py of the torch 2.16.0 wheels, pypi.org/project/torch/2.16.0"'
    )
    assert build == (
        '[[build]]\ntorch = "2.16.0"\ncuda = "13.2"\nplatform = "linux/amd64"\nchannels = "pypi"\nsm = "75 80 120"\n'
        'ptx = "120"\ncudnn = "9.30.0.1"\nnccl = "2.31.1"\ntriton = "~=3.10.0"\n'
        'triton_marker = \'platform_system == "Linux" and python_version < "3.16"\'\n'
        'evidence = "wheel-bytes"\nmade = "stackcheck tables refresh"\nchecked = 2027-01-02\n'
        'source = "arch string in torch/lib/libtorch_python.so, METADATA and version.py of the torch 2.16.0 '
        'manylinux x86_64 wheel, pypi.org/project/torch/2.16.0"'
    )
    assert vision == (
        '[[companion]]\nversion = "0.30.0"\ntorch = ">=2.16"\npython = { "linux/amd64" = "3" }\n'
        'yanked = "broken \'wheel\' "\nmade = "stackcheck tables refresh"\nchecked = 2027-01-02\n'
        'source = "METADATA and file names of the torchvision 0.30.0 wheels, pypi.org/project/torchvision/0.30.0"'
    )


SHIPPED_TORCH = (SHIPPED / TOLD / "torch.toml").read_text(encoding="utf-8")


def test_the_extended_file_loads_and_answers(tmp_path: Path) -> None:
    additions = refresh(NEW, torch.load(), TODAY).additions
    table = torch.load(instead(tmp_path, "torch", extended(SHIPPED_TORCH, additions[:2], TODAY)))
    assert str(table.newest.torch) == "2.16.0"
    build = table.build("2.16.0", "13.2", "linux/amd64")
    assert build is not None
    assert (build.listed, build.checked) == ("sm_75 sm_80 sm_120 compute_120", TODAY)
    assert [each.title for each in refresh(NEW, table, TODAY).additions] == ["torchvision 0.30.0"]


def test_new_rows_go_into_the_users_own_files_whole_or_not_at_all(tmp_path: Path) -> None:
    own = tmp_path / "new" / "folder"
    additions = refresh(NEW, torch.load(), TODAY).additions
    (path,) = write_own(additions[:1], own, TODAY)
    assert path.read_text(encoding="utf-8") == f"checked = 2027-01-02\n\n{additions[0].text}\n"
    broken = msgspec.structs.replace(
        additions[1], text=additions[1].text.replace('torch = "2.16.0"', 'torch = "x"')
    )
    with pytest.raises(TableError, match=r"torch\.toml:\d+: build: torch: Invalid version: 'x'\."):
        write_own([broken], own, TODAY)
    assert "[[build]]" not in path.read_text(encoding="utf-8")
    write_own(additions[1:], own, TODAY)
    assert sorted(each.name for each in (own / TOLD).iterdir()) == ["torch.toml", "torchvision.toml"]
    table = torch.load(Told((Folder(SHIPPED), Folder(own, own=True))))
    assert str(table.newest.torch) == "2.16.0"
    assert table.newest.cited.endswith(f"(checked 2027-01-02; stated in {path})")
    assert refresh(NEW, table, TODAY) == Refresh(), "a second refresh finds nothing new"
    (tmp_path / "file").touch()
    with pytest.raises(
        TableError,
        match=r"file: this cannot be written \(.*\); name another folder in STACKCHECK_KNOWLEDGE\.",
    ):
        write_own(additions, tmp_path / "file", TODAY)


def test_a_patch_of_an_older_line_goes_to_its_place(tmp_path: Path) -> None:
    (first,) = refresh(NEW, torch.load(), TODAY).additions[:1]
    patch = msgspec.structs.replace(
        first, title="torch 2.13.1", version=Version("2.13.1"), text=first.text.replace("2.16.0", "2.13.1")
    )
    table = torch.load(instead(tmp_path, "torch", extended(SHIPPED_TORCH, [patch], TODAY)))
    assert [str(row.torch) for row in table.releases[-5:]] == [
        "2.13.0", "2.13.1", "2.14.0", "2.14.1", "2.15.0"
    ]  # fmt: skip


def test_the_newest_release_of_a_package_is_looked_for_and_stands_in_one_row(tmp_path: Path) -> None:
    index = Index({"cmake": [Link("cmake-4.9.0-py3-none-any.whl"), Link("cmake-5.0rc1.tar.gz"), Link("cmake-6.0.tar.gz", yanked="broken"), Link("other-9.0.tar.gz")]})  # fmt: skip
    known = {"cmake": packages.load().newest["cmake"]}
    found = refresh_newest(index, known, TODAY)
    assert [(each.package, each.title) for each in found.additions] == [("cmake", "cmake 4.9.0")]
    shipped = (SHIPPED / TOLD / "cmake.toml").read_text(encoding="utf-8")
    text = extended(shipped, found.additions, TODAY)
    assert text.count("[[newest]]") == 1
    row = packages.load(instead(tmp_path, "cmake", text)).newest["cmake"]
    assert (str(row.version), row.checked) == ("4.9.0", TODAY)
    assert extended("checked = 2027-01-02\n", found.additions, TODAY).count('version = "4.9.0"') == 1
    assert refresh_newest(index, {"cmake": row}, TODAY) == Refresh()
    assert refresh_newest(Index({}), known, TODAY).unread == (
        "cmake: https://pypi.example/: HTTP status 503",
    )


def test_what_a_wheel_does_not_say_is_named_and_not_guessed() -> None:
    silent = wheel({"torch/version.py": "cuda = something\n"})
    pinned = METADATA.replace("==9.30.0.1", ">=9").encode()
    loose = wheel({"torch/version.py": SAYS_CUDA, "torch-2.16.0.dist-info/METADATA": pinned})
    unnamed = "torch-2.16.0-cp312-cp312-linux_x86_64.whl"
    reasons = [
        refresh(Index({"torch": [Link(name)], "torchvision": [], "torchaudio": []}, {name: content}), torch.load(), TODAY).unread
        for name, content in ((LINUX, silent), (LINUX, loose), (unnamed, CUDA_WHEEL), (LINUX, b"no zip"))
    ]  # fmt: skip
    assert reasons == [
        (f"torch 2.16.0: {LINUX}: torch/version.py does not say its CUDA version",),
        (
            'torch 2.16.0: nvidia-cudnn-cu13 is not pinned exactly: nvidia-cudnn-cu13>=9; platform_system == "Linux"',
        ),
        (f"torch 2.16.0: {unnamed}: the file name does not say which glibc it needs",),
        ("torch 2.16.0: this wheel cannot be read: File is not a zip file",),
    ]


def test_an_index_that_does_not_answer_is_said_for_each_project() -> None:
    found = refresh(Index({"torch": []}), torch.load(), TODAY)
    assert found.unread == tuple(
        f"{name}: https://pypi.example/: HTTP status 503" for name in ("torchvision", "torchaudio")
    )
    assert "? not read: torchvision: https://pypi.example/: HTTP status 503" in render_diff(found)


def test_differences_from_known_rows_are_told_and_change_nothing() -> None:
    links = [
        Link("torchvision-0.20.0-cp313-cp313-manylinux1_x86_64.whl", yanked="late find"),
    ]
    found = refresh(Index({"torch": [], "torchvision": links, "torchaudio": []}), torch.load(), TODAY)
    assert found.additions == ()
    assert render_diff(found) == (
        "~ torchvision 0.20.0: wheels for linux/amd64 for Python 3.13 as well\n"
        '~ torchvision 0.20.0: withdrawn from the index: "late find"\n'
        "0 new rows, 2 changes, 0 not read\n"
    )
    assert render_diff(Refresh()) == "nothing new on the index\n"


def test_a_wheel_is_read_without_fetching_it_whole() -> None:
    big = wheel({"torch/lib/big.so": bytes(range(256)) * 40_000, "torch/version.py": SAYS_CUDA})
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("torch/lib/big.so", bytes(4_000_000))
        archive.writestr("torch/version.py", SAYS_CUDA)
    content, fetched = stored.getvalue(), []

    def fetch(start: int, stop: int) -> bytes:
        fetched.append(stop - start)
        return content[start:stop]

    assert read_member(RangeFile(fetch, len(content)), "torch/version.py") == SAYS_CUDA.encode()
    assert sum(fetched) < len(content) / 10
    assert read_member(RangeFile(lambda a, b: big[a:b], len(big)), "no/such/file") is None


def test_only_the_file_of_that_name_is_read() -> None:
    content = wheel(
        {
            "functorch/version.py": "not this one",
            "torch/_vendor/other-1.0.dist-info/METADATA": "nor this",
            "torch/version.py": "this",
            "torch-2.16.0.dist-info/METADATA": "and this",
        }
    )
    assert read_member(io.BytesIO(content), "torch/version.py") == b"this"
    assert read_member(io.BytesIO(content), ".dist-info/METADATA") == b"and this"


@pytest.mark.parametrize("fault", ["damaged", "encrypted"])
def test_a_damaged_or_encrypted_member_is_an_error_of_the_wheel(fault: str) -> None:
    content = bytearray(wheel({"a": "text" * 100}))
    if fault == "damaged":
        content[31] = 0xFF  # the first byte of what is packed: a header of 30 bytes and a name of one
    else:
        content[content.index(b"PK\x01\x02") + 8] = 1
    with pytest.raises(ResolveError, match="this wheel cannot be read: "):
        read_member(io.BytesIO(bytes(content)), "a")


def test_a_lying_wheel_cannot_make_us_fetch_or_unpack_without_end() -> None:
    content = wheel({"torch/version.py": bytes(70 << 20)})
    with pytest.raises(ResolveError, match="unpacks to 73400320 bytes: more than 64 MiB"):
        read_member(RangeFile(lambda a, b: content[a:b], len(content)), "torch/version.py")
    endless = RangeFile(lambda a, b: bytes(b - a), 1 << 40)
    with pytest.raises(ResolveError, match="more than 64 MiB to be read"):
        endless.read(65 << 20)
    short = RangeFile(lambda _a, _b: b"", 1000)
    with pytest.raises(ResolveError, match="asked for bytes 0-999 of a wheel, got 0 bytes"):
        short.read(10)


def test_pieces_grow_while_they_come_quickly_and_shrink_where_they_do_not() -> None:
    asked: list[int] = []
    now = 0.0

    def fetch(start: int, stop: int) -> bytes:
        nonlocal now
        asked.append((stop - start) // BLOCK)
        now += 30.0 if len(asked) == 3 else 0.1
        return bytes(stop - start)

    file = RangeFile(fetch, 200 * BLOCK, clock=lambda: now, limit=200 * BLOCK)
    while file.read(BLOCK):
        pass
    assert asked == [1, 4, 16, 4, 16, 64, 95]
