"""Only the answer in the frame of this very question counts, and only whole."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from stackcheck.model.errors import ProbeError
from stackcheck.probing.exchange import Exchange

ASKED = Exchange({"probes": ["system"]}, "n" * 32)


def framed(document: bytes, nonce: str = ASKED.nonce, digest: str = "") -> bytes:
    digest = digest or hashlib.sha256(document).hexdigest()
    return b"\nstackcheck-answer %s %d %s\n%s\n" % (nonce.encode(), len(document), digest.encode(), document)


def test_the_request_goes_first_and_the_nonce_behind_it() -> None:
    size, rest = int(ASKED.stdin[:8], 16), ASKED.stdin[8:]
    assert json.loads(rest[:size]) == {"probes": ["system"]}
    assert rest[size:] == b"n" * 32


def test_no_two_questions_have_the_same_nonce() -> None:
    assert len({Exchange({}).nonce for _ in range(100)}) == 100
    assert Exchange({}).nonce not in repr(Exchange({}))


def test_noise_around_the_frame_is_passed_over() -> None:
    noise = framed(b"{}", "f" * 32) + b"hello from sitecustomize\n\x00\xff"
    assert ASKED.document(noise + framed(b'{"a": 1}') + b"bye\n", "probing") == b'{"a": 1}'


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (b"", "probing: the answer is not one to this request (its frame is missing)."),
        (b'{"schema_version": 1}', "probing: the answer is not one to this request (its frame is missing)."),
        (framed(b"{}", "0" * 32), "probing: the answer is not one to this request (its frame is missing)."),
        (framed(b"{}", digest="0" * 64), "probing: the answer is damaged: something else wrote"),
        (framed(b"{}")[:-4], "probing: the answer is damaged: something else wrote"),
        (b"stackcheck-answer %s 99999999999999999999 x" % (b"n" * 32), "probing: the answer is damaged"),
        (b"stackcheck-answer %s \xb2 x" % (b"n" * 32), "probing: the answer is damaged"),
    ],
)
def test_any_other_answer_is_an_error(out: bytes, message: str) -> None:
    with pytest.raises(ProbeError, match=re.escape(message)):
        ASKED.document(out, "probing")
