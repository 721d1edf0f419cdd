"""The driver that the newest GPUs need: by capability, by product, and where nobody states it."""

from __future__ import annotations

import pytest

from tests.unit.rules.harness import said_with_hints

FLOOR = ("PASS", "Driver {0} drives {1}: capability 10.0 needs a driver >= 570.26.", "")


def test_one_product_may_need_more_than_its_capability() -> None:
    text = (
        "NVIDIA B200 needs a driver >= 570.133.20: said of HGX B200 and the driver containers of the GPU Operator; "
        "the hosts have 570.86.15. This rests on knowledge that no primary source confirms, so it is a warning."
    )
    assert said_with_hints("DRIVER103", gpus=["HGX B200"], driver="570.86.15") == [
        (FLOOR[0], FLOOR[1].format("570.86.15", "HGX B200"), ""),
        ("WARN", text, "update the driver to 570.133.20 or later"),
    ]


@pytest.mark.parametrize(
    ("gpu", "driver"), [("B200", "570.133.20"), ("GB200", "570.86.15"), ("10.0", "570.86.15")]
)
def test_no_other_is_warned_of(gpu: str, driver: str) -> None:
    assert said_with_hints("DRIVER103", gpus=[gpu], driver=driver) == [
        (FLOOR[0], FLOOR[1].format(driver, gpu), "")
    ]


@pytest.mark.parametrize("gpu", ["B300", "GB300", "Jetson AGX Thor", "DGX Spark"])
def test_what_no_source_states_is_told(gpu: str) -> None:
    ((outcome, message, _),) = said_with_hints("DRIVER103", gpus=[gpu], driver="570.86.15")
    assert (outcome, message.startswith(f"no data on the least driver for {gpu} (1")) == ("SKIP", True)


def test_an_old_gpu_is_driven_by_every_driver() -> None:
    assert said_with_hints("DRIVER103", gpus=["A100"], driver="535.104.05") == []
