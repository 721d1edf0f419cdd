"""What is suggested for a stack: exactly these changes, proven by the rules, and nothing for a good one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake import catalog
from stackcheck.intake.stack import Package, Stack
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all
from stackcheck.suggest import Change, Limits, Suggestion, apply, spell, suggest
from stackcheck.suggest.candidates import GENERATORS
from stackcheck.suggest.edited import edit_text, unified
from stackcheck.suggest.failing import Judging
from tests.cases.convert import to_stack
from tests.cases.scoreboard import HERE, read_cases

MATRICES = Path(__file__).parents[3] / "matrices"
POINTCEPT = {stack.id: stack for stack in catalog.load([MATRICES / "pointcept.toml"])}
CU124 = "https://download.pytorch.org/whl/cu124"
CU128 = "https://download.pytorch.org/whl/cu128"
BAD = [case for case in read_cases(HERE / "cases.toml") if case["verdict"] == "bad"]
UNSOLVED = {
    "bad-glibc217-torch251-conda": "no data on the glibc of other conda builds, and the system is the host's",
    "bad-glibc231-pyglib050": "one release of pyg-lib is known, and the system is the host's",
}
"""The cases for which nothing is suggested, and why."""


def found(stack: Stack, **more: Any) -> Suggestion:
    return suggest({**definition_facts(stack, knowledge.load()), **more})


def changes(**fields: Any) -> dict[str, str]:
    """Return what is suggested, as path -> before -> after."""
    return said(found(Stack.model_validate({"id": "case", **fields})))


def said(suggestion: Suggestion) -> dict[str, str]:
    return {
        ".".join(each.path): f"{spell(each.before)} -> {spell(each.after)}" for each in suggestion.changes
    }


def fails(stack: Stack) -> list[str]:
    early = rules.before_build(Level.STATED)
    verdicts = judge_all(early, definition_facts(stack, knowledge.load()))
    return [verdict.code for verdict in verdicts if verdict.outcome >= Outcome.FAIL]


def test_the_published_stack_gets_exactly_the_consistent_pins() -> None:
    suggestion = found(POINTCEPT["cuda124-torch25-published"])
    page = "https://download.openmmlab.com/mmcv/dist/cu124/torch2.5/index.html"
    assert said(suggestion) == {
        "image.base": "nvidia/cuda:12.4.1-cudnn8-devel-ubuntu22.04 -> "
        "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
        "packages.cumm-cu124": "0.8.2 -> 0.7.11",
        "packages.nvidia-cublas-cu12": "latest -> 12.4.5.8",
        "packages.nvidia-cudnn-cu12": "latest -> 9.1.0.70",
        "packages.mmcv": f'{{ version = "2.2.0", find_links = "{page}" }} -> '
        '{ version = "2.2.0", from = "source" }',
    }
    assert suggestion.proven
    assert suggestion.smallest
    assert fails(suggestion.stack) == []
    assert {verdict.code for verdict in suggestion.doubts} == {"BUILD101", "BUILD102"}


def test_every_change_says_what_fails_without_it_and_where_that_can_be_read() -> None:
    by_path = {change.path: change for change in found(POINTCEPT["cuda124-torch25-published"]).changes}
    cumm = by_path["packages", "cumm-cu124"]
    assert cumm.needed_for == (
        "SPCONV101: spconv-cu124 2.3.8 works with cumm>=0.7.11,<0.8.0, and the stack has cumm-cu124 0.8.2.",
    )
    assert cumm.source.startswith("github.com/traveller59/spconv setup.py")
    assert all(change.needed_for and change.source for change in by_path.values())


@pytest.mark.parametrize("stack", [each for each in POINTCEPT.values() if each.expect == "pass"])
def test_a_good_stack_has_nothing_to_change(stack: Stack) -> None:
    suggestion = found(stack)
    assert (suggestion.changes, suggestion.remaining, suggestion.stack) == ((), (), stack)
    assert suggestion.proven


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"packages": {"torch": "2.6.0", "torchvision": "0.20.0"}}, {"packages.torchvision": "0.20.0 -> 0.21.0"}),
        (
            {"gpus": ["RTX 5090"], "packages": {"torch": {"version": "2.5.0+cu124", "index": CU124}}},
            {
                "packages.torch": f'{{ version = "2.5.0+cu124", index = "{CU124}" }} -> '
                f'{{ version = "2.7.0+cu128", index = "{CU128}" }}'
            },
        ),
        (
            {"driver": "570.86.10", "packages": {"torch": "2.11.0"}, "index": {"url": "https://pypi.org/simple"}},
            {
                "packages.torch": '2.11.0 -> { version = "2.11.0+cu126", '
                'index = "https://download.pytorch.org/whl/cu126" }'
            },
        ),
        (
            {"packages": {"torch": "2.5.0+cu124", "spconv-cu124": "2.3.8", "cumm-cu121": "0.7.11"}},
            {"packages.cumm-cu121": "0.7.11 -> not stated", "packages.cumm-cu124": "not stated -> 0.7.11"},
        ),
        (
            {"arch_list": ["sm_90"], "gpus": ["L40S"], "packages": {"torch": "2.5.0"}},
            {"arch_list": "[sm_90] -> [9.0, 8.9]"},
        ),
        (
            {"python": "3.11", "packages": {"torch": "2.5.0"}, "image": {"base": "python:3.11-alpine"}},
            {"image.base": "python:3.11-alpine -> python:3.11-slim"},
        ),
        (
            {"packages": {"torch": {"version": "2.5.0+cu124", "index": "https://download.pytorch.org/whl/cu121"}}},
            {
                "packages.torch": '{ version = "2.5.0+cu124", index = "https://download.pytorch.org/whl/cu121" }'
                f' -> {{ version = "2.5.0+cu124", index = "{CU124}" }}'
            },
        ),
        (
            {"rocm": "6.0", "gpus": ["RX 6700 XT"], "packages": {"torch": "2.5.0+rocm6.0"}},
            {
                "env.HSA_OVERRIDE_GFX_VERSION": "not stated -> 10.3.0",
                "packages.torch": "2.5.0+rocm6.0 -> 2.5.0+rocm6.1",
                "rocm": "6.0 -> 6.1",
            },
        ),
        (
            {"toolkit": "12.4", "host_compiler": "gcc 14", "packages": {"mmcv": {"version": "2.2.0", "from": "source"}}},
            {"host_compiler": "gcc 14 -> gcc 13"},
        ),
        (
            {
                "id": "pytorch-py313-sm120-avx512",
                "cuda": "12.6",
                "packages": {"torch": {"version": "2.8.0", "from": "source"}},
                "variant": {"isa": "avx512", "blas": "cublas"},
            },
            {"cuda": "12.6 -> 12.8"},
        ),
        (
            {"python": "3.10", "packages": {"diffusers": "0.25.1", "huggingface-hub": "0.30.1"}},
            {"packages.huggingface-hub": "0.30.1 -> 0.25.2"},
        ),
    ],
    ids=["companion", "gpu", "driver", "flavour", "arch list", "musl", "index", "rocm", "gcc", "variant", "names"],
)  # fmt: skip
def test_the_nearest_change(fields: dict[str, Any], expected: dict[str, str]) -> None:
    assert changes(**fields) == expected


def test_companions_from_pypi_follow_torch_to_another_cuda() -> None:
    made = changes(driver="570.86.10", packages={"torch": "2.11.0", "torchvision": "0.26.0"})
    index = "https://download.pytorch.org/whl/cu126"
    assert made == {
        "packages.torch": f'2.11.0 -> {{ version = "2.11.0+cu126", index = "{index}" }}',
        "packages.torchvision": f'0.26.0 -> {{ version = "0.26.0+cu126", index = "{index}" }}',
    }


def test_a_new_gpu_moves_all_that_hangs_on_torch() -> None:
    index = {"index": CU124}
    suggestion = found(
        Stack.model_validate(
            {
                "id": "case",
                "cuda": "12.4",
                "toolkit": "12.4",
                "gpus": ["RTX 5090"],
                "arch_list": ["8.9"],
                "packages": {
                    "torch": {"version": "2.5.0+cu124", **index},
                    "torchvision": {"version": "0.20.0+cu124", **index},
                    "xformers": "0.0.28.post2",
                    "torch-scatter": {
                        "version": "latest",
                        "find_links": "https://data.pyg.org/whl/torch-2.5.0+cu124.html",
                    },
                },
            }
        )
    )
    made = {path: text.rpartition(" -> ")[2] for path, text in said(suggestion).items()}
    assert made == {
        "packages.torch": f'{{ version = "2.7.0+cu128", index = "{CU128}" }}',
        "packages.torchvision": f'{{ version = "0.22.0+cu128", index = "{CU128}" }}',
        "packages.xformers": "0.0.30",
        "packages.torch-scatter": '{ version = "latest", '
        'find_links = "https://data.pyg.org/whl/torch-2.7.0+cu128.html" }',
        "cuda": "12.8",
        "toolkit": "12.8",
        "arch_list": "[8.9, 12.0]",
    }
    assert fails(suggestion.stack) == []


def test_another_torch_is_chosen_by_all_that_hangs_on_it() -> None:
    fields = {
        "python": "3.9",
        "driver": "570.86.10",
        "gpus": ["RTX 5090"],
        "packages": {
            "torch": "2.4.1+cu117",
            "torchvision": "0.15.1",
            "xformers": "0.0.28.post2",
            "spconv-cu124": "2.3.8",
            "cumm-cu124": "0.8.2",
        },
    }
    suggestion = found(Stack.model_validate({"id": "case", **fields}))
    assert suggestion.proven
    assert suggestion.smallest
    assert said(suggestion)["packages.cumm-cu124"] == "0.8.2 -> 0.7.11"
    assert fails(suggestion.stack) == []


def test_what_no_change_of_a_definition_lifts_is_said() -> None:
    stack = Stack.model_validate(
        {"id": "case", "driver": "590.48.01", "gpus": ["V100"], "packages": {"torch": "2.5.0"}}
    )
    suggestion = found(stack)
    assert not suggestion.proven
    assert suggestion.exhausted
    assert suggestion.changes == ()
    assert [verdict.code for verdict in suggestion.remaining] == ["DRIVER102"]


def test_the_best_attempt_says_what_remains() -> None:
    fields = {
        "driver": "535.54.03",
        "gpus": ["RTX 5090"],
        "packages": {"torch": "2.6.0", "torchvision": "0.20.0"},
    }
    suggestion = found(Stack.model_validate({"id": "case", **fields}))
    assert [verdict.code for verdict in suggestion.failed] == ["ARCH101", "DRIVER103", "TORCH101"]
    assert [verdict.code for verdict in suggestion.remaining] == ["DRIVER103"]


def test_a_search_without_room_finds_nothing_and_claims_nothing() -> None:
    facts = definition_facts(POINTCEPT["cuda124-torch25-published"], knowledge.load())
    suggestion = suggest(facts, Limits(first=1, second=1))
    assert (suggestion.proven, suggestion.exhausted, suggestion.changes) == (False, False, ())


def test_an_accepted_finding_is_left_alone() -> None:
    fields = {
        "packages": {"torch": "2.6.0", "torchvision": "0.20.0"},
        "ignore": {"TORCH101": "known and meant"},
    }
    assert changes(**fields) == {}


def test_a_gap_is_no_repair() -> None:
    """A check that failed and would not be made any more still stands against a stack."""
    stack = Stack.model_validate({"id": "case", "packages": {"torch": "2.6.0", "torchvision": "0.20.0"}})
    judging = Judging(definition_facts(stack, knowledge.load()))
    newer = judging.judge({("packages", "torchvision"): Package(version="9.9.9")})
    assert [(each.code, each.outcome.name) for each in newer.fails] == [("TORCH101", "SKIP")]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case["id"])
def test_real_stacks_that_broke(case: dict[str, Any]) -> None:
    suggestion = found(to_stack(case))
    assert suggestion.proven is (case["id"] not in UNSOLVED), UNSOLVED.get(case["id"])
    if suggestion.proven:
        assert suggestion.changes
        assert fails(suggestion.stack) == []


def test_every_generator_names_codes_that_exist() -> None:
    known = {rule.code for rule in rules.load_all()}
    for generator in GENERATORS:
        for named in generator.codes:
            assert any(code.startswith(named) for code in known), f"{generator.name} names {named}"


TEXT = """\
# a file of the user
[[stack]]
id = "one"
python = "3.11"     # the only one

[stack.packages]
torch = "2.6.0"
Torch_Vision = { version = "0.20.0", index = "https://a.example/simple" }  # why
numpy = "2.0.0"
"""


def test_an_edit_keeps_comments_and_the_order_of_a_file() -> None:
    edits = (
        Change(("packages", "torch"), None, Package(version="2.5.0")),
        Change(
            ("packages", "torch-vision"), None, Package(version="0.20.1", index="https://a.example/simple")
        ),
        Change(("packages", "numpy"), None, None),
        Change(("packages", "mmcv"), None, Package.model_validate({"version": "2.2.0", "from": "source"})),
        Change(("arch_list",), (), ("8.9", "9.0")),
        Change(("env", "A"), None, "1"),
    )
    after = edit_text(TEXT, "one", edits)
    assert (
        after
        == """\
# a file of the user
[[stack]]
id = "one"
python = "3.11"     # the only one
arch_list = ["8.9", "9.0"]
env = {A = "1"}

[stack.packages]
torch = "2.5.0"
Torch_Vision = { version = "0.20.1", index = "https://a.example/simple" }  # why
mmcv = { version = "2.2.0", from = "source" }
"""
    )
    assert unified(TEXT, after, "m/a.toml").splitlines()[:3] == [
        "--- a/m/a.toml",
        "+++ b/m/a.toml",
        "@@ -2,8 +2,10 @@",
    ]


def test_a_member_of_a_family_has_no_row_of_its_own() -> None:
    text = '[[stack]]\nid = "f"\n[stack.axes]\npython = ["3.11"]\n'
    with pytest.raises(KeyError, match="f-py311"):
        edit_text(text, "f-py311", ())


def test_an_edit_of_every_kind_of_entry() -> None:
    stack = Stack.model_validate(
        {"id": "a", "cuda": "12.4", "env": {"A": "1"}, "packages": {"torch": "2.5.0"}}
    )
    edit = {
        ("cuda",): "12.6",
        ("env", "A"): None,
        ("env", "B"): "2",
        ("image", "base"): "debian:12",
        ("index", "extra"): ("https://a.example",),
        ("packages", "torch"): None,
    }
    changed = apply(stack, edit)
    assert (changed.cuda, changed.env, changed.image.base) == ("12.6", {"B": "2"}, "debian:12")
    assert (changed.index.extra, changed.packages) == (("https://a.example",), {})
    assert stack.cuda == "12.4"


def test_a_change_is_written_where_the_file_names_extras() -> None:
    text = '[[stack]]\nid = "x"\npython = "3.12"\n[stack.packages]\n"torch[opt]" = "2.0.1"  # why\n'
    (stack,) = catalog.load_text(text, file="m.toml")[0]
    suggestion = found(stack)
    edited = edit_text(text, "x", suggestion.changes)
    (again,) = catalog.load_text(edited, file="m.toml")[0]
    assert again.packages == suggestion.stack.packages
    assert again.packages["torch"].extras == ("opt",)
    assert edited.count("torch") == 1
