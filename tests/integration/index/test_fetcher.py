"""The reader of index pages against a real server: formats, faults, credentials, redirects, the cache."""

from __future__ import annotations

import base64
import gzip
import ssl
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trustme

from stackcheck.model.index_pages import Page, Unreachable
from stackcheck.model.index_urls import login_name
from stackcheck.resolve.index import Fetcher
from tests.integration.index.conftest import running
from tests.integration.index.server import (
    FAULTS,
    Fault,
    Handler,
    IndexServer,
    Upload,
    make_sdist,
    make_wheel,
    page,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t-hunter2"
FAULT_CLOCK = threading.Event()


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher({"HOME": str(tmp_path)}, tmp_path / "cache", timeout_s=2.0)


def read(answer: Page | Unreachable) -> Page:
    assert isinstance(answer, Page), answer
    return answer


def unread(answer: Page | Unreachable) -> Unreachable:
    assert isinstance(answer, Unreachable), answer
    return answer


def uploads() -> list[Upload]:
    first = replace(make_wheel("alpha", "1.0+cu124"), requires_python=">=3.9")
    return [first, replace(make_wheel("alpha", "1.1"), yanked=True), make_sdist("alpha", "1.2")]


@pytest.mark.parametrize("json_pages", [True, False])
def test_both_page_formats_say_the_same(server: IndexServer, fetcher: Fetcher, json_pages: bool) -> None:
    server.json_pages = json_pages
    server.add("main", *uploads())
    found = read(fetcher.page(server.simple("main") + "alpha/"))
    assert [(f.name, str(f.version), f.requires_python, f.is_wheel) for f in found.files] == [
        ("alpha-1.0+cu124-py3-none-any.whl", "1.0+cu124", ">=3.9", True),
        ("alpha-1.1-py3-none-any.whl", "1.1", "", True),
        ("alpha-1.2.tar.gz", "1.2", "", False),
    ]
    assert [f.yanked is not None for f in found.files] == [False, True, False]
    assert [f.sha256 for f in found.files] == [u.sha256 for u in uploads()]
    assert all(f.url.startswith(f"http://{server.host}/main/files/") for f in found.files)


def test_several_stacks_of_a_run_ask_for_a_page_once(server: IndexServer) -> None:
    server.add("main", *uploads())
    alpha, none = (f"{server.simple('main')}{name}/" for name in ("alpha", "none"))
    shared: dict[str, Page | Unreachable] = {}
    first = Fetcher({}, once=shared).pages([alpha, none])
    asked = len(server.requests)
    assert Fetcher({}, once=shared).pages([none, alpha]) == first
    assert len(server.requests) == asked
    assert unread(first[none]).kind == "missing"
    Fetcher({}).pages([alpha])
    assert len(server.requests) == asked + 1


def test_a_find_links_page_lists_every_project(server: IndexServer, fetcher: Fetcher) -> None:
    server.add("main", make_wheel("alpha", "1.0"), make_wheel("beta-gamma", "2.0"))
    found = read(fetcher.page(server.links("main")))
    assert [f.project for f in found.files] == ["alpha", "beta-gamma"]
    assert found.of("beta_gamma")[0].name == "beta_gamma-2.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("fault", "kind", "status", "words"),
    [
        ("401", "denied", 401, "HTTP status 401"),
        ("403", "denied", 403, "HTTP status 403"),
        ("404", "missing", 404, "HTTP status 404"),
        ("500", "server", 500, "HTTP status 500"),
        ("503", "server", 503, "HTTP status 503"),
        ("cut", "truncated", None, "its answer was cut short"),
        ("slow", "timeout", None, "it did not answer in time"),
        ("plain", "not-a-page", None, "the answer is 'text/plain', not an index page"),
        ("garbage", "not-a-page", None, "the answer is called HTML but holds none"),
        ("login", "not-a-page", None, "the answer is a login page"),
    ],
)
def test_each_fault_is_told_apart(
    server: IndexServer, fetcher: Fetcher, fault: str, kind: str, status: int | None, words: str
) -> None:
    server.faults["/main/"] = FAULTS[fault]
    found = unread(fetcher.page(server.links("main")))
    assert (found.kind, found.status) == (kind, status)
    assert found.message == f"{server.links('main')}: {words}"


def test_a_host_that_does_not_exist_is_told_from_one_that_refuses(fetcher: Fetcher) -> None:
    nowhere = unread(fetcher.page("http://no-such-host.invalid/links/"))
    assert nowhere.kind == "dns"
    assert nowhere.message == (
        "http://no-such-host.invalid/links/: its host name could not be resolved (DNS)"
    )
    assert unread(fetcher.page("http://127.0.0.1:9/links/")).kind == "refused"


def test_https_to_a_plain_server_is_a_tls_failure(server: IndexServer, fetcher: Fetcher) -> None:
    assert unread(fetcher.page(f"https://{server.host}/main/links/")).kind == "tls"


def test_what_is_no_url_at_all_is_said(fetcher: Fetcher) -> None:
    assert unread(fetcher.page("http://[broken/")).kind == "bad-url"


def test_json_that_is_no_index_page_is_said(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = page(b'{"error": "quota"}', "application/json")
    assert "not that of an index page" in unread(fetcher.page(server.links("main"))).message


def test_a_page_without_end_is_cut_off(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = page(b"<html>" + b"x" * 100_000)
    small = replace(fetcher, most_bytes=10_000)
    assert unread(small.page(server.links("main"))).kind == "too-large"


def test_a_server_that_hangs_up_is_not_called_a_page_cut_short(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = lambda handler: setattr(handler, "close_connection", True)
    found = unread(fetcher.page(server.links("main")))
    assert found.kind == "network"
    assert found.message.endswith("Server disconnected without sending a response.")


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b"<!-- x -->")
        handler.wfile.flush()
        FAULT_CLOCK.wait(0.1)
    handler.close_connection = True


def test_a_page_that_drips_is_given_up_in_time(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = drip
    hasty = replace(fetcher, timeout_s=0.5)
    assert unread(hasty.page(server.links("main"))).kind == "timeout"


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(60):
        handler.wfile.write(f"X-{number}: x\r\n".encode())
        handler.wfile.flush()
        FAULT_CLOCK.wait(0.1)
    handler.close_connection = True


def test_headers_that_drip_are_given_up_in_time(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = drip_headers
    hasty = replace(fetcher, timeout_s=0.5)
    found = unread(hasty.page(server.links("main")))
    assert (found.kind, found.message) == ("timeout", f"{server.links('main')}: it did not answer in time")


def redirect(target: str) -> Fault:
    return lambda handler: handler.answer(302, headers={"Location": target})


def test_a_redirect_to_another_host_does_not_carry_credentials(
    server: IndexServer, other: IndexServer, fetcher: Fetcher
) -> None:
    other.add("main", make_wheel("alpha", "1.0"))
    server.faults["/main/"] = redirect(other.links("main"))
    url = server.links("main").replace("http://", f"http://user:{SECRET}@")
    found = read(fetcher.page(url))
    assert [f.name for f in found.files] == ["alpha-1.0-py3-none-any.whl"]
    assert server.asked("/main/links/")[0]["Authorization"].startswith("Basic ")
    assert "Authorization" not in other.asked("/main/links/")[0]
    assert SECRET not in repr(found)


def test_a_redirect_on_the_same_host_keeps_credentials(server: IndexServer, fetcher: Fetcher) -> None:
    server.credentials = f"user:{SECRET}"
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/old/"] = redirect("/main/links/")
    found = read(fetcher.page(f"http://user:{SECRET}@{server.host}/old/links/"))
    assert len(found.files) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"])
def test_a_redirect_to_anything_but_http_is_not_followed(
    server: IndexServer, fetcher: Fetcher, target: str
) -> None:
    server.faults["/main/"] = redirect(target)
    assert unread(fetcher.page(server.links("main"))).kind in ("redirect", "status")


def test_redirects_in_a_circle_end(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = redirect("/main/links/")
    assert unread(fetcher.page(server.links("main"))).kind == "redirect"


def endless_redirect(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/main/links/")
    handler.send_header("Content-Length", str(1 << 40))
    handler.end_headers()
    while not FAULT_CLOCK.wait(0.001):
        handler.wfile.write(b"x" * 100_000)


def test_the_body_of_a_redirect_is_not_read(server: IndexServer, fetcher: Fetcher) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    server.faults["/old/"] = endless_redirect
    assert len(read(fetcher.page(f"http://{server.host}/old/")).files) == 1


def zipped(body: bytes) -> Fault:
    return lambda handler: handler.answer(200, gzip.compress(body), headers={"Content-Encoding": "gzip"})


def test_a_zipped_page_is_read_and_bounded_by_what_it_unpacks_to(
    server: IndexServer, fetcher: Fetcher
) -> None:
    server.faults["/main/"] = zipped(b"<html><a href='alpha-1.0-py3-none-any.whl'>" + b" " * 50_000)
    assert len(read(fetcher.page(server.links("main"))).files) == 1
    small = replace(fetcher, most_bytes=10_000, cache=None)
    assert unread(small.page(server.links("main"))).kind == "too-large"


def test_a_zipped_page_that_is_damaged_counts_as_cut_short(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = lambda handler: handler.answer(
        200, b"<html>not gzip", headers={"Content-Encoding": "gzip"}
    )
    assert unread(fetcher.page(server.links("main"))).kind == "truncated"


def test_cookies_are_neither_kept_nor_sent(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = lambda handler: handler.answer(200, b"<html>", headers={"Set-Cookie": "a=b"})
    for _ in range(2):
        read(fetcher.page(server.links("main")))
    assert "Cookie" not in server.asked("/main/links/")[1]


def test_a_proxy_of_the_environment_is_used_but_not_for_no_proxy(
    server: IndexServer, other: IndexServer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.faults["http://"] = page(b"<html><title>Index of the proxy</title>")
    other.add("main", make_wheel("alpha", "1.0"))
    monkeypatch.setenv("http_proxy", f"http://user:{SECRET}@{server.host}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = "http://no-such-host.invalid/links/"
    assert read(fetcher.page(url)).files == ()
    (sent,) = server.asked(url)
    assert base64.b64decode(sent["Proxy-Authorization"].removeprefix("Basic ")).decode() == f"user:{SECRET}"
    assert len(read(fetcher.page(other.links("main"))).files) == 1


def test_the_certificates_that_the_environment_names_are_trusted(fetcher: Fetcher, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with running(context) as server:
        server.add("main", make_wheel("alpha", "1.0"))
        url = server.links("main").replace("http:", "https:")
        stranger = unread(fetcher.page(url))
        assert (stranger.kind, "CERTIFICATE_VERIFY_FAILED" in stranger.message) == ("tls", True)
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE"):
            knowing = replace(fetcher, environ={**fetcher.environ, name: str(tmp_path / "ca.pem")})
            assert len(read(knowing.page(url)).files) == 1, name
        knowing = replace(fetcher, environ={**fetcher.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")})
        server.faults["/main/"] = redirect(f"http://{server.host}/main/links/")
        back = unread(knowing.page(url))
        assert (back.kind, back.message) == (
            "redirect",
            f"{url}: it redirects to http://{server.host}/main/links/",
        )


def test_a_file_of_certificates_that_is_not_there_is_named(fetcher: Fetcher) -> None:
    lost = replace(fetcher, environ={**fetcher.environ, "SSL_CERT_FILE": "/absent/ca.pem"})
    found = unread(lost.page("https://127.0.0.1:9/"))
    assert (found.kind, found.message) == (
        "tls",
        "https://127.0.0.1:9/: the CA certificates in /absent/ca.pem (SSL_CERT_FILE) cannot be read",
    )


def test_a_piece_that_drips_is_given_up_in_time(server: IndexServer, fetcher: Fetcher) -> None:
    server.faults["/main/"] = drip_headers
    hasty = replace(fetcher, timeout_s=0.5)
    answer = hasty.piece(server.links("main"), 0, 10)
    assert isinstance(answer, Unreachable)
    assert answer.kind == "timeout"


@pytest.mark.parametrize("way", ["url", "environment", "netrc"])
def test_credentials_reach_the_server_and_nothing_else(
    server: IndexServer, fetcher: Fetcher, tmp_path: Path, way: str
) -> None:
    server.credentials = f"user:{SECRET}"
    server.add("main", make_wheel("alpha", "1.0"))
    url, environ = server.links("main"), dict(fetcher.environ)
    if way == "url":
        url = url.replace("http://", f"http://user:{SECRET}@")
    elif way == "environment":
        name = login_name(server.links("main"))
        environ |= {f"UV_INDEX_{name}_USERNAME": "user", f"UV_INDEX_{name}_PASSWORD": SECRET}
    else:
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
        environ["NETRC"] = str(netrc)
    knowing = replace(fetcher, environ=environ)
    assert unread(fetcher.page(server.links("main"))).kind == "denied"
    found = read(knowing.page(url))
    assert found.url == server.links("main")
    sent = server.asked("/main/links/")[-1]["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")).decode() == f"user:{SECRET}"
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert SECRET.encode() not in kept
    assert SECRET not in repr((found, knowing))


def test_a_second_look_asks_only_whether_it_changed(server: IndexServer, fetcher: Fetcher) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    first = read(fetcher.page(server.links("main")))
    second = read(fetcher.page(server.links("main")))
    assert second.files == first.files
    assert server.asked("/main/links/")[1]["If-None-Match"] == first.etag
    server.add("main", make_wheel("alpha", "2.0"))
    assert len(read(fetcher.page(server.links("main"))).files) == 2


def test_offline_reads_the_cache_and_says_so(server: IndexServer, fetcher: Fetcher) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    online = read(fetcher.page(server.links("main")))
    offline = replace(fetcher, offline=True)
    found = read(offline.page(server.links("main")))
    assert found.cached
    assert found.files == online.files
    assert len(server.requests) == 1
    missing = unread(offline.page(server.simple("main") + "alpha/"))
    assert missing.kind == "offline"
    assert missing.message.endswith("not cached, and the network was not to be used")


def test_a_damaged_cache_is_asked_for_again(server: IndexServer, fetcher: Fetcher, tmp_path: Path) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    fetcher.page(server.links("main"))
    for path in (tmp_path / "cache" / "pages").iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    assert len(read(fetcher.page(server.links("main"))).files) == 1
    assert "If-None-Match" not in server.asked("/main/links/")[1]


def test_a_failed_look_leaves_the_cache_as_it_was(server: IndexServer, fetcher: Fetcher) -> None:
    server.add("main", make_wheel("alpha", "1.0"))
    fetcher.page(server.links("main"))
    server.faults["/main/"] = FAULTS["cut"]
    assert unread(fetcher.page(server.links("main"))).kind == "truncated"
    assert len(read(replace(fetcher, offline=True).page(server.links("main"))).files) == 1


def test_many_pages_are_fetched_together_and_named_without_credentials(
    server: IndexServer, fetcher: Fetcher
) -> None:
    names = [f"p{number}" for number in range(20)]
    server.add("main", *(make_wheel(name, "1.0") for name in names))
    base = server.simple("main").replace("http://", f"http://user:{SECRET}@")
    found = fetcher.pages(f"{base}{name}/" for name in names)
    assert list(found) == [f"{server.simple('main')}{name}/" for name in names]
    assert all(len(read(each).files) == 1 for each in found.values())


def test_a_folder_of_wheels_reads_like_a_page(fetcher: Fetcher, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "alpha-1.0-py3-none-any.whl").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"")
    for place in (str(folder), folder.as_uri()):
        assert [f.name for f in read(fetcher.page(place)).files] == ["alpha-1.0-py3-none-any.whl"]
    assert unread(fetcher.page(str(tmp_path / "absent"))).kind == "missing"
