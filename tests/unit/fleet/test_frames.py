"""Frames among the lines of logs: found whatever stands around them, and never taken for whole when they are not."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.fleet.frames import Answer, Header, read
from stackcheck_probes import frames

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME, OTHER = "0123456789abcdef", "fedcba9876543210"
HEADER: dict[str, Any] = {
    "run": "r1", "gpu": "H100", "stack": "one", "image": "i", "definition": "d", "node": "n1",
    "started": "2026-11-30T10:00:00+00:00", "index": 0, "of": 2,
}  # fmt: skip
ANSWER = {"kind": "output", "text": "".join(random.Random(1).choices("0123456789abcdef", k=20_000))}  # noqa: S311


def lines(name: str = NAME, header: dict[str, Any] = HEADER, answer: dict[str, Any] = ANSWER) -> list[str]:
    return [frames.opening(name, header), *frames.rest(name, header, answer)]


def one(found: Iterable[str]) -> Answer:
    (answer,) = read(found, "log")
    return answer


def test_a_frame_is_several_lines_each_below_what_container_runtimes_split() -> None:
    assert len(lines()) > 4
    assert max(map(len, lines())) < 8192
    answer = one(lines())
    assert (answer.header, answer.source, answer.content, answer.fault) == (
        Header(**HEADER),
        "log",
        ANSWER,
        "",
    )


@pytest.mark.parametrize(
    "around",
    [
        "[pod/stackcheck-h100-2-ab-0-xyz/task] {}",
        "2026-11-30T10:00:00.123456789Z {}",
        "0: {}",
        "task-1  | {}",
        '{{"log":"{}\\n","stream":"stdout","time":"2026-11-30T10:00:00Z"}}',
        "\x1b[32m{}\x1b[0m",
    ],
)
def test_what_logs_put_around_a_line_does_no_harm(around: str) -> None:
    assert one(around.format(line) for line in lines()).content == ANSWER


@given(st.randoms(use_true_random=False))
def test_lines_of_two_tasks_and_of_libraries_in_any_order_are_told_apart(chance: random.Random) -> None:
    more = {**HEADER, "stack": "two", "index": 1}
    every = [*lines(), *lines(OTHER, more), "Warning: stackcheck-frame", "import torch took 3 s"]
    chance.shuffle(every)
    found = {answer.header.stack: answer for answer in read(every, "log")}
    assert {name: answer.fault for name, answer in found.items()} == {"one": "", "two": ""}
    assert found["one"].content == found["two"].content == ANSWER


def test_a_log_that_came_twice_is_one_answer() -> None:
    assert one([*lines(), *lines()]).content == ANSWER


@pytest.mark.parametrize("gone", range(1, 6))
def test_a_line_that_is_gone_is_told(gone: int) -> None:
    every = lines()
    del every[gone]
    answer = one(every)
    closes = gone == len(every)
    assert answer.header.stack == "one"
    assert answer.content == {}
    assert ("it began and did not end" in answer.fault) == closes
    assert ("1 of 4 pieces are missing" in answer.fault) == (not closes)


def test_a_pod_that_was_killed_has_begun_and_not_ended() -> None:
    assert one(lines()[:1]).fault == "it began and did not end: its frame is not closed"
    cut = one(lines()[:3])
    assert cut.fault == "it began and did not end: its frame is not closed, 2 of 4 pieces came"
    assert cut.header.title == "one on H100 (node n1)"


def test_without_its_opening_line_nobody_knows_whose_it_is() -> None:
    answer = one(lines()[1:])
    assert (answer.header, answer.fault) == (Header(), "the line that opens its frame is missing or damaged")


@given(st.integers(1, 4), st.integers(0, 3999))
def test_a_changed_character_is_damage_and_never_another_answer(number: int, place: int) -> None:
    every = lines()
    before, _, piece = every[number].rpartition(" ")
    at = place % len(piece)
    every[number] = f"{before} {piece[:at]}{'A' if piece[at] != 'A' else 'B'}{piece[at + 1 :]}"
    answer = one(every)
    assert (answer.content, answer.fault) == ({}, "its frame is damaged: lines of it were changed")


def test_a_second_text_of_the_same_piece_is_damage() -> None:
    forged = re.sub(r" 2/4 \S+", " 2/4 AAAA", lines()[2])
    assert one([*lines(), forged]).fault == "its frame is damaged: lines of it were changed"


def test_a_frame_of_another_version_is_named() -> None:
    every = [line.replace(f"{frames.MARK} 1 ", f"{frames.MARK} 2 ") for line in lines()]
    assert one(every).fault == "its frame is of version 2, and this stackcheck reads 1"


@pytest.mark.parametrize(
    "header",
    [{**HEADER, "index": -1}, {**HEADER, "index": 2}, {**HEADER, "of": "2"}, {**HEADER, "of": 10**9}, {}],
)
def test_a_header_of_nonsense_is_none(header: dict[str, Any]) -> None:
    assert one(lines(header=header)).header == Header()


def test_an_answer_that_unpacks_to_more_than_is_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcheck.fleet.frames.MOST_ANSWER", 1 << 20)
    answer = one(lines(answer={"kind": "output", "text": "a" * (2 << 20)}))
    assert answer.fault == "its answer cannot be read (it is cut, or larger than 1 MiB)"


def test_what_a_header_says_is_shown_as_one_harmless_line() -> None:
    answer = one(lines(header={**HEADER, "node": "n\x1b[31m1\nPASS", "stack": "a\u202eb"}))
    assert answer.header.title == "ab on H100 (node n1 PASS)"


@given(st.lists(st.text(max_size=60)))
def test_no_log_at_all_ends_in_anything_but_answers(texts: list[str]) -> None:
    every = [f"{frames.MARK} 1 {NAME} {text}" for text in texts] + texts
    assert len(list(read(every, "log"))) <= 1
    json.dumps([answer.fault for answer in read(every, "log")])
