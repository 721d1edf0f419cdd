"""Hold the torch ranges that `stackcheck fits` computes against what projects say themselves; write it down.

    python tools/fits_report.py            # reads some 150 wheels by range (9 GB, most of it fbgemm-gpu)
    python tools/fits_report.py torchvision torchaudio

Writes `reports/fits/NAME.md` for each package. What a project says is read where it says it: the pin in the
METADATA of each wheel, the table in the README that its newest wheel carries, or one of the pages below.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.metadata import wheel_metadata
from stackcheck.resolve.wheelindex import WheelIndex
from stackcheck.storage.folders import write_atomically
from stackcheck.wheels import exports
from stackcheck.wheels.fits import Judged, judge
from stackcheck.wheels.onindex import Release, read_release, release_subject, releases
from stackcheck.wheels.torches import pinned, spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent.parent / "reports" / "fits"
PLATFORM = "linux/amd64"
FIRST = {"torchvision": "0.14.0", "torchaudio": "0.13.0", "xformers": "0.0.20", "torchao": "0.5.0"}
"""The first release of which something can be compared: made for torch 1.13, or named in a table."""
PAGES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "torchao": (
        "github.com/pytorch/ao/issues/2919, with the comment of 2026-06-12 (column `torch version`)",
        {
            "0.17": ">=2.11",
            "0.16": "==2.10.0",
            "0.15": "==2.9.1",
            "0.14": "==2.9.0",
            "0.13": "==2.8.0",
            "0.12": "==2.7.1,2.6.0,2.5.0",
        },
    ),
    "fbgemm-gpu": (
        "docs.pytorch.org/FBGEMM/general/Releases.html, read 2026-11-30 (`Corresponding PyTorch Release`)",
        {
            "1.5": "==2.10.*",
            "1.4": "==2.9.*",
            "1.2": "==2.7.*",
            "1.1": "==2.6.*",
            "1.0": "==2.5.*",
            "0.8": "==2.4.*",
            "0.7": "==2.3.*",
            "0.6": "==2.2.*",
            "0.5": "==2.1.*",
            "0.4": "==2.0.*",
        },
    ),
}
"""Tables on pages: release, or its prefix, to the torches that are named for it."""
README = {"torchcodec"}
PACKAGES = ("torchvision", "torchaudio", "torchcodec", "torchao", "xformers", "fbgemm-gpu")
_CELL = re.compile(r"^\|\s*`([\d.]+)`\s*\|\s*`([^`]+)`\s*\|", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One release: what was computed, what was said, and what the difference means."""

    version: str
    computed: str
    said: str
    kind: str
    why: str


def table_of(name: str, newest: Release, fetcher: Fetcher) -> tuple[str, Mapping[str, str]]:
    """Return where a project names its torches, and release -> specifier; nothing where METADATA pins it."""
    if name in PAGES:
        return PAGES[name]
    if name not in README:
        return "METADATA of each wheel", {}
    rows = _CELL.findall(wheel_metadata(newest.file.url, fetcher))
    said = {ours: torch if torch.startswith(">") else f"=={torch}.*" for ours, torch in rows}
    return f"the README in the wheel of {newest.version}", said


def said_of(version: Version, judged: Judged, said: Mapping[str, str]) -> str | None:
    """Return the specifier that is named for a release, None where none is."""
    if not said:
        return pinned(judged.subject.requires)
    text = str(version)
    return next((torch for ours, torch in said.items() if text == ours or text.startswith(f"{ours}.")), None)


def admits(said: str, torch: str) -> bool:
    """Tell whether what is said names a torch: a specifier, or `==` with several releases."""
    if said.startswith("==") and "," in said:
        return torch in said.removeprefix("==").split(",")
    return SpecifierSet(re.sub(r"\+[\w.]+", "", said)).contains(torch, prereleases=True)


def compare(version: Version, judged: Judged, said: str | None) -> Row:
    """Return a row: agreed, wider (more can load it than is named), narrower (a named one cannot)."""
    every = [fit.build.torch for fit in judged.fits]
    loads = [fit for fit in judged.fits if fit.answer == "yes"]
    computed = spans(every, [fit.build.torch for fit in loads]) or "none measured"
    if not judged.linked:
        return Row(
            str(version), "links no torch", said or "", "nothing", "its libraries ask torch for nothing"
        )
    if said is None:
        return Row(str(version), computed, "", "not named", "nobody names a torch: the symbols alone say it")
    named = [fit for fit in judged.fits if admits(said, fit.build.torch)]
    refused = [fit for fit in named if fit.answer == "no"]
    more = [fit for fit in loads if not admits(said, fit.build.torch)]
    if refused:
        return Row(str(version), computed, said, "narrower", _refusal(refused[-1]))
    if not more:
        return Row(str(version), computed, said, "agreed" if named else "not measured", "")
    return Row(str(version), computed, said, "wider", _width(more, named, every))


def _refusal(fit: Any) -> str:
    reason = fit.reasons[0]
    symbols = f": `{reason.symbols[0]}`" if reason.symbols else ""
    return f"{fit.build.torch}: {reason.library.rpartition('/')[2]} {reason.text}{symbols}"


def _width(more: Sequence[Any], named: Sequence[Any], every: list[str]) -> str:
    minors = {fit.build.torch.rpartition(".")[0] for fit in named}
    patches = [fit.build.torch for fit in more if fit.build.torch.rpartition(".")[0] in minors]
    others = [fit.build.torch for fit in more if fit.build.torch not in patches]
    said = []
    if patches:
        said.append(
            f"{spans(every, patches)}: a patch release of the same minor, exports all that is asked for"
        )
    if others:
        said.append(f"{spans(every, others)}: exports all that is asked for, too; nobody says that it works")
    cautions = {reason.text for fit in more for reason in fit.reasons}
    return "; ".join([*said, *(f"the wheel {text}" for text in sorted(cautions))])


def report(name: str, index: WheelIndex, fetcher: Fetcher) -> tuple[str, Counter[str]]:
    """Return the page of one package, and how often each kind of difference stands in it."""
    found = [each for each in releases(name, index.files(name), PLATFORM) if not each.version.is_prerelease]
    chosen = [each for each in found if each.version >= Version(FIRST.get(name, "0"))]
    where, said = table_of(name, found[0], fetcher)
    tables = exports.read()
    rows = []
    for release in chosen:
        sys.stderr.write(f"{name} {release.version}\n")
        judged = judge(release_subject(release, read_release(release, index)), tables)
        rows.append(compare(release.version, judged, said_of(release.version, judged, said)))
    counts = Counter(row.kind for row in rows)
    return page(name, where, rows, counts), counts


def page(name: str, where: str, rows: Sequence[Row], counts: Counter[str]) -> str:
    """Return the page as Markdown."""
    tally = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    lines = [
        f"# {name}: the torch that can load it, and the torch that is named for it",
        "",
        f"Made by `python tools/fits_report.py {name}` on {datetime.now(tz=UTC).date()}, from the wheels for",
        f"{PLATFORM} on PyPI and the exports of torch measured on {exports.read().measured}.",
        f"Named by: {where}.",
        f"{len(rows)} releases: {tally}.",
        "",
        "`agreed`: the same. `wider`: a torch that is not named exports all that the wheel wants: it can be",
        "loaded, which does not say that it works. `narrower`: a torch that is named cannot load it.",
        "`not named`: nobody names a torch. `not measured`: the torch that is named is older than 1.13.0.",
        "",
        "| version | computed | named | | why |",
        "|---|---|---|---|---|",
        *(f"| {row.version} | {row.computed} | {row.said} | {row.kind} | {row.why} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the page of each package."""
    parser = argparse.ArgumentParser(description="Hold computed torch ranges against what projects say.")
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--into", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    fetcher = Fetcher(os.environ, timeout_s=120)
    for name in options.packages:
        text, counts = report(name, WheelIndex(fetcher), fetcher)
        write_atomically(options.into / f"{name}.md", text.encode())
        sys.stdout.write(f"{name}: {dict(counts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
