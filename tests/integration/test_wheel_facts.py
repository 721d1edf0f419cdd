"""Facts of wheels, composed, say what the probes say of the unpacked folder: made wheels, and real ones."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from stackcheck.model.lock import Lock
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.probing.agent import request_of_files
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.uvrun import find_uv
from stackcheck.resolve.wheelindex import WheelIndex
from stackcheck.targets.wheels import arguments
from stackcheck.wheels.answers import observed
from stackcheck.wheels.compose import Composed, Place, composed, facts_of
from stackcheck.wheels.keep import keep, kept
from stackcheck.wheels.read import read_library_facts, read_wheel
from stackcheck.wheels.unpacked import keep_unpacked
from stackcheck_probes.probes import (
    cumm_files,
    distributions,
    libraries,
    loading,
    numpy_modules,
    recorded_files,
)
from tests.integration.test_loading_made import OLD_ABI, made

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.wheels.facts import WheelFacts

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc to make small libraries")
PYTHON = "python{}.{}".format(*sys.version_info[:2])
NOWHERE = Place(f"/nowhere/lib/{PYTHON}/site-packages", "/nowhere")
PROBES = {
    each.NAME: each for each in (cumm_files, distributions, libraries, loading, numpy_modules, recorded_files)
}
"""Every probe that looks at nothing but the folders of packages."""


def place_in(folder: Path) -> Place:
    return Place(str(folder / "lib" / PYTHON / "site-packages"), str(folder))


def request(place: Place, **params: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"probes": list(PROBES), "params": {"libraries": {"deep": "hidden"}, **params}}
    return request_of_files(usual, [place.packages], place.prefix)


def by_probes(place: Place, **params: Any) -> dict[str, Any]:
    """Return what the probes report, as it comes out of the agent."""
    asked = request(place, **params)
    assert set(asked["probes"]) == set(PROBES)
    found = {name: probe.run(asked["params"][name]) for name, probe in PROBES.items()}
    answer: dict[str, Any] = json.loads(json.dumps(found))
    return answer


def by_facts(seen: Composed | None, **params: Any) -> dict[str, Any]:
    assert seen is not None
    observation = observed(seen, request(seen.place, **params))
    assert observation is not None
    return {name: dict(observation.probes[name].facts or {}) for name in PROBES}


def wheel_of(folder: Path, into: Path, name: str, version: str = "1.0", requires: Iterable[str] = ()) -> Path:
    """Pack a folder into a wheel, with METADATA, WHEEL and RECORD."""
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.9"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    texts = {
        f"{info}/METADATA": "\n".join(lines) + "\n\ntext\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    content = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    content |= {path: text.encode() for path, text in texts.items()}
    rows = [f"{path},{_digest(data)},{len(data)}" for path, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    into.mkdir(exist_ok=True)
    path = into / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, data in content.items():
            archive.writestr(inside, data)
    return path


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def unpack(wheels: Sequence[Path], place: Place) -> None:
    """Unpack as the wheels engine does; found by name, so that no URL is recorded."""
    pins = ["{}=={}".format(*parse_wheel_filename(wheel.name)[:2]) for wheel in wheels]
    resolution = Resolution((), PYTHON.removeprefix("python"), "x86_64-manylinux_2_28", "", "")
    usual = arguments(Path(place.prefix), Path("pylock.toml"), resolution)
    told = [*usual[: usual.index("--preview-features")], "--no-index", "--no-cache", "--quiet"]
    command = [str(find_uv()), *told, "--find-links", str(wheels[0].parent), *pins]
    subprocess.run(command, check=True, timeout=120)


def locked(wheels: Sequence[Path]) -> Lock:
    packages = tuple(_package(wheel) for wheel in wheels)
    return Lock("pylock.toml", packages, "s", "", "3.11", "x86_64-manylinux_2_28", "")


def _package(wheel: Path) -> LockedPackage:
    name, version, *_ = parse_wheel_filename(wheel.name)
    content = wheel.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return LockedPackage(name, version, wheel.name, sha256=digest, size=len(content))


def read(wheel: Path) -> WheelFacts:
    with wheel.open("rb") as file:
        return read_wheel(file, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())


def same(wheels: Sequence[Path], tmp_path: Path, **params: Any) -> dict[str, Any]:
    """Hold composed against unpacked, by facts read in the zip, unpacked, and kept; return the answers."""
    place, environ = place_in(tmp_path / "prefix"), {"STACKCHECK_CACHE": str(tmp_path / "cache")}
    unpack(wheels, place)
    expected = by_probes(place, **params)
    assert by_facts(composed([read(each) for each in wheels], place), **params) == expected
    lock = locked(wheels)
    assert facts_of(lock, place, environ) is None
    assert keep_unpacked(lock, place, environ) == len(wheels)
    assert keep_unpacked(lock, place, environ) == 0
    shutil.rmtree(place.prefix)
    assert by_facts(facts_of(lock, place, environ), **params) == expected
    return expected


def folder_of_torch(folder: Path) -> Path:
    made(folder / "torch/lib/libc10.so", gives=(OLD_ABI, "_ZN3c105thereEv"))
    made(folder / "torch/lib/libtorch.so", needs=("libc10.so", "libcublas.so.12"))
    (folder / "torch/__init__.py").write_text('_preload_cuda_lib("cublas", "libcublas.so.*[0-9]")\n')
    (folder / "torch/version.py").write_text("__version__ = '2.5.0+cu124'\n")
    return folder


@needs_gcc
def test_wheels_that_do_not_fit_are_seen_as_when_they_are_unpacked(tmp_path: Path) -> None:
    cublas, extension = tmp_path / "cublas", tmp_path / "extension"
    made(cublas / "nvidia/cublas/lib/libcublas.so.12", needs=("libcublasLt.so.12",))
    made(cublas / "nvidia/cublas/lib/libcublasLt.so.12")
    wants = ("_ZN3c105thereEv", "_ZN3c104goneEv", "_ZN2at6RKSsEv", "torch_library_impl")
    made(extension / "ext/_C.so", needs=("libc10.so", "libfoo.1234abcd.so.1", "libabsent.so.3"), wants=wants)
    made(extension / "ext.libs/libfoo.1234abcd.so.1", soname="libfoo.so.1")
    made(extension / "ext/lib/libcudart.so.12")
    made(extension / "ext/lib/libcudart.so.11", needs=("libcudart.so.12",))
    (extension / "ext/script.so").write_text("INPUT(libfoo.so.1)")
    (extension / "ext/__pycache__").mkdir()
    made(extension / "ext/__pycache__/left.so")
    wheels = [
        wheel_of(folder_of_torch(tmp_path / "torch"), tmp_path / "wheels", "torch", "2.5.0"),
        wheel_of(cublas, tmp_path / "wheels", "nvidia_cublas_cu12", "12.4.5.8"),
        wheel_of(extension, tmp_path / "wheels", "ext", requires=("torch==2.4.0",)),
    ]
    found = same(wheels, tmp_path)
    (row,) = found["loading"]["undefined"]
    assert set(row["symbols"]) == {"_ZN3c104goneEv", "_ZN2at6RKSsEv", "torch_library_impl"}
    assert "libabsent.so.3" in {each["needs"] for each in found["loading"]["unserved"]}
    assert found["loading"]["torch"]["abi"] == "old"
    assert found["loading"]["alone"]
    assert found["libraries"]["binaries"] == 8
    assert len(found["distributions"]["distributions"]) == 3


@needs_gcc
def test_what_the_data_folder_of_a_wheel_holds_lies_where_uv_puts_it(tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    data = folder / "moved-1.0.data"
    for place in ("platlib/moved", "purelib/pure", "data/lib", "scripts", "headers"):
        made(data / place / "libx.so", soname=f"lib{place[:4]}.so")
    (data / "scripts/tool").write_text("#!python\n")
    served = made(data / "data/lib/libdata.so")
    user = data / "platlib/moved/user.so"
    command = ["gcc", "-shared", "-nostdlib", "-Wl,--no-as-needed,-rpath,$ORIGIN/../../..", "-o", str(user)]
    subprocess.run([*command, str(served)], check=True, timeout=60)
    found = same([wheel_of(folder, tmp_path / "wheels", "moved")], tmp_path)
    assert found["libraries"]["binaries"] == 3
    assert found["loading"]["unserved"] == found["loading"]["missing"] == []
    assert found["loading"]["outside"] == {"libdata.so": str(tmp_path / "prefix/lib/libdata.so")}
    assert not found["recorded_files"]["changed_files"]


@needs_gcc
def test_the_packages_that_are_asked_for_are_heeded(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    made(folder / "one/_C.so", needs=("libabsent.so.1",))
    made(folder / "two/_C.so", needs=("libabsent.so.2",))
    made(folder / "one.libs/libx.so")
    wanted = {"packages": ["one"]}
    params = {"loading": wanted, "libraries": {**wanted, "deep": "hidden", "all": True}}
    found = same([wheel_of(folder, tmp_path / "wheels", "two")], tmp_path, **params)
    assert found["loading"]["libraries"] == 2
    assert len(found["libraries"]["libraries"]) == 2


def test_the_headers_of_cumm_are_looked_for_among_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "cumm"
    (folder / "cumm/include/tensorview/core").mkdir(parents=True)
    (folder / "cumm/include/tensorview/core/all.h").write_text("//")
    (folder / "cumm/__init__.py").write_text("")
    (folder / "setup.py").write_text("")
    spconv = tmp_path / "spconv"
    (spconv / "spconv").mkdir(parents=True)
    (spconv / "spconv/__init__.py").write_text("")
    wheels = [
        wheel_of(folder, tmp_path / "wheels", "cumm_cu124", "0.7.11"),
        wheel_of(
            spconv, tmp_path / "wheels", "spconv_cu124", "2.3.8", ["cumm-cu124>=0.7.11,<0.8.0", "numpy"]
        ),
    ]
    found = same(wheels, tmp_path)["cumm_files"]
    assert found["headers"]["all_h"]
    assert found["owners"]["spconv"][0]["requires_cumm"] == "cumm-cu124>=0.7.11,<0.8.0"
    assert found["stray"]


def test_files_that_are_shared_and_are_not_code_do_not_stand_in_the_way(tmp_path: Path) -> None:
    wheels = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "LICENSE").write_text(name)
        (tmp_path / name / "same.py").write_text("")
        wheels.append(wheel_of(tmp_path / name, tmp_path / "wheels", name))
    seen = composed([read(each) for each in wheels], NOWHERE)
    assert seen is not None
    (row,) = by_facts(seen)["recorded_files"]["shared_files"]
    assert (row["path"], row["owners"], row["on_disk"]) == ("LICENSE", ["first", "second"], None)


def test_wheels_that_write_over_each_other_are_not_composed(tmp_path: Path) -> None:
    wheels = []
    for name in ("first", "second"):
        (tmp_path / name / "both").mkdir(parents=True)
        (tmp_path / name / "both/module.py").write_text(f"{name} = 1\n")
        wheels.append(wheel_of(tmp_path / name, tmp_path / "wheels", name))
    environ = {"STACKCHECK_CACHE": str(tmp_path / "cache")}
    assert composed([read(each) for each in wheels], NOWHERE) is None
    place = place_in(tmp_path / "prefix")
    unpack(wheels, place)
    assert keep_unpacked(locked(wheels), place, environ) == 0
    assert keep(read(wheels[0]), environ)
    assert keep(read(wheels[1]), environ)
    assert facts_of(locked(wheels), NOWHERE, environ) is None


@needs_gcc
def test_a_damaged_library_is_left_to_those_who_have_its_file(tmp_path: Path) -> None:
    whole = made(tmp_path / "cut/cut/_C.so", wants=("_ZN3c104goneEv",))
    whole.write_bytes(whole.read_bytes()[:-200])
    facts = read(wheel_of(tmp_path / "cut", tmp_path / "wheels", "cut"))
    assert facts.libraries[0].error == "the file is cut off"
    assert composed([facts], NOWHERE) is None


@needs_gcc
def test_a_file_that_is_recorded_and_not_there_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "less/less").mkdir(parents=True)
    (tmp_path / "less/less/there.py").write_text("")
    (tmp_path / "less/less/gone.py").write_text("")
    wheel = wheel_of(tmp_path / "less", tmp_path / "wheels", "less")
    shorter = tmp_path / "shorter.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(shorter, "w") as new:
        for info in old.infolist():
            if info.filename != "less/gone.py":
                new.writestr(info.filename, old.read(info))
    (row,) = by_facts(composed([read(shorter)], NOWHERE))["recorded_files"]["changed_files"]
    assert (row["name"], row["missing"], row["examples"]) == ("less", 1, ["less/gone.py"])


@needs_gcc
def test_a_binary_that_nobody_recorded_keeps_the_folder_from_being_kept(tmp_path: Path) -> None:
    made(tmp_path / "a/a/_C.so")
    wheel = wheel_of(tmp_path / "a", tmp_path / "wheels", "a")
    place, environ = place_in(tmp_path / "prefix"), {"STACKCHECK_CACHE": str(tmp_path / "cache")}
    unpack([wheel], place)
    made(Path(place.packages) / "a/_of_nobody.so")
    assert keep_unpacked(locked([wheel]), place, environ) == 0
    assert kept(locked([wheel]).packages[0].sha256, environ) is None


@pytest.mark.parametrize("params", [{"libraries": {"deep": True}}, {"loading": {"root": "/mnt"}}])
def test_a_question_that_facts_do_not_answer_is_left_to_the_probes(params: dict[str, Any]) -> None:
    seen = composed([], NOWHERE)
    assert seen is not None
    assert observed(seen, {"probes": list(params), "params": params}) is None
    assert observed(seen, {"probes": ["system"], "params": {}}) is None


@needs_gcc
def test_a_lone_library_says_what_it_says_in_its_wheel(tmp_path: Path) -> None:
    library = made(
        tmp_path / "x/x/_C.so", needs=("libc10.so",), wants=("_ZN3c104goneEv",), gives=("PyInit__C",)
    )
    (inside,) = read(wheel_of(tmp_path / "x", tmp_path / "wheels", "x")).libraries
    alone = read_library_facts(library)
    assert (alone.path, inside.path) == ("_C.so", "x/_C.so")
    assert (alone.needed, alone.undefined, alone.exports, alone.machine) == (
        (inside.needed, inside.undefined, inside.exports, inside.machine)
    )
    assert alone.gives("PyInit__C")
    assert alone.undefined == ("_ZN3c104goneEv",)


def test_what_is_installed_beside_these_tests_is_seen_alike(tmp_path: Path) -> None:
    """Real wheels, without a download: those of this environment that nothing was added to."""
    place, environ = place_in(tmp_path / "prefix"), {"STACKCHECK_CACHE": str(tmp_path / "cache")}
    root, packages = Path(place.packages), []
    here = Path(pytest.__file__).parents[1]
    for info in map(Path, distributions.metadata(str(here))):
        row = distributions.read_metadata(str(info))
        if row is None or row["direct_url"] or "cache" in row["name"]:
            continue
        for path, _, _ in recorded_files.rows_of((info / "RECORD").read_text("utf-8")):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(here / path, root / path)
        # Whatever installed them here: wheels that are unpacked for a look are by uv.
        own = f"{info.name}/INSTALLER,"
        lines = (info / "RECORD").read_text("utf-8").splitlines()
        (root / info.name / "RECORD").write_text(
            "".join(f"{own},\n" if line.startswith(own) else f"{line}\n" for line in lines), "utf-8"
        )
        (root / info.name / "INSTALLER").write_text("uv", "utf-8")
        sha256 = hashlib.sha256(row["name"].encode()).hexdigest()
        packages.append(
            LockedPackage(row["name"], Version(row["version"]), f"{info.stem}.whl", sha256=sha256)
        )
    lock = Lock("pylock.toml", tuple(packages), "s", "", "3.11", "", "")
    assert keep_unpacked(lock, place, environ) == len(packages) > 10
    found = by_facts(facts_of(lock, place, environ))
    assert found == by_probes(place)
    assert found["loading"]["libraries"] > 5


@pytest.mark.online
def test_real_wheels_read_by_range_are_seen_as_when_they_are_unpacked(tmp_path: Path) -> None:
    """A CPU extension, torch's own companions, graft libraries, device code, a `.data` folder."""
    wanted = {
        "torchvision": "torchvision-0.20.0-cp311-cp311-manylinux1_x86_64.whl",
        "numpy": "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "nvidia-cuda-runtime-cu12": "nvidia_cuda_runtime_cu12-12.4.127-py3-none-manylinux2014_x86_64.whl",
        "nvidia-nvjitlink-cu12": "nvidia_nvjitlink_cu12-12.4.127-py3-none-manylinux2014_x86_64.whl",
        "tbb": "tbb-2021.13.1-py2.py3-none-manylinux1_x86_64.whl",
    }  # fmt: skip
    index = WheelIndex(Fetcher(os.environ))
    read_so, wheels = [], []
    for project, filename in wanted.items():
        (file,) = [each for each in index.files(project) if each.name == filename]
        source = index.open(file.url)
        read_so.append(read_wheel(source, filename=filename))
        path = tmp_path / "wheels" / filename
        path.parent.mkdir(exist_ok=True)
        source.seek(0)
        path.write_bytes(source.read())
        wheels.append(path)
    found = same(wheels, tmp_path)
    assert by_facts(composed(read_so, place_in(tmp_path / "prefix"))) == found
    assert found["loading"]["libraries"] > 20
    assert any(row["path"].endswith("torchvision/_C.so") for row in found["libraries"]["libraries"])
