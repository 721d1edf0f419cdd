"""Layers lie on each other as a file system does it; what is not read in them is counted and said."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import platform
import re
import socket
import sys
import sysconfig
import tarfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackcheck.inspect import imagearchive, layertree, loaderroot
from stackcheck.inspect.answer import exit_code
from stackcheck.inspect.inspection import read_target
from stackcheck.inspect.judgement import judged
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.model.errors import UsageError
from stackcheck.model.verdict import Outcome
from stackcheck_probes.loader.ldpath import Search

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from stackcheck.inspect.inspection import Contents

DATA = Path(__file__).parents[2] / "data" / "gpucode"
LIBRARY = (DATA / "uneven.so").read_bytes()
OTHER = (DATA / "rdc.so").read_bytes()
Entry = tuple[str, bytes | tuple[bytes, str]]
SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
EXTENSION = next(Path(sysconfig.get_config_var("DESTSHARED")).glob("_socket.*.so"))
LIBC = next(Path(path) for path in Search().cache["libc.so.6"] if "64" in path)
SITE = "usr/local/lib/python3.11/site-packages"
FOLDER = f"usr/lib/{platform.machine()}-linux-gnu"
PACKAGE: list[Entry] = [
    (f"{SITE}/pkg-1.dist-info/METADATA", b"Metadata-Version: 2.1\nName: pkg\nVersion: 1\n"),
    (f"{SITE}/pkg/_C.so", EXTENSION.read_bytes()),
]


def layer(*entries: Entry, mode: int = 0o644) -> bytes:
    """Make a layer: bytes are a file, a pair is the type of another entry and where it leads."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if isinstance(what, bytes):
                entry.size = len(what)
                archive.addfile(entry, io.BytesIO(what))
            else:
                entry.type, entry.linkname = what
                archive.addfile(entry)
    return packed.getvalue()


def saved(*layers: bytes, environ: tuple[str, ...] = ()) -> bytes:
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "c.json", "Layers": names, "RepoTags": ["img:1"]}]
    config = json.dumps({"config": {"Env": list(environ)}}).encode()
    return layer(
        *zip(names, layers, strict=True), ("c.json", config), ("manifest.json", json.dumps(manifest).encode())
    )


def read(path: Path, content: bytes) -> Contents:
    path.write_bytes(content)
    return read_target(path)


def image(tmp_path: Path, *layers: bytes) -> Contents:
    return read(tmp_path / "image.tar", saved(*layers))


def paths(found: Contents) -> list[str]:
    return [path for path, _ in found.libraries]


def code(found: Contents) -> int:
    made = judged(found, (find_gpu("A100"),))
    return exit_code(found, made.answers, made.gate, asked=True)


def test_a_hard_link_keeps_its_library_when_the_first_name_goes(tmp_path: Path) -> None:
    lower = layer(("root/.cache/uv/a.so", LIBRARY), ("usr/lib/pkg/a.so", (HARD, "root/.cache/uv/a.so")))
    assert paths(image(tmp_path, lower)) == ["/root/.cache/uv/a.so", "/usr/lib/pkg/a.so"]
    left = image(tmp_path, lower, layer(("root/.cache/.wh.uv", b"")))
    assert (paths(left), left.binaries, left.skipped) == (["/usr/lib/pkg/a.so"], 1, ())
    assert left.libraries[0][1] == read_target(DATA / "uneven.so").libraries[0][1]


def test_a_hard_link_to_a_file_of_a_lower_layer_that_goes_in_the_same_one(tmp_path: Path) -> None:
    upper = layer(("y/b.so", (HARD, "x/a.so")), ("x/.wh.a.so", b""), ("y/c.so", (HARD, "y/b.so")))
    assert paths(image(tmp_path, layer(("x/a.so", LIBRARY)), upper)) == ["/y/b.so", "/y/c.so"]


def test_a_hard_link_to_nothing_is_said_and_is_not_a_pass(tmp_path: Path) -> None:
    found = image(tmp_path, layer(("y/b.so", (HARD, "x/a.so")), ("a.so", LIBRARY)))
    assert found.skipped == ("entries of its layers lead to no file that it holds (1), such as b.so.",)
    assert code(found) == 3


@pytest.mark.parametrize(
    ("lower", "upper", "left"),
    [
        ([("o/l/a.fatbin", LIBRARY)], [("o/l", (SYM, "/elsewhere"))], []),
        ([("usr/lib/a.so", LIBRARY), ("lib", (SYM, "usr/lib"))], [("lib/a.so", OTHER)], ["/usr/lib/a.so"]),
        ([("usr/lib/a.so", LIBRARY), ("lib", (SYM, "/usr/lib"))], [("lib/.wh.a.so", b"")], []),
        (
            [("usr/lib/a.so", LIBRARY), ("lib", (SYM, "usr/lib"))],
            [("lib", (tarfile.DIRTYPE, "")), ("lib/a.so", LIBRARY)],
            ["/lib/a.so", "/usr/lib/a.so"],
        ),
        ([("a.so", LIBRARY)], [("a.so/b.so", LIBRARY)], ["/a.so/b.so"]),
        ([("a.so/b.so", LIBRARY)], [("a.so", LIBRARY)], ["/a.so"]),
        ([("x/a.so", LIBRARY)], [("x/b.so", LIBRARY), ("x/.wh..wh..opq", b"")], ["/x/b.so"]),
        ([("x/d/a.so", LIBRARY)], [("x/.wh.d", b""), ("x/d/b.so", LIBRARY)], ["/x/d/b.so"]),
        ([("x/d/a.so", LIBRARY)], [("x/d/b.so", LIBRARY), ("x/.wh.d", b"")], ["/x/d/b.so"]),
        ([("a.so", LIBRARY)], [("a.so", LIBRARY), (".wh.a.so", b"")], ["/a.so"]),
        ([("x", (SYM, "y")), ("y", (SYM, "x"))], [("b.so", LIBRARY)], ["/b.so"]),
        ([("up/a.so", LIBRARY), ("d/l", (SYM, "../up"))], [("d/l/b.so", LIBRARY)], ["/up/a.so", "/up/b.so"]),
        ([("blob", LIBRARY), ("l.so", (SYM, "blob")), ("m.so", (SYM, "l.so"))], [], ["/l.so"]),
        ([("x/a.so", LIBRARY)], [(".wh..wh.plnk", b""), ("x/.wh..wh.aufs", b"")], ["/x/a.so"]),
    ],
)
def test_layers_are_resolved_as_a_file_system_does(
    lower: list[Entry], upper: list[Entry], left: list[str], tmp_path: Path
) -> None:
    found = image(tmp_path, layer(*lower), layer(*upper))
    assert (paths(found), found.skipped) == (left, ())


def test_files_after_a_folder_that_is_named_twice_lie_in_it(tmp_path: Path) -> None:
    folder: Entry = ("a/b", (tarfile.DIRTYPE, ""))
    assert paths(image(tmp_path, layer(folder, folder, ("a/b/c.so", LIBRARY)))) == ["/a/b/c.so"]


def test_the_upper_of_two_files_under_one_path_through_a_link_is_the_one_that_counts(tmp_path: Path) -> None:
    lower = layer(("usr/lib/a.so", OTHER), ("lib", (SYM, "usr/lib")))
    found = image(tmp_path, lower, layer(("lib/a.so", LIBRARY)))
    assert found.libraries[0][1] == read_target(DATA / "uneven.so").libraries[0][1]
    assert found.left_out[0].startswith("folders of a layer lie under a link of a lower one; they were read")
    assert "lib -> usr/lib" in found.left_out[0]


def test_entries_under_links_that_lead_round_and_round_are_said(tmp_path: Path) -> None:
    loop = layer(("x", (SYM, "y")), ("y", (SYM, "x")))
    found = image(tmp_path, loop, layer(("x/a.so", LIBRARY)))
    assert (paths(found), len(found.skipped), code(found)) == ([], 1, 3)


def test_entries_of_a_type_that_is_not_known_are_counted_and_said(tmp_path: Path) -> None:
    made = bytearray(layer(("a.so", LIBRARY), ("b.so", (b"M", ""))))
    found = image(tmp_path, bytes(made))
    assert found.skipped == ("tar entries of a type that is not known were not read (1 'M'), such as b.so.",)
    assert code(found) == 3


def test_sparse_files_are_counted_and_what_follows_them_is_read(tmp_path: Path) -> None:
    old = tarfile.TarInfo("old.so")
    old.type, old.size = tarfile.GNUTYPE_SPARSE, 100
    header = bytearray(old.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # one more block of its map follows
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    new = tarfile.TarInfo("new.so")
    new.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    sparse = bytes(header) + bytes(512) + b"x" * 100 + bytes(412) + new.tobuf(tarfile.PAX_FORMAT)
    found = image(tmp_path, sparse + layer(("a.so", LIBRARY)))
    assert paths(found) == ["/a.so"]
    assert found.skipped == ("sparse files inside a tar archive are not read (2), such as new.so, old.so.",)


def test_names_that_no_file_can_have_are_counted(tmp_path: Path) -> None:
    long = "d/" * 2100 + "x.so"
    found = image(tmp_path, layer((long, LIBRARY), ("a.so", LIBRARY)))
    assert (paths(found), code(found)) == (["/a.so"], 3)
    assert found.skipped[0].startswith("entries with names of more than 4,096 characters")
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as archive:
        archive.writestr(long, LIBRARY)
        archive.writestr("a.so", LIBRARY)
    wheel = read_target(tmp_path / "x.whl")
    assert (paths(wheel), len(wheel.skipped), len(wheel.skipped[0]) < 500) == (["a.so"], 1, True)


def test_programs_and_large_files_without_a_suffix_are_read(tmp_path: Path) -> None:
    big = ("big", LIBRARY + bytes(1 << 20))
    found = image(
        tmp_path, layer(("bin/tool", LIBRARY), ("s", b"#!"), mode=0o755), layer(("x", LIBRARY), big)
    )
    assert paths(found) == ["/big", "/bin/tool"]
    with zipfile.ZipFile(tmp_path / "x.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode in (("pkg/tool", 0o755), ("pkg/small", 0o644)):
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o100000 | mode) << 16
            archive.writestr(member, LIBRARY)
        archive.writestr("pkg/big", LIBRARY + bytes(1 << 20))
    assert paths(read_target(tmp_path / "x.whl")) == ["pkg/tool", "pkg/big"]


def test_a_wheel_of_windows_binaries_says_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x-win_amd64.whl", "w") as archive:
        for name in ("x/a.dll", "x/b.dll", "x/c.pyd"):
            archive.writestr(name, b"MZ")
    found = read_target(tmp_path / "x-win_amd64.whl")
    assert found.left_out == ("Windows binaries are not read (3 .dll/.pyd), such as x/a.dll, x/b.dll.",)
    assert (found.binaries, code(found)) == (0, 3)


def test_what_is_left_out_alone_does_not_fail_what_was_read(tmp_path: Path) -> None:
    found = image(
        tmp_path, layer(("a.so", LIBRARY), ("x.dll", b"MZ"), ("y.whl", b"PK"), ("n.so", (SYM, "gone")))
    )
    assert [sentence.split(",")[0] for sentence in found.left_out[:3]] == [
        "Windows binaries are not read (1 .dll)",
        "links named like libraries lead to no file (1)",
        "packages and archives inside are not opened (1 .whl)",
    ]
    assert code(found) == 0


def test_every_image_of_an_archive_is_read(tmp_path: Path) -> None:
    manifest = [
        {"Layers": ["0/layer.tar"], "RepoTags": ["img0:1"]},
        {"Layers": ["0/layer.tar", "1/layer.tar"], "RepoTags": None},
    ]
    content = layer(
        ("0/layer.tar", layer(("a.so", LIBRARY))), ("1/layer.tar", layer((".wh.a.so", b""), ("b.so", OTHER))),
        ("manifest.json", json.dumps(manifest).encode()),
    )  # fmt: skip
    found = read(tmp_path / "images.tar", content)
    assert paths(found) == ["img0:1/a.so", "image 1/b.so"]
    assert found.left_out == ("2 images are in it; whether libraries load was not judged.",)


def test_more_images_than_are_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagearchive, "_MOST_IMAGES", 1)
    manifest = [{"Layers": ["0/layer.tar"], "RepoTags": [f"img{number}:1"]} for number in range(3)]
    content = layer(
        ("0/layer.tar", layer(("a.so", LIBRARY))), ("manifest.json", json.dumps(manifest).encode())
    )
    found = read(tmp_path / "images.tar", content)
    assert (found.skipped, code(found)) == (("2 more images: img1:1, img2:1",), 3)


def test_an_index_says_which_platform_was_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"digest": f"sha256:{name}", "platform": {"os": "linux", "architecture": name}}
        for name in ("s390x", "amd64", "arm64")
    ]
    parts: list[Entry] = [("index.json", json.dumps({"manifests": rows}).encode())]
    for name in ("s390x", "amd64", "arm64"):
        manifest = {"layers": [{"digest": f"sha256:{name}1"}]}
        parts += [
            (f"blobs/sha256/{name}", json.dumps(manifest).encode()),
            (f"blobs/sha256/{name}1", layer((f"{name}.so", LIBRARY))),
        ]
    for machine, taken, others in (
        ("x86_64", "amd64", "linux/s390x, linux/arm64"),
        ("aarch64", "arm64", "linux/s390x, linux/amd64"),
        ("riscv64", "s390x", "linux/amd64, linux/arm64"),
    ):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        found = read(tmp_path / "oci.tar", layer(*parts))
        assert paths(found) == [f"/{taken}.so"]
        assert f"the image was read for linux/{taken}, and not for {others}." in found.left_out


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, zstd.compress])
@pytest.mark.parametrize(
    ("entries", "kind", "start"),
    [
        (
            [("usr/lib/a.so", LIBRARY), ("bin", (SYM, "usr/bin")), (".dockerenv", b"")],
            "file system archive",
            "/",
        ),
        ([("./info/index.json", b"{}"), ("./usr/lib/a.so", LIBRARY)], "conda package", ""),
        ([("x-1/usr/lib/a.so", LIBRARY)], "archive", "x-1/"),
    ],
)
def test_an_archive_of_files_is_read_as_one_layer(
    entries: list[Entry], kind: str, start: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    found = read(tmp_path / "x.tar", pack(layer(*entries)))
    assert (found.kind, paths(found), found.skipped) == (kind, [f"{start}usr/lib/a.so"], ())


def test_a_conda_package_is_opened(tmp_path: Path) -> None:
    inner = layer(("lib/libx.so.1", LIBRARY), ("lib/libx.so", (SYM, "libx.so.1")))
    with zipfile.ZipFile(tmp_path / "p.conda", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("pkg-p-1-0.tar.zst", zstd.compress(inner))
        archive.writestr("info-p-1-0.tar.zst", zstd.compress(layer(("info/index.json", b"{}"))))
    found = read_target(tmp_path / "p.conda")
    assert (found.kind, paths(found), found.loading) == ("conda package", ["lib/libx.so.1"], ())


def test_an_image_archive_that_is_packed_as_a_whole_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not read while zstd packs all of it: unpack it first"):
        read(tmp_path / "image.tar.zst", zstd.compress(saved(layer(("a.so", LIBRARY)))))


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, zstd.compress])
def test_a_packed_archive_that_is_cut_off_says_so(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"damaged \w+ layer"):
        read(tmp_path / "x.tar", pack(layer(("usr/a.so", LIBRARY)))[:-1500])


def test_whiteouts_cost_what_their_layer_holds(tmp_path: Path) -> None:
    def took(count: int) -> float:
        files = layer(*((f"e/{number}.so", b"x") for number in range(count)))
        content = saved(files, layer(*((f"e/.wh.{number}.so", b"") for number in range(count))))
        start = time.process_time()
        assert read(tmp_path / "image.tar", content).binaries == 0
        return time.process_time() - start

    small, large = took(1_000), took(8_000)
    assert large < 24 * small  # eight times as much; files x whiteouts would be 64 times


def test_more_libraries_than_are_listed_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagearchive, "MAX_LIBRARIES", 2)
    found = image(tmp_path, layer(*((f"{number}.so", LIBRARY) for number in range(5))))
    assert (len(found.libraries), found.binaries) == (2, 5)
    assert found.skipped == ("more than 2 libraries: 3 are not listed",)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_ENTRIES", "more than 50 files and folders in its layers"),
        ("MAX_STEPS", "too many links and folders"),
    ],
)
def test_an_archive_of_too_many_entries_ends_at_a_bound(
    limit: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layertree, limit, 50)
    with pytest.raises(UsageError, match=message):
        image(tmp_path, layer(*((f"{'a/' * 20}{number}/x", b"") for number in range(60))))


def test_a_target_that_is_neither_file_nor_folder_is_named_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(tmp_path / "socket"))
    made.close()
    for name, words in (
        ("pipe", "this is a named pipe; a file, a folder or an image can be inspected"),
        ("socket", "this is a socket; "),
        ("gone", "this is a link to nowhere, which leads to no file"),
        ("loop", "this is a link to loop, which leads to no file"),
        ("/dev/null", "this is a character device; "),
    ):
        with pytest.raises(UsageError, match=re.escape(words)):
            read_target(tmp_path / name)


def loads(found: Contents) -> dict[str, Outcome]:
    return {verdict.code: verdict.outcome for verdict in found.loading}


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
def test_an_image_archive_is_judged_for_loading(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    libc = LIBC.read_bytes()
    system = layer(
        ("lib", (SYM, "usr/lib")), (f"{FOLDER}/libc-2.so", libc), (f"{FOLDER}/libc.so.6", (SYM, "libc-2.so"))
    )
    whole = image(tmp_path, pack(system), pack(layer(*PACKAGE)))
    assert (loads(whole)["LOAD301"], loads(whole)["LOAD302"]) == (Outcome.PASS, Outcome.PASS)
    assert whole.left_out == (f"Whether libraries load was judged for /{SITE}.",)
    gone = image(tmp_path, system, layer(*PACKAGE), layer((f"{FOLDER}/.wh.libc-2.so", b"")))
    assert loads(gone)["LOAD301"] is not Outcome.PASS
    assert any("libc.so.6" in verdict.message for verdict in gone.loading)


def test_a_link_of_an_image_never_leads_to_a_file_of_this_machine(tmp_path: Path) -> None:
    up = "../" * 12
    for target in (str(LIBC), up + str(LIBC), f"{up}proc/self/root{LIBC}"):
        found = image(tmp_path, layer(*PACKAGE, (f"{FOLDER}/libc.so.6", (SYM, target))))
        assert loads(found)["LOAD301"] is not Outcome.PASS
    folder = image(
        tmp_path, layer(*PACKAGE, ("lib64", (SYM, "/lib64")), ("usr/lib", (SYM, str(LIBC.parent))))
    )
    assert loads(folder)["LOAD301"] is not Outcome.PASS


def test_the_library_path_of_an_image_is_where_its_loader_looks(tmp_path: Path) -> None:
    libc = layer(("opt/x/libc.so.6", LIBC.read_bytes()))
    for environ, good in (((), False), (("PATH=/bin", "LD_LIBRARY_PATH=/opt/y:/opt/x"), True)):
        found = read(tmp_path / "image.tar", saved(layer(*PACKAGE), libc, environ=environ))
        assert (loads(found)["LOAD301"] is Outcome.PASS) == good


def test_an_image_without_packages_says_that_loading_was_not_judged(tmp_path: Path) -> None:
    found = image(tmp_path, layer(("a.so", LIBRARY)))
    assert found.left_out == (
        "Whether libraries load was not judged: there are no Python packages with libraries.",
    )


def test_loading_is_judged_where_torch_is_and_the_rest_is_named(tmp_path: Path) -> None:
    info = b"Metadata-Version: 2.1\nName: torch\nVersion: 1\n"
    torch = [("venv/lib/python3.11/site-packages/torch-1.dist-info/METADATA", info),
             ("venv/lib/python3.11/site-packages/torch/lib/x.so", EXTENSION.read_bytes())]  # fmt: skip
    found = image(tmp_path, layer(*PACKAGE, *torch))
    assert found.left_out == (
        "Whether libraries load was judged for /venv/lib/python3.11/site-packages.",
        f"Whether libraries load was not judged for /{SITE}.",
    )


def test_what_is_kept_for_the_loader_is_bounded_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert loads(image(tmp_path, layer(*PACKAGE)))
    monkeypatch.setattr(loaderroot, "MAX_BYTES", 100)
    found = image(tmp_path, layer(*PACKAGE))
    assert found.loading == ()
    assert found.left_out[0].startswith("Whether libraries load was not judged: more than 20000 libraries or")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, zstd.compress])
def test_frames_one_after_the_other_are_one_archive(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content = layer(("usr/a.so", LIBRARY), ("usr/b.so", LIBRARY))
    found = read(tmp_path / "x.tar", pack(content[:9_000]) + pack(content[9_000:]) + b"and no more")
    assert paths(found) == ["/usr/a.so", "/usr/b.so"]
