"""A cell says what `check` would say of the stack on that host, and no rule is asked twice for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stackcheck import rules
from stackcheck.intake import catalog
from stackcheck.intake.stack import Stack
from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Host, cell_of
from stackcheck.matrix.judging import axes, judged, with_torch
from stackcheck.matrix.watched import OnHosts
from stackcheck.model.errors import UsageError
from stackcheck.model.verdict import Level
from stackcheck.pipeline import Options
from stackcheck.rules.registry import judge_all
from stackcheck.steps.claiming import claimed

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = catalog.load(catalog.folders(()))
HOSTS = [
    {"gpus": (find_gpu(gpu),), "driver": driver, "driver_cuda": None}
    for gpu in ("T4", "H100", "B200", "MI300X")
    for driver in (None, "535", "580.65.06")
]
WHEELS = {
    "id": "w",
    "python": "3.11",
    "platform": "linux/amd64",
    "cuda": "12.4",
    "packages": {"torch": "2.5.0", "torchvision": "0.20.0", "torchaudio": "2.5.0"},
}


@pytest.mark.parametrize("stack", SHIPPED, ids=lambda stack: stack.id)
def test_each_cell_is_what_the_rules_say_of_the_stack_on_that_host(stack: Stack) -> None:
    asked = rules.before_build(Level.STATED)
    on_hosts = OnHosts(stack, claimed(stack), asked)
    for host in HOSTS:
        alone = stack.model_copy(update=dict(host))
        assert tuple(on_hosts.verdicts(host)) == judge_all(asked, claimed(alone))


def test_a_rule_that_reads_nothing_of_the_host_is_asked_once() -> None:
    stack = Stack.model_validate(WHEELS)
    on_hosts = OnHosts(stack, claimed(stack), rules.before_build(Level.STATED))
    for host in HOSTS:
        on_hosts.verdicts(host)
    asked = {code: len(kept) for code, kept in on_hosts.said.items()}
    assert asked["ARCH101"] == 4
    assert asked["PYTHON101"] == 1
    assert sum(asked.values()) < 2 * len(asked)


def cells(stack: Mapping[str, Any], *gpus: str, drivers: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    found = judged(
        [Stack.model_validate(stack)], tuple(axes(gpus, drivers)), (), Options(), lambda _line: None
    )
    return [(cell.state, cell.code) for cell in found.rows[0].cells]


def test_states() -> None:
    assert cells(WHEELS, "L4", "B200") == [("works", ""), ("fails", "ARCH101")]
    assert cells(WHEELS, "L4", drivers=("470", "550")) == [("fails", "DRIVER101"), ("works", "")]
    assert cells({"id": "n", "packages": {"numpy": "1.26.4"}}, "L4")[0][0] == "unknown"
    cpu = {"id": "c", "packages": {"torch": "2.5.0+cpu"}}
    assert cells({**cpu, "accelerator": "cpu"}, "L4") == [("cpu", "")]
    assert cells(cpu, "L4") == [("fails", "CUDA103")]


def test_a_torch_that_is_built_from_source_is_held_against_its_own_list() -> None:
    torch = {"version": "2.6.0", "from": "source"}
    built = {"id": "b", "cuda": "12.4", "arch_list": ["9.0"], "packages": {"torch": torch}}
    assert cells(built, "H100", "L4") == [("warned", "BUILD101"), ("fails", "ARCH103")]  # it needs nvcc


def test_another_torch_takes_its_companions_along() -> None:
    moved, notes = with_torch(Stack.model_validate(WHEELS), "2.6")
    assert notes == ("torch 2.6.0", "torchvision 0.21.0", "torchaudio 2.6.0")
    assert str(moved.version("torchvision")) == "0.21.0"
    newer, notes = with_torch(Stack.model_validate(WHEELS), "2.9")
    assert (newer.cuda, notes[-1]) == ("12.8", "CUDA 12.8, because no build of torch 2.9.1 is for 12.4")
    local = {**WHEELS, "packages": {"torch": "2.5.0+cu124"}}
    assert str(with_torch(Stack.model_validate(local), "2.6.0")[0].version("torch")) == "2.6.0+cu124"


@pytest.mark.parametrize(
    ("version", "message"), [("two", "this is not a version"), ("9.9", "no release of torch")]
)
def test_a_torch_that_nobody_knows_is_refused(version: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_torch(Stack.model_validate(WHEELS), version)


def test_a_gpu_that_nobody_knows_is_refused_with_near_names() -> None:
    with pytest.raises(UsageError, match=r"--gpu H10O: no GPU named 'H10O' is known"):
        list(axes(["H10O"], ()))


def test_nothing_was_judged_is_not_a_pass() -> None:
    assert cell_of(()).state == "unknown"
    assert Host("T4", "550").title == "T4, driver 550"
