"""Where a distribution comes from: the indexes and pages that are searched for it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from stackcheck.model.build import parse_tag
from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackcheck.intake.stack import Index, Package
    from stackcheck.knowledge import Tables
    from stackcheck.knowledge.wheels import WheelHost
    from stackcheck.model.build import Backend

Kind: TypeAlias = Literal["pypi", "pytorch", "vendor", "project", "private"]

PYPI = "https://pypi.org/simple"
_HOST = re.compile(r"https?://(?:[^/@]*@)?(?P<host>[^/?#]+)")
_DEFAULT = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_EXTRA = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_LINKS = ("UV_FIND_LINKS", "PIP_FIND_LINKS")
TRIO = frozenset({"torch", "torchvision", "torchaudio"})
"""What a page of another project never holds."""


class Source(NamedTuple):
    """One index or find-links page.

    kind: `pypi` and `pytorch` are these two and their mirrors, `vendor` has other builds of torch under the
    same versions, `project` no torch, `private` is any other, a folder too. tag, torch: the one wheel tag,
    and the torch as "2.5", that the address says its wheels are for. stated: False for PyPI where nothing
    else is named.
    """

    url: str
    kind: Kind
    flat: bool = False
    stated: bool = True
    tag: Backend | None = None
    torch: str | None = None
    host: WheelHost | None = None
    serves: bool = True
    """Whether the distribution that it was asked about can be there at all."""

    @property
    def is_folder(self) -> bool:
        """Tell a folder of wheels from an index or page."""
        return _HOST.match(self.url) is None

    @property
    def name(self) -> str:
        """Return the host, or "the folder PATH", for a message."""
        match = _HOST.match(self.url)
        return match["host"] if match else f"the folder {self.url.removeprefix('file://')}"

    @property
    def shown(self) -> str:
        """Return the address without credentials."""
        return without_userinfo(self.url)


def user_index(environ: Mapping[str, str]) -> Index:
    """Return the indexes that the user's environment names for uv and pip.

    Source: https://docs.astral.sh/uv/concepts/indexes/ and
    https://pip.pypa.io/en/stable/topics/configuration/ (checked 2026-11-20).
    """
    texts = (_first(environ, names) for names in (_DEFAULT, _EXTRA, _LINKS))
    return _index_of(*texts)


def _first(environ: Mapping[str, str], names: Iterable[str]) -> str:
    """Return the first variable that is set; "" where none is."""
    return next((text for name in names if (text := environ.get(name))), "")


@lru_cache(maxsize=16)
def _index_of(default: str, extra: str, links: str) -> Index:
    from stackcheck.intake.stack import Index  # noqa: PLC0415 - pydantic, which explaining a rule needs not

    return Index(url=default or None, extra=_urls(extra), find_links=_urls(links))


def effective_index(stated: Index, user: Index) -> Index:
    """Return the indexes of a stack and its user; the user's default counts where none is stated."""
    if not (user.url or user.extra or user.find_links):
        return stated
    named = {
        "url": stated.url or user.url,
        "extra": (*stated.extra, *user.extra),
        "find_links": (*stated.find_links, *user.find_links),
    }
    return stated.model_copy(update=named)


def _urls(text: str) -> tuple[str, ...]:
    """Return the addresses of a variable; uv lets each have a name."""
    return tuple(re.sub(r"^[A-Za-z0-9_.-]+=", "", each) for each in re.split(r"[,\s]+", text.strip()) if each)


def sources_of(name: str, package: Package | None, index: Index, tables: Tables) -> tuple[Source, ...]:
    """Return what is searched for a distribution: its own index and page where stated, else the stack's.

    PyPI is among them where neither says otherwise.
    """
    if package and (file := package.url or package.path):
        return (_source(name, file, tables, flat=True)._replace(serves=True),)
    own = (package.index, package.find_links) if package else (None, None)
    if any(own):
        places = [(own[0], False), (own[1], True)]
    else:
        shared = [(url, True) for url in index.find_links] + [(url, False) for url in index.extra]
        places = [*shared, (index.url, False)]
    found = [_source(name, url, tables, flat=flat) for url, flat in places if url]
    if not any(own) and not index.url:
        found.append(Source(PYPI, "pypi", stated=False))
    return tuple(found)


def _source(name: str, url: str, tables: Tables, *, flat: bool) -> Source:
    row = tables.wheels.place(url)
    kind: Kind = row.kind if row else "private"
    hosts = tables.wheels.hosts_at(url)
    # A page of one project says what its wheels are for; for others than its own it holds nothing.
    serving = [(host, match) for host, match in hosts if not host.dists or name in host.dists]
    if hosts and not serving and kind == "private":
        kind = "project"
    serves = kind != "project" or (name not in TRIO and (bool(serving) or not hosts))
    host, match = serving[0] if serving else (None, None)
    tag = parse_tag(match["tag"]) if match else None
    return Source(
        url, kind, flat, tag=tag, torch=page_torch(match) if match else None, host=host, serves=serves
    )


def page_torch(match: re.Match[str]) -> str | None:
    """Return the torch minor that a wheel page is for, as "2.5"."""
    text = match.groupdict().get("torch")
    if not text:
        return None
    if "." not in text:  # 290 stands for 2.9.0
        return f"{text[0]}.{text[1:-1]}"
    return ".".join(text.split(".")[:2])


def source_of(name: str, url: str, tables: Tables) -> Source:
    """Return what is known of the one address that a distribution was taken from."""
    return _source(name, url, tables, flat=False)


def elsewhere(sources: Iterable[Source]) -> Source | None:
    """Return a source that is neither PyPI nor PyTorch's index; None where there are only these.

    Vendors come first: what they build under a version is certainly another wheel. A folder counts where
    nothing else is searched; beside an index it is what somebody downloaded before.
    """
    able = [each for each in sources if each.serves]
    others = [each for each in able if each.kind not in ("pypi", "pytorch")]
    if any(each.kind in ("pypi", "pytorch") for each in able):
        others = [each for each in others if not each.is_folder]
    return min(others, key=lambda each: each.kind != "vendor", default=None)


def only_pypi(sources: Iterable[Source]) -> bool:
    """Tell whether a distribution can come from PyPI, or a mirror of it, alone; folders left aside."""
    able = [each for each in sources if each.serves and not each.is_folder]
    return bool(able) and all(each.kind == "pypi" for each in able)
