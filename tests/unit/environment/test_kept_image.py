"""What pip leaves in an image that brings torch, and what an installer builds: asked of the Environment."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck import knowledge
from stackcheck.environment import Environment, environment_of
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution

IMAGE = "pytorch/pytorch:2.1.0-cuda12.1-cudnn8-devel"
TAKEN = (
    LockedPackage("pandas", Version("2.2.0"), "pandas-2.2.0-cp310-cp310-manylinux_2_17_x86_64.whl"),
    LockedPackage("numpy", Version("2.2.6"), "numpy-2.2.6-cp310-cp310-manylinux_2_17_x86_64.whl"),
)


def environment(image: dict[str, str], *locked: LockedPackage, **packages: Any) -> Environment:
    stack = Stack.model_validate({"id": "x", "image": image, "packages": packages})
    resolution = Resolution(locked, "3.10", "x86_64-manylinux_2_28", "0.13.9", "") if locked else None
    return environment_of(stack, knowledge.load(), None, resolution)


@pytest.mark.parametrize("image", [{"ready": IMAGE}, {"base": IMAGE, "dockerfile": "Dockerfile"}])
def test_what_is_drawn_into_an_image_with_torch_is_not_known(image: dict[str, str]) -> None:
    env = environment(image, *TAKEN, pandas="latest")
    assert "numpy" not in env.packages
    assert env.version("pandas") is None
    assert environment(image, *TAKEN, pandas="2.2.0").version("pandas") == Version("2.2.0")


@pytest.mark.parametrize(
    "image", [{"base": IMAGE}, {"base": "python:3.10", "dockerfile": "Dockerfile"}, {"ready": "mine:1"}]
)
def test_what_a_lock_puts_into_an_image_is_known(image: dict[str, str]) -> None:
    env = environment(image, *TAKEN, pandas="latest")
    assert (env.version("numpy"), env.version("pandas")) == (Version("2.2.6"), Version("2.2.0"))


SDIST = LockedPackage("flash-attn", Version("2.9.0"), "flash_attn-2.9.0.tar.gz")
WHEEL = LockedPackage("flash-attn", Version("2.9.0"), "flash_attn-2.9.0-cp310-cp310-linux_x86_64.whl")


@pytest.mark.parametrize(
    ("name", "version", "fields", "builds"),
    [
        ("vllm", "0.4.2", {"python": "3.12"}, True),
        ("vllm", "0.4.2", {"python": "3.11"}, False),
        ("vllm", "0.4.2", {"python": "3.12", "source_builds": "forbid"}, False),
        ("triton", "2.0.0", {"python": "3.12"}, False),  # there is no archive of it
    ],
)
def test_a_pin_without_a_wheel_that_fits_is_built_from_its_source_archive(
    name: str, version: str, fields: dict[str, str], builds: bool
) -> None:
    stated = {"id": "x", "platform": "linux/amd64", "packages": {name: version}, **fields}
    env = environment_of(Stack.model_validate(stated), knowledge.load(), None, None)
    assert env.builds(name) is builds


@pytest.mark.parametrize(
    ("stated", "locked", "builds"),
    [
        ("2.8.3", (), True),  # what was read of PyPI
        ("2.9.0", (), False),  # later than what was read: nobody has looked
        ("2.9.0", (SDIST,), True),  # the resolver found no wheel
        ("2.9.0", (WHEEL,), False),
        ("2.8.3+cu12torch2.8cxx11abitrue", (), False),
        ({"version": "2.9.0", "from": "source"}, (), True),
    ],
)
def test_whether_an_installer_builds(stated: Any, locked: tuple[LockedPackage, ...], builds: bool) -> None:
    env = environment({}, *locked, **{"flash-attn": stated})
    assert env.builds("flash-attn") is builds
    assert env.compiled == (("flash-attn",) if builds and (locked or not isinstance(stated, str)) else ())


@pytest.mark.parametrize("wanted", ["latest", ">=2.0"])
def test_a_torch_that_any_version_serves_is_the_image_s_own(wanted: str) -> None:
    env = environment({"base": IMAGE, "dockerfile": "Dockerfile"}, torch=wanted)
    assert (env.torch.origin, env.torch.version) == ("image", Version("2.1.0"))


def test_another_torch_takes_the_place_of_the_image_s() -> None:
    env = environment({"base": IMAGE, "dockerfile": "Dockerfile"}, torch="2.5.1")
    assert (env.torch.origin, env.torch.version) == ("wheel", Version("2.5.1"))
