"""The pages of OpenMMLab that hold wheels of mmcv."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.index.wheel_pages import pages as wheel_pages
from stackcheck.rules.registry import Finding, passed, skipped

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables


def mmcv_pages(env: Environment, tables: Tables) -> list[Finding]:
    """Return what the pages of OpenMMLab that a stack names say of its mmcv."""
    package = env.packages.get("mmcv")
    version = package.exact if package else None
    if package is None or version is None or version.major < 2 or not package.is_wheel:
        return []
    rows = tables.wheels.mmcv(version)
    pages = [each for each in wheel_pages(env) if each[0] == "mmcv" and each[3].name == "OpenMMLab"]
    if not rows:
        return [skipped(f"no data on the published wheels of mmcv {version}")] if pages else []
    findings: list[Finding] = []
    for _, _, place, _ in pages:
        torch, tag, url = place.torch, place.tag.tag if place.tag else "", place.shown
        same = [row for row in rows if row.tag == tag]
        if any(torch in row.torch for row in same):
            findings.append(
                passed(f"mmcv {version} is published for torch {torch} and {tag}.", cite(same[0], ""))
            )
            continue
        best = "; ".join(f"{row.tag} with torch {', '.join(row.torch)}" for row in rows[:2])
        findings.append(
            failed_by(
                f"There is no wheel of mmcv {version} for torch {torch} and {tag}: pip takes the source "
                "and compiles it.",
                (rows[0], f"mmcv {version} is published for {best} ..."),
                expected=f"a published combination ({best} ...)",
                found=url,
                hint='build it once and host the wheel, or state from = "source" with nvcc and '
                "FORCE_CUDA=1; the fork onedl-mmcv publishes newer combinations (not verified)",
                about=url,
            )
        )
    return findings
