"""What uv is asked: a project file, arguments and an environment made from a stack. Pure.

Nothing secret goes into the project file or the arguments: the user part of an index URL becomes the
UV_INDEX_<NAME>_USERNAME and _PASSWORD variables that uv reads
(source: https://docs.astral.sh/uv/concepts/indexes/, checked 2026-11-20).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from stackcheck import tables
from stackcheck.claimed import glibc_of
from stackcheck.redact import redact, without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.definition import Package, Stack

PROJECT = "this-stack"
"""The name of the project that depends on the packages of the stack; uv's explanations show it."""

_TRANSPORT = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC"),
        *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
        *("all_proxy", "http_proxy", "https_proxy", "no_proxy"),
        *(
            "UV_CACHE_DIR",
            "UV_HTTP_TIMEOUT",
            "UV_REQUEST_TIMEOUT",
            "UV_HTTP_CONNECT_TIMEOUT",
            "UV_HTTP_RETRIES",
        ),
        *("UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER"),
        *("UV_CONCURRENT_DOWNLOADS", "UV_CREDENTIALS_DIR"),
    )
)
"""Passed on: how the network is reached; none of them changes what is resolved."""

_CREDENTIAL = re.compile(r"UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)")
_DEFAULT_NAMES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_EXTRA_NAMES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_LINKS_NAMES = ("UV_FIND_LINKS", "PIP_FIND_LINKS")
_CERT_NAMES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CHANGING = re.compile(r"(?:UV|PIP)_(?!DISABLE_PIP|DEFAULT_TIMEOUT|CERT$)[A-Z0-9_]+")
_PREFIXES = ("git+", "hg+", "svn+", "bzr+")

_PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_{}",
    "linux/arm64": "aarch64-manylinux_2_{}",
    "windows/amd64": "x86_64-pc-windows-msvc",
    "macos/arm64": "aarch64-apple-darwin",
}
_GLIBC_KNOWN = (17, 28, *range(31, 41))
"""The minor versions of glibc 2 that `uv pip compile --python-platform` takes (uv 0.13.8)."""
USUAL_GLIBC, NEWEST_GLIBC = 28, 40
"""What is asked for first when no glibc is stated, and what is tried before a wheel is called missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """One index or page that uv asks: `flat` for a find-links page, `only_for` the one package it serves."""

    url: str
    flat: bool = False
    only_for: str = ""
    default: bool = False

    @property
    def name(self) -> str:
        """Return the name under which uv takes credentials: UV_INDEX_<NAME>_USERNAME, _PASSWORD."""
        parts = split_url(self.url)
        host = (parts.netloc.rpartition("@")[2] + parts.path).removesuffix("/simple").rstrip("/")
        return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-") or "index"

    def page_of(self, project: str) -> str:
        """Return the URL of the page on which this place lists a distribution."""
        return self.url if self.flat else f"{self.url.rstrip('/')}/{project}/"

    @property
    def shown(self) -> str:
        """Return the URL without credentials."""
        return without_userinfo(self.url)


@dataclass(frozen=True, slots=True)
class UvInput:
    """One question to uv: the text of pyproject.toml, arguments, environment, and what was honoured."""

    project: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    python: str = ""
    platform: str = ""
    assumed: tuple[str, ...] = ()
    honoured: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def uv_input(
    stack: Stack, environ: Mapping[str, str], *, offline: bool = False, lenient: bool = False
) -> UvInput:
    """Make the question for a stack.

    `lenient` asks again with the newest glibc and the newest patch release of Python where the stack states
    neither, so that what is not stated never makes a resolution fail.
    """
    platform, assumed = uv_platform(stack, lenient=lenient)
    python = stack.python or ""
    if lenient and python.count(".") == 1:
        python, assumed = f"{python}.99", (*assumed, f"the newest patch release of Python {stack.python}")
    env, honoured, ignored = _environment(stack, environ)
    args = [
        "--python-version", python, "--python-platform", platform, "--index-strategy", "unsafe-best-match",
        "--prerelease", "if-necessary-or-explicit", "--resolution", "highest", "--only-binary", ":all:",
        "--no-header", "--no-python-downloads", "--color", "never", "--no-progress", "--quiet",
    ]  # fmt: skip
    for name, package in stack.packages.items():
        args += ["--no-binary", name] if package.origin == "source" else []
    if offline or environ.get("UV_OFFLINE") in ("1", "true"):
        args.append("--offline")
    return UvInput(
        _project(stack, python),
        tuple(args),
        env,
        python,
        platform,
        assumed,
        honoured,
        ignored,
        _left_out(stack),
    )


def uv_platform(stack: Stack, *, lenient: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the platform of a stack as uv names it, and what of it is assumed.

    A wheel for an older glibc serves a newer one, so the usual glibc is asked for first; `lenient` asks for
    all that the stack's system has, or for the newest when nothing tells its glibc.
    """
    template = _PLATFORMS[stack.platform or "linux/amd64"]
    assumed = () if stack.platform else ("platform linux/amd64",)
    if "{}" not in template:
        return template, assumed
    known = glibc_of(stack, tables.load())
    newest = known[0].minor if known else NEWEST_GLIBC
    minor = newest if stack.glibc or lenient else min(newest, USUAL_GLIBC)
    if known is None:
        assumed = (*assumed, f"glibc 2.{minor}")
    return template.format(max((k for k in _GLIBC_KNOWN if k <= minor), default=_GLIBC_KNOWN[0])), assumed


def places(stack: Stack) -> tuple[Place, ...]:
    """Return every index and find-links page that the definition states, those for one package first."""
    own: list[Place] = []
    for name, package in stack.packages.items():
        if package.origin == "conda":
            continue
        if package.index:
            own.append(Place(_absolute(package.index, stack), only_for=name))
        elif package.find_links:
            own.append(Place(_absolute(package.find_links, stack), flat=True, only_for=name))
        if package.index and package.find_links:
            own.append(Place(_absolute(package.find_links, stack), flat=True))
    shared = [Place(_absolute(url, stack), flat=True) for url in stack.index.find_links]
    shared += [Place(_absolute(url, stack)) for url in stack.index.extra]
    if stack.index.url:
        shared.append(Place(_absolute(stack.index.url, stack), default=True))
    return (*own, *shared)


def _absolute(place: str, stack: Stack) -> str:
    """Read a relative folder as lying beside the definition file."""
    if "://" in place or Path(place).is_absolute():
        return place
    return str((Path(stack.file).parent / place).resolve())


def _project(stack: Stack, python: str) -> str:
    lines = ["[project]", f'name = "{PROJECT}"', 'version = "0"', f'requires-python = ">={python}"']
    wanted = [f"{name}{p.specifier}" for name, p in stack.packages.items() if p.origin != "conda"]
    lines += ["dependencies = [", *(f"  {json.dumps(each)}," for each in wanted), "]", "[tool.uv]", ""]
    named: dict[str, Place] = {}
    sources: list[str] = []
    for place in places(stack):
        name = place.name if place.name not in named else f"{place.name}-{len(named)}"
        known = next((n for n, p in named.items() if _same(p, place)), None)
        if known is None:
            named[name] = place
        if place.only_for:
            sources.append(f"{place.only_for} = {{ index = {json.dumps(known or name)} }}")
    for name, place in named.items():
        lines += ["[[tool.uv.index]]", *_index_lines(name, place), ""]
    lines += ["[tool.uv.sources]", *sources, *_source_metadata(stack)]
    return "\n".join(lines) + "\n"


def _same(one: Place, other: Place) -> bool:
    return (one.url, one.flat, bool(one.only_for)) == (other.url, other.flat, bool(other.only_for))


def _index_lines(name: str, place: Place) -> Iterator[str]:
    yield f"name = {json.dumps(name)}"
    yield f"url = {json.dumps(place.shown)}"
    if place.flat:
        yield 'format = "flat"'
    if place.only_for:
        yield "explicit = true"
    if place.default:
        yield "default = true"


def _source_metadata(stack: Stack) -> Iterator[str]:
    """State empty requirements for source packages, so that resolving runs nobody's setup.py on the host."""
    for name, package in stack.packages.items():
        if package.origin == "source":
            yield f"[[tool.uv.dependency-metadata]]\nname = {json.dumps(name)}"
            yield f"version = {json.dumps(str(package.exact))}" if package.exact else ""
            yield "requires-dist = []"


def _left_out(stack: Stack) -> tuple[str, ...]:
    return tuple(note for name, p in stack.packages.items() if (note := _left_out_note(name, p)))


def _left_out_note(name: str, package: Package) -> str:
    if package.origin == "conda":
        return f"{name}: comes from conda, which uv does not resolve"
    if package.origin == "source":
        return f"{name}: built from source; what it requires itself is known only to its build, so state it"
    return ""


def _environment(
    stack: Stack, environ: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return uv's environment, the settings honoured and those left out, as `NAME=value` without secrets."""
    env = {k: v for k, v in environ.items() if k in _TRANSPORT or _CREDENTIAL.fullmatch(k)}
    used = set(env) - {"PATH", "HOME"}
    for target, names in (("SSL_CERT_FILE", _CERT_NAMES), ("UV_FIND_LINKS", _LINKS_NAMES)):
        _take(env, used, environ, target, names)
    _take(env, used, environ, "UV_INDEX", _EXTRA_NAMES)
    if not stack.index.url:
        _take(env, used, environ, "UV_DEFAULT_INDEX", _DEFAULT_NAMES)
    if "UV_FIND_LINKS" in env:
        env["UV_FIND_LINKS"] = ",".join(re.split(r"[,\s]+", env["UV_FIND_LINKS"].strip()))
    for place in places(stack):
        _credentials(env, place)
    env |= {"LC_ALL": "C.UTF-8", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
    left = [k for k in sorted(environ) if _CHANGING.fullmatch(k) and k not in used and k not in _TRANSPORT]
    left = [k for k in left if k not in ("UV_OFFLINE", "UV_PYTHON_DOWNLOADS")]
    named = [k for k in sorted(used) if k.startswith(("UV_", "PIP_", "SSL_", "NETRC"))]
    return env, tuple(_setting(k, environ[k]) for k in named), tuple(_setting(k, environ[k]) for k in left)


def _take(
    env: dict[str, str], used: set[str], environ: Mapping[str, str], target: str, names: tuple[str, ...]
) -> None:
    """Set `target` from the first of the names that the user has set."""
    for name in names:
        if environ.get(name):
            env[target] = environ[name]
            used.add(name)
            return


def _credentials(env: dict[str, str], place: Place) -> None:
    parts = split_url(place.url)
    if parts.username is not None:
        stem = f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', place.name.upper())}"
        env[f"{stem}_USERNAME"] = unquote(parts.username)
        env[f"{stem}_PASSWORD"] = unquote(parts.password or "")


def _setting(name: str, value: str) -> str:
    return f"{name}=***" if _CREDENTIAL.fullmatch(name) else f"{name}={redact(value)}"


def split_url(url: str) -> SplitResult:
    """Split a URL; one that is none becomes empty parts, so that uv is the one to say so."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def plain_url(url: str) -> str:
    """Return a URL without user part, query and fragment."""
    parts = split_url(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
