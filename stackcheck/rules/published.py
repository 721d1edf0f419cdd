"""Rules about what mmcv and the PyG companions are published for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.versions import parse_version
from stackcheck.rules.grading import cite, failed_by, no_data
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, uses, warned
from stackcheck.rules.wheelpages import PYG
from stackcheck.rules.wheelpages import pages as wheel_pages
from stackcheck.verdict import Evidence, Outcome

if TYPE_CHECKING:
    from stackcheck.environment import Environment
    from stackcheck.model.facts import Facts
    from stackcheck.tables import Tables


_CHECK = Evidence(
    "the CUDA major version of nvcc and torch must be the same",
    "torch/utils/cpp_extension.py `_check_cuda_version` in torch 2.6.0 and 2.13.0 (checked 2026-11-20)",
)


@rule("MMCV101", when=uses("mmcv", "mmcv-full"))
def mmcv_published(env: Environment, tables: Tables) -> list[Finding]:
    """The mmcv page has a wheel of this mmcv for this torch and CUDA version.

    mmcv is compiled, and PyPI holds its source only. Where the page has no wheel, pip silently takes the
    source and compiles for half an hour, or fails; the ops then exist only if torch, nvcc and FORCE_CUDA were
    there. The last published matrix ends with torch 2.4 and cu121.

    Source: open-mmlab/mmcv docs/en/_static/version.json (tables/wheels.toml).
    Example: mmcv 2.2.0 from cu124/torch2.5.
    Fix: a published combination, or a source build that the stack states.
    """
    return _mmcv_pages(env, tables)


def _mmcv_pages(env: Environment, tables: Tables) -> list[Finding]:
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
            )
        )
    return findings


@rule("TOOLKIT103", when=uses("mmcv"))
def toolkit_of_fallback(env: Environment, tables: Tables) -> Finding | None:
    """Where the mmcv page has no wheel, the toolkit can compile the source that pip takes instead.

    torch refuses to compile an extension with an nvcc of another CUDA major version than its own.

    Source: torch/utils/cpp_extension.py `_check_cuda_version`; https://github.com/open-mmlab/mmcv/issues/3104
    Example: mmcv 2.1.0 from cu121/torch2.3.0 with the toolkit 11.8.
    Fix: a published combination, or the toolkit of torch's CUDA version.
    """
    claim = env.torch
    missing = [finding for finding in _mmcv_pages(env, tables) if finding.outcome >= Outcome.FAIL]
    if not missing or not env.stack.toolkit or claim.cuda is None:
        return None
    major = int(env.stack.toolkit.split(".")[0])
    if major == claim.cuda.major:
        return passed(f"The toolkit {env.stack.toolkit} can compile mmcv for {claim.title}.", _CHECK)
    return failed(
        f"mmcv has no wheel there and is compiled; torch is built for CUDA {claim.cuda}, and the toolkit is "
        f"{env.stack.toolkit}: torch refuses it.",
        _CHECK,
        expected=f"a toolkit of CUDA {claim.cuda.major}",
        found=f"toolkit {env.stack.toolkit}",
        hint=f"take mmcv where it is published, or the toolkit of CUDA {claim.cuda}",
    )


@rule("MMCV102", when=uses("mmcv", "mmcv-full", "mmcv-lite"))
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
    )


def _uses_pyg(facts: Facts) -> bool:
    return any(name in facts["env"].packages for name in PYG)


@rule("PYG101", when=_uses_pyg)
def pyg_published(env: Environment, tables: Tables) -> list[Finding]:
    """The PyG companions are published for this torch and CUDA version.

    torch-scatter, torch-sparse, torch-cluster, torch-spline-conv and pyg-lib have wheels on data.pyg.org
    only;
    PyPI has their source, whose build needs torch.

    Source: rusty1s/pytorch_scatter README.md; pyg-team/pyg-lib README.md (tables/wheels.toml).
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
            findings.append(failed_by(text, (row, listed), expected=expected, found=str(version), hint=hint))
        else:
            findings.append(warned(text, cite(row, listed), expected=expected, found=claim.tag, hint=hint))
    return findings


def _own_build(name: str, env: Environment) -> bool:
    return not env.packages[name].is_wheel
