"""What libraries ask of a system that was not looked at, as that of unpacked wheels is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.verdict import Evidence
from stackcheck.rules.registry import Finding, passed, skipped, told, warned
from stackcheck_probes.judging.loadfit import SHOWN, too_old
from stackcheck_probes.judging.packagecover import short_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from stackcheck.environment import Environment
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
    )
)
"""The C and C++ libraries, which every policy of manylinux promises (PEP 513, 571, 599 and 600)."""
_OF_THE_PYTHON = ("ld-linux", "libpython")
"""How the names begin of what is loaded with the interpreter in every case."""
_STATE_IT = "state `glibc`, or the distribution and its version as `os`"


def asked_of_the_wheels(loading: Loading, by_need: Mapping[str, list[MissingNeed]]) -> list[Finding]:
    """Judge the needs that no wheel serves, by soname: the system, or the image, may bring them."""
    asked = {needs: rows for needs, rows in by_need.items() if not _of_the_system(needs)}
    strange = {needs: rows for needs, rows in asked.items() if rows[0]["other_versions"]}
    findings = [_of_another_version(needs, rows, loading["roots"]) for needs, rows in sorted(strange.items())]
    unknown = sorted(asked.keys() - strange.keys())
    if unknown:
        named = ", ".join(f"{needs} ({_who(asked[needs], loading['roots'])})" for needs in unknown[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        text = f"No wheel brings {named}{more}; whether the system does was not looked at."
        findings.append(skipped(text))
    return findings or [
        passed(
            f"All {loading['libraries']} libraries find in the wheels what they need, but for the C and C++ "
            "libraries of the system."
        )
    ]


def _of_the_system(needs: str) -> bool:
    return needs in _OF_EVERY_SYSTEM or needs.startswith(_OF_THE_PYTHON)


def _of_another_version(needs: str, rows: list[MissingNeed], roots: Collection[str]) -> Finding:
    others = ", ".join(rows[0]["other_versions"])
    return warned(
        f"{_who(rows, roots)} needs {needs}; the wheels have {others}, so it was made for another version, "
        "unless the system brings that one.",
        *(Evidence(f"{row['library']} needs {needs}", "DT_NEEDED of the file") for row in rows[:SHOWN]),
        expected=needs,
        found=others,
        hint="install the build of the package that was made for the CUDA of this stack",
    )


def _who(rows: list[MissingNeed], roots: Collection[str]) -> str:
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{short_path(rows[0]['library'], roots)}{more}"


def asked_of_the_system(env: Environment, loading: Loading, own: Collection[str]) -> list[Finding]:
    """Hold the symbol versions that are wanted of the C library against the stack's; say what was not."""
    glibc = [row for row in loading["of_system"] if row["version"].startswith("GLIBC_2.")]
    others = [row for row in loading["of_system"] if row not in glibc and _of_the_system(row["needs"])]
    findings = _held_against_the_glibc(env, loading, glibc, own) if glibc else []
    if others:
        named = _named(others, loading["roots"])
        text = f"Of the system {named} are needed; which versions it has was not looked at."
        findings.append(skipped(text))
    return findings or [passed("No library asks for a symbol version of the system.")]


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
            too_old({**row, "in": named, "newest": f"GLIBC_{has}"}, own, loading["roots"]),
            Evidence(
                f"{row['library']} needs {row['version']} of {row['needs']}", ".gnu.version_r of the file"
            ),
        )
        for row in late
    ]


def _number(row: NeededVersion) -> Version:
    return Version(row["version"].rpartition("_")[2])


def _named(rows: Iterable[NeededVersion], roots: Collection[str]) -> str:
    return ", ".join(f"{row['version']} ({short_path(row['library'], roots)})" for row in rows)
