"""Near names, for what somebody typed that nobody knows."""

from __future__ import annotations


def did_you_mean(word: str, known: list[str], shown: list[str] | None = None) -> str:
    """Return "; did you mean 'x'?" for a near miss, else the known words, or those that are to be `shown`."""
    import difflib  # noqa: PLC0415 - only for a word that nobody knows

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return (
        f"; did you mean {near[0]!r}?"
        if near
        else f"; known: {', '.join(sorted(known if shown is None else shown)[:24])}"
    )
