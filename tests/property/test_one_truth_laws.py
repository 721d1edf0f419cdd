"""One stack, one truth: laws over many definitions that every verdict, wherever it is made, has to keep."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from pydantic import ValidationError

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts, environment_of
from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.model.verdict import Verdict

pytestmark = pytest.mark.property

KNOWN = knowledge.load()
STATED = rules.before_build(Level.STATED)
WHL = "https://download.pytorch.org/whl"
PYPI = "https://pypi.org/simple"
VERSIONS = (None, "2.5.0", "2.5.0+cu124", "2.5.0+cpu", ">=2.5,<2.6", "latest", "2.6.0", "2.9.0")
CORP = "https://mirror.corp/pytorch/whl/cu121"
URLS = (None, f"{WHL}/cu118", f"{WHL}/cpu", PYPI, CORP, f"{WHL}/nightly/cu128", WHL)
CUDAS = (None, "12.4", "11.8", "12.1")
ACCELERATORS = (None, "cpu", "cuda", "rocm")
ORIGINS = (None, "source")
_BUILD = re.compile(r"torch \d[\w.]*(?:\+| \()(cu\d+|cpu|rocm[\d.]+)\b")
"""How messages name a build of torch: torch 2.5.0+cu124, torch 2.5.0 (cu124)."""


def _fields(choice: tuple[Any, ...]) -> dict[str, Any] | None:
    version, url, cuda, own, extra, accelerator, origin = choice
    if (version is None and (own or origin)) or (extra and (own or not url)):
        return None
    fields: dict[str, Any] = {"id": "x"}
    if version:
        package = {"version": version} | ({"index": url} if own and url else {})
        fields["packages"] = {"torch": package | ({"from": origin} if origin else {})}
    if url and not own:
        fields["index"] = {"extra": [url]} if extra else {"url": url}
    fields |= ({"cuda": cuda} if cuda else {}) | ({"accelerator": accelerator} if accelerator else {})
    return fields


def definitions() -> Iterator[Stack]:
    """Yield every combination of version, index, CUDA, accelerator and origin that is a definition."""
    bools = (False, True)
    for choice in itertools.product(VERSIONS, URLS, CUDAS, bools, bools, ACCELERATORS, ORIGINS):
        fields = _fields(choice)
        if fields is not None:
            try:
                yield Stack.model_validate(fields)
            except ValidationError:
                continue


def judged(
    stack: Stack, environ: Mapping[str, str] | None = None, resolution: Resolution | None = None
) -> tuple[Verdict, ...]:
    return judge_all(STATED, definition_facts(stack, KNOWN, environ, resolution))


def outcomes(verdicts: tuple[Verdict, ...], *without: str) -> dict[str, set[Outcome]]:
    """Return what each code says, those that are about spelling or pinning itself left out."""
    found: dict[str, set[Outcome]] = defaultdict(set)
    for each in verdicts:
        if each.code not in without:
            found[each.code].add(each.outcome)
    return found


def test_no_report_names_two_builds_of_torch() -> None:
    asked, names = 0, 0
    for stack in definitions():
        asked += 1
        torch = environment_of(stack, KNOWN).torch
        named = {
            (match[1], verdict.code)
            for verdict in judged(stack)
            for match in _BUILD.finditer(f"{verdict.message} {verdict.found}")
        }
        names += len(named)
        others = {(tag, code) for tag, code in named if tag != torch.tag}
        assert not others, (stack.model_dump(exclude_defaults=True), torch.tag, others)
    assert (asked, names > 1000) == (4688, True)


BASE: dict[str, Any] = {
    "id": "s", "python": "3.11", "platform": "linux/amd64", "glibc": "2.35", "driver": "550.54.15",
}  # fmt: skip
GPUS = st.sampled_from([["GTX 1080 Ti"], ["L4"], ["RTX 5090"], ["H100", "T4"], ["V100"]])
RELEASES = st.sampled_from(["1.13.0", "2.0.0", "2.4.0", "2.5.0", "2.8.0", "2.9.0", "2.11.0", "2.15.0"])
MIRRORS = ("https://pypi.tuna.tsinghua.edu.cn/simple", "https://mirrors.aliyun.com/pypi/simple/")


def companions(torch: str) -> dict[str, Any]:
    vision = KNOWN.torch.companions_for("torchvision", Version(torch))
    return {"torch": torch, "numpy": "1.26.4"} | ({"torchvision": str(vision[-1].version)} if vision else {})


def variants(fields: dict[str, Any], torch: str) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Yield (what is spelled otherwise, the fields, the user's environment) for one definition."""
    packages = fields["packages"]

    def with_(name: str, value: Any) -> dict[str, Any]:
        return {**fields, "packages": {**packages, name: value}}

    yield "without the last zero", with_("torch", torch.removesuffix(".0")), {}
    yield "with one zero more", with_("torch", f"{torch}.0"), {}
    yield "with ==", with_("torch", f"=={torch}"), {}
    yield "as a table", with_("torch", {"version": torch}), {}
    yield "as a table with a word for wheel", with_("torch", {"version": torch, "from": "wheel"}), {}
    renamed = {name.replace("torch", "Torch", 1): value for name, value in packages.items()}
    yield "with capitals", {**fields, "packages": renamed}, {}
    yield "with a patch of Python", {**fields, "python": "3.11.9"}, {}
    yield "in another order", {**fields, "packages": dict(reversed(packages.items()))}, {}
    yield "the driver as ==", {**fields, "driver": "==550.54.15"}, {}
    yield "each GPU twice", {**fields, "gpus": [*fields["gpus"], *fields["gpus"]]}, {}
    yield "companions without zero", with_("numpy", "1.26.4.0"), {}
    yield "a project's index beside", {**fields, "index": {"extra": ["https://pypi.nvidia.com"]}}, {}


@given(RELEASES, GPUS)
def test_spelled_variants_give_equal_verdicts(torch: str, gpus: list[str]) -> None:
    fields = {**BASE, "gpus": gpus, "packages": companions(torch)}
    plain = outcomes(judged(Stack.model_validate(fields)), "INDEX101", "INDEX103")
    kinds = 0
    for what, varied, environ in variants(fields, torch):
        kinds += 1
        said = outcomes(judged(Stack.model_validate(varied), environ), "INDEX101", "INDEX103")
        assert said == plain, what
    assert kinds >= 10


@given(RELEASES, GPUS, st.sampled_from(MIRRORS))
def test_a_mirror_is_what_it_mirrors_wherever_it_is_named(torch: str, gpus: list[str], mirror: str) -> None:
    fields = {**BASE, "gpus": gpus, "packages": companions(torch)}
    official = outcomes(judged(Stack.model_validate({**fields, "index": {"url": PYPI}})))
    by_field = outcomes(judged(Stack.model_validate({**fields, "index": {"url": mirror}})))
    plain = Stack.model_validate(fields)
    assert by_field == official
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        assert outcomes(judged(plain, {name: mirror})) == by_field


@given(GPUS, st.sampled_from(["cu118", "cu121", "cu124"]))
def test_a_tag_says_the_same_in_the_version_and_in_the_index(gpus: list[str], tag: str) -> None:
    fields = {**BASE, "gpus": gpus}
    index = {"extra": [f"{WHL}/{tag}"]}
    by_version = {**fields, "packages": {"torch": f"2.5.0+{tag}"}, "index": index}
    by_index = {**fields, "packages": {"torch": "2.5.0"}, "index": index}
    one, other = (judged(Stack.model_validate(each)) for each in (by_version, by_index))
    assert outcomes(one, "INDEX101") == outcomes(other, "INDEX101")


def took(torch: str, cuda: str) -> Resolution:
    runtime = "nvidia-cuda-runtime" if cuda.startswith("13") else f"nvidia-cuda-runtime-cu{cuda[:2]}"
    packages = {**companions(torch), runtime: f"{cuda}.1"}
    locked = tuple(
        LockedPackage(name, Version(version), f"{name}-{version}-cp311-cp311-manylinux_2_28_x86_64.whl",
                      index=PYPI, requires=("torch",) if name == "torchvision" else ())
        for name, version in packages.items()
    )  # fmt: skip
    return Resolution(locked, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


ON_PYPI = st.sampled_from([("2.5.0", "12.4"), ("2.8.0", "12.8"), ("2.11.0", "13.0"), ("2.15.0", "13.2")])


@given(ON_PYPI, GPUS)
def test_a_range_is_judged_as_what_it_resolves_to(which: tuple[str, str], gpus: list[str]) -> None:
    torch, cuda = which
    pinned = {**BASE, "gpus": gpus, "packages": companions(torch)}
    ranged = {**pinned, "packages": {name: f">={version}" for name, version in companions(torch).items()}}
    resolution = took(torch, cuda)
    one = judged(Stack.model_validate(pinned), resolution=resolution)
    other = judged(Stack.model_validate(ranged), resolution=resolution)
    assert outcomes(one, "PIN101", "PIN102") == outcomes(other, "PIN101", "PIN102")


@given(ON_PYPI, GPUS)
def test_stronger_evidence_turns_no_right_pass_into_a_fail(which: tuple[str, str], gpus: list[str]) -> None:
    torch, cuda = which
    stack = Stack.model_validate({**BASE, "gpus": gpus, "packages": companions(torch)})
    stated = outcomes(judged(stack))
    resolved = outcomes(judged(stack, resolution=took(torch, cuda)))
    passed = {code for code, said in stated.items() if said <= {Outcome.PASS, Outcome.WARN}}
    assert not {code for code in passed if Outcome.FAIL in resolved.get(code, ())}


ASKED_FOR = {
    "gpus": {"ARCH101", "CUDA103", "ARCH103", "ROCM101"},
    "driver": {"DRIVER101"},
    "glibc": {"GLIBC101"},
    "python": {"PYTHON101"},
    "platform": {"PLATFORM101"},
    "cuda": {"CUDA102", "CUDA101"},
}
"""A fact that a stack states -> the rules of which at least one has to answer, or say why it does not."""
OF_WHEELS = {"python", "platform", "cuda", "glibc"}
"""What asks for nothing where torch is not a wheel: an image or a build of one's own has what it has."""
TORCHES = st.sampled_from(
    [
        {"packages": {"torch": "2.5.0"}},
        {"packages": {"torch": ">=2.4"}},
        {"packages": {"torch": "latest"}},
        {"packages": {"torch": "2.6.0.dev20241112+cu121"}},
        {"packages": {"torch": "99.0"}},
        {"packages": {"vllm": "0.11.0"}},
        {"packages": {"bitsandbytes": "0.46.0"}},
        {"packages": {"torchvision": "0.20.0", "torch": ">=2.4"}},
        {"packages": {"torch": {"version": "2.5.0", "from": "source"}}},
        {"packages": {"torch": {"version": "2.5.0", "from": "conda"}}},
        {"packages": {"torch": "2.5.0"}, "index": {"url": "https://pypi.corp.example/simple"}},
        {"packages": {"torch": "2.5.0"}, "index": {"url": "https://repo.radeon.com/rocm/manylinux/x/"}},
        {"packages": {"torch": ">=2.4"}, "index": {"url": f"{WHL}/cu121"}},
        {"packages": {"torch": "2.5.0+cpu"}},
        {"packages": {"torch": "2.5.0"}, "accelerator": "rocm"},
        {"image": {"ready": "pytorch/pytorch:2.3.1-cuda12.1-cudnn8-devel"}},
        {"image": {"ready": "nvcr.io/nvidia/pytorch:25.08-py3"}},
        {"image": {"ready": "nvcr.io/nvidia/pytorch:25.02-py3"}, "packages": {"torchvision": "0.21.0"}},
    ]
)


@given(TORCHES, GPUS)
def test_what_a_stated_fact_asks_for_is_judged_or_listed_with_the_reason(
    torch: dict[str, Any], gpus: list[str]
) -> None:
    stack = Stack.model_validate({**BASE, "cuda": "12.4", "gpus": gpus, **torch})
    said, known = judged(stack), environment_of(stack, KNOWN).torch
    for fact, codes in ASKED_FOR.items():
        if (fact in OF_WHEELS and not known.is_wheel) or (fact == "driver" and known.kind in ("cpu", "rocm")):
            continue  # what cannot apply is not shown
        assert codes & {each.code for each in said}, (fact, torch)
    assert all(each.message for each in said)
