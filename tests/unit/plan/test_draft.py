"""The newest stack that says what was wished."""

from __future__ import annotations

from typing import Any

import pytest

from stackcheck import knowledge
from stackcheck.model.errors import StackcheckError
from stackcheck.plan.draft import Ask, drafted
from stackcheck.plan.words import wishes_of
from stackcheck.suggest import spell

TABLES = knowledge.load()


def draft(
    *words: str, built: tuple[str, ...] = (), wheels_only: bool = False, **hosts: Any
) -> dict[str, str]:
    stack = drafted(Ask(wishes_of(words, TABLES), hosts, frozenset(built), wheels_only), TABLES)
    rows = {name: spell(package) for name, package in stack.packages.items()}
    return rows | {"python": stack.python or "", "cuda": stack.cuda or "", "toolkit": stack.toolkit or ""}


def test_a_build_that_pypi_has_needs_no_index() -> None:
    made = draft("torch==2.8", "cuda==12.8", "python==3.12")
    assert (made["torch"], made["cuda"], made["python"]) == ("2.8.0", "12.8", "3.12")


def test_another_build_comes_from_the_index_of_its_tag() -> None:
    assert draft("torch==2.8", "cuda==12.6")["torch"] == (
        '{ version = "2.8.0+cu126", index = "https://download.pytorch.org/whl/cu126" }'
    )
    assert draft("torch==2.8", "cpu")["torch"] == (
        '{ version = "2.8.0+cpu", index = "https://download.pytorch.org/whl/cpu" }'
    )


def test_the_newest_torch_of_a_range_with_wheels_for_the_python_is_taken() -> None:
    assert draft("torch<2.8", "python==3.12")["torch"] == "2.7.1"
    python39 = draft("python==3.9")["torch"]
    assert python39 == max(
        (str(row.torch) for row in TABLES.torch.releases if "3.9" in row.python.get("linux/amd64", ())),
        key=lambda text: tuple(map(int, text.split("."))),
    )


def test_companions_go_with_torch_and_come_from_where_it_comes_from() -> None:
    made = draft("torch==2.8", "cuda==12.6", "torchvision", "torchaudio")
    index = 'index = "https://download.pytorch.org/whl/cu126"'
    assert made["torchvision"] == f'{{ version = "0.23.0+cu126", {index} }}'
    assert made["torchaudio"] == f'{{ version = "2.8.0+cu126", {index} }}'
    assert draft("torch==2.8", "torchvision")["torchvision"] == "0.23.0"


@pytest.mark.parametrize(
    ("torch", "flavour"), [("2.8", "spconv-cu126"), ("2.5", "spconv-cu124"), ("2.1", "spconv-cu121")]
)
def test_spconv_is_the_distribution_for_the_cuda_of_torch_or_the_nearest_below(
    torch: str, flavour: str
) -> None:
    assert flavour in draft(f"torch=={torch}", "spconv")


def test_a_page_with_wheels_for_torch_is_named_and_a_page_without_is_not() -> None:
    page = "https://data.pyg.org/whl/torch-2.8.0+cu128.html"
    assert draft("torch==2.8", "torch-scatter")["torch-scatter"] == (
        f'{{ version = "latest", find_links = "{page}" }}'
    )
    assert draft("torch==2.15", "torch-scatter")["torch-scatter"] == "latest"
    mmcv = draft("torch==2.1", "mmcv")["mmcv"]
    assert "https://download.openmmlab.com/mmcv/dist/cu121/torch2.1.0/index.html" in mmcv
    assert draft("torch==2.8", "mmcv")["mmcv"] == "latest"


def test_with_wheels_alone_the_newest_torch_is_one_for_which_the_pages_have_some() -> None:
    made = draft("torch-scatter", wheels_only=True)
    assert made["torch"].startswith('{ version = "2.12.') or made["torch"].startswith("2.12.")
    assert "data.pyg.org/whl/torch-2.12.0" in made["torch-scatter"]


def test_a_source_build_states_the_toolkit_of_torch_and_code_for_the_gpus() -> None:
    ask = Ask(
        wishes_of(["torch==2.8", "flash-attn"], TABLES), {"gpus": ["L4", "B200"]}, frozenset({"flash-attn"})
    )
    stack = drafted(ask, TABLES)
    assert (stack.toolkit, stack.arch_list) == ("12.8", ("8.9", "10.0"))
    assert stack.no_build_isolation == ("flash-attn",)
    assert spell(stack.packages["flash-attn"]) == '{ version = "latest", from = "source" }'


def test_amd_gpus_get_a_rocm_build() -> None:
    ask = Ask(wishes_of(["torch==2.8"], TABLES), {"gpus": ["MI300X"]})
    stack = drafted(ask, TABLES)
    assert (stack.rocm, stack.cuda) == ("6.4", None)
    assert "rocm6.4" in spell(stack.packages["torch"])


def test_what_no_table_knows_is_left_to_the_resolver() -> None:
    assert draft("torch==2.8", "nobody-knows-this>=1,<3")["nobody-knows-this"] == ">=1,<3"
    assert draft("torch==2.99")["torch"] == "2.99"


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"gpus": ["L44"]}, "no GPU named 'L44' is known; near names: NVIDIA L4, NVIDIA L40, NVIDIA L40S"),
        ({"platform": "linux/riscv"}, "platform"),
        ({"driver": "many"}, "driver"),
    ],
)
def test_a_host_that_is_not_known_is_refused(hosts: dict[str, Any], said: str) -> None:
    with pytest.raises(StackcheckError, match=said):
        draft("torch==2.8", **hosts)
