"""The base image, and the chain of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from stackcheck.environment.images import image_facts, images_of
from stackcheck.images.dockersteps import bases
from stackcheck.images.tiers import from_fault
from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence
from stackcheck.model.versions import minor, parse_version
from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.image.tier_stacks import is_tier
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, states, warned

if TYPE_CHECKING:
    from stackcheck.environment import Environment, TorchBuild
    from stackcheck.environment.images import ImageFacts
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts

_WHEELS = Evidence(
    "torch's wheels bring their CUDA runtime and cuDNN; the image's toolkit is for compiling",
    "METADATA of torch on PyPI (checked 2026-11-20)",
)


_has_image = states("image.base", "image.build_base", "image.ready")


@rule("IMAGE102", when=_has_image, about="image")
def image_cuda(env: Environment, tables: Tables) -> list[Finding]:
    """The image's CUDA toolkit has the major version of torch's CUDA where something is compiled.

    torch's wheels bring their own runtime, so another toolkit in the image is fine for running them.
    Compiling
    an extension with another CUDA major version than torch's is refused by torch.

    Source: torch/utils/cpp_extension.py `_check_cuda_version`.
    Example: a source build of mmcv in nvidia/cuda:11.8.0-devel-ubuntu22.04 with torch 2.5.0+cu124.
    Fix: take the devel image of torch's CUDA version.
    """
    torch, findings = env.torch, []
    for name in dict.fromkeys(filter(None, (env.stack.image.build_base, env.stack.image.base))):
        image = image_facts(name, tables)
        if image.cuda is None or torch.cuda is None:
            continue
        if image.cuda.major == torch.cuda.major:
            findings.append(passed(f"{name} has the CUDA major version of {torch.title}.", _WHEELS))
        elif (
            env.compiled_with_nvcc and image.kind == "devel" and image.name == (env.build_image or image).name
        ):
            findings.append(_compiles_for_another(env, image, torch))
        elif not torch.assumed:
            findings.append(
                warned(
                    f"{name} brings CUDA {image.cuda}, and {torch.title} its own runtime: the image's is "
                    "not used.",
                    _WHEELS,
                    expected=f"CUDA {torch.cuda}, or a plain base",
                    found=name,
                    hint="take the image of torch's CUDA version, or a plain one, which is smaller",
                    about=name,
                )
            )
    return findings


def _compiles_for_another(env: Environment, image: ImageFacts, torch: TorchBuild) -> Finding:
    """Judge a devel image under a torch of another CUDA major version, where something is compiled."""
    names = ", ".join(env.compiled_with_nvcc)
    text = f"{names} would be compiled with CUDA {image.cuda} of {image.name}; {torch.title} needs CUDA "
    expected = f"a devel image of CUDA {torch.cuda.major}" if torch.cuda else ""
    hint = f"take nvidia/cuda:{torch.cuda}...-devel as the image for building, or torch for CUDA {image.cuda}"
    make = failed if not torch.assumed else warned
    why = f", which {torch.by} is built for" if torch.assumed else ""
    return make(
        f"{text}{torch.cuda and torch.cuda.major}{why}.",
        _WHEELS,
        expected=expected,
        found=image.name,
        hint=hint,
        about=image.name,
    )


@rule("IMAGE108", when=states("toolkit"))
def toolkit_is_the_images(env: Environment) -> Finding | None:
    """The toolkit that the stack states is the one of the image in which it compiles.

    A devel image has one nvcc. Stating another one does not install it: what is compiled there is compiled
    with the image's.

    Source: https://hub.docker.com/r/nvidia/cuda (checked 2026-11-30).
    Example: toolkit = "13.0" on nvidia/cuda:12.4.1-devel-ubuntu22.04.
    Fix: take the image of that toolkit, or leave `toolkit` out.
    """
    image, stated = env.build_image, parse_version(minor(env.stack.toolkit or "0"))
    if image is None or image.toolkit is None:
        return None
    source = Evidence("the tag names the CUDA version of nvcc", "https://hub.docker.com/r/nvidia/cuda")
    expected, found = f"CUDA toolkit {image.toolkit}", f"toolkit = {env.stack.toolkit}"
    if image.toolkit == stated:
        return passed(f"{image.name} has the toolkit that the stack states, {stated}.", source)
    return failed(
        f"The stack states the CUDA toolkit {stated}, and nvcc of {image.name} is {image.toolkit}.",
        source,
        expected=expected,
        found=found,
        hint=f"take a devel image of CUDA {stated}, or leave `toolkit` out",
    )


@rule("IMAGE103", when=_has_image)
def image_cudnn(env: Environment, tables: Tables) -> Finding | None:
    """The image's cuDNN has the major version that torch was built with.

    torch finds the cuDNN of its own wheel first. A second one of another major in the image is what a program
    beside torch, or a library on LD_LIBRARY_PATH, may load.

    Source: pytorch/pytorch issues 119989 and 104591.
    Example: torch 2.5.0 (cuDNN 9) in an image with cuDNN 8.
    Fix: an image without cuDNN, or with the same major.
    """
    claim = env.torch
    release = tables.torch.release(claim.version) if claim.version else None
    image = image_facts(env.stack.image.base or "", tables)
    row = tables.images.cudnn_tag(image.cuda) if image.cuda and image.cudnn else None
    digits = image.cudnn.removeprefix("cudnn") if image.cuda else ""
    holds = int(digits) if digits else (row.holds if row else None)
    gone = row is not None and image.cudnn in row.gone
    if gone or release is None or release.cudnn is None or holds is None or claim.cuda is None:
        return None
    if holds == release.cudnn:
        return passed(
            f"The image and {claim.title} have cuDNN {holds}.", cite(release, f"cuDNN {release.cudnn}")
        )
    return warned(
        f"The image has cuDNN {holds}, and {claim.title} brings cuDNN {release.cudnn}.",
        cite(release, f"torch {release.torch}: cuDNN {release.cudnn}"),
        expected=f"an image without cuDNN, or with cuDNN {release.cudnn}",
        found=env.stack.image.base or "",
        hint="take the image without cudnn in its tag: torch brings its own",
    )


@rule("IMAGE104", when=_has_image)
def image_python(env: Environment, tables: Tables) -> Finding | None:
    """The image's Python is the stack's.

    A python:3.11 image has one interpreter, 3.11. A distribution's `python3` is the one of its release;
    another one has to be installed. Where no Python is stated, and torch has no wheel for that one, the stack
    is judged for another, which this says.

    Source: https://hub.docker.com/_/python; the distributions' package python3 (knowledge/told/systems.toml).
    Example: python = "3.12" on python:3.11-slim.
    Fix: take the image of the stack's Python.
    """
    image = env.image
    if image is None or not image.python or env.stack.image.python:
        return None
    if image.row is None:
        evidence = Evidence("the tag names the interpreter", "https://hub.docker.com/_/python")
    else:
        evidence = cite(image.row, f"python3 is {image.python}")
    if env.stack.python is None:
        return _unserved(env, image, tables, evidence)
    wanted = minor(env.stack.python)
    if image.python == wanted:
        return passed(f"The python3 of {image.name} is {wanted}.", evidence)
    text = f"The python3 of {image.name} is {image.python}, and the stack states Python {env.stack.python}."
    expected, found = f"Python {wanted}", f"Python {image.python}"
    if image.row is None:
        hint = f"take python:{wanted}-slim, or state python = {image.python}"
        return failed(text, evidence, expected=expected, found=found, hint=hint)
    hint = f"install Python {wanted} there and name it with image.python, or take python:{wanted}-slim"
    return warned(text, evidence, expected=expected, found=found, hint=hint)


def _unserved(env: Environment, image: ImageFacts, tables: Tables, evidence: Evidence) -> Finding | None:
    """Say where torch has no wheel for the image's own Python, so that the stack was judged for another."""
    version = None if env.torch.version is None else Version(env.torch.version.public)
    release = tables.torch.release(version) if version is not None and image.torch is None else None
    pythons = release.python.get(env.platform, ()) if release is not None else ()
    if release is None or not pythons or image.python in pythons:
        return None
    named = ", ".join(sorted((each for each in pythons if not each.endswith("t")), key=Version))
    return warned(
        f"The python3 of {image.name} is {image.python}, and torch {release.torch} has no wheel for it: "
        "the stack was judged for another Python.",
        evidence,
        cite(release, f"torch {release.torch} has wheels for Python {named}"),
        expected=f"Python {named}",
        found=f"Python {image.python}",
        hint="install a Python of these there and state it (python, image.python), or take a newer image",
    )


@rule("IMAGE105", when=_has_image, about="image")
def no_musl(env: Environment, tables: Tables) -> list[Finding]:
    """The image has glibc: there are no torch wheels for musl.

    Source: the wheel tags of torch on PyPI; https://peps.python.org/pep-0656/
    Example: python:3.11-alpine.
    Fix: a Debian or Ubuntu based image, such as python:3.11-slim.
    """
    rows = [(name, row) for name in images_of(env.stack) if (row := tables.systems.find(name)) and row.musl]
    if "torch" not in env.packages:
        return []
    return [
        failed_by(
            f"{name} is Alpine Linux with musl, and torch has no wheels for it.",
            (row, "Alpine Linux uses musl"),
            expected="an image with glibc",
            found=name,
            hint=f"take {name.replace('alpine', 'slim')}",
            about=name,
        )
        for name, row in rows
    ]


@rule("IMAGE106", when=_has_image, about="package")
def nvcc_for_builds(env: Environment, tables: Tables) -> Finding | None:
    """The image in which CUDA extensions are compiled has nvcc.

    Only the devel images of nvidia/cuda hold the compiler; base and runtime images do not. Of what comes from
    a repository, most is Python alone: where that is not known, it is not checked.

    Source: https://hub.docker.com/r/nvidia/cuda
    Example: a source build of mmcv in nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04.
    Fix: state a devel image as `image.build_base`.
    """
    built = [name for name, package in env.stated.items() if package.origin in ("source", "git", "path")]
    compiled = [name for name in built if name in env.compiled_with_nvcc]
    image = image_facts(env.stack.image.build_base or env.stack.image.base or "", tables)
    if not built or not image.kind or env.wanted in ("cpu", "rocm"):
        return None
    source = Evidence(
        "devel images hold nvcc, base and runtime do not", "https://hub.docker.com/r/nvidia/cuda"
    )
    if image.kind == "devel":
        return passed(f"{image.name} has nvcc for {', '.join(built)}.", source)
    if not compiled:
        return skipped(
            f"whether {some(built, 4)} compiles CUDA code is not known, and {image.name} has no nvcc",
            hint="`stackcheck verify` builds it; what is Python alone needs no compiler",
        )
    return failed(
        f"{', '.join(compiled)} would be compiled in {image.name}, which has no nvcc.",
        source,
        expected="a devel image for building",
        found=image.name,
        hint=f"state image.build_base = {image.name.replace(image.kind, 'devel', 1)!r}",
        about=compiled,
    )


_FROM = Evidence(
    "FROM names the image that a build starts from", "https://docs.docker.com/reference/dockerfile/#from"
)


def _own_tier(facts: Facts) -> bool:
    return is_tier(facts) and bool(facts["stack"].image.dockerfile)


@rule("TIER101", when=_own_tier)
def tier_builds_on_the_one_below(stack: Stack, dockerfile: str) -> Finding:
    """The Dockerfile of a tier builds on the image of the tier below.

    A chain is only as good as its FROM lines: one that still names the old base brings back what the tiers
    below were made to avoid, a second Python and conda among it.

    Source: https://docs.docker.com/reference/dockerfile/#from
    Example: `FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel` in a tier over pytorch-clean:2.6.0-cuda12.4.
    Fix: FROM the `image.tag` of the tier below.
    """
    under = stack.below[-1]
    name = under.image.tag or under.image.ready or "a name (state image.tag there)"
    if fault := from_fault(stack, bases(dockerfile)):
        return failed(
            f"{stack.id} is stated to be built on {under.id}, but {fault}.",
            _FROM,
            expected=f"FROM {name}",
            found=", ".join(bases(dockerfile)) or "no FROM",
            hint=f"write FROM {name}, or take image.from_stack out",
        )
    return passed(f"{stack.id} is built on {name}, the image of {under.id}.", _FROM)
