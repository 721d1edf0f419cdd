"""The files of spconv and cumm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, told, warned
from stackcheck.rules.spconv.cuda_names import has
from stackcheck_probes.judging.cummfit import headers_there, not_editable

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.spconv import CummFiles, Owner

CUMM_CONSTANTS = "https://github.com/FindDefinition/cumm/blob/v0.7.11/cumm/constants.py"


FLAGS = ("SPCONV_DISABLE_JIT", "CUMM_DISABLE_JIT")


@rule("CUMM301", when=has("spconv", "cumm"))
def cumm_headers_are_there(cumm_files: CummFiles) -> Finding:
    """The tensorview headers of cumm are where cumm looks for them.

    cumm asserts at import that the directory exists; NVRTC needs the files. Slimmed images lose them.

    Source: cumm/constants.py of 0.7.11 and 0.8.2; https://github.com/FindDefinition/cumm/issues/7
    Example: `catastrophic error: could not open source file "tensorview/core/all.h"`.
    Fix: reinstall cumm; do not delete `include` directories from site-packages.
    """
    headers = cumm_files.get("headers")
    if headers is None and not cumm_files["owners"]["cumm"]:
        return skipped("cumm is not installed, so it has no headers to look for")
    if headers is None:
        return failed(
            "cumm is installed, and its package is not there",
            expected="a package cumm",
            found="none on sys.path",
            hint="reinstall cumm (pip install --force-reinstall --no-deps)",
        )
    where = Evidence(headers["directory"], CUMM_CONSTANTS)
    return told(headers_there(headers), where)


@rule("CUMM302", when=has("spconv", "cumm"))
def nothing_makes_it_look_editable(cumm_files: CummFiles) -> Finding | None:
    """No `setup.py` or `.gitignore` lies in site-packages beside cumm and spconv.

    pccm then takes the wheels for an editable install, and `import cumm` starts a compiler: minutes of ninja,
    or `FileNotFoundError: 'nvidia-smi'`.

    Source: pccm 0.4.16, pccm/utils.py (project_is_editable), reproduced 2026-11-20.
    Example: a package that installs its `setup.py` at top level.
    Fix: remove the file.
    """
    if cumm_files.get("headers") is None:
        return None
    stray = cumm_files["stray"]
    return told(not_editable(stray), *map(Evidence, stray))


@rule("CUMM303", when=has("spconv", "cumm"), about="variable")
def jit_flags_do_nothing(stack: Stack, cumm_files: CummFiles) -> Finding | None:
    """Nobody relies on SPCONV_DISABLE_JIT and CUMM_DISABLE_JIT to stop run-time compilation.

    They skip the import-time build of an editable install and nothing else; NVRTC does not read them. This is
    about variables that the target has and the stack does not state (for those there is a rule of the check).

    Source: spconv/constants.py:32 and build.py:23 of 2.3.8, cumm/constants.py:56 of 0.7.11; reproduced: the
    NVRTC failure is the same with both set.
    Example: an image with ENV SPCONV_DISABLE_JIT=1 "to cure the missing all.h".
    Fix: leave them out; what stops NVRTC is a GPU that the prebuilt kernels serve.
    """
    there = [name for name in FLAGS if name in cumm_files["environment"] and name not in stack.env]
    if not there or cumm_files["stray"]:
        return None
    return warned(
        f"{' and '.join(there)} in the target: no effect on a wheel install, NVRTC compiles all the same",
        Evidence(
            "spconv/constants.py and cumm/constants.py read them for editable installs only", CUMM_CONSTANTS
        ),
        expected="not set",
        found=", ".join(f"{name}={cumm_files['environment'][name]}" for name in there),
        hint="leave them out, so that nobody relies on them",
        about=there,
    )


@rule("SPCONV302", when=has("spconv"), about="package")
def one_spconv_and_its_cumm(cumm_files: CummFiles) -> list[Finding]:
    """There is one spconv and one cumm, of the same CUDA tag, and spconv accepts that cumm.

    All spconv-cuNNN write the same package `spconv`, all cumm-cuNNN the same `cumm`: a second one overwrites
    files of the first.

    Source: https://github.com/traveller59/spconv/blob/263d6b4/README.md ; METADATA of the installed spconv.
    Example: spconv-cu124 2.3.8 (requires cumm-cu124 >=0.7.11,<0.8.0) with cumm-cu124 0.8.2.
    Fix: uninstall all of them, then install one spconv-cuNNN; it brings its cumm.
    """
    owners = cumm_files["owners"]
    findings = [each for package in ("spconv", "cumm") if (each := _one_owner(package, owners[package]))]
    if findings:
        return findings
    spconv, cumm = owners["spconv"][0], owners["cumm"][0]
    tags = [row["name"].partition("-")[2] or "cpu" for row in (spconv, cumm)]
    pair = f"{spconv['name']} {spconv['version']} and {cumm['name']} {cumm['version']}"
    hint = "uninstall every spconv* and cumm*, then install one spconv-cuNNN; it brings its cumm"
    if tags[0] != tags[1]:
        text = f"{pair} are for different CUDA versions"
        return [failed(text, expected=f"cumm-{tags[0]}", found=cumm["name"], hint=hint, about="cumm")]
    return [_accepted(pair, spconv, cumm, hint)]


def _one_owner(package: str, rows: list[Owner]) -> Finding | None:
    names = [f"{row['name']} {row['version']}" for row in rows]
    if len(names) == 1:
        return None
    hint = f"uninstall every {package}*, then install the one that the stack states"
    if not names:
        return failed(
            f"no distribution of {package} is installed",
            expected=f"one {package}*",
            found="none",
            hint=hint,
            about=package,
        )
    return failed(
        f"{len(names)} distributions of {package} are on sys.path, for one package: {', '.join(names)}",
        expected="one",
        found=", ".join(names),
        hint=hint,
        about=package,
    )


def _accepted(pair: str, spconv: Owner, cumm: Owner, hint: str) -> Finding:
    line = spconv["requires_cumm"]
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return skipped(f"{pair}: the metadata of spconv names no cumm that it requires")
    evidence = Evidence(f"METADATA of {spconv['name']} {spconv['version']}: Requires-Dist: {line}")
    if requirement.specifier.contains(cumm["version"], prereleases=True):
        return passed(f"{pair} fit: spconv requires {line}", evidence)
    text = f"{pair} do not fit: spconv requires {line}"
    found = f"{cumm['name']} {cumm['version']}"
    return failed(text, evidence, expected=line, found=found, hint=hint, about="cumm")
