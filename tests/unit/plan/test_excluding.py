"""Which wishes exclude each other, and the nearest thing that works without each of them."""

from __future__ import annotations

from typing import Any

from stackcheck import knowledge
from stackcheck.model.resolution import Unresolved
from stackcheck.plan.draft import Ask, drafted
from stackcheck.plan.excluding import excluding
from stackcheck.plan.words import wishes_of
from stackcheck.suggest import spell
from stackcheck.suggest.learned import Failure, Learned

TABLES = knowledge.load()


def ways(*words: str, learned: Learned | None = None, **hosts: Any) -> dict[str, dict[str, str] | None]:
    found = excluding(Ask(wishes_of(words, TABLES), hosts), learned or Learned(), TABLES)
    return {
        each.wish: {".".join(one.path): spell(one.after) for one in each.without.changes}
        if each.without
        else None
        for each in found
    }


def test_a_torch_and_a_python_without_a_wheel_of_it_exclude_each_other() -> None:
    found = ways("torch==2.8", "python==3.14", "torchvision")
    assert found == {
        "python==3.14": {"python": "3.13"},
        "torch==2.8": {"packages.torch": "2.9.0", "packages.torchvision": "0.24.0"},
    }


def test_a_gpu_that_no_build_of_a_cuda_serves_names_both() -> None:
    found = ways("torch==2.8", "cuda==12.6", gpus=["B200"])
    assert set(found) == {"cuda==12.6", "--gpu B200"}
    assert found["--gpu B200"] == {}


def test_a_driver_that_is_too_old_is_named_with_the_torch_that_needs_more() -> None:
    found = ways("torch==2.15", driver="470")
    assert set(found) == {"torch==2.15", "--driver 470"}
    torch = found["torch==2.15"]
    assert torch is not None
    assert "cu118" in torch["packages.torch"]


def test_a_package_that_is_nowhere_is_named_alone() -> None:
    ask = Ask(wishes_of(["torch==2.8", "nobody-knows-this"], TABLES))
    why = Unresolved("not-found", "it is on none of the indexes", ("nobody-knows-this",), who="the stack")
    learned = Learned(failures=(Failure(why, drafted(ask, TABLES)),))
    assert ways("torch==2.8", "nobody-knows-this", learned=learned) == {"nobody-knows-this": {}}


def test_wishes_that_go_together_exclude_nothing() -> None:
    assert ways("torch==2.8", "cuda==12.8", gpus=["L4"]) == {}
