"""Whether cumm finds its headers and passes for an ordinary install: pure, on what `cumm_files` reports.

Sources: cumm/constants.py of 0.7.11 and 0.8.2; pccm 0.4.16, pccm/utils.py (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, PASS, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.facts.spconv import CummHeaders

_REINSTALL = "reinstall cumm (pip install --force-reinstall --no-deps)"


def headers_there(headers: CummHeaders) -> Judgement:
    """Judge the include directory that cumm takes: tensorview's headers have to be in it."""
    directory = headers["directory"]
    if headers["all_h"]:
        return Judgement(PASS, f"tensorview/core/all.h is in {directory}")
    if not headers["either_exists"] and headers["by"] != "CUMM_INCLUDE_PATH":
        text = (
            f"cumm's include directory {directory} is gone, and tensorview/core/all.h with it:"
            " cumm does not even import"
        )
    elif headers["by"] == "cumm/include":
        text = f"{directory} has no tensorview/core/all.h: run-time compilation cannot work"
    else:
        text = f"cumm takes its headers from {directory} ({headers['by']}), which has no tensorview"
    found = f"{directory} {'without it' if headers['exists'] else 'does not exist'}"
    return Judgement(FAIL, text, "tensorview/core/all.h in cumm/include", found, _hint(headers))


def _hint(headers: CummHeaders) -> str:
    if headers["by"] == "CUMM_INCLUDE_PATH":
        return "unset CUMM_INCLUDE_PATH"
    if headers["by"] == "site-packages/include" and headers["own_all_h"]:
        return f"remove {headers['directory']}: it stands before cumm's own headers"
    return _REINSTALL


def not_editable(stray: list[str]) -> Judgement:
    """Judge what lies beside cumm: `setup.py` or `.gitignore` make pccm compile at import."""
    if not stray:
        return Judgement(PASS, "neither setup.py nor .gitignore lies beside cumm")
    return Judgement(
        FAIL,
        f"{', '.join(stray)}: pccm takes cumm and spconv for editable installs and compiles at import",
        "neither setup.py nor .gitignore in site-packages",
        ", ".join(path.rpartition("/")[2] for path in stray),
        "remove the file (in this case alone CUMM_DISABLE_JIT=1 and SPCONV_DISABLE_JIT=1 help too)",
    )
