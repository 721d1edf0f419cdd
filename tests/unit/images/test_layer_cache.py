"""Which steps of a build run again after a change: texts and digests in, a forecast out."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck.images.dockersteps import bases, matching, parse, steps
from stackcheck.images.layercache import first_rebuilt, forecast, from_label, keep, to_label

TORCH = """\
# a comment
FROM rocm/dev-ubuntu-24.04:6.4-complete AS base
ARG JOBS=8
ENV PYTORCH_ROCM_ARCH=gfx803
RUN git clone --recursive \\
    # the branch of the release
    https://github.com/ROCm/pytorch.git -b release/2.6 /pytorch
WORKDIR /pytorch
COPY patches/ /patches
RUN python setup.py bdist_wheel
LABEL maintainer=me
COPY entry.sh /
CMD ["/entry.sh"]
"""
FILES = {"patches/gloo.diff": "aa", "patches/sub/fp16.diff": "bb", "entry.sh": "cc", "README.md": "dd"}


def told(old: str, new: str, **changes: Any) -> list[str]:
    """Return "line: why" of the steps that run again."""
    before = {"files": FILES, "classic": changes.get("classic", False)}
    kept = keep(steps(old, images=changes.get("earlier"), **before))
    after = steps(
        new,
        FILES | changes.get("files", {}),
        changes.get("arguments"),
        changes.get("images"),
        classic=before["classic"],
    )
    return [f"{each.step.line}: {each.why}" for each in forecast(kept, after) if each.rebuilt]


def test_a_dockerfile_is_parsed_into_instructions() -> None:
    text = 'FROM a\nRUN <<EOF\necho 1\nEOF\nrun echo a \\\n  && echo b\n\nENV A="b # c"\n'
    assert [(each.line, str(each)) for each in parse(text)] == [
        (1, "FROM a"),
        (2, "RUN <<EOF echo 1 EOF"),
        (5, "RUN echo a && echo b"),
        (8, 'ENV A="b # c"'),
    ]


def test_nothing_changed_and_nothing_is_built() -> None:
    assert told(TORCH, TORCH) == []


def test_comments_and_blank_lines_are_not_part_of_a_step() -> None:
    assert (
        told(TORCH, TORCH.replace("# a comment\n", "\n\n# another\n").replace("the branch", "a branch")) == []
    )


def test_a_changed_command_rebuilds_itself_and_all_after_it() -> None:
    assert told(TORCH, TORCH.replace("bdist_wheel", "install")) == [
        "10: its text changed",
        "12: it follows line 10",
    ]


def test_a_file_that_is_copied_rebuilds_from_its_copy_on() -> None:
    assert told(TORCH, TORCH, files={"patches/sub/fp16.diff": "changed"}) == [
        "9: its files changed",
        "10: it follows line 9",
        "12: it follows line 9",
    ]
    assert told(TORCH, TORCH, files={"entry.sh": "changed"}) == ["12: its files changed"]
    assert told(TORCH, TORCH, files={"README.md": "changed", "new.txt": "ee"}) == []


def test_env_counts_for_the_commands_behind_it() -> None:
    changed = told(TORCH, TORCH.replace("ARCH=gfx803", "ARCH=gfx900"))
    assert changed[0] == "5: its environment changed"
    late = TORCH.replace("LABEL maintainer=me", "ENV LATE=1")
    assert told(TORCH, late) == []  # no command comes behind it


def test_a_build_argument_counts_from_the_first_command_behind_its_declaration() -> None:
    assert told(TORCH, TORCH, arguments={"JOBS": "2"})[0] == "5: its arguments changed"
    assert told(TORCH, TORCH, arguments={"OTHER": "2"}) == []
    late = TORCH.replace("ARG JOBS=8\n", "").replace("WORKDIR", "ARG JOBS\nWORKDIR")
    kept = keep(steps(late, FILES, {"JOBS": "8"}))
    again = forecast(kept, steps(late, FILES, {"JOBS": "2"}))
    assert [f"{each.step.line}: {each.why}" for each in again if each.rebuilt] == [
        "10: its arguments changed",
        "12: it follows line 10",
    ]


def test_a_proxy_argument_counts_for_nothing() -> None:
    text = "FROM a\nARG http_proxy\nRUN make\n"
    kept = keep(steps(text, {}))
    assert first_rebuilt(forecast(kept, steps(text, {}, {"http_proxy": "http://p"}))) is None


def test_a_label_rebuilds_only_what_the_classic_builder_has_behind_it() -> None:
    changed = TORCH.replace("maintainer=me", "maintainer=you")
    assert told(TORCH, changed) == []
    assert told(TORCH, changed, classic=True) == [
        "11: its text changed",
        "12: it follows line 11",
        "13: it follows line 11",
    ]


def test_another_base_image_rebuilds_everything() -> None:
    base = "rocm/dev-ubuntu-24.04:6.4-complete"
    again = told(TORCH, TORCH, images={base: "sha256:new"}, earlier={base: "sha256:old"})
    assert again[0] == "2: its image changed"
    assert len(again) == 6
    assert told(TORCH, TORCH, images={base: "sha256:new"}) == []  # what it was is not known
    assert told(TORCH, TORCH.replace("6.4-complete", "6.3-complete"))[0] == "2: its text changed"


STAGES = """\
ARG BASE=python:3.11
FROM $BASE AS build
COPY src /src
RUN make
FROM ${BASE} AS docs
COPY docs /docs
FROM python:3.11-slim
RUN apt-get update
COPY --from=build /out /out
COPY --from=1 /docs /docs
"""


def test_a_stage_rebuilds_what_takes_from_it_and_nothing_else() -> None:
    kept = keep(steps(STAGES, {"src/a.c": "1", "docs/a.md": "1"}))

    def again(**files: str) -> list[str]:
        names = {name.replace("__", "/").replace("_", "."): digest for name, digest in files.items()}
        new = steps(STAGES, {"src/a.c": "1", "docs/a.md": "1"} | names)
        return [f"{each.step.line}: {each.why}" for each in forecast(kept, new) if each.rebuilt]

    assert again(src__a_c="2") == [
        "3: its files changed",
        "4: it follows line 3",
        "9: it takes from the stage build, which runs again",
        "10: it follows line 9",
    ]
    assert again(docs__a_md="2") == [
        "6: its files changed",
        "10: it takes from the stage docs, which runs again",
    ]


def test_bases_are_images_and_not_stages() -> None:
    assert bases(STAGES) == ("python:3.11", "python:3.11-slim")
    assert bases(STAGES, {"BASE": "python:3.12"}) == ("python:3.12", "python:3.11-slim")
    assert bases("FROM $NEVER_SAID\nFROM scratch AS a\nFROM A\nFROM x/$Y:1\nFROM b:${V:-2}\n") == ("b:2",)


def test_a_step_that_was_not_there_is_new() -> None:
    assert told(TORCH, TORCH + "RUN rm -rf /pytorch\n") == ["14: it is new"]


def test_without_an_earlier_build_nothing_is_said_to_be_cached() -> None:
    first = first_rebuilt(forecast({}, steps("FROM a\nRUN b\n", {})))
    assert first is not None
    assert (first.step.line, first.why) == (1, "no earlier build of it is known")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (".", list(FILES)),
        ("patches", ["patches/gloo.diff", "patches/sub/fp16.diff"]),
        ("./patches/*.diff", ["patches/gloo.diff"]),
        ("/entry.sh", ["entry.sh"]),
        ("*.md", ["README.md"]),
    ],
)
def test_sources_of_a_copy(pattern: str, found: list[str]) -> None:
    assert list(matching(FILES, [pattern])) == found


def test_what_is_remembered_survives_the_label() -> None:
    kept = keep(steps(STAGES, {"src/a.c": "1"}))
    assert from_label(to_label(kept)) == kept
    assert from_label("no label") == from_label("[1]") == {}
