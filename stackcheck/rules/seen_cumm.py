"""Rules over cumm as it is installed: the headers, what lies beside it, the flags that do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.rules.registry import Finding, failed, rule, skipped, told, warned
from stackcheck.verdict import Evidence
from stackcheck_probes.judging.cummfit import headers_there, not_editable

if TYPE_CHECKING:
    from stackcheck.definition import Stack
    from stackcheck.model.facts import Facts
    from stackcheck_probes.facts.spconv import CummFiles

CUMM_CONSTANTS = "https://github.com/FindDefinition/cumm/blob/v0.7.11/cumm/constants.py"
FLAGS = ("SPCONV_DISABLE_JIT", "CUMM_DISABLE_JIT")


def has(*families: str) -> Any:
    """Make a `when`: the stack states, or the target has, a distribution such as spconv-cu124."""

    def stated_or_seen(facts: Facts) -> bool:
        names = set(facts["stack"].packages)
        seen, files = facts.get("distributions"), facts.get("cumm_files")
        if isinstance(seen, dict):
            names |= {each["name"] for each in seen["distributions"]}
        if isinstance(files, dict):
            names |= {each["name"] for rows in files["owners"].values() for each in rows}
        return any(name.partition("-")[0] in families for name in names)

    return stated_or_seen


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


@rule("CUMM303", when=has("spconv", "cumm"))
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
    )
