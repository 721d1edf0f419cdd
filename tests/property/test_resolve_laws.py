"""Laws of redaction, locks, index pages and uv's text, for whatever comes from outside."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import LockError
from stackcheck.model.index_pages import NotAPageError, parse_page
from stackcheck.model.lock import Origin, fingerprint
from stackcheck.model.redact import redact, secrets_of, shown, without_userinfo
from stackcheck.resolve.derivation import read_failure
from stackcheck.resolve.lockfile import Made, parse_lock, render_lock
from stackcheck.resolve.origins import read_annotations
from stackcheck.resolve.question import question_of
from stackcheck.resolve.uvinput import uv_input

pytestmark = pytest.mark.property

LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789%-_.~!$*"
SECRET = st.text(LETTERS, min_size=6, max_size=24).map(lambda text: f"zQ7{text}")
HOST = st.sampled_from(["pypi.org", "127.0.0.1:8080", "host.example.com"])
PATH = st.sampled_from(["", "/simple", "/simple/", "/whl/cu124", "/a/b.html"])
NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
VERSION = st.from_regex(r"[1-9][0-9]?(\.[0-9]{1,2}){0,3}(\+cu[0-9]{3})?", fullmatch=True)
HASH = st.text("0123456789abcdef", min_size=64, max_size=64)


@st.composite
def urls(draw: st.DrawFn) -> tuple[str, str]:
    """Return (URL, its secret): a user and password, a token alone, or a token in the query."""
    secret, host, path = draw(SECRET), draw(HOST), draw(PATH)
    scheme = draw(st.sampled_from(["http", "https", "HTTPS", "git+https"]))
    form = draw(st.sampled_from(["{s}://user:{x}@{h}{p}", "{s}://{x}@{h}{p}", "{s}://{h}{p}?token={x}"]))
    return form.format(s=scheme, x=secret, h=host, p=path), secret


@given(found=urls(), before=st.text(max_size=40), after=st.text(" \n'\"`)(,", max_size=4))
def test_redaction_never_lets_a_credential_of_a_url_through(
    found: tuple[str, str], before: str, after: str
) -> None:
    url, secret = found
    text = f"{before} {url}{after}"
    assert secret not in redact(text)
    assert secret not in shown(text)
    assert secret not in without_userinfo(text)


@given(secret=SECRET, text=st.text(max_size=60))
def test_redaction_never_lets_a_named_secret_through(secret: str, text: str) -> None:
    assert secret not in redact(f"{text}{secret}{text}", secrets_of({"UV_INDEX_X_PASSWORD": secret}))


@given(st.text(max_size=300))
def test_redaction_is_idempotent_and_shown_text_is_printable(text: str) -> None:
    assert redact(redact(text)) == redact(text)
    assert all(c.isprintable() or c == "\n" for c in shown(text))


@given(found=urls(), kind=st.sampled_from(["index", "find_links"]))
def test_no_credential_of_a_definition_reaches_files_or_arguments(found: tuple[str, str], kind: str) -> None:
    url, secret = found
    if "?" in url:
        return
    packages: dict[str, Any] = {"torch": {"version": "2.5.0", kind: url}}
    stack = Stack.model_validate(
        {"id": "s", "python": "3.11", "packages": packages, "index": {"url": url, "find_links": [url]}}
    )
    asked = uv_input(question_of(stack), {"UV_INDEX": url})
    visible = repr((asked.project, asked.args, asked.honoured, asked.ignored, fingerprint(stack)))
    assert secret not in visible
    assert secret not in repr(asked)
    assert secret not in render_lock("", {}, stack, Made("", ""))


@st.composite
def uv_locks(draw: st.DrawFn) -> tuple[str, dict[str, Origin], list[tuple[str, str, str]]]:
    """Return what uv would print, the origins, and (name, version, hash) of every package."""
    names = sorted(draw(st.sets(NAME, min_size=1, max_size=6)))
    rows = [(name, draw(VERSION), draw(HASH)) for name in names]
    blocks = []
    for name, version, digest in rows:
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        wheel = f'{{ url = "https://u:pw@h/{filename}", hashes = {{ sha256 = "{digest}" }} }}'
        blocks.append(f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{wheel}]\n')
    origins = {
        name: Origin("https://h/simple", tuple(sorted(draw(st.sets(st.sampled_from(names))))))
        for name in draw(st.sets(st.sampled_from(names)))
    }
    head = 'lock-version = "1.0"\ncreated-by = "uv"\nrequires-python = ">=3.11"\n'
    return "\n".join([head, *blocks]), origins, rows


@given(uv_locks())
def test_a_lock_reads_back_as_what_was_rendered(
    made: tuple[str, dict[str, Origin], list[tuple[str, str, str]]],
) -> None:
    text, origins, rows = made
    stack = Stack(id="s", python="3.11")
    lock = parse_lock(render_lock(text, origins, stack, Made("x86_64-manylinux_2_28", "1")))
    assert [(p.name, str(p.version), p.sha256) for p in lock.packages] == [
        (canonicalize_name(name), str(Version(version)), digest) for name, version, digest in rows
    ]
    assert {p.name: p.requires for p in lock.packages if p.requires} == {
        canonicalize_name(name): tuple(canonicalize_name(each) for each in origin.requires)
        for name, origin in origins.items()
        if origin.requires
    }
    assert lock.fingerprint == fingerprint(stack)
    assert "pw@" not in lock.text


@given(st.text(max_size=400))
def test_no_text_makes_the_lock_reader_fail_otherwise_than_by_its_own_error(text: str) -> None:
    for document in (text, f'lock-version = "1.0"\n{text}', f'lock-version = "1.0"\n[[packages]]\n{text}'):
        try:
            parse_lock(document)
        except LockError as error:
            assert len(str(error)) < 500  # noqa: PT017 - most texts raise, some do not


@given(body=st.binary(max_size=600), kind=st.sampled_from(["", "text/html", "application/json"]))
def test_no_bytes_make_the_page_reader_fail_otherwise_than_by_its_own_error(body: bytes, kind: str) -> None:
    for page in (body, b"<html>" + body, b"<a href='" + body + b"'>"):
        try:
            parse_page(page, url="https://host/x/", content_type=kind)
        except NotAPageError as error:
            assert str(error)  # noqa: PT017 - most bytes raise, some do not


ATTRIBUTE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(href=ATTRIBUTE, yanked=ATTRIBUTE, requires=ATTRIBUTE, base=ATTRIBUTE)
def test_whatever_an_anchor_says_its_file_is_a_distribution_by_http(
    href: str, yanked: str, requires: str, base: str
) -> None:
    html = (
        f'<html><base href="{escape(base)}"><a href="{escape(href)}/a-1.0-py3-none-any.whl" '
        f'data-yanked="{escape(yanked)}" data-requires-python="{escape(requires)}">x</a>'
    )
    for file in parse_page(html.encode("utf-8", "replace"), url="https://host/x/"):
        assert file.url.startswith(("http://", "https://"))
        assert file.project == "a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("filename", "url", "hashes", "size", "yanked", "upload-time", "requires-python")


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), JSON), max_size=4) | JSON)
def test_no_json_makes_the_page_reader_fail(files: Any) -> None:
    body = json.dumps({"files": files}).encode()
    try:
        parse_page(body, url="https://host/", content_type="application/vnd.pypi.simple.v1+json")
    except NotAPageError as error:
        assert "PEP 691" in str(error)  # noqa: PT017 - only what is no list raises


@given(st.text(max_size=400), st.booleans())
def test_whatever_uv_says_becomes_a_kind_and_a_bounded_message(text: str, offline: bool) -> None:
    for said in (text, f"error: No solution found\n  cause: Because {text}"):
        found = read_failure(said, offline=offline)
        assert found.message
        assert len(found.derivation) < 6200
    read_annotations(text)
