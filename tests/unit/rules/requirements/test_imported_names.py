"""Names that packages import of each other: what fails, what is silent, with every message."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.model.resolution import LockedPackage
from stackcheck.model.verdict import Level
from stackcheck.rules.questions import FINDS_NAMES, partner, whole
from stackcheck.rules.strongest import strongest
from tests.unit.rules.harness import resolved, said_with_hints, seen_verdicts, verdicts

H: dict[str, Any] = {"python": "3.11", "platform": "linux/amd64", "accelerator": "cuda"}
PAIR = {"diffusers": "0.28.2", "huggingface-hub": "0.26.5"}
MISSING = {
    "distribution": "numpy",
    "version": "2.2.6",
    "root": "numpy",
    "of": "hub",
    "of_version": "2.0",
    "what": "hub.gone",
    "at": "numpy/a.py:3",
}


def test_a_name_that_a_later_release_has_dropped_fails_with_its_line_and_the_nearest_that_fit() -> None:
    ((outcome, message, hint),) = said_with_hints("NEEDS103", **H, packages=PAIR)
    assert outcome == "FAIL"
    assert message == (
        "diffusers 0.28.2 imports cached_download from huggingface_hub "
        "(diffusers/utils/dynamic_modules_utils.py:28), which huggingface-hub 0.26.0 and later no longer have; "
        "the stack has huggingface-hub 0.26.5: importing diffusers fails."
    )
    assert hint.startswith("take huggingface-hub 0.25.2, the nearest that has it, or diffusers 0.")


@pytest.mark.parametrize(
    "changed",
    [{"huggingface-hub": "0.25.2"}, {"diffusers": "0.33.1"}, {"diffusers": ">=0.28"}, {"diffusers": "0.1.0"}],
)
def test_what_no_row_speaks_of_is_not_judged(changed: dict[str, str]) -> None:
    assert said_with_hints("NEEDS103", **H, packages=PAIR | changed) == []


def test_a_release_later_than_those_that_were_read_warns() -> None:
    ((outcome, message, _),) = said_with_hints("NEEDS103", **H, packages=PAIR | {"huggingface-hub": "99.0"})
    assert outcome == "WARN"
    assert message.endswith("importing diffusers fails, if it is as the last that was read.")


def test_what_the_resolver_takes_is_judged_too() -> None:
    locked = [
        LockedPackage(name, Version(version), f"{name.replace('-', '_')}-{version}-py3-none-any.whl")
        for name, version in PAIR.items()
    ]
    (verdict,) = resolved("NEEDS103", *locked, **H, packages={"diffusers": ">=0.28"})
    assert (verdict.outcome.name, verdict.level, verdict.subject) == ("FAIL", Level.RESOLVED, "diffusers")


def test_both_levels_answer_one_question_about_one_package() -> None:
    (stated,) = verdicts("NEEDS103", **H, packages=PAIR)
    looked = {"missing": [], "looked_at": ["diffusers"], "untold": [], "left_out": []}
    (seen,) = seen_verdicts("NEEDS301", {"import_names": looked})
    assert (whole(stated.question), stated.subject) == (seen.question, seen.subject)
    assert (seen.question, partner(stated.question)) == (FINDS_NAMES, "huggingface-hub")
    (kept,) = strongest([stated, seen])
    assert (kept.code, len(kept.notes)) == ("NEEDS301", 1)
    assert (seen.outcome.name, seen.message) == (
        "PASS",
        "The files of diffusers import no name that is seen to be missing beside it.",
    )


def test_what_files_leave_open_does_not_answer_for_a_package() -> None:
    """Where a module makes its names as it runs, the files are no stronger evidence than the rows."""
    looked = {"missing": [], "looked_at": ["diffusers"], "untold": ["diffusers"], "left_out": []}
    (seen,) = seen_verdicts("NEEDS301", {"import_names": looked})
    assert (seen.outcome.name, seen.question, seen.subject) == ("PASS", "", "")


def test_what_is_missing_of_a_package_of_the_stack_fails() -> None:
    looked = {"missing": [MISSING], "looked_at": ["numpy"], "untold": [], "left_out": []}
    (verdict,) = seen_verdicts("NEEDS301", {"import_names": looked})
    assert (verdict.outcome.name, verdict.message) == (
        "FAIL",
        "numpy 2.2.6 imports the module hub.gone (numpy/a.py:3), which hub 2.0 does not have: importing numpy "
        "fails.",
    )
    assert verdict.hint == "install a hub that has it, or a release of numpy that does without"
