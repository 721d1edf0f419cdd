"""What a node says of itself: its GPUs as the driver names them, and why it takes no task."""

from __future__ import annotations

from typing import Any

from stackcheck import __version__
from stackcheck.fleet import cluster
from stackcheck.fleet.nodes import Node, gpus_of
from stackcheck.fleet.placing import Placement
from stackcheck.fleet.telling import told_nodes
from stackcheck.fleet.work import Secrets
from stackcheck.probing.observation import Entry, Observation
from stackcheck.report import render_document


def seen(*devices: tuple[str, str]) -> Observation:
    rows = [{"name": name, "capability": capability} for name, capability in devices]
    facts = {"nvml": {"driver": "550.54.15", "devices": rows}}
    return Observation("3.12", "python", 0.1, {"nvidia_driver": Entry(facts)})


def test_gpus_of_one_kind_are_counted() -> None:
    assert gpus_of(seen(("NVIDIA L4", "8.9"), ("NVIDIA L4", "8.9"))) == {
        "count": 2,
        "driver": "550.54.15",
        "gpu": "NVIDIA L4",
        "capability": "8.9",
    }
    assert gpus_of(seen()) == {}


def test_a_machine_with_gpus_of_several_kinds_gives_none() -> None:
    found = gpus_of(seen(("NVIDIA L4", "8.9"), ("Tesla T4", "7.5")))
    assert not Node(id="a", name="a", slots=2, **found).gives_gpu
    assert (
        found["note"] == "its GPUs are of several kinds (NVIDIA L4, Tesla T4); give Ray a node for each kind"
    )


def test_why_a_node_takes_no_task() -> None:
    fields: dict[str, Any] = {"version": __version__, "gpu": "NVIDIA L4"}
    assert cluster._unfit(fields, 1.0, 1.0, 1) == {}
    assert cluster._unfit(fields, 0.0, 1.0, 1) == {
        "problem": "Ray has 0 cores to give there, and a task takes 1"
    }
    assert cluster._unfit(fields, 1.0, 1.0, 0) == {
        "note": "Ray has no GPU to give there: start it with --num-gpus"
    }
    old = cluster._unfit(fields | {"version": "0.0.1"}, 1.0, 1.0, 1)
    assert old == {"problem": f"it has stackcheck 0.0.1, this is {__version__}"}
    missing = cluster._not_looked_at("ModuleNotFoundError: No module named 'stackcheck'")
    assert missing == f"stackcheck is not installed there: install stackcheck {__version__}"


def test_what_a_node_says_is_shown_harmless() -> None:
    node = Node(id="a", name="evil\x1b[2J", gpu="<script>", count=1, slots=1)
    for form in ("text", "md", "html"):
        text = render_document(told_nodes([node], (), Placement(())), form)
        assert "\x1b" not in text
        assert form == "text" or "<script>" not in text


def test_secrets_say_nothing_of_themselves() -> None:
    assert repr(Secrets({"TOKEN": "s3cr3t"}, {"a": b"s3cr3t"}, b"s3cr3t")) == "Secrets(...)"
