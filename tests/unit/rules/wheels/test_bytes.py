"""Whether the wheels were looked at: literal facts in, verdict out."""

from __future__ import annotations

from stackcheck.model.facts import Fault, Missing, Unpacked
from stackcheck.rules.registry import RULES
from tests.unit.rules.harness import seen_said, seen_verdicts

GOOD = Unpacked(2, 48_100_000, "3.12", "aarch64-manylinux_2_28")


def test_what_was_unpacked_is_told_with_what_it_is_for() -> None:
    assert seen_said("WHEEL301", {"unpacked": GOOD}) == [
        (
            "PASS",
            "2 wheels for Python 3.12 on aarch64-manylinux_2_28 were unpacked (48.1 MB); nothing was run.",
        )
    ]


def test_what_is_known_from_an_earlier_look_is_not_called_unpacked() -> None:
    assert seen_said("WHEEL301", {"unpacked": GOOD._replace(kept=True)}) == [
        (
            "PASS",
            "2 wheels for Python 3.12 on aarch64-manylinux_2_28 are known by their SHA-256 from an earlier look (48.1 MB); nothing was run.",
        )
    ]


def test_a_package_that_is_source_alone_is_said_not_to_be_checked() -> None:
    why = "flash-attn 2.8.3 comes as source (flash_attn-2.8.3.tar.gz)"
    rest = Unpacked(1, 1_000, "3.12", "x86_64-manylinux_2_28", (why,))
    assert [each[0] for each in seen_said("WHEEL301", {"unpacked": rest})] == ["PASS", "SKIP"]
    assert seen_said("WHEEL301", {"unpacked": rest})[1][1] == f"{why}, so its files were not looked at."


def test_a_probe_that_died_is_an_error_of_that_probe() -> None:
    hurt = Unpacked(1, 1_000, "3.12", "x86_64-manylinux_2_28", failures={"loading": "ended by SIGSEGV"})
    said = seen_said("WHEEL301", {"unpacked": hurt})
    assert said[1] == ("ERROR", "The probe loading gave no answer: ended by SIGSEGV.")


def test_a_file_that_is_not_the_locked_one_fails_and_a_dead_index_is_an_error() -> None:
    proven = Fault("x: the index serves another file.", proven=True, log_tail="a\nb", log_file="/log")
    (failed,) = seen_verdicts("WHEEL301", {"unpacked": proven})
    assert (failed.outcome.name, failed.message) == ("FAIL", "x: the index serves another file.")
    assert failed.hint == "lock again (`stackcheck lock`), and look at the end of the log"
    assert [each.what for each in failed.evidence] == ["a\nb"]
    assert seen_said("WHEEL301", {"unpacked": Fault("no network.")}) == [("ERROR", "no network.")]


def test_where_nobody_asked_for_wheels_nothing_is_said() -> None:
    assert seen_said("WHEEL301", {"unpacked": Missing("not asked for")}) == []


def test_rules_over_files_need_nothing_of_the_machine() -> None:
    asked = {code for code, rule in RULES.items() if rule.of_files}
    assert asked >= {
        "DIST301",
        "DIST302",
        "DIST303",
        "DIST305",
        "LOAD301",
        "LOAD303",
        "GPUCODE301",
        "WHEEL301",
    }
    assert not asked & {"DRIVER301", "SYSTEM301", "PYTHON301", "TORCH301", "BUILD301", "PROBE301", "ENV301"}
