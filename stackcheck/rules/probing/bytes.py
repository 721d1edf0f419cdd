"""Whether a target says of its files what lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.facts import Fault
from stackcheck.model.redact import shown
from stackcheck.rules.registry import Finding, failed, given, passed, rule

if TYPE_CHECKING:
    from stackcheck.model.outside import Contradiction

_SHOWN = 10
_HINT = (
    "do not believe the image; look at its files: `docker save -o image.tar IMAGE`, then "
    "`stackcheck inspect image.tar`."
)


@rule("PROBE303", when=given("contradictions"), about="file")
def the_target_says_what_lies_there(contradictions: Any) -> list[Finding]:
    """What an image says of its packages is what its files are.

    Probes run by the Python of the image, among its packages: a `.pth` file or `sitecustomize` of a
    stranger's image can change what they report. So the engine exports the files, nothing of the image is
    started, and the readers of the probes look at METADATA, RECORD, torch/version.py, and the names and the
    GPU code of libraries.

    Source: docs/trust.md, "What the probes can be told".
    Example: the image says that torch 2.5.0 is installed, its METADATA says 2.4.0.
    Fix: do not use the image; look at its files with `docker save -o image.tar IMAGE` and
    `stackcheck inspect image.tar`.
    """
    if isinstance(contradictions, Fault):
        return [
            Finding(Outcome.ERROR, contradictions.message, hint="its files were not looked at from outside")
        ]
    if not contradictions:
        return [passed("the files of the image, read from outside, are what it says of them")]
    findings = [_contradicted(each) for each in contradictions[:_SHOWN]]
    if len(contradictions) > _SHOWN:
        last, more = contradictions[_SHOWN - 1], contradictions[_SHOWN:]
        named = tuple(_named(each) for each in (last, *more))
        findings[-1] = _contradicted(last, more=len(more))._replace(about=named)
    return findings


def _named(each: Contradiction) -> str:
    return f"{each.what} at {each.path}"


def _contradicted(each: Contradiction, more: int = 0) -> Finding:
    said, found = shown(each.said, 200) or "nothing", shown(each.found, 200) or "nothing"
    rest = f" {more} more differ." if more else ""
    return failed(
        f"{shown(each.what, 120)}: the image says {said}, and its files say {found}.{rest}",
        Evidence(shown(each.path, 300), "the files of the image, as the engine exports them"),
        expected=found,
        found=said,
        hint=_HINT,
        about=_named(each),
    )
