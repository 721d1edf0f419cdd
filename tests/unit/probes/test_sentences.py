"""What is said to people ends with a full stop, once."""

from __future__ import annotations

import pytest

from stackcheck_probes.judging.judgement import sentence


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ("torch 2.5.0 fits", "torch 2.5.0 fits."),
        ("torch fits. ", "torch fits."),
        ("why?", "why?"),
        ("cut off\u2026", "cut off\u2026"),
        ("2 faults:\n  a.toml: wrong", "2 faults:\n  a.toml: wrong"),
        ("", ""),
    ],
)
def test_a_sentence_ends_with_one_full_stop(said: str, ended: str) -> None:
    assert sentence(said) == ended
    assert sentence(sentence(said)) == ended
