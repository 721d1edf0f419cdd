"""NumPy against the modules that were compiled with it, read from the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed, passed, rule, uses, warned

if TYPE_CHECKING:
    from stackcheck_probes.facts.packages import NumpyModule, NumpyModules


@rule("NUMPY301", when=uses("numpy"), about="package")
def modules_were_compiled_for_this_numpy(numpy_modules: NumpyModules) -> list[Finding] | None:
    """NumPy and the modules that were compiled against it agree.

    NumPy 2 has another C API than NumPy 1. A module that was built with NumPy 1 fails beside NumPy 2 when
    it is imported (`numpy.dtype size changed`, `numpy.core.multiarray failed to import`); one that was built
    with NumPy 2 works with both. A package that does not require NumPy, such as torch, imports and goes on
    without: what of it exchanges arrays does not work.

    Source: the names that the module looks for, in the file (numpy's __multiarray_api.h); imports of 32
    packages beside the other major, 2026-11-30; https://numpy.org/doc, NumPy 2.0 migration guide.
    Example: scikit-learn 1.2.2 with numpy 2.2.6.
    Fix: `numpy<2`, or releases of the packages that are built with NumPy 2.
    """
    version, modules = numpy_modules["numpy"], numpy_modules["modules"]
    old = [each for each in modules if each["api"] == 1]
    if old:
        return [_compiled_with_1(each, version) for each in old]
    if not modules:
        return None
    names = some(sorted(each["distribution"] for each in modules), _SHOWN)
    return [passed(f"The compiled modules of {names} were built with NumPy 2, as NumPy {version} needs.")]


_SHOWN = 5


def _compiled_with_1(module: NumpyModule, version: str) -> Finding:
    name = module["distribution"]
    own = f"{name} {module['version']} was compiled with NumPy 1, and NumPy {version} is installed"
    evidence = Evidence(f"{module['file']} looks for numpy.core alone", "read-only data of the file")
    found, hint = f"NumPy {version}", f"install numpy<2, or a release of {name} that is built with NumPy 2"
    if not module["required"]:
        text = (
            f"{own}: what of it uses NumPy does not work; it does not require NumPy, and may import without."
        )
        return warned(text, evidence, expected="NumPy 1", found=found, hint=hint, about=name)
    text = f"{own}: {module['file']} fails to load."
    return failed(text, evidence, expected="NumPy 1", found=found, hint=hint, about=name)
