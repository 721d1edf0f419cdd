"""The rule about wheels that an sdist fetches from the releases of its project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.rules.grading import cite, failed_by
from stackcheck.rules.registry import Finding, passed, rule, skipped, told_of, warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackcheck.environment import Distribution, Environment
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.assets import Asset

_AMD64 = "linux/amd64"


@rule("WHEEL112", when=told_of(lambda tables: tables.assets.rows), about="package")
def fetched_wheel(env: Environment, tables: Tables) -> list[Finding]:
    """A package that PyPI has as source alone finds its wheel among the releases of its project.

    setup.py of flash-attn, mamba-ssm, causal-conv1d and others makes the name of a wheel of the torch, CUDA
    and Python that it meets, and compiles where the project's releases have no file of that name. Compiling
    needs nvcc of torch's CUDA major version, a C++ compiler, an installed torch and much time and memory.
    Whether the file is there today was not asked: this goes by what the project's build makes.

    Source: setup.py in the sdists on PyPI; the projects' build workflows at their tags (knowledge/told/).
    Example: flash-attn 2.8.3 with torch 2.10.0: its releases end with torch 2.9, and that for Python 3.12.
    Fix: a release that has a wheel for this torch, or an image with nvcc that compiles it.
    """
    return [
        finding._replace(subject=each.name)
        for each, row in _fetching(env, tables)
        if (finding := _judge(each, row, env, tables))
    ]


def _fetching(env: Environment, tables: Tables) -> Iterator[tuple[Distribution, Asset]]:
    """Yield the pins that an index has as source alone, with the row about each."""
    for name in sorted(tables.assets.rows.keys() & env.packages.keys()):
        row = env.asset(name)
        if row is not None:
            yield env.packages[name], row


def _judge(each: Distribution, row: Asset, env: Environment, tables: Tables) -> Finding | None:
    torch, cuda = env.torch.minor, env.torch.cuda
    known = torch is not None and cuda is not None and env.torch.official and not env.torch.nvidia
    if torch is None or cuda is None or not known or env.platform != _AMD64:
        return None
    what, major = f"{each.name} {each.exact}", str(cuda.major)
    name = _name(each, row, env, tables)
    folder = row.folder.format(version=each.exact and each.exact.public)
    text = f"{what}: setup.py fetches {name} of {folder}, else it compiles"
    says = cite(row, text)
    forced = env.stack.env.get(row.force) == "TRUE"
    if row.serves(torch, major, env.python) and not forced:
        return passed(f"{what} fetches {name}, which its project makes.", says)
    written = row.cuda.get(major, major)[:2]
    if written != major and row.serves(torch, written, env.python) and not forced:
        return failed_by(
            f"{what} fetches {name}, which is compiled for CUDA {written}, beside a torch of CUDA {major}: "
            f"its libraries of CUDA {written} are not there.",
            (row, text),
            expected=f"a wheel for CUDA {major}, or one that is compiled",
            found=name,
            hint=f"set {row.force}=TRUE with nvcc of CUDA {major}, or take a torch of CUDA {written}",
        )
    toolkit = env.toolkit
    if toolkit is not None and toolkit[0].major == cuda.major:
        return passed(f"{what} is compiled or fetched; {toolkit[1]} has nvcc of CUDA {toolkit[0]}.", says)
    need = f"nvcc of CUDA {major}, a C++ compiler and an installed torch{_memory(each, tables)}"
    unless = f"{what} compiles unless an asset of the name {name} exists"
    if not row.torch and not forced:
        hint = f"look at {folder}; compiling needs {need}"
        return skipped(f"{unless}, which was not asked", says, hint=hint)
    why = f"{unless}, and the build of its project makes none"
    way_out = _way_out(each, row, env, tables)
    if forced:
        why, way_out = f"{what} compiles, for {row.force} is set", f"unset {row.force}"
    return warned(
        f"{why}. Compiling needs {need}; the stack states no such toolkit.",
        says,
        expected=f"a wheel for {env.torch.title}, or a toolkit of CUDA {major}",
        found="neither",
        hint=f"{way_out}, or build in an image with nvcc of CUDA {major}",
    )


def _memory(each: Distribution, tables: Tables) -> str:
    """Say what a compiler job takes, where setup.py reckons with it: MAX_JOBS says how many there are."""
    row = tables.unstated.own_archs(each.name, each.exact) if each.exact else None
    return f", and {row.memory_gb} GB of memory for each of MAX_JOBS" if row and row.memory_gb else ""


def _name(each: Distribution, row: Asset, env: Environment, tables: Tables) -> str:
    """Return the name that setup.py makes; what the stack does not say stands there as `*`."""
    torch, cuda = env.torch, env.torch.cuda
    abi = tables.torch.abi(torch.version, cuda, env.platform) if torch.version else None
    major = str(cuda.major) if cuda else ""
    return row.name.format(
        version=each.exact and each.exact.public,
        cuda=row.cuda.get(major, major),
        torch=torch.minor,
        build=torch.version and f"{torch.version.public}+{torch.tag}",
        abi="*" if abi is None else str(abi).upper(),
        python=f"cp{env.python.replace('.', '')}" if env.python else "cp*",
    )


def _way_out(each: Distribution, row: Asset, env: Environment, tables: Tables) -> str:
    """Name a release of the package that has a wheel for this torch, or the torches that this one has."""
    torch, cuda = env.torch.minor or "", env.torch.cuda
    major = str(cuda.major) if cuda else ""
    fitting = [other for other in tables.assets.rows[each.name] if other.serves(torch, major, env.python)]
    if fitting:
        return f"take {each.name}{fitting[-1].versions}, which has one for torch {torch}"
    return f"take a torch of {', '.join(row.torch)}"
