"""Laws of GPU names: every product answers to its own name, and a word that nobody knows makes another."""

from __future__ import annotations

import itertools
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackcheck.knowledge import gpus
from stackcheck.knowledge.gpus import find_gpu, products
from stackcheck_probes.judging.devices import capability_of_name, product_key
from stackcheck_probes.judging.productname import all_words, telling_words

if TYPE_CHECKING:
    from random import Random

    from stackcheck.knowledge.gpus import Gpu

pytestmark = pytest.mark.property

PRODUCTS = st.sampled_from(products())
KNOWN = frozenset(itertools.chain.from_iterable(all_words(gpu.name) for gpu in products()))
GENERATIONS = all_words(
    " ".join(row.arch for row in gpus.load().nvidia) + " ".join(row.arch for row in gpus.load().amd)
)
STRANGE = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).filter(
    lambda word: word not in KNOWN | GENERATIONS and telling_words(f"{word} x") >= {word}
)
SILENT = st.sampled_from(["NVIDIA", "GPU", "80GB", "SXM5", "PCIe", "Laptop GPU", "Max-Q", "HBM3", "NVL"])


@given(PRODUCTS, st.booleans(), st.randoms(use_true_random=False))
def test_every_name_finds_its_own_row(gpu: Gpu, lower: bool, random: Random) -> None:
    words = gpu.name.split()
    random.shuffle(words)
    text = " ".join(words)
    found = find_gpu(text.lower() if lower else text)
    assert (found.capability, found.gfx) == (gpu.capability, gpu.gfx)


@given(PRODUCTS, STRANGE)
def test_a_word_that_nobody_knows_makes_another_product(gpu: Gpu, word: str) -> None:
    with pytest.raises(ValueError, match=r"^no GPU named .* is known"):
        find_gpu(f"{gpu.name} {word}")


@given(PRODUCTS.filter(lambda gpu: gpu.capability is not None), SILENT)
def test_memory_and_form_change_nothing(gpu: Gpu, word: str) -> None:
    assert find_gpu(f"{gpu.name} {word}").capability == gpu.capability


@given(PRODUCTS, STRANGE)
def test_a_starting_container_knows_the_same_names(gpu: Gpu, word: str) -> None:
    keys = {product_key(each.name): str(each.capability or each.gfx) for each in products()}
    assert capability_of_name(gpu.name, keys) == str(gpu.capability or gpu.gfx)
    assert capability_of_name(f"{gpu.name} {word}", keys) is None
