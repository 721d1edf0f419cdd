"""Packages for the probes that import: they answer to everything, and tell known values where a probe asks."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Anything:
    """Answers to every attribute, call and operator with itself: a tensor without numbers."""

    shape = (1,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_arguments: Any, **_named: Any) -> Any:
        return self

    def __getitem__(self, _key: Any) -> Any:
        return self

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def __iter__(self) -> Any:
        return iter([self] * 4)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def _itself(self, _other: Any = None) -> Any:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = __rpow__ = _itself
    __mod__ = _itself
    __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = _itself

    def __float__(self) -> float:
        return 0.0

    def __int__(self) -> int:
        return 0

    def __index__(self) -> int:
        return 0

    def tolist(self) -> list[int]:
        return [0, 2]


ANYTHING = Anything()


def package(monkeypatch: pytest.MonkeyPatch, name: str, **values: Any) -> ModuleType:
    """Put a module into sys.modules, and into its parent; it answers to what is not among its values too."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, origin="fake")
    module.__file__ = f"/fake/{name.replace('.', '/')}/__init__.py"
    module.__path__ = []
    vars(module).update({"__getattr__": lambda _name: ANYTHING, "__version__": "2.5.0+cu124", **values})
    monkeypatch.setitem(sys.modules, name, module)
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)
    return module


def torch(monkeypatch: pytest.MonkeyPatch, *, gpu: bool) -> None:
    """Put a torch in that imports; with `gpu` it sees one device."""
    properties = SimpleNamespace(name="NVIDIA L4", major=8, minor=9, total_memory=1, multi_processor_count=58)
    cudnn = SimpleNamespace(
        is_cuda=True, getCompileVersion=lambda: (9, 1, 0), getRuntimeVersion=lambda: (9, 1, 0)
    )
    package(
        monkeypatch,
        "torch",
        version=SimpleNamespace(cuda="12.4", hip=None, debug=False, git_version="a8d6afb"),
        _C=SimpleNamespace(
            _cuda_getArchFlags=lambda: "sm_80 sm_90",
            _GLIBCXX_USE_CXX11_ABI=False,
            _cudnn=cudnn,
            _cuda_getDriverVersion=lambda: 12040,
        ),
        __config__=SimpleNamespace(show=lambda: "OpenMP 201511, BLAS_INFO=mkl, USE_CUDA=ON\n"),
        backends=SimpleNamespace(
            cpu=SimpleNamespace(get_cpu_capability=lambda: "AVX2"),
            cudnn=SimpleNamespace(version=lambda: 90100),
            cuda=SimpleNamespace(matmul=SimpleNamespace()),
        ),
        cuda=SimpleNamespace(
            is_available=lambda: gpu,
            init=lambda: None,
            nccl=SimpleNamespace(version=lambda: (2, 21, 5), all_reduce=lambda _tensors: None),
            set_device=lambda _index: None,
            device_count=lambda: 1,
            device=lambda _index: ANYTHING,
            synchronize=lambda _device: None,
            get_arch_list=lambda: ["sm_80", "sm_90"],
            get_device_capability=lambda _index: (8, 9),
            get_device_name=lambda _index: "NVIDIA L4",
            get_device_properties=lambda _index: properties,
            mem_get_info=lambda _index: (1, 2),
        ),
        ops=SimpleNamespace(
            torchvision=SimpleNamespace(_cuda_version=lambda: 12040), load_library=lambda _path: None
        ),
        get_num_threads=lambda: 8,
    )


def riders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put in the packages that ride on torch."""
    for name in ("numpy", "triton", "torchvision", "torchaudio", "torchaudio._extension", "torch_geometric"):
        package(monkeypatch, name)
    sys.modules["torchaudio._extension"]._IS_TORCHAUDIO_EXT_AVAILABLE = True  # type: ignore[attr-defined]
    for name in ("torch_geometric.nn", "torch_geometric.utils", "torch_scatter", "mmcv", "mmcv._ext"):
        package(monkeypatch, name)
    package(monkeypatch, "mmcv.ops", nms=lambda *_boxes, **_named: (ANYTHING, ANYTHING))


def spconv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put in spconv and cumm."""
    package(
        monkeypatch,
        "cumm",
        constants=SimpleNamespace(TENSORVIEW_INCLUDE_PATH="/i", CUMM_CPU_ONLY_BUILD=False),
    )
    for name in ("cumm.tensorview", "cumm.core_cc", "cumm.core_cc.tensorview_bind"):
        package(monkeypatch, name)
    constants = SimpleNamespace(
        COMPILED_CUDA_ARCHS=[(8, 0), (9, 0)],
        COMPILED_CUDA_GEMM_ARCHS=[(8, 0), (9, 0)],
        CPU_ONLY_BUILD=False,
        BUILD_CUMM_VERSION="0.7.11",
        BUILD_PCCM_VERSION="0.4.16",
    )
    info = SimpleNamespace(
        gemm_algo_can_use_ptx=lambda _least, arch: arch == (9, 0), get_compiled_cuda_version=lambda: (12, 4)
    )
    package(monkeypatch, "spconv", cppconstants=constants)
    for name in ("spconv.core", "spconv.utils", "spconv.pytorch", "spconv.core_cc", "spconv.core_cc.cumm"):
        package(monkeypatch, name)
    package(monkeypatch, "spconv.core_cc.cumm.common", CompileInfo=info)
