"""Wheels with native code against the Python, torch and CUDA that they were made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.model.build import tag_cuda
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.official_wheels import official_wheels
from stackcheck.rules.questions import FITS_CUDA, accepts
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned
from stackcheck.rules.wheels.stated_measured import cuda_of_builds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment, TorchBuild
    from stackcheck.environment.madefor import MadeFor
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.measured import Measured
    from stackcheck.knowledge.wheels import BuiltCuda, NamedCuda
    from stackcheck.model.facts import Facts

TRIO = frozenset({"torch", "torchvision", "torchaudio"})
"""Judged by the rules of torch itself."""


_MINOR = Evidence(
    "libtorch has no stable C++ interface between minor releases; patch releases share it",
    "https://github.com/Dao-AILab/flash-attention/issues/931; "
    "https://github.com/rusty1s/pytorch_scatter/issues/348 "
    "(checked 2026-11-20)",
)


_MAJOR = Evidence(
    "libcudart's soname holds the CUDA major version; minors of one major are compatible",
    "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html (checked 2026-11-20)",
)


_ABI = Evidence(
    "c10::Error(SourceLocation, std::string) is mangled with `Ss` without the C++11 ABI and with "
    "`__cxx11` with it",
    "https://github.com/Dao-AILab/flash-attention/issues/940; PyTorch 2.6.0 and 2.7.0 release notes "
    "(checked 2026-11-20)",
)


def _has_made(facts: Facts) -> bool:
    env: Environment = facts["env"]
    return any(
        "+" in package.version or package.find_links or package.index or package.built_for
        for name, package in env.packages.items()
        if name not in TRIO
    ) or bool(env.index.find_links or env.index.extra)


def _made(env: Environment) -> Iterator[tuple[str, Distribution, MadeFor]]:
    for name, package in env.packages.items():
        if name not in TRIO and (made := env.made_for(name)):
            yield name, package, made


def _ambiguous(name: str, package: Distribution, made: MadeFor) -> Finding:
    minors = " or ".join(made.ambiguous)
    return skipped(
        f"{name} {package.version} was not held against torch: its local version may mean torch {minors}",
        hint=f"state it: {name} = {{ version = ..., built_for = {{ torch = ... }} }}",
    )


def _is_early(claim: TorchBuild) -> bool:
    return claim.nvidia and claim.version is not None and claim.version.is_prerelease


def _has_tagged(facts: Facts) -> bool:
    tables, names = facts["tables"], facts["env"].packages.keys()
    known = (tables.wheels.built_cuda.keys(), tables.measured.names)
    return _has_made(facts) or not all(each.isdisjoint(names) for each in known)


@rule("WHEEL101", when=_has_made, about="package")
def torch_minor(env: Environment) -> list[Finding]:
    """Compiled wheels were made for the torch minor of the stack.

    A C++ extension links against libtorch, whose interface changes between minor releases: the wrong one ends
    in `undefined symbol`. Patch releases share the interface: a wheel for 2.5.0 fits 2.5.1.

    Source: Dao-AILab/flash-attention issue 931; rusty1s/pytorch_scatter issue 348; open-mmlab/mmcv issue
    1727.
    Example: torch-scatter from the page torch-1.9.1+cu111 with torch 1.10.0.
    Fix: take the wheel of the page, or with the local version, of the stack's torch minor.
    """
    claim = env.torch
    if claim.minor is None:
        return []
    findings: list[Finding] = []
    for name, package, made in _made(env):
        if made.ambiguous:
            findings.append(_ambiguous(name, package, made))
        if made.torch is None:
            continue
        if made.torch == claim.minor and _is_early(claim):
            findings.append(
                warned(
                    f"{name} {package.version} is made for torch {made.torch} ({made.why}), and "
                    f"{claim.title} of NVIDIA's container is a state before that release: its interface may "
                    "be another one.",
                    _MINOR,
                    expected=f"a {name} that was compiled in the container",
                    found=f"made for torch {made.torch}",
                    hint=f"compile {name} in the container",
                    about=name,
                )
            )
        elif made.torch == claim.minor:
            findings.append(passed(f"{name} is made for torch {made.torch}, as {made.why} says.", _MINOR))
        else:
            bad = failed(
                f"{name} {package.version} is made for torch {made.torch} ({made.why}); the stack has "
                f"torch {claim.version and claim.version.public}.",
                _MINOR,
                expected=f"a {name} made for torch {claim.minor}",
                found=f"made for torch {made.torch}",
                hint=f"take the {name} wheel for torch {claim.minor}, or torch {made.torch}",
            )
            findings.append(bad._replace(question=accepts("torch"), subject=name))
    return findings


@rule("WHEEL102", when=_has_tagged, about="package")
def cuda_major(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled wheels were made for the CUDA major version, and the backend, of torch.

    Another major has another libcudart (libcudart.so.11.0, .so.12, .so.13): the import fails. Another minor
    of
    the same major loads and runs, and is no finding. A CPU wheel beside a CUDA torch loads without GPU ops.
    PyPI has one build of xformers and of vllm for each release, which says nothing of CUDA in its name.

    Source: https://docs.nvidia.com/deploy/cuda-compatibility/; rusty1s/pytorch_scatter
    torch_scatter/__init__.py:59-65; the wheels on PyPI (knowledge/measured/).
    Example: torch-scatter 2.1.2+pt25cu118 with torch 2.5.0+cu124; xformers 0.0.28.post3 from PyPI (CUDA
    12.1) with torch 2.5.1+cu118.
    Fix: take the wheel whose tag has torch's CUDA major version.
    """
    claim = env.torch
    if claim.tag is None:
        return []
    tagged = [
        finding._replace(subject=name, question=FITS_CUDA if finding.outcome is Outcome.FAIL else "")
        for name, package, made in _made(env)
        if made.tag is not None
        for finding in _judge_tag(f"{name} {package.version}", made.tag, made.why, claim)
    ]
    return [*tagged, *builds_on_pypi(env, tables, claim)]


def _judge_tag(what: str, tag: str, why: str, claim: TorchBuild) -> Iterator[Finding]:
    mine, other = claim.cuda, tag_cuda(tag)
    if (
        other is None
        and mine is None
        and (tag == "cpu" or claim.tag == "cpu" or tag[:4] == (claim.tag or "")[:4])
    ):
        return
    if mine is not None and other is not None and mine.major == other.major:
        same = "the CUDA version" if mine == other or other.minor == 0 else "the CUDA major version"
        yield passed(f"{what} is made for {tag}, {same} of {claim.title}.", _MAJOR)
        return
    hint = f"take the wheel for {claim.tag}, or the torch build for {tag}"
    if tag == "cpu":
        yield warned(
            f"{what} is a CPU wheel ({why}) beside {claim.title}: it loads, and has no operators for the "
            "GPU.",
            _MAJOR,
            expected=f"a wheel for {claim.tag}",
            found=tag,
            hint=hint,
        )
        return
    message = f"{what} is made for {tag} ({why}); the stack has {claim.title}"
    if claim.assumed:
        yield warned(
            f"{message}, which follows from {claim.by} and is not stated.",
            _MAJOR,
            expected=f"a wheel for {claim.tag}",
            found=tag,
            hint=f"state the CUDA version of torch (cuda, or a local version); else {hint}",
        )
        return
    yield failed(
        f"{message}, as {claim.by} says.", _MAJOR, expected=f"a wheel for {claim.tag}", found=tag, hint=hint
    )


def _names_cuda(facts: Facts) -> bool:
    named = facts["tables"].wheels.named_cuda
    return any(named(name) for name in facts["env"].packages)


@rule("WHEEL107", when=_names_cuda, about="package")
def named_cuda(env: Environment, tables: Tables) -> list[Finding]:
    """Distributions with a CUDA version in their name fit the CUDA of torch.

    spconv-cu118 and cumm-cu118 are made for CUDA 11: with a torch for CUDA 12 the two runtimes meet in one
    process. nvidia-* wheels of another major than torch's write into the same folders. A minor difference is
    fine: spconv-cu120 serves every CUDA 12.

    Source: traveller59/spconv README.md; https://github.com/rwth-i6/returnn/issues/1802
    (knowledge/told/).
    Example: spconv-cu118 with torch 2.5.0+cu124.
    Fix: take the distribution for torch's CUDA major version.
    """
    claim = env.torch
    mine = claim.cuda
    alone = not claim.origin
    if claim.tag is None and not alone:
        return []
    findings: list[Finding] = []
    for name, package in env.packages.items():
        hit = tables.wheels.named_cuda(name)
        if hit is None or not package.is_wheel:
            continue
        row, digits = hit
        major = int(digits[:2])
        system = _other_system(major, env) if row.of_system else None
        if alone:
            findings += [_not_on_system(name, row, major, system)] if system else []
            continue
        if mine is not None and mine.major == major:
            findings.append(passed(f"{name} has the CUDA major version of {claim.title}.", cite(row, "")))
            continue
        backend = "no CUDA build" if mine is None else f"CUDA {mine.major}"
        message = f"{name} is made for CUDA {major}; {claim.title} is {backend}."
        hint = f"take {row.package} for {backend}" if mine is not None else f"leave {name} out"
        if system is not None:
            brings = f"{claim.title} brings those of {backend} alone" if mine is not None else ""
            findings.append(_not_on_system(name, row, major, system, brings))
        elif row.must_match and mine is not None and not claim.assumed:
            findings.append(
                failed_by(
                    message,
                    (row, f"the name of {name} is its CUDA version"),
                    expected=f"{row.package} for CUDA {mine.major}",
                    found=name,
                    hint=hint,
                    about=name,
                )
            )
        else:
            findings.append(
                warned(message, cite(row, ""), expected=backend, found=name, hint=hint, about=name)
            )
    return findings


def _not_on_system(name: str, row: NamedCuda, major: int, system: str, brings: str = "") -> Finding:
    text = f"{name} looks for the libraries of CUDA {major} on the system, and {system}"
    return failed_by(
        f"{text}; {brings}." if brings else f"{text}.",
        (row, f"{row.package} takes CUDA from the system"),
        expected=f"{row.package} for the CUDA that is there",
        found=name,
        hint=f"take {row.package} for that, or add the nvidia-*-cu{major} packages",
        about=name,
    )


def _other_system(major: int, env: Environment) -> str | None:
    """Say which CUDA the system has, where it is known and of another major; None where it may have this."""
    image = env.image
    found = [(env.toolkit[0], env.toolkit[1])] if env.toolkit else []
    found += [(image.cuda, f"the image {image.name}")] if image and image.cuda else []
    if not found or any(version.major == major for version, _ in found):
        return None
    version, by = found[0]
    return f"{by} says CUDA {version}"


def _torch_abi(claim: TorchBuild, env: Environment, tables: Tables) -> bool | None:
    if claim.nvidia:
        return True
    if claim.version is None or not claim.official:
        return None
    platform = env.platform
    if not platform.startswith("linux") or (env.stack.os or "").lower().startswith("windows"):
        return None  # the macro is libstdc++'s: there is no such choice on Windows
    return tables.torch.abi(claim.version, claim.cuda if not claim.assumed else None, platform)


@rule("WHEEL103", when=_has_made, about="package")
@official_wheels()
def cxx11_abi(env: Environment, tables: Tables) -> list[Finding]:
    """Compiled wheels use the C++11 ABI exactly where torch does.

    std::string has two layouts. torch's wheels on PyPI and its index use the old one up to 2.5.1 (2.6.0 for
    some CUDA versions) and the new one from 2.7 on; NVIDIA's containers always use the new one. The wrong
    wheel ends in `undefined symbol ... __cxx11 ...` or `...Ss`.

    Source: bytes of the wheels; Dao-AILab/flash-attention issue 940; flashinfer-ai/flashinfer issue 911.
    Example: flash-attn 2.5.5+cu118torch2.2cxx11abiTRUE with torch 2.2.0 from PyPI.
    Fix: take the other of the two wheels (cxx11abiFALSE), or build in the container.
    """
    claim = env.torch
    mine = _torch_abi(claim, env, tables)
    findings: list[Finding] = []
    for name, package, made in _made(env):
        theirs, why = made.abi, made.why
        if theirs is None and made.torch is not None and (claim.nvidia or _builds_differ(made, claim)):
            # A wheel without the word is built against torch's official wheels, so it has their ABI.
            theirs = tables.torch.abi(f"{made.torch}.0", made.cuda, "linux/amd64")
            why = f"{made.why}: made for the official wheels of torch {made.torch}"
        if theirs is None:
            continue
        if mine is None:
            findings.append(skipped(f"no data on the C++11 ABI of {claim.title}, so {name} was not compared"))
        elif theirs == mine:
            findings.append(passed(f"{name} and {claim.title} use the same C++ ABI ({_word(mine)}).", _ABI))
        else:
            findings.append(
                failed(
                    f"{name} {package.version} is built {_word(theirs)} ({why}), and {claim.title} "
                    f"{_word(mine)}: its symbols are not found.",
                    _ABI,
                    expected=f"a {name} built {_word(mine)}",
                    found=f"built {_word(theirs)}",
                    hint=f"take the wheel built {_word(mine)}, or compile {name} against this torch",
                    about=name,
                )
            )
    return findings


def _builds_differ(made: MadeFor, claim: TorchBuild) -> bool:
    """Tell whether a wheel was made for another official build of the same torch: one minor has both ABIs."""
    return made.cuda is not None and made.torch == claim.minor and made.cuda != claim.cuda


def _word(abi: bool) -> str:
    return f"{'with' if abi else 'without'} the C++11 ABI"


def builds_on_pypi(env: Environment, tables: Tables, claim: TorchBuild) -> Iterator[Finding]:
    """Judge distributions of which PyPI has one build, taken from there, by the CUDA version of that.

    Nothing is said beside a CPU torch: what such a build does there differs from project to project.
    """
    if claim.tag in {None, "cpu"}:
        return
    for each, row, major in cuda_of_builds(env, tables):
        yield _judge_build(each, row, str(major), claim, tables)._replace(subject=each.name)
    platform = env.platform
    for name in sorted(tables.wheels.built_cuda.keys() & env.packages.keys()):
        package = env.packages[name]
        version = package.exact
        own = env.made_for(name) or not package.is_wheel
        if version is None or version.local or own or not env.only_pypi(name):
            continue
        for told in tables.wheels.built_cuda[name]:
            if version in told.versions and platform in told.platforms:
                yield _judge_build(package, told, told.cuda, claim, tables)


def _judge_build(
    package: Distribution, row: BuiltCuda | Measured, cuda: str, claim: TorchBuild, tables: Tables
) -> Finding:
    """Judge the one build of a distribution on PyPI, for CUDA "12" or "12.8"."""
    what, mine = f"{package.name} {package.exact}", claim.cuda
    says = f"{what} on PyPI is built for CUDA {cuda}"
    if mine is not None and mine.major == Version(cuda).major:
        return passed(f"{says}, the CUDA major version of {claim.title}.", cite(row, says))
    text = f"{says}, and PyPI has no other build of it; the stack has {claim.title}"
    expected = f"a build for {claim.tag}"
    hint = f"take {package.name} from a place that has it for {claim.tag}, or a torch for CUDA {cuda}"
    partly = tables.wheels.partly(package.name, package.exact) if package.exact else None
    if partly is not None:
        said = (cite(row, says), cite(partly, partly.says))
        text = f"{text}. {partly.says}."
        return warned(text, *said, expected=expected, found=f"CUDA {cuda}", hint=hint, about=package.name)
    if claim.assumed:
        text += f", which follows from {claim.by} and is not stated."
        return warned(
            text, cite(row, says), expected=expected, found=f"CUDA {cuda}", hint=hint, about=package.name
        )
    text, found = f"{text}.", f"CUDA {cuda}"
    return failed_by(text, (row, says), expected=expected, found=found, hint=hint, about=package.name)
