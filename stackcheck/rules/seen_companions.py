"""Rules over the packages that ride on torch: torchvision, torchaudio, PyG, mmcv, NumPy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from stackcheck.rules.measured import as_numbers, error_text, from_packed, judged, not_importable
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.verdict import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Stack

NO_TORCH = "torch does not import, so {} was not tried"
_EXACT = re.compile(r"==\s*([0-9][0-9A-Za-z.+]*)")


def _without_torch(name: str, facts: Mapping[str, Any]) -> Finding | None:
    torch = facts.get("torch")  # not there when the package itself is not installed: then torch was not asked
    if torch is None or (torch.get("installed") and not torch.get("import_error")):
        return None
    return skipped(NO_TORCH.format(name))


def _wrong_torch(facts: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return (required release, installed torch) where the metadata pins another torch, else None."""
    pinned = _EXACT.search(str(facts.get("requires_torch") or ""))
    found = str((facts.get("torch") or {}).get("version") or "")
    try:
        if not pinned or Version(pinned[1]).public == Version(found).public:
            return None
    except InvalidVersion:
        return None
    return pinned[1], found


def _built_for_another_torch(name: str, facts: Mapping[str, Any], what: str, error: Any) -> Finding | None:
    """Name the real cause behind a failing import: the metadata pins another torch than is installed."""
    wrong = _wrong_torch(facts)
    if wrong is None:
        return None
    required, found = wrong
    version = facts.get("version") or facts.get("distribution_version") or ""
    release = Version(found).public
    return failed(
        f"{name} {version} was built for torch {required} and torch {found} is installed, so {what}:"
        f" {error_text(error)}",
        Evidence(f"METADATA of {name} {version}: Requires-Dist: {facts['requires_torch']}"),
        expected=f"torch {required}, or the {name} of torch {release}",
        found=f"torch {found}",
        hint=f"install the {name} that requires torch=={release}",
    )


@rule("VISION301", when=uses("torchvision"))
def torchvision_operators_run(torchvision_ops: Mapping[str, Any]) -> Finding:
    """The compiled operators of torchvision load and `nms` keeps the right boxes.

    torchvision swallows the error of loading them; what users see is "operator torchvision::nms does not
    exist". The cause is nearly always a torchvision that was built for another torch.

    Source: https://github.com/pytorch/vision/issues/8985 ; torchvision/extension.py of 0.20.0.
    Example: torchvision 0.21.0 (built for torch 2.6.0) beside torch 2.5.0.
    Fix: install the torchvision that requires exactly the installed torch.
    """
    facts = torchvision_ops
    if skip := _without_torch("torchvision", facts):
        return skip
    load_error = (facts.get("operators") or {}).get("error")
    error = load_error or facts.get("import_error")
    if error and (
        cause := _built_for_another_torch(
            "torchvision", facts, "its operators (nms and others) do not load", error
        )
    ):
        return cause
    hint = "install the torchvision that was built for the installed torch"
    if wrong := not_importable("torchvision", facts, hint=hint):
        return wrong
    if load_error:
        return failed(
            f"the operators of torchvision {facts['version']} do not load: {error_text(load_error)}",
            *(Evidence(path) for path in facts["operators"]["files"][:1]),
            expected="torchvision/_C.so loads",
            found=str(load_error.get("type")),
            hint=hint,
        )
    return _nms("torchvision", facts, "cpu", hint)


def _nms(name: str, facts: Mapping[str, Any], device: str, hint: str) -> Finding:
    if "nms" not in facts:
        return skipped(f"{name} or torch does not import, so nms was not run on {device}")
    result = facts["nms"].get(device)
    if result is None:
        return skipped(f"{name}: nms was not run on {device}: torch sees no GPU here")
    whose = f"{name} {facts.get('version') or ''}".strip()
    if result.get("error"):
        return failed(
            f"{whose}: nms on {device} raises {error_text(result['error'])}",
            expected=f"boxes {facts['expected']} are kept",
            found=str(result["error"].get("type")),
            hint=hint,
        )
    if result["kept"] != facts["expected"]:
        return failed(
            f"{whose}: nms on {device} keeps boxes {result['kept']} of three, not {facts['expected']}",
            expected=str(facts["expected"]),
            found=str(result["kept"]),
            hint=hint,
        )
    return passed(f"{whose}: nms runs on {device} and keeps the right boxes")


@rule("VISION302", when=uses("torchvision"))
def torchvision_has_the_cuda_of_torch(
    stack: Stack, torchvision_ops: Mapping[str, Any], torch_build: Mapping[str, Any]
) -> Finding | None:
    """The operators of torchvision are compiled for the CUDA version of torch.

    torchvision itself refuses another major version only; a CPU build passes its check and then lacks the
    CUDA operators.

    Source: torchvision/extension.py (`_check_cuda_version`) of 0.20.0 and 0.25.0.
    Example: torchvision 0.20.0+cpu beside torch 2.5.0+cu124.
    Fix: install both from the same index.
    """
    compiled = (torchvision_ops.get("cuda") or {}).get("version")
    own = torch_build.get("cuda")
    if not own:
        return None
    if compiled is None:
        return skipped("torchvision's operators do not load, so their CUDA version is not known")
    name = f"torchvision {torchvision_ops['version']}"
    if compiled == -1:
        tell = failed if stack.accelerator == "cuda" else warned
        return tell(
            f"{name} is a CPU build beside torch for CUDA {own}: its operators do not run on a GPU",
            expected=f"CUDA {own}",
            found="CPU only",
            hint="install torch and torchvision from the same index",
        )
    found = from_packed(compiled)
    if as_numbers(found) == as_numbers(own):
        return passed(f"{name} is compiled for CUDA {found}, as torch is", found=found)
    tell = warned if as_numbers(found, 1) == as_numbers(own, 1) else failed
    return tell(
        f"{name} is compiled for CUDA {found} and torch for CUDA {own}",
        expected=f"CUDA {own}",
        found=f"CUDA {found}",
        hint="install torch and torchvision from the same index",
    )


@rule("VISION401", when=uses("torchvision"))
def torchvision_operators_run_on_the_gpu(torchvision_ops: Mapping[str, Any]) -> Finding:
    """`nms` of torchvision runs on the GPU and keeps the right boxes.

    Source: the probe `torchvision_ops` states boxes, scores and the boxes to keep.
    Example: "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend" (a CPU build).
    Fix: install torch and torchvision from the same index.
    """
    return _nms("torchvision", torchvision_ops, "cuda:0", "install torch and torchvision from the same index")


@rule("AUDIO301", when=uses("torchaudio"))
def torchaudio_transforms_run(torchaudio_ops: Mapping[str, Any]) -> Finding:
    """The transforms of torchaudio compute the right numbers.

    A torchaudio for another torch fails at import with an undefined symbol of libtorch.

    Source: https://github.com/pytorch/audio/issues/2532 ; METADATA of the wheels (exact pins up to 2.10.0).
    Example: `libtorchaudio.so: undefined symbol: aoti_torch_abi_version`.
    Fix: install the torchaudio that requires exactly the installed torch.
    """
    facts = torchaudio_ops
    if skip := _without_torch("torchaudio", facts):
        return skip
    error = facts.get("import_error")
    if error and (cause := _built_for_another_torch("torchaudio", facts, "it does not import", error)):
        return cause
    hint = "install the torchaudio that was built for the installed torch"
    wrong = not_importable("torchaudio", facts, hint=hint)
    return wrong or judged(f"torchaudio {facts['version']}", facts.get("checks"), hint=hint)


@rule("PYG301", when=uses("torch-geometric"))
def torch_geometric_computes(pyg_ops: Mapping[str, Any]) -> Finding:
    """Message passing and scatter of torch_geometric compute the right numbers.

    Source: the probe `pyg_ops` states graph, values and sums.
    Example: an import that ends in a missing dependency.
    Fix: what the error says.
    """
    if skip := _without_torch("torch_geometric", pyg_ops):
        return skip
    hint = "reinstall torch-geometric with its dependencies"
    wrong = not_importable("torch_geometric", pyg_ops, hint=hint)
    return wrong or judged(f"torch_geometric {pyg_ops['version']}", pyg_ops.get("checks"), hint=hint)


PYG_COMPANIONS = ("torch-scatter", "torch-sparse", "torch-cluster", "torch-spline-conv", "pyg-lib")


@rule("PYG302", when=uses("torch-geometric", *PYG_COMPANIONS))
def pyg_companions_run(stack: Stack, pyg_ops: Mapping[str, Any]) -> list[Finding] | None:
    """The compiled companions of PyG load and compute: torch_scatter, torch_sparse, torch_cluster, pyg_lib.

    Each is built for one torch release and one CUDA version (`+pt25cu124`). torch_geometric swallows their
    import errors and goes on, slower or with fewer functions.

    Source: https://github.com/rusty1s/pytorch_scatter/issues/348 ; torch_scatter/__init__.py (CUDA check).
    Example: `torch_scatter/_version_cpu.so: undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKSs`.
    Fix: take the wheel from https://data.pyg.org/whl/torch-X.Y.Z+cuNNN.html of the installed torch.
    """
    if skip := _without_torch("a companion of PyG", pyg_ops):
        return [skip]
    found = pyg_ops["companions"]
    absent: dict[str, Any] = {"installed": False}
    stated = {name.replace("-", "_"): absent for name in PYG_COMPANIONS if name in stack.packages}
    return [_companion(name, facts, pyg_ops) for name, facts in {**stated, **found}.items()] or None


def _companion(name: str, facts: Mapping[str, Any], pyg_ops: Mapping[str, Any]) -> Finding:
    torch = (pyg_ops.get("torch") or {}).get("version") or "of the stack"
    hint = f"take the {name} wheel that data.pyg.org lists for torch {torch}"
    wrong = not_importable(name, facts, hint=hint)
    return wrong or judged(f"{name} {facts.get('version')}", {"operator": facts["check"]}, hint=hint)


@rule("MMCV301", when=uses("mmcv", "mmcv-full"))
def mmcv_has_its_operators(mmcv_ops: Mapping[str, Any]) -> Finding:
    """The compiled operators of mmcv are there and load.

    mmcv builds and imports without them when torch is missing at build time or MMCV_WITH_OPS=0, and no wheel
    exists for most newer torch releases.

    Source: https://github.com/open-mmlab/mmcv/issues/2059 and /3310 ; mmcv setup.py.
    Example: `ModuleNotFoundError: No module named 'mmcv._ext'`.
    Fix: install a wheel for this torch and CUDA, or build with MMCV_WITH_OPS=1 and torch present.
    """
    if skip := _without_torch("mmcv", mmcv_ops):
        return skip
    hint = "install an mmcv wheel made for this torch and CUDA, or build it with MMCV_WITH_OPS=1 beside torch"
    if wrong := not_importable("mmcv", mmcv_ops, hint=hint):
        return wrong
    error = mmcv_ops["extension"].get("import_error")
    if error is None:
        return passed(
            f"mmcv {mmcv_ops['version']}: mmcv._ext loads", *map(Evidence, mmcv_ops["extension_files"][:1])
        )
    files = mmcv_ops["extension_files"]
    what = "its extension does not load" if files else "it was built without its operators (no _ext file)"
    return failed(
        f"mmcv {mmcv_ops['version']}: {what}: {error_text(error)}",
        *map(Evidence, files[:1]),
        expected="mmcv._ext loads",
        found=str(error.get("type")),
        hint=hint,
    )


@rule("MMCV302", when=uses("mmcv", "mmcv-full"))
def mmcv_operators_compute(mmcv_ops: Mapping[str, Any]) -> list[Finding]:
    """`nms` and `roi_align` of mmcv give the right results on the CPU.

    Source: the probe `mmcv_ops` states the inputs and results.
    Example: `nms_impl: implementation for device cpu not found`.
    Fix: rebuild mmcv for the installed torch.
    """
    if (mmcv_ops.get("extension") or {"import_error": True}).get("import_error"):
        return [skipped("mmcv's operators do not load, so none was run")]
    hint = "rebuild mmcv for the installed torch"
    checks = judged(f"mmcv {mmcv_ops['version']}", mmcv_ops.get("checks"), hint=hint)
    return [_nms("mmcv", mmcv_ops, "cpu", hint), checks]


@rule("MMCV401", when=uses("mmcv", "mmcv-full"))
def mmcv_operators_run_on_the_gpu(mmcv_ops: Mapping[str, Any]) -> Finding:
    """`nms` of mmcv runs on the GPU.

    A `docker build` sees no GPU, and without FORCE_CUDA=1 mmcv is then built without CUDA operators.

    Source: https://github.com/open-mmlab/mmcv/issues/1142 ; mmcv setup.py and docs/en/faq.md.
    Example: `RuntimeError: nms_impl: implementation for device cuda:0 not found.`
    Fix: build mmcv with FORCE_CUDA=1 and TORCH_CUDA_ARCH_LIST set.
    """
    hint = "build mmcv with FORCE_CUDA=1 and TORCH_CUDA_ARCH_LIST set"
    if (mmcv_ops.get("extension") or {"import_error": True}).get("import_error"):
        return skipped("mmcv's operators do not load, so none was run on a GPU")
    return _nms("mmcv", mmcv_ops, "cuda:0", hint)


NUMPY_SIGNS = (
    "_ARRAY_API not found",
    "compiled using NumPy 1.x",
    "numpy.dtype size changed",
    "Numpy is not available",
)


@rule("NUMPY301", when=uses("numpy", "torch"))
def numpy_fits_what_was_built_with_it(numpy_abi: Mapping[str, Any]) -> list[Finding]:
    """NumPy and the modules that were compiled against it agree, and torch exchanges arrays with it.

    NumPy 2 broke the C ABI of NumPy 1. A module built with NumPy 1 prints a message and lives on without
    NumPy; the first `.numpy()` then raises.

    Source: https://github.com/pytorch/pytorch/issues/135013
    Example: `A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash.`
    Fix: `numpy<2`, or releases of the modules that are built with NumPy 2.
    """
    if not numpy_abi.get("installed"):
        return [skipped("NumPy is not installed, so there is no bridge between it and torch to try")]
    if wrong := not_importable("numpy", numpy_abi, hint="reinstall NumPy"):
        return [wrong]
    version = numpy_abi["version"]
    found = [_abi(name, facts, version) for name, facts in numpy_abi["modules"].items()]
    return [*(each for each in found if each), _bridge(numpy_abi.get("bridge"), version)]


def _abi(name: str, facts: Mapping[str, Any], version: str) -> Finding | None:
    """Fail a module that says it was built for another NumPy; leave other import errors to other rules."""
    sign = _sign(facts)
    if sign is None:
        return None
    own = " ".join(filter(None, (name, facts.get("version") or facts.get("distribution_version"))))
    return failed(
        f"{own} was compiled for another NumPy than {version}: {sign}",
        expected=f"{name} built for NumPy {version.partition('.')[0]}",
        found=f"NumPy {version}",
        hint=f"install numpy<2, or a release of {name} that is built with NumPy 2",
    )


def _sign(facts: Mapping[str, Any]) -> str | None:
    error = facts.get("import_error") or facts.get("error") or {}
    said = [error.get("message", ""), facts.get("stderr", ""), *facts.get("warnings", ())]
    lines = [" ".join(str(text).split()) for text in said]
    return next((line[:300] for line in lines if any(sign in line for sign in NUMPY_SIGNS)), None)


def _bridge(bridge: Mapping[str, Any] | None, version: str) -> Finding:
    if bridge is None:
        return skipped("torch does not import, so its bridge to NumPy was not tried")
    said = _sign(bridge) or (error_text(bridge["error"]) if bridge.get("error") else None)
    if said is None and bridge["shares_memory"] and bridge["equal"]:
        return passed(f"torch and NumPy {version} exchange arrays without a copy")
    return failed(
        f"torch does not exchange arrays with NumPy {version}: {said or 'the values or the memory differ'}",
        expected="torch.from_numpy and .numpy() share memory",
        found=(said or "different values")[:80],
        hint="install the NumPy major that torch was built with (numpy<2 for an older torch)",
    )
