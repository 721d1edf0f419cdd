"""Rules about the files of what is installed: whose they are, and whether they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.installed.coupled_packages import coupled
from stackcheck.rules.registry import Finding, failed, passed, rule, warned

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck_probes.facts.python import ChangedFiles, Distribution, Distributions, RecordedFiles

ALTERNATIVES = frozenset(
    {"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"}
)
"""Distributions that bring the same import package; the last one installed wins and works.
Source: pypi.org/project/opencv-python ("only one of them"), checked 2026-11-20."""


REWRITING = (None, "conda")
"""Installers whose RECORD is not what they leave on the disk: conda writes its prefix into files."""


NATIVE = (".so", ".pyd", ".dll")


_SHOWN = 5


@rule("DIST305", about="package")
def no_file_was_overwritten(stack: Stack, recorded_files: RecordedFiles) -> list[Finding]:
    """No distribution's code was overwritten by another's.

    Two distributions that bring the same file leave the one that was installed last: cumm-cu118 over
    cumm-cu124, nvidia-nccl-cu11 over nvidia-nccl-cu12 (both write nvidia/nccl/lib/libnccl.so.2). Uninstalling
    either then removes the file from both. Empty or equal files are no matter.

    Source: the RECORD of each distribution, and the file itself (size, SHA-256).
    Example: github.com/pytorch/pytorch/issues/119072 (`undefined symbol: ncclCommRegister`).
    Fix: uninstall both, then install the one that the stack needs.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...] | None], list[str]] = {}
    for row in recorded_files["shared_files"]:
        if _is_code(row["path"]):
            winners = None if row["on_disk"] is None else tuple(row["on_disk"])
            groups.setdefault((tuple(row["owners"]), winners), []).append(f"{row['location']}/{row['path']}")
    findings = [_overwritten(stack, *key, paths) for key, paths in groups.items()]
    return findings or [passed("no code of one distribution lies over another's")]


def _is_code(path: str) -> bool:
    aside = ("tests/", "test/", "docs/", "examples/", "benchmarks/", "scripts/")
    return not path.startswith(aside) and (path.endswith(".py") or _is_native(path))


def _is_native(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(NATIVE) or ".so." in name


def _overwritten(
    stack: Stack, owners: tuple[str, ...], winners: tuple[str, ...] | None, paths: list[str]
) -> Finding:
    losers = [name for name in owners if winners is None or name not in winners]
    whose = "it is not known whose content" if winners is None else _whose(winners)
    message = f"{' and '.join(owners)} both bring {len(paths)} file{'s' if len(paths) > 1 else ''}; {whose}"
    evidence = [Evidence(path, "RECORD of both") for path in paths[:_SHOWN]]
    hint = f"uninstall {' and '.join(owners)}, then install the one that is meant"
    proven = winners is not None and not ALTERNATIVES.issuperset(owners)
    serious = any(map(_is_native, paths)) or set(losers) & set(stack.packages)
    make = failed if proven and serious else warned
    return make(
        message,
        *evidence,
        expected="one owner for each file",
        found=" and ".join(owners),
        hint=hint,
        about=" and ".join(owners),
    )


def _whose(winners: tuple[str, ...]) -> str:
    return f"what lies there is {' and '.join(winners)}'s" if winners else "what lies there is neither's"


@rule("DIST306", about="package")
def one_metadata_for_each_name(stack: Stack, distributions: Distributions) -> list[Finding]:
    """No folder holds two sets of metadata for one distribution.

    An interrupted upgrade or a copied site-packages leaves the old dist-info behind; which of the two pip
    and importlib.metadata read is a matter of chance.

    Source: packaging.python.org/en/latest/specifications/recording-installed-packages (checked 2026-11-20).
    Example: torch-2.4.1.dist-info and torch-2.5.0.dist-info in the same site-packages.
    Fix: uninstall the distribution until none is left, then install it once.
    """
    findings = []
    for row in distributions["duplicates"]:
        make = failed if row["name"] in stack.packages or coupled(row["name"]) else warned
        findings.append(
            make(
                f"{row['name']} has {len(row['metadata'])} sets of metadata: {', '.join(row['metadata'])}",
                Evidence(row["location"], "listing of the folder"),
                expected="one",
                found=str(len(row["metadata"])),
                hint=f"uninstall {row['name']} until none is left, then install it once",
                about=row["name"],
            )
        )
    return findings or [passed("no distribution has two sets of metadata in one folder")]


@rule("DIST307", about="package")
def recorded_files_are_there(distributions: Distributions, recorded_files: RecordedFiles) -> list[Finding]:
    """The code of each distribution and its METADATA are there, with the size that its RECORD says.

    Images are slimmed by deleting folders and stripping libraries, and packages are edited in place. Mostly
    that is on purpose, so it is a warning; it explains headers and parts of libraries that are not found.

    Source: the RECORD of each distribution against the disk (sizes; no hashes).
    Example: cumm/include was deleted: github.com/FindDefinition/cumm/issues/7.
    Fix: install the distribution again, or leave its files alone when an image is slimmed.
    """
    installers = {row["name"]: row["installer"] for row in distributions["distributions"]}
    findings = [
        _changed(row)
        for row in recorded_files["changed_files"]
        if installers.get(row["name"], "") not in REWRITING
    ]
    return findings or [
        passed("every recorded file of code and every METADATA is there in its recorded size")
    ]


def _changed(row: ChangedFiles) -> Finding:
    counts = [f"{row[kind]} {kind}" for kind in ("missing", "resized") if row[kind]]
    evidence = [Evidence(f"{row['location']}/{path}", "RECORD") for path in row["examples"]]
    return warned(
        f"{row['name']} does not lie there as it was installed: {' and '.join(counts)}",
        *evidence,
        expected="the files of its RECORD",
        found=" and ".join(counts),
        hint=f"install {row['name']} again unless this was done on purpose",
        about=row["name"],
    )


@rule("DIST308", about="package")
def metadata_is_complete(stack: Stack, distributions: Distributions) -> list[Finding]:
    """The METADATA of each installed distribution states its name and version.

    A full disk or an interrupted installation leaves files that are empty or cut off. What such a
    distribution requires is not known then, and its version stands in the name of a folder alone.

    Source: packaging.python.org/en/latest/specifications/core-metadata (Name and Version are required,
    checked 2026-11-30).
    Example: an empty METADATA in torch-2.5.0.dist-info.
    Fix: install the distribution again.
    """
    unread = [row for row in distributions["distributions"] if not row["complete"]]
    if not unread:
        return [
            passed(f"the METADATA of all {len(distributions['distributions'])} distributions is complete")
        ]
    return [_incomplete(stack, row) for row in unread]


def _incomplete(stack: Stack, row: Distribution) -> Finding:
    leftover = not row["installer"] and not row["tags"] and row["name"] not in stack.packages
    make = warned if leftover else failed
    return make(
        f"{row['name']} has METADATA that does not state its name and version.",
        Evidence(f"{row['location']}/{row['metadata']}", "the folder of its metadata"),
        expected="a Name and a Version",
        found="an empty, missing or cut off METADATA",
        hint=f"remove {row['metadata']}, then install {row['name']} again.",
        about=row["name"],
    )
