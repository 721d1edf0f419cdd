"""Work in several processes that wait for each other: none of them is waited for longer than was said."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from stackcheck_probes.watching import ranks


def answer() -> Any:
    return {"pid": os.getpid()}


def test_each_answers_from_a_process_of_its_own() -> None:
    one, two = ranks.together([answer, answer], 20.0)
    assert one["error"] is two["error"] is None
    assert len({one["pid"], two["pid"], os.getpid()}) == 3


def test_one_that_hangs_costs_its_time_and_the_other_still_answers() -> None:
    started = time.monotonic()
    good, hung = ranks.together([answer, lambda: time.sleep(600)], 1.0)
    assert time.monotonic() - started < 10
    assert good["error"] is None
    assert hung["error"] == {"type": "TimeoutError", "message": "no answer within 1 s", "at": ""}


def test_what_raises_crashes_or_ends_without_a_word_is_an_error_that_says_so() -> None:
    def crash() -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    raised, crashed, ended = ranks.together([lambda: 1 / 0, crash, lambda: os._exit(7)], 20.0)
    assert raised["error"]["type"] == "ZeroDivisionError"
    assert crashed["error"]["message"] == "it was ended by SIGSEGV"
    assert ended["error"]["message"] == "it ended with status 7 and no answer"


def test_nobody_is_left_behind() -> None:
    def told() -> Any:
        return answer()

    facts = ranks.together([told, lambda: time.sleep(600)], 0.5)
    try:
        os.kill(facts[0]["pid"], 0)
    except ProcessLookupError:
        return
    raise AssertionError("the child is still there")
