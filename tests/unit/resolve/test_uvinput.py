"""What uv is asked for a stack: platform, project file, environment; no secret in any of it but the environment."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from stackcheck.environment.uv_platforms import uv_platform
from stackcheck.intake.stack import Stack
from stackcheck.model.index_urls import Place, places
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.resolve.question import question_of
from stackcheck.resolve.resolver import with_image, with_torch_of_image
from stackcheck.resolve.uvinput import UvInput, uv_input


def stack(**fields: Any) -> Stack:
    return Stack.model_validate({"id": "s", "python": "3.11", "packages": {"torch": "2.5.0"}, **fields})


def asked_of(stack: Stack, environ: dict[str, str], *, offline: bool = False) -> UvInput:
    return uv_input(question_of(stack), environ, offline=offline)


@pytest.mark.parametrize(
    ("fields", "platform", "assumed"),
    [
        ({"platform": "linux/amd64", "glibc": "2.36"}, "x86_64-manylinux_2_36", ()),
        ({"platform": "linux/arm64", "glibc": "2.39"}, "aarch64-manylinux_2_39", ()),
        ({"platform": "linux/amd64", "glibc": "2.27"}, "x86_64-manylinux_2_17", ()),
        ({"platform": "linux/amd64", "glibc": "2.43"}, "x86_64-manylinux_2_40", ()),
        ({"platform": "linux/amd64"}, "x86_64-manylinux_2_28", ("glibc 2.28",)),
        ({"platform": "linux/amd64", "os": "Ubuntu 18.04"}, "x86_64-manylinux_2_17", ()),
        ({"platform": "linux/amd64", "os": "debian 12"}, "x86_64-manylinux_2_28", ()),
        ({}, "x86_64-manylinux_2_28", ("platform linux/amd64", "glibc 2.28")),
        ({"platform": "windows/amd64"}, "x86_64-pc-windows-msvc", ()),
        ({"platform": "macos/arm64"}, "aarch64-apple-darwin", ()),
    ],
)
def test_the_platform_is_what_the_stack_states_and_the_rest_is_said_to_be_assumed(
    fields: dict[str, Any], platform: str, assumed: tuple[str, ...]
) -> None:
    assert uv_platform(stack(**fields)) == (platform, assumed)


def test_asking_again_takes_all_that_the_system_has() -> None:
    assert uv_platform(stack(platform="linux/amd64"), lenient=True)[0] == "x86_64-manylinux_2_40"
    assert uv_platform(stack(platform="linux/amd64", os="debian 12"), lenient=True)[0].endswith("2_36")
    assert uv_platform(stack(platform="linux/amd64", glibc="2.31"), lenient=True)[0].endswith("2_31")


def test_the_project_states_packages_indexes_and_where_each_package_comes_from() -> None:
    wanted = stack(
        packages={
            "torch": {"version": "2.5.0+cu124", "index": "https://u:pw@host/whl/cu124"},
            "mmcv": {"version": ">=2,<3", "find_links": "https://host/mmcv/index.html"},
            "numpy": "latest",
            "cudatoolkit": {"version": "11.8", "from": "conda"},
        },
        index={"url": "https://host/simple", "extra": ["https://more/simple"]},
    )
    asked = asked_of(wanted, {"PATH": "/bin"})
    project = tomllib.loads(asked.project)
    assert project["project"]["dependencies"] == [
        "torch==2.5.0+cu124",
        "mmcv<3,>=2",
        "numpy",
        "cudatoolkit==11.8",
    ]
    assert project["tool"]["uv"]["sources"] == {
        "torch": {"index": "host-whl-cu124"},
        "mmcv": {"index": "host-mmcv-index-html"},
        "cudatoolkit": {"index": "given"},
    }
    assert project["tool"]["uv"]["index"] == [
        {"name": "host-whl-cu124", "url": "https://host/whl/cu124", "explicit": True},
        {
            "name": "host-mmcv-index-html",
            "url": "https://host/mmcv/index.html",
            "format": "flat",
            "explicit": True,
        },
        {"name": "more", "url": "https://more/simple"},
        {"name": "host", "url": "https://host/simple", "default": True},
        {"name": "given", "url": "given", "format": "flat", "explicit": True},
    ]
    assert asked.env["UV_INDEX_HOST_WHL_CU124_USERNAME"] == "u"
    assert asked.env["UV_INDEX_HOST_WHL_CU124_PASSWORD"] == "pw"


def test_only_wheels_are_taken_unless_a_package_is_stated_as_source() -> None:
    plain = asked_of(stack(), {}).args
    assert plain[plain.index("--only-binary") + 1] == ":all:"
    assert "--no-binary" not in plain
    source = asked_of(stack(packages={"mmcv": {"version": "2.2.0", "from": "source"}}), {})
    assert source.args[source.args.index("--no-binary") + 1] == "mmcv"
    [metadata] = tomllib.loads(source.project)["tool"]["uv"]["dependency-metadata"]
    assert metadata == {"name": "mmcv", "requires-dist": []}


def test_two_places_on_one_address_stay_two() -> None:
    wanted = stack(
        packages={"torch": {"version": "2.5.0", "index": "https://host/simple"}},
        index={"extra": ["https://host/simple"]},
    )
    rows = tomllib.loads(asked_of(wanted, {}).project)["tool"]["uv"]["index"]
    assert [(row["name"], row.get("explicit", False)) for row in rows] == [("host", True), ("host-1", False)]


def test_the_environment_keeps_transport_and_drops_what_would_change_the_choice() -> None:
    environ = {
        "PATH": "/bin", "HOME": "/h", "HTTPS_PROXY": "http://p:pw@proxy:1", "PIP_CERT": "/ca.pem",
        "PIP_FIND_LINKS": "/a /b", "UV_INDEX_MAIN_PASSWORD": "pw", "UV_EXCLUDE_NEWER": "2024-01-01",
        "PIP_EXTRA_INDEX_URL": "https://bob:pw@h/simple", "UV_DEFAULT_INDEX": "https://mirror/simple",
        "AWS_SECRET_ACCESS_KEY": "no", "PYTHONPATH": "/x",
    }  # fmt: skip
    asked = asked_of(stack(), environ)
    assert asked.env["SSL_CERT_FILE"] == "/ca.pem"
    assert asked.env["UV_FIND_LINKS"] == "/a,/b"
    assert asked.env["UV_INDEX"] == "https://bob:pw@h/simple"
    assert asked.env["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "UV_EXCLUDE_NEWER"}.isdisjoint(asked.env)
    assert asked.ignored == ("UV_EXCLUDE_NEWER=2024-01-01",)
    assert "PIP_EXTRA_INDEX_URL=https://***@h/simple" in asked.honoured
    assert "UV_INDEX_MAIN_PASSWORD=***" in asked.honoured
    assert "pw" not in repr((asked.honoured, asked.ignored, asked.project, asked.args))


def test_a_stated_index_is_not_replaced_by_a_setting_and_that_is_said() -> None:
    asked = asked_of(stack(index={"url": "https://host/simple"}), {"PIP_INDEX_URL": "https://mirror/simple"})
    assert "UV_DEFAULT_INDEX" not in asked.env
    assert asked.ignored == ("PIP_INDEX_URL=https://mirror/simple",)


def test_the_user_may_ask_uv_to_stay_offline() -> None:
    assert "--offline" in asked_of(stack(), {"UV_OFFLINE": "1"}).args
    assert "--offline" in asked_of(stack(), {}, offline=True).args
    assert "--offline" not in asked_of(stack(), {}).args


def test_a_folder_lies_beside_the_definition() -> None:
    [place] = places(stack(index={"find_links": ["wheels"]}, file="/project/matrices/m.toml"))
    assert place == Place("/project/matrices/wheels", flat=True)


def test_a_place_knows_the_page_of_a_package() -> None:
    assert Place("https://h/simple").page_of("torch") == "https://h/simple/torch/"
    assert Place("https://h/torch.html", flat=True).page_of("torch") == "https://h/torch.html"
    assert Place("https://u:p@h/simple/").shown == "https://h/simple/"


def test_extras_are_asked_for() -> None:
    asked = asked_of(stack(packages={"ray[default,tune]": "2.40.0", "torch": "2.5.0"}), {})
    assert tomllib.loads(asked.project)["project"]["dependencies"] == [
        "ray[default,tune]==2.40.0",
        "torch==2.5.0",
    ]


IMAGE = "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel"


def test_pip_finds_the_torch_of_the_image_and_draws_in_no_other() -> None:
    """Of PyPI's newest torch, which torchmetrics would draw in, every CUDA library was told as a clash."""
    image = {"dockerfile": "Dockerfile", "base": IMAGE}
    asked = with_torch_of_image(question_of(stack(packages={"torchmetrics": "1.4.0"}, image=image)))
    made = uv_input(asked, {}, offline=False)
    project = tomllib.loads(made.project)
    assert project["project"]["dependencies"] == ["torchmetrics==1.4.0", "torch==2.6.0"]
    assert project["tool"]["uv"]["sources"] == {"torch": {"index": "given"}}
    assert [*made.given] == ["torch"]


@pytest.mark.parametrize(
    "fields",
    [
        {"packages": {"torch": "2.5.0"}, "image": {"dockerfile": "Dockerfile", "base": IMAGE}},
        {"packages": {"einops": "0.8.0"}, "image": {"dockerfile": "Dockerfile", "base": "debian:12"}},
        {"packages": {"einops": "0.8.0"}, "image": {"base": IMAGE}},
        {"packages": {"einops": "0.8.0"}},
    ],
)
def test_no_torch_is_given_where_the_stack_has_its_own_or_the_image_none(fields: dict[str, Any]) -> None:
    asked = question_of(stack(**fields))
    assert with_torch_of_image(asked) == asked


def test_what_an_image_may_have_in_another_version_is_said() -> None:
    taken = tuple(
        LockedPackage(name, Version("1.0"), f"{name}-1.0-py3-none-any.whl")
        for name in ("torchmetrics", "a", "b", "c", "d", "e")
    )
    found = Resolution(taken, "3.11", "x86_64-manylinux_2_28", "0.13.9", "")
    asked = stack(packages={"torchmetrics": "1.0"}, image={"dockerfile": "Dockerfile", "base": IMAGE})
    (note,) = with_image(found, asked).left_out
    assert note == f"a, b, c, d and 1 more: {IMAGE} may have another version, which pip keeps"
    for image in ({"base": IMAGE}, {"dockerfile": "Dockerfile", "base": "debian:12"}):
        assert with_image(found, stack(packages={"torchmetrics": "1.0"}, image=image)) == found
    alone = replace(found, packages=taken[:1])
    assert with_image(alone, asked) == alone


def test_offline_nobody_looks_at_certificates() -> None:
    environ = {"SSL_CERT_FILE": "/ca.pem", "SSL_CERT_DIR": "/certs", "UV_NATIVE_TLS": "1", "HTTPS_PROXY": "h"}
    assert asked_of(stack(), environ).env.keys() >= environ.keys()
    asked = asked_of(stack(), environ, offline=True)
    assert asked.env.keys() & environ.keys() == {"HTTPS_PROXY"}
    assert asked.honoured == asked.ignored == ()
