"""What `fits` says, as a document: a section a subject, with a row for each run of releases that agree."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Outcome
from stackcheck.report.document import Document, Finding, Lines, Part, Section, Table
from stackcheck.report.wording import NOTHING, plural
from stackcheck.wheels import pythons
from stackcheck.wheels.other_platforms import torches_elsewhere
from stackcheck.wheels.torches import pinned, spans
from stackcheck_probes.binaries.gpucode import from_json
from stackcheck_probes.loader import demangle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackcheck.knowledge.gpus import Gpu
    from stackcheck.wheels.exports import Exports
    from stackcheck.wheels.fits import Fit, Judged, Reason
    from stackcheck.wheels.torches import Asked
    from stackcheck_probes.binaries.capability import Code

_NAME = 100
_REASONS = 3
_ELSEWHERE = 6
_WORDS = {
    "yes": "can be loaded",
    "no": "cannot",
    "unknown": "could not be told",
    "apart": "no Python has both",
}
OTHER_BUILDS = (
    "judged: the builds on PyPI; of others (another CUDA, CPU, ROCm) there is no data, "
    "and builds of one release can differ in their C++ ABI"
)


class Told(NamedTuple):
    """One subject with what was asked of it."""

    judged: Judged
    asked: Asked | None
    """None where no torch was named: then one that can load it is enough."""
    gpus: tuple[Gpu, ...] = ()

    @property
    def wanted(self) -> list[Fit]:
        """Return the answers that were asked for and can come up: some Python has both."""
        builds = [fit.build for fit in self.judged.fits]
        wanted = {build.bit for build in (self.asked.builds(builds) if self.asked else builds)}
        return [fit for fit in self.judged.fits if fit.build.bit in wanted and fit.answer != "apart"]

    @property
    def no_data(self) -> list[str]:
        """Return the torches that were named and are not measured."""
        builds = [fit.build for fit in self.judged.fits]
        return self.asked.unmeasured(builds) if self.asked and builds else []

    @property
    def outcome(self) -> Outcome | None:
        """Return PASS, FAIL, or None where it could not be told."""
        words = [fit.answer for fit in self.wanted]
        if not self.judged.subject.platform:
            return None
        if not self.judged.linked:
            return None if self.judged.subject.left_out else Outcome.PASS
        if not words:
            return None if self.no_data else Outcome.FAIL
        if self.asked is None:
            return Outcome.PASS if "yes" in words else None if "unknown" in words else Outcome.FAIL
        if "no" in words:
            return Outcome.FAIL
        return None if "unknown" in words or self.no_data or self.judged.subject.left_out else Outcome.PASS


def document(rows: Sequence[Told], exports: Exports) -> Document:
    """Return what was found of the subjects."""
    return Document(
        tuple(map(_section, rows)),
        lambda: {
            "schema_version": 1,
            "measured": exports.measured,
            "subjects": [_data(each) for each in rows],
        },
        title=plural(len(rows), "subject"),
        empty="nothing was judged",
    )


def matrix(rows: Sequence[Told], exports: Exports) -> Document:
    """Return one table of the subjects: for the versions of a package, or for a README."""
    asked = next((each.asked for each in rows if each.asked), None)
    headers = ("version", *(["answer"] if asked else []), "torch", "CUDA", "Python", "glibc", "METADATA")
    table = Table(headers, tuple((*_cells(each), *_asks(each.judged)) for each in rows), right=len(headers))
    unread = [(each.judged.subject.name, why) for each in rows for why in each.judged.subject.left_out]
    notes = [f"{name}: not read: {why}" for name, why in unread]
    said = f"with torch {asked.text}" if asked else "with which torch each can be loaded"
    section = Section("", "", parts=(table, Lines((*notes, OTHER_BUILDS))), title=said)
    return Document((section,), document(rows, exports).data, title=said)


def _cells(told: Told) -> tuple[str, ...]:
    name = told.judged.subject.name
    word = _WORDS["unknown" if told.outcome is None else "yes" if told.outcome is Outcome.PASS else "no"]
    return (name, word) if told.asked else (name,)


def _asks(judged: Judged) -> tuple[str, ...]:
    pin = pinned(judged.subject.requires)
    whole = torches(judged) or ("none measured" if judged.linked else "any: links no torch")
    return (
        whole if judged.subject.platform and not judged.subject.left_out else "?",
        ", ".join(map(str, judged.cuda)),
        _pythons(judged),
        judged.newest("GLIBC"),
        "names no torch" if pin is None else f"torch{pin}",
    )


def _pythons(judged: Judged) -> str:
    """Return the Pythons that a torch has a wheel for as well; those without a lock come last."""
    known = sorted({abi for fit in judged.fits for abi in fit.build.pythons}, key=_order)
    served = [pythons.named(abi) for abi in known if judged.subject.serves(abi)]
    plain, free = ([pythons.named(abi) for abi in known if abi.endswith("t") is t] for t in (False, True))
    return ", ".join(filter(None, (spans(plain, served), spans(free, served))))


def torches(judged: Judged) -> str:
    """Return the releases that can load a subject, as people write them, "" for none."""
    return spans(*_releases(judged))


def _releases(judged: Judged) -> tuple[list[str], list[str]]:
    return [fit.build.torch for fit in judged.fits], [
        fit.build.torch for fit in judged.fits if fit.answer == "yes"
    ]


def _section(told: Told) -> Section:
    judged = told.judged
    parts: list[Part] = [
        *_findings(told),
        Lines((*_facts(judged), *_gpus(told))),
    ]
    if judged.fits:
        runs = list(_runs(judged.fits))
        parts.append(Table(("torch", "build", "answer"), tuple(map(_row, runs))))
        parts += [Lines(tuple(lines), literal=True) for run in runs if (lines := list(_why(run)))]
    notes = [*_of_another_cuda(judged), OTHER_BUILDS] if judged.fits else []
    notes += [f"torch {name}: no data" for name in told.no_data]
    notes += [f"not read: {reason}" for reason in judged.subject.left_out]
    parts.append(Lines(tuple(notes)))
    outcome = NOTHING if told.outcome is None else told.outcome.name
    return Section(judged.subject.name, _headline(told), outcome, parts=tuple(parts))


def _of_another_cuda(judged: Judged) -> Iterable[str]:
    """Yield the releases that export all that is wanted, but were built for another CUDA."""
    every, _ = _releases(judged)
    kept_out = [
        fit for fit in judged.fits if fit.answer == "no" and {each.kind for each in fit.reasons} == {"cuda"}
    ]
    if kept_out and judged.cuda:
        named = spans(every, [fit.build.torch for fit in kept_out])
        its = " or ".join(map(str, judged.cuda))
        yield f"torch {named} exports all that it wants; a build of it for CUDA {its} may load it: no data"


def _headline(told: Told) -> str:
    judged = told.judged
    if not judged.subject.platform:
        other = torches_elsewhere(judged.subject)
        return "no library for Linux on x86_64 or aarch64 is in it" + (
            f", and others are not read; {other}" if other else ""
        )
    if not judged.linked:
        return f"links no torch ({plural(len(judged.subject.loadable), 'library')}): whichever is installed"
    found = torches(judged)
    said = f"can be loaded with torch {found}" if found else "no measured torch can load it"
    refused = [fit.build.torch for fit in told.wanted if fit.answer == "no"]
    if told.asked is None or not refused:
        return said
    return f"cannot be loaded with torch {spans([fit.build.torch for fit in judged.fits], refused)}; {said}"


def _facts(judged: Judged) -> list[str]:
    """Return what the subject asks of its surroundings, whatever the torch."""
    subject = judged.subject
    pin = pinned(subject.requires)
    needs = [f"CUDA {' and '.join(map(str, judged.cuda))}"] if judged.cuda else []
    needs += [f"glibc {newest}"] if (newest := judged.newest("GLIBC")) else []
    served = _pythons(judged)
    needs += [f"Python {served}"] if served and subject.tags else []
    lines = [f"needs: {'; '.join(needs)}"] if needs else []
    if subject.tags:
        said = "does not name torch" if pin is None else f"asks for torch {pin}".rstrip()
        lines.append(f"METADATA {said}")
    if judged.linked and judged.stable:
        lines.append("asks torch for its stable C interface alone")
    if judged.outside:
        lines.append(f"from elsewhere: {some(judged.outside, _ELSEWHERE)}")
    return [*lines, *_code(judged)]


def _gpus(told: Told) -> list[str]:
    if not told.gpus:
        return []
    from stackcheck.wheels.gpulines import gpu_lines  # noqa: PLC0415 - only where GPUs are named

    return gpu_lines(told.judged.subject.libraries, told.gpus)


def _order(abi: str) -> tuple[int, str]:
    return int("".join(filter(str.isdigit, abi)) or 0), abi


def _code(judged: Judged) -> list[str]:
    """Return the GPU code of the libraries, those with the same together."""
    found: dict[str, list[str]] = {}
    for each in judged.subject.libraries:
        code = from_json(each.code)
        words = [*map(str, sorted(code.codes, key=_code_order)), *(name for name, _, _ in code.targets)]
        if words:
            found.setdefault(" ".join(words), []).append(each.path.rpartition("/")[2])
    return [
        f"GPU code: {code} ({', '.join(names[:3])}{' ...' if len(names) > 3 else ''})"
        for code, names in found.items()
    ]


def _code_order(code: Code) -> tuple[bool, int, str]:
    text = str(code)
    return text.startswith("compute"), int("".join(filter(str.isdigit, text)) or 0), text


def _runs(fits: Sequence[Fit]) -> Iterable[list[Fit]]:
    """Yield each run of releases with the same answer for the same reason."""
    for _, run in groupby(fits, key=_sameness):
        yield list(run)


def _sameness(fit: Fit) -> tuple[str, list[tuple[str, str, str]]]:
    return fit.answer, [(each.kind, each.library, each.text) for each in fit.reasons]


def _name(run: Sequence[Fit]) -> str:
    first, last = run[0].build.torch, run[-1].build.torch
    return first if first == last else f"{first} - {last}"


def _row(run: Sequence[Fit]) -> tuple[str, str, str]:
    tags = list(dict.fromkeys(fit.build.tag for fit in run))
    return _name(run), " ".join(tags), _WORDS[run[0].answer]


def _why(run: Sequence[Fit]) -> Iterable[str]:
    """Yield the reasons of a run of releases, as its newest has them, and the first symbols."""
    fit = run[-1]
    if fit.answer == "apart" or not fit.reasons:
        return
    yield f"{_name(run)}:"
    reasons = list(dict.fromkeys(fit.reasons))  # modules that need one library share what refuses it
    for reason in reasons[:_REASONS]:
        yield f"  {_reason(reason)}"
        for symbol in map(plain, reason.symbols):
            yield f"      {symbol if len(symbol) <= _NAME else f'{symbol[: _NAME - 3]}...'}"
    if len(reasons) > _REASONS:
        yield f"  and {len(reasons) - _REASONS} more"


def _reason(reason: Reason) -> str:
    """Return a reason in one line; three of the symbols follow it."""
    library = reason.library.rpartition("/")[2]
    more = (
        f" ({reason.missing}, the first {len(reason.symbols)}):"
        if reason.missing > len(reason.symbols)
        else ":"
    )
    return f"{library or 'the wheel'} {reason.text}{more if reason.symbols else ''}"


@cache
def plain(symbol: str) -> str:
    """Return a symbol as people write it in C++."""
    return demangle.demangle(symbol)


def _findings(told: Told) -> Iterable[Finding]:
    """Yield each torch that was asked for and cannot load it, for machines; a reader has the table."""
    for fit in told.wanted if told.asked else ():
        if fit.answer == "no":
            title = f"torch {fit.build.torch}+{fit.build.tag} cannot load it"
            message = " ".join(line.strip() for line in _why([fit]))
            yield Finding(Outcome.FAIL, "", title, message, name=title, label="cannot", shown=False)


def _data(told: Told) -> dict[str, Any]:
    judged = told.judged
    subject = judged.subject
    return {
        "name": subject.name,
        "result": NOTHING if told.outcome is None else told.outcome.name,
        "platform": subject.platform,
        "links_torch": list(judged.linked),
        "stable_interface": bool(judged.linked) and judged.stable,
        "torch": torches(judged),
        "metadata_torch": pinned(subject.requires),
        "tags": list(subject.tags),
        "cuda": list(judged.cuda),
        "glibc": judged.newest("GLIBC"),
        "glibcxx": judged.newest("GLIBCXX"),
        "from_elsewhere": list(judged.outside),
        "gpus": _gpus(told),
        "gpu_code": [{"path": each.path, **each.code} for each in subject.libraries if each.code],
        "not_read": list(subject.left_out),
        "no_data": told.no_data,
        "fits": [_fit(fit) for fit in judged.fits],
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "torch": fit.build.torch,
        "build": fit.build.tag,
        "answer": fit.answer,
        "reasons": [
            {
                "kind": each.kind,
                "library": each.library,
                "text": each.text,
                "symbols": [{"name": name, "demangled": plain(name)} for name in each.symbols],
                "count": each.missing,
            }
            for each in fit.reasons
        ],
    }
