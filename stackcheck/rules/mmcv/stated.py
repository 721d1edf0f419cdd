"""mmcv: whether it is published for the stack, under one name, and asserted ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import spelled
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.mmcv.published_wheels import mmcv_pages
from stackcheck.rules.registry import Finding, passed, rule, skipped, told_of, uses, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.version import Version

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.packages import Needs

MMCV = ("mmcv", "mmcv-full", "mmcv-lite")
"""mmcv by the names that it was published under; all of them are imported as `mmcv`."""


@rule("OPENMMLAB101", when=told_of(lambda tables: tables.packages.asserting_dists), about="package")
def asserted_ranges(env: Environment, tables: Tables) -> list[Finding]:
    """mmcv, mmengine, mmdet and mmseg are inside the ranges that OpenMMLab packages assert when imported.

    The ranges stand in `__init__.py` and not in METADATA: pip and uv install what then fails at the import
    with "MMCV==... is used but incompatible".

    Source: the assert statements of every listed version on PyPI (knowledge/told/).
    Example: mmdet 3.3.0 asserts mmcv>=2.0.0rc4,<2.2.0; the stack pins mmcv 2.2.0.
    Fix: take an mmcv inside the range, or the mmdet that was made for it.
    """
    findings: list[Finding] = []
    for name in sorted(tables.packages.asserting_dists & env.packages.keys()):
        version = env.packages[name].exact
        if version is None:
            continue
        row = tables.packages.asserted(name, version)
        if row is None:
            findings.append(skipped(f"no data on what {name} {version} asserts when it is imported"))
            continue
        findings += _judge_asserted(name, version, row, env)
    return findings


def _judge_asserted(name: str, version: Version, row: Needs, env: Environment) -> Iterator[Finding]:
    for other, accepted in row.needs.items():
        wanted = f"{other}{spelled(accepted)}"
        for dist in MMCV if other == "mmcv" else (other,):
            pinned = env.version(dist)
            if pinned is None:
                continue
            found = f"{dist} {pinned}"
            if accepted.contains(pinned.public, prereleases=True):
                yield passed(f"{found} is inside {wanted}, as {name} {version} asserts.", cite(row, ""))
                continue
            yield failed_by(
                f"Importing {name} {version} fails: it asserts {wanted}; the stack has {found}.",
                (row, f"{name} {version} asserts {wanted}"),
                expected=wanted,
                found=found,
                hint=f"take a {dist} in that range, or a {name} whose range holds {pinned}",
                about=f"{name} and {dist}",
            )


@rule("MMCV101", when=uses("mmcv", "mmcv-full"), about="page")
def mmcv_published(env: Environment, tables: Tables) -> list[Finding]:
    """The mmcv page has a wheel of this mmcv for this torch and CUDA version.

    mmcv is compiled, and PyPI holds its source only. Where the page has no wheel, pip silently takes the
    source and compiles for half an hour, or fails; the ops then exist only if torch, nvcc and FORCE_CUDA were
    there. The last published matrix ends with torch 2.4 and cu121.

    Source: open-mmlab/mmcv docs/en/_static/version.json (knowledge/told/).
    Example: mmcv 2.2.0 from cu124/torch2.5.
    Fix: a published combination, or a source build that the stack states.
    """
    return mmcv_pages(env, tables)


@rule("MMCV102", when=uses("mmcv", "mmcv-full", "mmcv-lite"), about="package")
def one_mmcv(env: Environment) -> Finding | None:
    """There is one mmcv.

    mmcv, mmcv-full and mmcv-lite are imported as the same `mmcv`: with two of them the files of the last one
    installed win, and the compiled ops may be gone. From 2.0 on the one with ops is `mmcv`.

    Source: open-mmlab/mmcv docs/en/get_started/installation.md.
    Example: mmcv 1.4.0 beside mmcv-full 1.4.0.
    Fix: keep the one with ops: mmcv-full before 2.0, mmcv from 2.0 on.
    """
    names = [name for name in ("mmcv", "mmcv-full", "mmcv-lite") if name in env.packages]
    source = Evidence(
        "never install two of them",
        "open-mmlab/mmcv docs/en/get_started/installation.md @a8073c7 (checked 2026-11-20)",
    )
    if len(names) == 1:
        return None
    return warned(
        f"{' and '.join(names)} are the same Python package: the files of the last one installed win.",
        source,
        expected="one of them",
        found=", ".join(names),
        hint="keep mmcv-full before 2.0, mmcv from 2.0 on",
        about=names,
    )
