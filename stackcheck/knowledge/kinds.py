"""The kinds of rows that somebody writes: what each is about, and which file it stands in.

A file in `told/` is about a package (`torchcodec.toml`) or about one of the subjects here (`toolkits.toml`).
Two rows of a kind with the same `about` are the same fact: in one folder it may stand once.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind: the module of `stackcheck.knowledge` and the class that read it, what its rows are about.

    file: the one file that its rows stand in, "" for that of any package. named: the key that the name of
    the file gives. span: the key with versions, of which no two rows may say different things.
    """

    module: str
    row: str
    about: tuple[str, ...]
    file: str = ""
    named: str = ""
    span: str = ""


def _of_package(module: str, row: str, *about: str, named: str = "dist", span: str = "versions") -> Kind:
    return Kind(module, row, about, "", named, span)


KINDS: dict[str, Kind] = {
    # torch itself, and what is released with it
    "release": Kind("torch", "Release", ("torch",), "torch"),
    "build": Kind("torch", "Build", ("torch", "cuda", "platform"), "torch"),
    "arch_list": Kind("torch", "ArchNames", ("since",), "torch"),
    "host_compiler": Kind("torch", "HostCompiler", ("since",), "torch"),
    "companion": _of_package("torch", "Companion", "name", "version", named="name", span=""),
    # packages
    "declared": _of_package("packages", "Needs", "dist"),
    "asserted": _of_package("packages", "Needs", "dist"),
    "newest": _of_package("packages", "Newest", "dist", span=""),
    "build_trap": _of_package("packages", "BuildTrap", "dist", "tool"),
    "toolkit_trap": _of_package("packages", "ToolkitTrap", "dist", "cuda", "built"),
    "extension_trap": _of_package("packages", "ExtensionTrap", "tool", "torch", named="tool", span="breaks"),
    "python_trap": _of_package("packages", "PythonTrap", "tool", "python", named="tool", span="breaks"),
    "torch_import": _of_package("packages", "TorchImport", "dist", span=""),
    "sdist_only": _of_package("packages", "SdistOnly", "dist", span=""),
    "cmake_file": _of_package("cmake", "CmakeFile", "dist", "file"),
    "requirement": _of_package("unstated", "Requirement", "dist", "other", "built", "use"),
    "library": _of_package("unstated", "Library", "dist", "platforms"),
    "compiled_for": _of_package("unstated", "CompiledFor", "dist"),
    "driver_floor": _of_package("unstated", "DriverFloor", "dist"),
    "numpy_api": _of_package("unstated", "NumpyApi", "dist"),
    "partly": _of_package("wheels", "Partly", "dist"),
    "built_cuda": _of_package("wheels", "BuiltCuda", "dist", "platforms"),
    "gpu_libraries": _of_package("wheels", "GpuLibraries", "dist", "platforms"),
    "compiled_against": _of_package("wheels", "CompiledAgainst", "dist", "versions", "local"),
    "library_code": _of_package("wheels", "LibraryCode", "dist", "platforms"),
    "defective": _of_package("wheels", "Defective", "dist", "version", "tag", "torch", "local", span=""),
    "needs_glibc": _of_package("wheels", "NeedsGlibc", "dist", "local", "torch"),
    "kernels": _of_package("wheels", "Kernels", "dist"),
    "asset": _of_package("assets", "Asset", "dist"),
    "published": _of_package("assets", "Published", "dist"),
    "optional_library": _of_package("optional", "OptionalLibrary", "file", "needs", named="", span=""),
    "mmcv_page": Kind("wheels", "MmcvPage", ("versions", "tag"), "mmcv"),
    "cumm_range": Kind("sparse", "CummRange", (), "spconv", span="spconv"),
    "prebuilt": Kind("sparse", "Prebuilt", (), "spconv", span="cuda"),
    "cumm_nvrtc": Kind("sparse", "CummNvrtc", (), "cumm", span="cumm"),
    # subjects
    "toolkit": Kind("cuda", "Toolkit", ("version",), "toolkits"),
    "family": Kind("cuda", "Family", ("major",), "drivers"),
    "device_driver": Kind("cuda", "DeviceDriver", ("capability", "product"), "drivers"),
    "generation": Kind("cuda", "Generation", ("name",), "gpus"),
    "cudnn": Kind("cuda", "Cudnn", ("cuda_major",), "cudnn", span="versions"),
    "nvidia": Kind("gpus", "NvidiaProduct", ("name",), "gpus"),
    "amd": Kind("gpus", "AmdProduct", ("name",), "gpus"),
    "instance": Kind("gpus", "Instance", ("pattern",), "instances"),
    "torch_rocm": Kind("rocm", "TorchRocm", ("torch",), "rocm"),
    "override": Kind("rocm", "Override", ("real", "claims"), "rocm"),
    "no_hipblaslt": Kind("rocm", "NoHipblaslt", (), "rocm"),
    "no_rocblas": Kind("rocm", "NoRocblas", ("gfx",), "rocm"),
    "missing_tag": Kind("images", "MissingTag", ("pattern",), "images"),
    "cudnn_tag": Kind("images", "CudnnTag", (), "images", span="cuda"),
    "cuda_tag": Kind("images", "CudaTag", ("cuda",), "images"),
    "nvidia_pytorch": Kind("images", "NvidiaPytorch", ("tag",), "images"),
    "image_torch": Kind("images", "ImageTorch", ("image",), "images"),
    "system": Kind("systems", "System", ("name", "version"), "systems"),
    "policy": Kind("systems", "Policy", ("platform", "glibc"), "systems"),
    "variable": Kind("environment", "Variable", ("name", "when", "packages", "accelerator"), "variables"),
    "arch_variable": Kind("unstated", "ArchVariable", ("name",), "variables"),
    "isa": Kind("isas", "Isa", ("name",), "instruction-sets"),
    "implied": Kind("isas", "Implied", ("flag",), "instruction-sets"),
    "pyg_page": Kind("wheels", "PygPage", ("torch",), "pyg-pages"),
    "wheel_host": Kind("wheels", "WheelHost", ("name",), "places"),
    "local_scheme": Kind("wheels", "LocalScheme", ("pattern", "dists"), "places"),
    "place": Kind("wheels", "Place", ("name",), "places"),
    "named_cuda": Kind("wheels", "NamedCuda", ("pattern",), "places"),
}

OF_ONE_PACKAGE = frozenset({"torch", "mmcv", "spconv", "cumm"})
"""Packages of which some kinds speak that are about no other."""
SUBJECTS = frozenset(each.file for each in KINDS.values() if each.file) - OF_ONE_PACKAGE
"""The files that are about no package."""


def kinds_in(stem: str) -> tuple[str, ...]:
    """Return the kinds of rows that may stand in a file."""
    return tuple(
        name for name, kind in KINDS.items() if kind.file == stem or not (kind.file or stem in SUBJECTS)
    )
