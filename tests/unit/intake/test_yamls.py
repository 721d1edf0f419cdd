"""YAML of others: texts with their lines, and files that are larger than they look."""

import pytest

from stackcheck.intake.yamls import documents, place
from stackcheck.model.errors import UsageError


def test_scalars_stay_as_they_are_written_and_keys_have_lines() -> None:
    first, second = documents(
        "a: &x {v: 3.10, day: 2024-99-99}\nb:\n  <<: *x\n  c: !reset [yes]\n---\n- q\n", "f"
    )
    assert first == {
        "a": {"v": "3.10", "day": "2024-99-99"},
        "b": {"v": "3.10", "day": "2024-99-99", "c": ["yes"]},
    }
    assert (place(first["b"], "c", "f").line, place(second, 0, "f").line) == (4, 6)


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, r"f:6: with its aliases this file has more than 200,000 values"),
        ("a: &a [*a]", r"f:1: \*a stands inside of what it names"),
        ("[" * 500, "f:1: this is nested more than 100 deep"),
        ("[" * 100_000, "f:1: this is"),
        ("a: [", "this is not YAML"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: *nope", "found undefined alias"),
        ("a: \x00", "this is not YAML"),
        ("a: !!float x", "this is not YAML"),
    ],
)
def test_a_hostile_file_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        documents(text, "f")
    assert "\n" not in str(caught.value)
