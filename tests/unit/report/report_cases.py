"""Reports that the tests of the formats share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackcheck.drift.facts import Gap, Key, Seen, Snapshot
from stackcheck.drift.report import compare
from stackcheck.model.report import Hashes, Report, Subject
from stackcheck.model.verdict import Evidence, Level, Outcome, Verdict

if TYPE_CHECKING:
    from stackcheck.drift.report import DriftReport


def verdict(
    outcome: Outcome,
    code: str = "AB101",
    message: str = "a message",
    waived: str = "",
    evidence: tuple[str, ...] = (),
    level: Level = Level.STATED,
) -> Verdict:
    seen = tuple(Evidence(what) for what in evidence)
    return Verdict(code, "a title", outcome, message, waived=waived, evidence=seen, level=level)


def report(*verdicts: Verdict, **fields: Any) -> Report:
    return Report("small", verdicts, **fields)


MIXED = Report(
    stack="cuda124-torch25-py311",
    file="matrices/pointcept.toml",
    summary="torch 2.5.0 + CUDA 12.4 with spconv",
    command="verify",
    subject=Subject("image", "docker", "stackcheck/cuda124:ab12", "sha256:" + "ab" * 32, 6_123_456_789),
    started="2026-11-20T10:31:00+00:00",
    seconds=192.2,
    hashes=Hashes("aa" * 32, "bb" * 32, "cc" * 32),
    resolution={"torch": "2.5.0"},
    observation={"schema_version": 1, "probes": {}},
    verdicts=(
        Verdict(
            "CUMM101",
            "cumm lies in the range that spconv declares",
            Outcome.FAIL,
            "cumm-cu124 0.8.2 is outside what spconv-cu124 2.3.8 accepts.",
            expected=">=0.7.11,<0.8.0",
            found="0.8.2",
            hint='pin cumm-cu124 = "0.7.11"',
            evidence=(
                Evidence(
                    "METADATA of spconv_cu124-2.3.8: Requires-Dist: cumm-cu124",
                    "https://pypi.org/project/spconv-cu124/2.3.8/",
                ),
            ),
        ),
        Verdict("TORCH101", "torchvision fits torch", Outcome.PASS, "torchvision 0.20.0 is torch 2.5.0's."),
        Verdict("PIN101", "every package is pinned", Outcome.WARN, 'torch-scatter is "latest".'),
        Verdict("GPU401", "a matmul is right", Outcome.SKIP, "There is no GPU here.", level=Level.GPU),
        Verdict("GPU402", "a convolution is right", Outcome.SKIP, "There is no GPU here.", level=Level.GPU),
        Verdict(
            "INDEX201",
            "the index has it",
            Outcome.SKIP,
            "The index was not asked (--offline).",
            hint="run once without --offline",
            level=Level.RESOLVED,
        ),
        Verdict(
            "PROBE301", "every probe reports", Outcome.ERROR, "spconv_cpu died of SIGSEGV.", level=Level.RUN
        ),
        Verdict(
            "SPCONV301",
            "spconv imports",
            Outcome.PASS,
            "spconv 2.3.8 imports.",
            level=Level.RUN,
            notes=("the table says that it needs cumm 0.7, METADATA says nothing: please report the row",),
        ),
        Verdict(
            "SPCONV102",
            "the JIT flags do what they seem to",
            Outcome.WARN,
            "The two flags do not stop NVRTC.",
            waived="the published stack sets them",
        ),
    ),
)
"""One verdict of every kind."""

PASSED = Report(
    "cpu",
    (
        Verdict("PIN101", "every package is pinned", Outcome.PASS, "all 2 are"),
        Verdict("TORCH101", "torchvision fits torch", Outcome.PASS, "they fit"),
    ),
    file="matrices/cpu.toml",
    command="check",
    seconds=0.21,
)

UNMADE = report(verdict(Outcome.SKIP), verdict(Outcome.SKIP))

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31mred\r\nPASS  everything is fine\n::error::forged\n"
    "</failure><script>alert(1)</script>]]>&amp; | `code` [x](javascript:alert(1)) ![i](http://evil/x.png) "
    "@everyone #1 <img src=x onerror=alert(1)> ##[error]forged ::set-output name=a::b %0A::error::x {{ 7*7 }} "
    "\u202egnp.exe\u2066\u200b\ufeff\ud800\ufffe\x00\x85\u2028"
)
"""Text as an image made to forge a report would hold it."""


def hostile() -> Report:
    bad = HOSTILE + "A" * 20_000
    every = [
        Verdict(
            "AB101",
            bad,
            outcome,
            bad,
            bad,
            bad,
            bad,
            (Evidence(bad, "javascript:alert(1)//" + bad),),
            question=bad,
            subject=bad,
            notes=(bad,),
        )
        for outcome in Outcome
    ]
    return Report(
        bad,
        (*every, Verdict("AB102", bad, Outcome.FAIL, bad, waived=bad)),
        file=bad,
        summary=bad,
        command="verify",
        subject=Subject("image", bad, bad, bad, 1),
        started=bad,
        resolution={bad: bad},
        observation={"x": bad},
        hashes=Hashes(bad, bad, bad),
    )


def hostile_drift() -> DriftReport:
    bad = HOSTILE + "A" * 5000
    key, other = Key("package", bad, "version"), Key("missing", bad, "library")
    before = Snapshot({key: Seen(bad), Key("missing", "kept", "library"): Seen("x")})
    gaps = frozenset({Gap("base", bad, "", bad, fault=True), Gap("cve", bad, "id", bad)})
    after = Snapshot({key: Seen("2", bad), other: Seen(bad, bad)}, gaps)
    return replace(compare(bad, before, after, since=bad), started=bad, accepted=bad)
