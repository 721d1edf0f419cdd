"""Wheels of PyTorch Geometric's companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.versions import parse_version
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.index.wheel_pages import PYG
from stackcheck.rules.registry import Finding, passed, rule, warned

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts


def _uses_pyg(facts: Facts) -> bool:
    return any(name in facts["env"].packages for name in PYG)


@rule("PYG101", when=_uses_pyg, about="package")
def pyg_published(env: Environment, tables: Tables) -> list[Finding]:
    """The PyG companions are published for this torch and CUDA version.

    torch-scatter, torch-sparse, torch-cluster, torch-spline-conv and pyg-lib have wheels on data.pyg.org
    only;
    PyPI has their source, whose build needs torch.

    Source: rusty1s/pytorch_scatter README.md; pyg-team/pyg-lib README.md (knowledge/told/).
    Example: torch-scatter for torch 2.5 and cu126.
    Fix: a torch build that the pages have, or a source build that the stack states.
    """
    claim = env.torch
    row = tables.wheels.pyg_pages.get(claim.minor or "")
    wheels = [name for name in PYG if name in env.packages and not _own_build(name, env)]
    if claim.minor is None or claim.tag is None or claim.assumed or not wheels:
        return []
    if row is None:
        newest = max(tables.wheels.pyg_pages, key=parse_version)
        return [no_data(f"the PyG pages of torch {claim.minor}", f"torch {newest}", tables.wheels.checked)]
    findings: list[Finding] = []
    for name in wheels:
        package = env.packages[name]
        if row.only and name not in row.only:
            text = f"{name} is not published for torch {row.torch}; its page has {', '.join(row.only)}."
        elif claim.tag not in row.tags:
            text = f"{name} is not published for torch {row.torch} and {claim.tag}."
        else:
            findings.append(
                passed(f"{name} is published for torch {row.torch} and {claim.tag}.", cite(row, ""))
            )
            continue
        listed = f"torch {row.torch}: {', '.join(row.tags)}"
        expected = f"one of {', '.join(row.only or row.tags)}"
        hint = "a wheel of another CUDA minor of the same major loads too; else build it from source"
        version = package.exact
        if version is not None and version.local == f"pt{claim.minor}{claim.tag}".replace(".", ""):
            findings.append(
                failed_by(text, (row, listed), expected=expected, found=str(version), hint=hint, about=name)
            )
        else:
            findings.append(
                warned(text, cite(row, listed), expected=expected, found=claim.tag, hint=hint, about=name)
            )
    return findings


def _own_build(name: str, env: Environment) -> bool:
    return not env.packages[name].is_wheel
