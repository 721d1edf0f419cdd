"""Which compiled packages of a resolution stackcheck knows nothing of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Level
from stackcheck.rules.registry import Finding, passed, rule, skipped

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts
    from stackcheck.model.resolution import LockedPackage

_NAMED = re.compile(r"(?:^|-)(?:torch\w*|cuda\w*|cu1[1-9]\w*|gpu|rocm\w*|tensorrt)(?:-|$)")
_OWN = frozenset({"torch", "torchvision", "torchaudio", "triton"})


_MOST_NAMED = 8


def _is_resolved(facts: Facts) -> bool:
    env: Environment = facts["env"]
    return env.resolution is not None


@rule("WHEEL201", when=_is_resolved, levels=(Level.RESOLVED,), about="package")
def compiled_packages_are_known(env: Environment, tables: Tables) -> Finding | None:
    """Something is known of every compiled package that rides on torch or CUDA.

    A compiled wheel that requires torch or an nvidia-* package, or has them in its name, may be bound to one
    torch minor or CUDA major that its METADATA do not name. Where no row is about its version, only its bytes
    tell: that is not a pass.

    Source: wheel tags and requirements of the resolution, against the tables (`stackcheck tables`).
    Example: a resolution with gsplat, of which nothing is known here.
    Fix: `stackcheck learn gsplat` reads its wheels; `stackcheck verify` builds and loads it.
    """
    resolution = env.resolution
    packages = resolution.packages if resolution else ()
    compiled = [each for each in packages if _rides(each)]
    if not compiled:
        return None
    unknown = sorted(f"{each.name} {each.version}" for each in compiled if not _known(each, tables))
    if not unknown:
        return passed(f"Something is known of every compiled package on torch or CUDA ({len(compiled)}).")
    names = " ".join(text.partition(" ")[0] for text in unknown[:_MOST_NAMED])
    return skipped(
        f"compiled packages that stackcheck does not know: {some(unknown, _MOST_NAMED)}",
        hint=f"`stackcheck learn {names}` reads their wheels, and `stackcheck verify` loads them",
    )


def _rides(each: LockedPackage) -> bool:
    """Tell a platform wheel on torch or CUDA, by requirement or by name, from the libraries themselves."""
    if not each.is_wheel or each.filename.endswith("-none-any.whl"):
        return False
    if each.name in _OWN or each.name.startswith(("nvidia-", "cuda-")):
        return False
    needs = any(name == "torch" or name.startswith("nvidia-") for name in each.requires)
    return needs or bool(_NAMED.search(each.name))


def _known(each: LockedPackage, tables: Tables) -> bool:
    name, wheels = each.name, tables.wheels
    listed = (wheels.built_cuda, wheels.gpu_libraries, wheels.kernels)
    return (
        tables.measured.row(name, each.version) is not None
        or tables.unstated.knows(name)
        or any(name in rows for rows in listed)
        or tables.packages.declared_by(name, each.version) is not None
        or wheels.named_cuda(name) is not None
    )
