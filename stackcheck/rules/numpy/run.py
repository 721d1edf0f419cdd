"""NumPy beside torch, imported: what they say of each other, and the bridge between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.probe_results import error_text, not_importable
from stackcheck.rules.questions import EXCHANGES_ARRAYS
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses

if TYPE_CHECKING:
    from stackcheck_probes.facts.measured import Bridge, ErrorFact, Loaded
    from stackcheck_probes.facts.packages import NumpyAbi

NUMPY_SIGNS = (
    "_ARRAY_API not found",
    "compiled using NumPy 1.x",
    "numpy.dtype size changed",
    "Numpy is not available",
)


@rule("NUMPY302", when=uses("torch"), answers=(EXCHANGES_ARRAYS, "numpy"), about="package")
def torch_exchanges_arrays_with_numpy(numpy_abi: NumpyAbi) -> list[Finding]:
    """Torch exchanges arrays with NumPy, and what was imported beside it says nothing of another NumPy.

    NumPy 2 broke the C ABI of NumPy 1. torch built with NumPy 1 prints a message and lives on without NumPy;
    the first `.numpy()` then raises.

    Source: https://github.com/pytorch/pytorch/issues/135013
    Example: `A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash.`
    Fix: `numpy<2`, or releases of the modules that are built with NumPy 2.
    """
    if not numpy_abi.get("installed"):
        return []
    if wrong := not_importable("numpy", numpy_abi, hint="reinstall NumPy"):
        return [wrong._replace(about=("numpy",))]
    version = str(numpy_abi["version"])
    found = [_abi(name, facts, version) for name, facts in numpy_abi["modules"].items()]
    torch = numpy_abi["modules"].get("torch")
    if torch is None or torch["installed"]:
        found.append(_bridge(numpy_abi.get("bridge"), version))
    return [each for each in found if each]


def _abi(name: str, facts: Loaded, version: str) -> Finding | None:
    """Fail a module that says it was built for another NumPy; leave other import errors to other rules."""
    sign = _sign(facts["import_error"], facts)
    if sign is None:
        return None
    own = " ".join(filter(None, (name, facts.get("version") or facts.get("distribution_version"))))
    return failed(
        f"{own} was compiled for another NumPy than {version}: {sign}",
        expected=f"{name} built for NumPy {version.partition('.')[0]}",
        found=f"NumPy {version}",
        hint=f"install numpy<2, or a release of {name} that is built with NumPy 2",
        about=name,
    )


def _sign(error: ErrorFact | None, facts: Loaded | Bridge) -> str | None:
    said = [error["message"] if error else "", facts.get("stderr", ""), *facts.get("warnings", ())]
    lines = [" ".join(str(text).split()) for text in said]
    return next((line[:300] for line in lines if any(sign in line for sign in NUMPY_SIGNS)), None)


def _bridge(bridge: Bridge | None, version: str) -> Finding:
    if bridge is None:
        return skipped("torch does not import, so its bridge to NumPy was not tried")
    error = bridge.get("error")
    said = _sign(error, bridge) or (error_text(error) if error else None)
    if said is None and bridge["shares_memory"] and bridge["equal"]:
        return passed(f"torch and NumPy {version} exchange arrays without a copy")
    return failed(
        f"torch does not exchange arrays with NumPy {version}: {said or 'the values or the memory differ'}",
        expected="torch.from_numpy and .numpy() share memory",
        found=(said or "different values")[:80],
        hint="install the NumPy major that torch was built with (numpy<2 for an older torch)",
        about="torch",
    )
