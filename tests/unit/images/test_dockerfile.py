"""The Dockerfile of a stack, as text: every variant literally."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from stackcheck.images.dockerfile import (
    CA,
    ENVFILE,
    NETRC,
    commit_changes,
    install_script,
    make_recipe,
    render,
)
from stackcheck.images.dockersteps import with_base
from stackcheck.intake.stack import Stack
from stackcheck.model.errors import DefinitionError
from stackcheck.model.resolution import LockedPackage, Resolution

TORCH = LockedPackage(
    "torch",
    Version("2.5.0+cu124"),
    "torch-2.5.0+cu124-cp311-cp311-linux_x86_64.whl",
    "https://download.pytorch.org/whl/cu124/torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl",
    sha256="a" * 64,
)
LOCAL = LockedPackage(
    "tiny",
    Version("1.0+x"),
    "tiny-1.0+x-py3-none-any.whl",
    "file:///srv/tiny-1.0%2Bx-py3-none-any.whl",
    sha256="b" * 64,
)
SOURCE = LockedPackage(
    "mmcv", Version("2.2.0"), "mmcv-2.2.0.tar.gz", "https://example.com/mmcv-2.2.0.tar.gz", sha256="c" * 64
)
PIP = "/opt/venv/bin/python -m pip --disable-pip-version-check --no-input"
INSTALL = f"{PIP} install --no-cache-dir --progress-bar off --no-deps --no-index --only-binary :all:"


def stack(**fields: Any) -> Stack:
    return Stack.model_validate({"id": "small-py311", "python": "3.11", **fields})


def resolution(*packages: LockedPackage) -> Resolution:
    return Resolution(packages, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


def test_a_plain_stack_installs_the_locked_files_and_sets_its_environment() -> None:
    recipe = make_recipe(stack(env={"SPCONV_DISABLE_JIT": "1"}), resolution(TORCH), "python:3.11-slim")
    assert (
        render(recipe)
        == f"""\
# Written by stackcheck; a change here is lost.
FROM python:3.11-slim
COPY requirements.txt /opt/stackcheck/
RUN python3 -m venv /opt/venv \\
 && {INSTALL} --require-hashes -r /opt/stackcheck/requirements.txt
ENV VIRTUAL_ENV="/opt/venv"
ENV PATH="/opt/venv/bin:$PATH"
ENV SPCONV_DISABLE_JIT="1"
LABEL stackcheck.stack="small-py311"
LABEL org.opencontainers.image.base.name="python:3.11-slim"
"""
    )
    assert recipe.files == {
        "requirements.txt": "torch @ https://download.pytorch.org/whl/cu124/"
        f"torch-2.5.0%2Bcu124-cp311-cp311-linux_x86_64.whl --hash=sha256:{'a' * 64}\n"
    }


def test_secrets_are_mounted_for_the_steps_and_named_nowhere_else() -> None:
    recipe = make_recipe(stack(image={"apt": ["libgl1"]}), resolution(TORCH), "debian:12")
    text = render(recipe, secrets=(CA, NETRC, "token"))
    assert (
        text
        == f"""\
# Written by stackcheck; a change here is lost.
FROM debian:12
RUN --mount=type=secret,id=stackcheck-ca,required=true \\
    --mount=type=secret,id=stackcheck-netrc,required=true \\
    --mount=type=secret,id=token,required=true \\
    export PIP_CERT=/run/secrets/stackcheck-ca \\
 && export SSL_CERT_FILE=/run/secrets/stackcheck-ca \\
 && export REQUESTS_CA_BUNDLE=/run/secrets/stackcheck-ca \\
 && export CURL_CA_BUNDLE=/run/secrets/stackcheck-ca \\
 && export NETRC=/run/secrets/stackcheck-netrc \\
 && apt-get -o Acquire::https::CaInfo=/run/secrets/stackcheck-ca update -qq \\
 && env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
-o Acquire::https::CaInfo=/run/secrets/stackcheck-ca libgl1 \\
 && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /opt/stackcheck/
RUN --mount=type=secret,id=stackcheck-ca,required=true \\
    --mount=type=secret,id=stackcheck-netrc,required=true \\
    --mount=type=secret,id=token,required=true \\
    export PIP_CERT=/run/secrets/stackcheck-ca \\
 && export SSL_CERT_FILE=/run/secrets/stackcheck-ca \\
 && export REQUESTS_CA_BUNDLE=/run/secrets/stackcheck-ca \\
 && export CURL_CA_BUNDLE=/run/secrets/stackcheck-ca \\
 && export NETRC=/run/secrets/stackcheck-netrc \\
 && python3 -m venv /opt/venv \\
 && {INSTALL} --require-hashes -r /opt/stackcheck/requirements.txt
ENV VIRTUAL_ENV="/opt/venv"
ENV PATH="/opt/venv/bin:$PATH"
LABEL stackcheck.stack="small-py311"
LABEL org.opencontainers.image.base.name="debian:12"
"""
    )


def test_a_source_build_happens_in_a_stage_of_its_own_and_only_its_wheel_comes_out() -> None:
    fields = {
        "arch_list": ["8.6", "9.0"],
        "index": {"url": "https://user:word@example.com/simple", "extra": ["https://pypi.org/simple"]},
        "image": {"build_base": "nvidia/cuda:12.4.1-devel-ubuntu22.04"},
    }
    recipe = make_recipe(stack(**fields), resolution(SOURCE, TORCH), "ubuntu:22.04")
    assert (
        render(recipe)
        == f"""\
# Written by stackcheck; a change here is lost.
FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS build
COPY requirements.txt sources.txt /opt/stackcheck/
ENV TORCH_CUDA_ARCH_LIST="8.6;9.0"
RUN python3 -m venv /opt/venv \\
 && {INSTALL} --require-hashes -r /opt/stackcheck/requirements.txt
RUN {PIP} install --no-cache-dir --progress-bar off --index-url https://example.com/simple \
--extra-index-url https://pypi.org/simple setuptools wheel ninja
RUN {PIP} wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes \
-r /opt/stackcheck/sources.txt -w /opt/stackcheck/built

FROM ubuntu:22.04
COPY requirements.txt sources.txt /opt/stackcheck/
COPY --from=build /opt/stackcheck/built /opt/stackcheck/built
RUN python3 -m venv /opt/venv \\
 && {INSTALL} --require-hashes -r /opt/stackcheck/requirements.txt \\
 && {INSTALL} /opt/stackcheck/built/*.whl
ENV VIRTUAL_ENV="/opt/venv"
ENV PATH="/opt/venv/bin:$PATH"
LABEL stackcheck.stack="small-py311"
LABEL org.opencontainers.image.base.name="ubuntu:22.04"
"""
    )
    assert recipe.files["sources.txt"] == (
        f"mmcv @ https://example.com/mmcv-2.2.0.tar.gz --hash=sha256:{'c' * 64}\n"
    )


def test_nothing_is_built_from_source_when_the_lock_has_wheels_only() -> None:
    recipe = make_recipe(stack(image={"build_base": "gcc:12"}), resolution(TORCH), "debian:12")
    assert not recipe.sources
    assert "gcc:12" not in render(recipe)


def test_a_local_wheel_is_copied_in_and_named_by_its_place_there() -> None:
    recipe = make_recipe(stack(), resolution(LOCAL), "debian:12")
    assert recipe.local == ("file:///srv/tiny-1.0%2Bx-py3-none-any.whl",)
    assert recipe.files["requirements.txt"] == (
        f"tiny @ file:///opt/stackcheck/wheels/tiny-1.0%2Bx-py3-none-any.whl --hash=sha256:{'b' * 64}\n"
    )
    assert "COPY wheels /opt/stackcheck/wheels\n" in render(recipe)


def test_steps_run_as_root_and_the_image_keeps_the_user_of_its_base() -> None:
    lines = render(make_recipe(stack(), resolution(TORCH), "debian:12", "app")).splitlines()
    assert lines[1:3] == ["FROM debian:12", "USER 0"]
    assert lines.index("USER app") > lines.index('ENV VIRTUAL_ENV="/opt/venv"')


def test_values_are_quoted_so_that_nothing_is_expanded() -> None:
    recipe = make_recipe(stack(env={"ODD": 'a "b" $HOME \\ c'}), resolution(TORCH), "debian:12")
    assert 'ENV ODD="a \\"b\\" \\$HOME \\\\ c"\n' in render(recipe)


def test_labels_of_an_owner_come_first_in_every_stage() -> None:
    text = render(make_recipe(stack(), resolution(SOURCE), "debian:12"), labels={"stackcheck.owner": "me"})
    assert text.count('\nLABEL stackcheck.owner="me"\n') == 2
    assert 'FROM debian:12 AS build\nLABEL stackcheck.owner="me"\n' in text


def test_the_same_steps_as_a_script_for_an_engine_without_mounts() -> None:
    recipe = make_recipe(stack(image={"apt": ["libgl1"]}, env={"A": "1"}), resolution(TORCH), "debian:12")
    assert (
        install_script(recipe, (CA, NETRC, ENVFILE))
        == f"""\
set -e
export PIP_CERT=/run/secrets/stackcheck-ca
export SSL_CERT_FILE=/run/secrets/stackcheck-ca
export REQUESTS_CA_BUNDLE=/run/secrets/stackcheck-ca
export CURL_CA_BUNDLE=/run/secrets/stackcheck-ca
export NETRC=/run/secrets/stackcheck-netrc
. /run/secrets/stackcheck-env
apt-get -o Acquire::https::CaInfo=/run/secrets/stackcheck-ca update -qq
env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
-o Acquire::https::CaInfo=/run/secrets/stackcheck-ca libgl1
rm -rf /var/lib/apt/lists/*
python3 -m venv /opt/venv
{INSTALL} --require-hashes -r /opt/stackcheck/requirements.txt
"""
    )
    assert commit_changes(recipe) == [
        'ENV VIRTUAL_ENV="/opt/venv"',
        'ENV PATH="/opt/venv/bin:$PATH"',
        'ENV A="1"',
        'LABEL stackcheck.stack="small-py311"',
        'LABEL org.opencontainers.image.base.name="debian:12"',
    ]


@pytest.mark.parametrize(
    ("fields", "base", "fault"),
    [
        ({"env": {"A": "x\nRUN rm -rf /"}}, "debian:12", "env.A: has a line end"),
        ({"env": {"A B": "x"}}, "debian:12", "env.A B: not the name of a variable"),
        ({"image": {"apt": ["git; rm"]}}, "debian:12", "image.apt: 'git; rm' is not a package name"),
        ({}, "debian:12\nRUN x", "image.base: 'debian:12\\nRUN x' is not an image reference"),
    ],
)
def test_what_would_break_out_of_its_line_is_refused(fields: dict[str, Any], base: str, fault: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make_recipe(stack(**fields), resolution(TORCH), base)
    assert f"small-py311: {fault}" in caught.value.faults


def test_a_locked_file_without_a_hash_is_refused() -> None:
    bare = LockedPackage("six", Version("1.0"), "six-1.0-py3-none-any.whl", "https://example.com/six.whl")
    with pytest.raises(
        DefinitionError, match=r"small-py311: the lock has no sha256 of six-1.0-py3-none-any.whl"
    ):
        make_recipe(stack(), resolution(bare), "debian:12")


def test_another_base_takes_the_place_of_one_in_its_lines_alone() -> None:
    text = "from --platform=linux/amd64 a:1 AS one\nFROM a:1\nRUN echo FROM a:1\nFROM a:10\nFROM $BASE\n"
    assert with_base(text, "a:1", "b:2") == (
        "from --platform=linux/amd64 b:2 AS one\nFROM b:2\nRUN echo FROM a:1\nFROM a:10\nFROM $BASE\n"
    )
