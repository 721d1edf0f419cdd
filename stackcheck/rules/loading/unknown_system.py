"""What libraries ask of a system that was not looked at, as that of unpacked wheels is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, passed, skipped, told, warned
from stackcheck_probes.judging.loadbuilds import SHOWN
from stackcheck_probes.judging.loadfit import too_old, top_folder
from stackcheck_probes.judging.packagecover import short_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck_probes.facts.binaries import Loading, MissingNeed, NeededVersion

_OF_EVERY_SYSTEM = frozenset(
    (
        "libc.so.6",
        "libm.so.6",
        "libdl.so.2",
        "librt.so.1",
        "libpthread.so.0",
        "libutil.so.1",
        "libresolv.so.2",
        "libgcc_s.so.1",
        "libstdc++.so.6",
        "libz.so.1",
    )
)
"""What every policy of manylinux from 2.12 on promises, and no image leaves out (auditwheel 6.8.2)."""
_KINDS = {"GLIBCXX": "glibcxx", "CXXABI": "cxxabi", "GCC": "gcc", "ZLIB": "zlib"}
"""How a symbol version begins -> the field of `Policy` with the newest that is promised."""
_DIGITS = frozenset("0123456789.")
_OF_THE_PYTHON = ("ld-linux", "libpython")
"""How the names begin of what is loaded with the interpreter in every case."""
_STATE_IT = "state `glibc`, or the distribution and its version as `os`"


def asked_of_the_wheels(loading: Loading, tables: Tables) -> list[Finding]:
    """Judge the needs that no wheel serves: the system, or the image, may bring them.

    The driver comes from the host, and optional plug-ins may lack what they need, as where they are built.
    """
    asked: dict[str, list[MissingNeed]] = {}
    for row in loading["unserved"]:
        aside = row["driver"] or _of_the_system(row["needs"])
        if not aside and not tables.optional.find(row["library"], row["needs"]):
            asked.setdefault(row["needs"], []).append(row)
    strange = {n: rows for n, rows in asked.items() if rows[0]["other_versions"] or rows[0]["elsewhere"]}
    findings = [_strange(needs, rows, loading["roots"]) for needs, rows in sorted(strange.items())]
    unknown = sorted(asked.keys() - strange.keys())
    if unknown:
        named = some([f"{needs} ({_who(asked[needs], loading['roots'])})" for needs in unknown], SHOWN)
        text = f"Nothing among the packages brings {named}; whether the system does was not looked at."
        findings.append(skipped(text))
    if "unserved" in loading["cut"]:
        findings.append(
            skipped(f"More than {len(loading['unserved'])} needs are not served; the rest was not listed.")
        )
    return findings or [
        passed(
            f"All {loading['libraries']} libraries find in the wheels what they need, but for what every "
            "system has."
        )
    ]


def _of_the_system(needs: str) -> bool:
    return needs in _OF_EVERY_SYSTEM or needs.startswith(_OF_THE_PYTHON)


def _strange(needs: str, rows: list[MissingNeed], roots: Collection[str]) -> Finding:
    """Judge a need of which the packages have another version, or the very one off every search path."""
    elsewhere, others = rows[0]["elsewhere"], ", ".join(rows[0]["other_versions"])
    if elsewhere:
        found = short_path(elsewhere[0], roots)
        said = f"{found} is off its search path"
        hint = f"load {found} first, or put its folder on LD_LIBRARY_PATH"
    else:
        found = others
        said = f"the wheels have {others}, so it was made for another version"
        hint = "install the build of the package that was made for the CUDA of this stack"
    return warned(
        f"{_who(rows, roots)} needs {needs}; {said}, unless the system brings that one.",
        *(Evidence(f"{row['library']} needs {needs}", "DT_NEEDED of the file") for row in rows[:SHOWN]),
        expected=needs,
        found=found,
        hint=hint,
        about=needs,
    )


def _who(rows: list[MissingNeed], roots: Collection[str]) -> str:
    return some([short_path(row["library"], roots) for row in rows], 1)


def asked_of_the_system(
    env: Environment, tables: Tables, loading: Loading, own: Collection[str]
) -> list[Finding]:
    """Hold the symbol versions that are wanted of the system against what the stack states of it."""
    asked = [row for row in loading["of_system"] if _of_the_system(row["needs"])]
    glibc = [row for row in asked if row["version"].startswith("GLIBC_2.")]
    findings = _held_against_the_glibc(env, loading, glibc, own) if glibc else []
    others = [row for row in asked if row not in glibc and not _is_promised(row, env, tables)]
    if others:
        named = _named(others, loading["roots"])
        text = f"Of the system {named} are needed; which versions it has was not looked at."
        findings.append(skipped(text, hint="" if env.glibc else _STATE_IT))
    return findings or [passed("Whatever is asked of the system, every one with its glibc has.")]


def _is_promised(row: NeededVersion, env: Environment, tables: Tables) -> bool:
    """Tell whether every system with the stack's glibc has a symbol version, by the policies of manylinux."""
    policy = tables.systems.promised(env.platform, env.glibc[0]) if env.glibc else None
    kind, _, number = row["version"].rpartition("_")
    newest = getattr(policy, _KINDS.get(kind, ""), None)
    return newest is not None and _DIGITS.issuperset(number) and Version(number) <= newest


def _held_against_the_glibc(
    env: Environment, loading: Loading, rows: list[NeededVersion], own: Collection[str]
) -> list[Finding]:
    newest = max(rows, key=_number)
    said = f"the libraries need {newest['version']} ({short_path(newest['library'], loading['roots'])})"
    if env.glibc is None:
        text = f"{said[0].upper()}{said[1:]}; the stack states no glibc that it could be compared with."
        return [skipped(text, hint=_STATE_IT)]
    has, named = env.glibc
    late = [row for row in rows if _number(row) > has]
    if not late:
        return [passed(f"glibc {has} ({named}) serves all: {said}.", found=str(has))]
    return [
        told(
            too_old([{**row, "in": named, "newest": f"GLIBC_{has}"}], own, loading),
            Evidence(
                f"{row['library']} needs {row['version']} of {row['needs']}", ".gnu.version_r of the file"
            ),
            about=top_folder(row["library"], loading["roots"]),
        )
        for row in late
    ]


def _number(row: NeededVersion) -> Version:
    return Version(row["version"].rpartition("_")[2])


def _named(rows: Iterable[NeededVersion], roots: Collection[str]) -> str:
    return ", ".join(f"{row['version']} ({short_path(row['library'], roots)})" for row in rows)
