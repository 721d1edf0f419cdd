"""The index and find-links pages that a stack names, as they really are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from stackcheck.environment.madefor import read_local
from stackcheck.environment.uv_platforms import uv_platform
from stackcheck.model.enumeration import some
from stackcheck.model.evidence import Evidence, Outcome
from stackcheck.model.index_pages import FailureKind, File, Page, Unreachable
from stackcheck.model.index_urls import Place, places
from stackcheck.model.wheel_tags import supported_tags
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from packaging.tags import Tag

    from stackcheck.environment import Environment
    from stackcheck.knowledge import Tables
    from stackcheck.model.facts import Facts

_MOST_NAMED = 6


_HINTS: dict[FailureKind, str] = {
    "missing": "the page is not there: was this combination ever published?",
    "denied": "put the credentials into netrc or UV_INDEX_<NAME>_USERNAME and _PASSWORD",
    "not-a-page": "open the address in a browser: is it a package index or a find-links page?",
    "tls": "behind an intercepting proxy, set SSL_CERT_FILE to its certificate",
}


def _names_pages(facts: Facts) -> bool:
    return any(place.flat or place.only_for for place in places(facts["stack"]))


@rule("INDEX201", when=_names_pages, about="page")
def pages_hold_the_wheels(
    env: Environment, tables: Tables, pages: Mapping[str, Page | Unreachable]
) -> list[Finding]:
    """The wheel pages that the stack names have what it takes from them.

    An installer that finds no fitting wheel on a find-links page takes the source archive of the default
    index without a word and compiles for half an hour, or fails for want of a compiler. The page itself says
    whether there is a wheel for the stack's version, Python, platform, torch and CUDA.

    Source: the page, as PEP 503 or as a find-links page; wheel tags by PEP 425 and PEP 600.
    Example: the mmcv page for cu124/torch2.5 was never published, so `pip install mmcv -f ...` builds mmcv.
    Fix: pin a version that the page lists, name another page, or build the wheel once and host it.
    """
    return [
        _judge(place, pages.get(place.page_of(place.only_for) if place.only_for else place.url), env, tables)
        for place in (Place(p.shown, p.flat, p.only_for, p.default) for p in places(env.stack))
        if place.flat or place.only_for
    ]


def _judge(place: Place, page: Page | Unreachable | None, env: Environment, tables: Tables) -> Finding:
    if page is None:
        return skipped(f"{place.shown}: this page was not read")
    if isinstance(page, Unreachable):
        return _unread(page)
    if place.only_for:
        return _for_package(place, page, env, tables)
    used = sorted({str(f.project) for f in page.files if f.project in env.packages})
    where = Evidence(f"{len(page.files)} files", page.url)
    if used:
        return passed(f"{place.shown} lists files of {', '.join(used[:_MOST_NAMED])}", where)
    return warned(
        f"{place.shown} lists no file of any package that the stack states",
        where,
        hint="remove or correct it",
        about=place.shown,
    )


def _unread(page: Unreachable) -> Finding:
    """Say which page could not be read and why: never anything about the stack."""
    if page.kind == "offline":
        return skipped(page.message, hint="run once without --offline")
    hint = _HINTS.get(page.kind, "try again; if it stays so, name another page or a mirror")
    if page.kind == "missing" and "://" not in page.url:
        hint = "make that folder, or take it out of the places that are searched"
    message = f"a page that the stack names could not be checked: {page.message}"
    return Finding(Outcome.ERROR, message, hint=hint, evidence=(Evidence(page.kind, page.url),))


def _for_package(place: Place, page: Page, env: Environment, tables: Tables) -> Finding:
    name = place.only_for
    package = env.packages[name]
    listed = page.of(name)
    wanted = [
        f for f in listed if f.version is not None and package.specifier.contains(f.version, prereleases=True)
    ]
    fitting = [file for file in wanted if file.is_wheel and _fits(file, env, tables)]
    where = Evidence(f"{len(listed)} files of {name}", page.url)
    if not package.is_wheel and wanted:
        return passed(f"{place.shown} lists {name} {package.version}", where)
    if not fitting:
        return failed(
            f"{place.shown} has no wheel of {name} {package.version} for {_target(env)}",
            where,
            expected=f"a wheel for {_target(env)}",
            found=_names(wanted or listed) or f"nothing of {name}",
            hint="pin a version that the page lists, name another page, or host a wheel of your own",
            about=name,
        )
    if not env.stack.python:
        return skipped(
            f"{place.shown} lists wheels of {name} {package.version}; the stack states no Python", where
        )
    if all(file.yanked is not None for file in fitting):
        text = f"{place.shown}: every fitting wheel of {name} was yanked"
        return warned(text, where, hint="pin another", about=name)
    return passed(f"{place.shown} has {_names(fitting)}", where)


def _target(env: Environment) -> str:
    parts = [f"Python {env.stack.python}" if env.stack.python else "", env.stack.platform or ""]
    torch = env.torch.version
    parts.append(f"torch {torch}" if torch else "")
    parts.append(f"CUDA {env.stack.cuda}" if env.stack.cuda else "")
    return ", ".join(part for part in parts if part) or "this stack"


def _fits(file: File, env: Environment, tables: Tables) -> bool:
    """Tell whether a wheel is for the stack's Python and platform, and for its torch build if named."""
    if env.stack.python:
        platform, _ = uv_platform(env.stack, lenient=True)
        tags: Mapping[Tag, int] = supported_tags(env.stack.python, platform)
        if not any(tag in tags for tag in parse_wheel_filename(file.name)[3]):
            return False
    return _torch_fits(file, env, tables)


def _torch_fits(file: File, env: Environment, tables: Tables) -> bool:
    """Compare the local version of a wheel, such as +pt25cu124, with the torch build that the stack means."""
    local = file.version.local if file.version else None
    made = read_local(str(file.project), local, tables) if local else None
    if made is None:
        return True
    claim = env.torch
    torch_differs = made.torch and claim.minor and made.torch != claim.minor
    tag_differs = made.tag and claim.tag and not claim.assumed and not _same_tag(made.tag, claim.tag)
    return not (torch_differs or tag_differs)


def _same_tag(made: str, claimed: str) -> bool:
    """Take cu12 as fitting cu124: a wheel that names the major alone is for all of it."""
    return made == claimed or (len(made) == 4 and made.startswith("cu") and claimed.startswith(made))


def _names(files: Sequence[File]) -> str:
    newest = sorted(files, key=lambda f: (f.version, f.name) if f.version else (), reverse=True)
    return some([file.name for file in newest], _MOST_NAMED)
