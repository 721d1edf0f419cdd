"""What a compiled wheel beside torch was made for: by the stack, its file name, version or page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from stackcheck.model.build import cuda_tag, tag_cuda
from stackcheck.model.versions import minor, parse_version

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

    from packaging.version import Version

    from stackcheck.environment.sources import Source
    from stackcheck.intake.stack import Package
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.wheels import LocalScheme


@dataclass(frozen=True, slots=True)
class MadeFor:
    """What a compiled wheel was made for: torch as "2.5", the wheel tag, the C++11 ABI; None: not said.

    why: what says so. ambiguous: the torch minors that its digits may stand for, where they are several.
    """

    torch: str | None
    tag: str | None
    abi: bool | None
    why: str
    ambiguous: tuple[str, ...] = ()

    @property
    def cuda(self) -> Version | None:
        """Return the CUDA version of the tag."""
        return tag_cuda(self.tag) if self.tag else None


def made_for(
    name: str, package: Package, version: Version | None, sources: Sequence[Source], tables: Tables
) -> MadeFor | None:
    """Say what a wheel was made for: by `built_for`, its local version, or the page that it comes from."""
    if package.built_for is not None:
        said = package.built_for
        tag = cuda_tag(said.cuda) if said.cuda else None
        return MadeFor(minor(said.torch) if said.torch else None, tag, said.cxx11_abi, "built_for")
    if package.origin not in (None, "wheel", "url"):
        return None
    made = read_local(name, version.local, tables) if version is not None and version.local else None
    told = tables.wheels.against(name, version) if version is not None else None
    if told is not None and not (made and made.torch and made.tag):
        torch, tag = (made.torch, made.tag) if made else (None, None)
        why = f"a row of the tables by {told.source}"
        return MadeFor(torch or told.torch or None, tag or told.tag, made.abi if made else None, why)
    if made:
        why = f"the local version of {name} {version}"
        return MadeFor(made.torch, made.tag, made.abi, why, made.ambiguous)
    page = next((s for s in sources if s.host and s.host.dists and (s.flat or name in s.host.dists)), None)
    if page is None:
        return None
    return MadeFor(page.torch, page.tag.tag if page.tag else None, None, f"the page {page.shown}")


def read_local(name: str, local: str, tables: Tables) -> MadeFor | None:
    """Read the local version of an extension in the spelling of its project (`[[local_scheme]]` rows).

    >>> from stackcheck import knowledge
    >>> read_local("torch-scatter", "pt25cu124", knowledge.load()).torch
    '2.5'
    """
    for scheme in tables.wheels.local_schemes:
        if scheme.dists and name not in scheme.dists:
            continue
        if match := scheme.compiled.fullmatch(local):
            return _read(scheme, match, local, tables)
    return None


def _read(scheme: LocalScheme, match: re.Match[str], local: str, tables: Tables) -> MadeFor:
    said = match.groupdict()
    abi, digits = said.get("abi"), said.get("torch")
    known = tuple(str(row.torch) for row in tables.torch.releases)
    minors = torch_minors(digits, scheme.digits, known) if digits else ()
    torch = minors[0] if len(minors) == 1 else None
    abi_word = None if abi is None else abi.upper() == "TRUE"
    return MadeFor(
        torch, said.get("tag"), abi_word, f"the local version +{local}", minors if len(minors) > 1 else ()
    )


@lru_cache(maxsize=4096)
def torch_minors(text: str, digits: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the torch minors that a spelling may stand for, by the releases that exist.

    digits: "minor" where a project writes 25 for 2.5, "patch" where it writes 250 for 2.5.0, "" where it is
    not known: then every release that the digits can spell counts. A release that is newer than every known
    one is taken at its word where the project's convention leaves one reading.

    >>> torch_minors("212", "minor", ("2.1.2", "2.12.0")), torch_minors("210", "", ("2.1.0", "2.10.0"))
    (('2.12',), ('2.1', '2.10'))
    """
    if "." in text:
        return (minor(parse_version(text)),)
    readings = {f"{text[0]}.{text[1:]}": "minor", f"{text[0]}.{text[1:-1]}": "patch"}
    by_rule = [torch for torch, convention in readings.items() if convention == digits and torch[2:]]
    if by_rule:
        return tuple(by_rule)
    minors = set(_minors(known))
    return tuple(sorted((torch for torch in readings if torch in minors), key=parse_version))


def _minors(known: Iterable[str]) -> Iterable[str]:
    return (minor(version) for version in known)
