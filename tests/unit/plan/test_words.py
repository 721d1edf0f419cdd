"""The words of a call as wishes, and what is said of words that are none."""

import pytest

from stackcheck import knowledge
from stackcheck.model.errors import UsageError
from stackcheck.plan.words import split_words, wishes_of


def wished(*words: str) -> list[str]:
    return [str(each) for each in wishes_of(words, knowledge.load())]


def test_wishes_are_names_with_versions() -> None:
    assert wished("torch==2.8", "cuda>=12.6", "NumPy<2,>=1.26", "ray[default]", "spconv") == [
        "torch==2.8",
        "cuda>=12.6",
        "numpy>=1.26,<2",
        "ray[default]",
        "spconv",
    ]


def test_commas_of_a_range_and_of_extras_do_not_part_packages() -> None:
    assert split_words(["spconv,mmcv", "numpy>=1.26,<3,ray[default,serve]"]) == [
        "spconv",
        "mmcv",
        "numpy>=1.26,<3",
        "ray[default,serve]",
    ]


def test_the_same_wish_twice_is_one() -> None:
    assert wished("torch==2.8", "torch==2.8") == ["torch==2.8"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["torch=2.8"], "'torch=2.8' is not a wish; did you mean 'torch==2.8'?"),
        (["torch=>2.8"], "'torch=>2.8' is not a wish; did you mean 'torch>=2.8'?"),
        (["torch 2.8"], "'torch 2.8' is not a wish; did you mean 'torch==2.8'?"),
        (["torch@2.8"], "'torch@2.8' is not a wish; did you mean 'torch==2.8'?"),
        (
            ["==2.8"],
            "'==2.8' is not a wish: write it as pip does, such as torch==2.8, 'torch>=2.6,<2.9' or spconv.",
        ),
        (["tourch==2.8"], "tourch==2.8: nothing here is named 'tourch'; did you mean 'torch'?"),
        (["cudda==12.8"], "cudda==12.8: nothing here is named 'cudda'; did you mean 'cuda'?"),
        (["python==3.12.4"], "'python==3.12.4': state a minor version, such as python==3.12."),
        (["cuda==12.8.1"], "'cuda==12.8.1': state a minor version, such as cuda==12.8."),
        (
            ["x" * 500],
            f"'{'x' * 80}… (420 more characters)': a wish of 500 characters is longer than any requirement.",
        ),
        ([f"p{n}" for n in range(201)], "201 wishes are more than a stack has; name 200 at most."),
        (["driver==550"], "'driver==550': state it with --driver."),
        (["gpu==L4"], "'gpu==L4': state it with --gpu."),
        (["cpu==1"], "'cpu==1': cpu has no version; write cpu."),
        (["cuda", "rocm"], "cuda and rocm: torch is built for one of them; name one."),
        (
            ["torch==2.8", "torch==2.9"],
            "torch==2.8 and torch==2.9: two wishes of one name; write them as one, "
            "such as 'torch>=2.6,<2.8'.",
        ),
        (
            ["x @ https://user:secret@host/x.whl"],
            "'x @ https://***@host/x.whl': a wish is a name with versions, without an address or a marker.",
        ),
    ],
)
def test_what_is_not_a_wish_is_said_with_what_was_meant(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        wished(*words)
    assert str(caught.value) == said
