"""Which compiled packages of a resolution stackcheck knows nothing of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.verdict import Level
from stackcheck.rules.registry import Finding, passed, rule, skipped

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts
    from stackcheck.model.resolution import LockedPackage

_OWN = frozenset({"torch", "torchvision", "torchaudio", "triton"})


_MOST_NAMED = 8


def _is_resolved(facts: Facts) -> bool:
    env: Environment = facts["env"]
    return env.resolution is not None and "torch" in env.resolution.by_name


@rule("WHEEL201", when=_is_resolved, levels=(Level.RESOLVED,))
def compiled_packages_are_known(env: Environment, tables: Tables) -> Finding:
    """Something is known of every compiled package that rides on torch or CUDA.

    A compiled wheel that requires torch or an nvidia-* package may be bound to one torch minor or CUDA major
    that its METADATA do not name. Where no table has a row for it, only a build tells: that is not a pass.

    Source: wheel tags and requirements of the resolution, against the tables (`stackcheck tables`).
    Example: a resolution with gsplat, of which nothing is known here.
    Fix: `stackcheck verify` builds and loads it; a row in a table of your own states what you know.
    """
    resolution = env.resolution
    packages = resolution.packages if resolution else ()
    compiled = [each for each in packages if _rides(each)]
    unknown = sorted(each.name for each in compiled if not _known(each.name, tables))
    if not unknown:
        return passed(f"Something is known of every compiled package on torch or CUDA ({len(compiled)}).")
    more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    named = ", ".join(unknown[:_MOST_NAMED])
    return skipped(
        f"compiled packages of which nothing is known beyond their METADATA: {named}{more}",
        hint="`stackcheck verify` loads them, and `stackcheck inspect` reads their wheels",
    )


def _rides(each: LockedPackage) -> bool:
    """Tell a platform wheel that requires torch or CUDA from the libraries themselves."""
    if not each.is_wheel or each.filename.endswith("-none-any.whl"):
        return False
    if each.name in _OWN or each.name.startswith(("nvidia-", "cuda-")):
        return False
    return any(name == "torch" or name.startswith("nvidia-") for name in each.requires)


def _known(name: str, tables: Tables) -> bool:
    wheels = tables.wheels
    listed = (wheels.wheels, wheels.built_cuda, wheels.gpu_libraries, wheels.kernels)
    return (
        tables.unstated.knows(name)
        or any(name in rows for rows in listed)
        or name in tables.packages.declared_dists | wheels.bound_dists
        or wheels.named_cuda(name) is not None
    )
