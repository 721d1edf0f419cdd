"""Look again before a stack is blamed or praised: uv passes over an index that refuses to answer.

uv 0.13.8 takes a package for "not found" on an index that answers 401, 403 or 404, on a page that is a login
form, and on a find-links page that is no HTML at all. Each of these says nothing about the stack.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.redact import without_userinfo
from stackcheck.resolving.derivation import name_of
from stackcheck.resolving.pages import Unreachable
from stackcheck.resolving.places import Place, places
from stackcheck.resolving.resolution import Kind, Resolution, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from stackcheck.definition import Stack
    from stackcheck.resolving.index import Fetcher
    from stackcheck.resolving.pages import File

DEFAULT_INDEX = "https://pypi.org/simple"
_ABOUT_FILES = ("not-found", "no-wheel", "no-python-wheel", "no-platform-wheel")
_MOST_SHOWN = 6
_NOT_FOUND = 404


def in_doubt(found: Unresolved, stack: Stack, fetcher: Fetcher) -> Unresolved:
    """Return the failure as it is, with what exists instead, or the reason why nothing was proven."""
    if found.kind == "conflict" and not fetcher.offline:
        names = {name_of(each.rpartition(": ")[2]) for each in found.requirements}
        return next((t for name in sorted(names) if (t := _refused(name, stack, fetcher))), found)
    if found.kind not in _ABOUT_FILES or not found.requirements or fetcher.offline:
        return found
    name = name_of(found.requirements[0])
    files: list[File] = []
    for place in asked_for(name, stack, fetcher):
        answer = fetcher.page(place.page_of(name))
        if isinstance(answer, Unreachable):
            if trouble := _trouble(answer, place, fetcher):
                return replace(trouble, assumed=found.assumed)
        else:
            files += answer.of(name)
    package = stack.packages.get(name)
    if package is not None and package.origin == "source" and found.kind != "not-found":
        text = (
            f"the stack builds {found.requirements[0]} from source, and no index has a source archive of it: "
            "where its source comes from is not stated"
        )
        return replace(found, kind="not-stated", message=text, exists=_existing(files), hint="")
    return replace(found, kind=_kind(found, files), exists=_existing(files), hint=_hint(found, stack))


def _hint(found: Unresolved, stack: Stack) -> str:
    if found.kind != "not-found" or not stack.index.url:
        return found.hint
    where = without_userinfo(stack.index.url)
    return f"index.url ({where}) replaces PyPI; what PyPI has needs https://pypi.org/simple under index.extra"


def passed_over(
    found: Resolution, stack: Stack, fetcher: Fetcher
) -> tuple[Unresolved | None, tuple[str, ...]]:
    """Look at the stated indexes from which nothing was taken; uv passes over one that refuses in silence.

    Return the refusal, which means that nothing is proven, and notes on addresses that may be no index.
    """
    used = {package.index.rstrip("/") for package in found.packages}
    quiet = [p for p in _stated_indexes(stack) if p.shown.rstrip("/") not in used]
    notes: list[str] = []
    for place in quiet:
        answer = fetcher.page(place.page_of(found.packages[0].name))
        if isinstance(answer, Unreachable) and (trouble := _trouble(answer, place, fetcher)):
            if trouble.status != _NOT_FOUND:
                return replace(trouble, assumed=found.assumed), ()
            notes.append(trouble.message)
    return None, tuple(notes)


def _stated_indexes(stack: Stack) -> list[Place]:
    return [p for p in places(stack) if not p.flat and not p.only_for and p.shown.startswith("http")]


def _refused(name: str, stack: Stack, fetcher: Fetcher) -> Unresolved | None:
    """Return the refusal of a stated index that may know more versions of a package."""
    for place in _stated_indexes(stack):
        answer = fetcher.page(place.page_of(name))
        if isinstance(answer, Unreachable) and answer.kind != "missing":
            return _trouble(answer, place, fetcher)
    return None


def asked_for(name: str, stack: Stack, fetcher: Fetcher) -> list[Place]:
    """Return the places in which a package is looked for."""
    stated = places(stack)
    own = [place for place in stated if place.only_for == name]
    if own:
        return own
    shared = [place for place in stated if not place.only_for]
    if not any(place.default for place in shared):
        env = fetcher.environ
        default = env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or env.get("PIP_INDEX_URL")
        shared.append(Place(default or DEFAULT_INDEX, default=True))
    return shared


def _trouble(answer: Unreachable, place: Place, fetcher: Fetcher) -> Unresolved | None:
    """Return why a page that could not be read proves nothing; None for an index without the project."""
    if answer.kind == "missing" and not place.flat:
        root = fetcher.exists(place.url.rstrip("/") + "/")
        if root is True:
            return None
        words = f"{place.shown}: HTTP status 404, and no page for the package; this may be no package index"
        return Unresolved("bad-index", words, where=place.shown, status=404)
    kinds: dict[str, Kind] = {
        "denied": "denied",
        "dns": "unreachable",
        "refused": "unreachable",
        "timeout": "unreachable",
        "tls": "unreachable",
        "network": "unreachable",
    }
    return Unresolved(
        kinds.get(answer.kind, "bad-index"), answer.message, where=place.shown, status=answer.status
    )


def _kind(found: Unresolved, files: Iterable[File]) -> Kind:
    """Tell a version that is for other Pythons only from one that is there as source only."""
    wheels = [file for file in files if file.is_wheel and f"=={file.version}" in found.requirements[0]]
    return "no-python-wheel" if found.kind == "no-wheel" and wheels else found.kind


def _existing(files: Iterable[File]) -> tuple[str, ...]:
    """Return the newest versions that are there, with the kinds of files they have."""
    kinds: dict[Version, set[str]] = {}
    for file in files:
        if file.version is not None and file.yanked is None:
            kinds.setdefault(file.version, set()).add("wheel" if file.is_wheel else "source only")
    newest = sorted(kinds, reverse=True)[:_MOST_SHOWN]
    return tuple(f"{v}" if "wheel" in kinds[v] else f"{v} (source only)" for v in newest)
