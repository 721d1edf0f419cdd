from __future__ import annotations

import pytest

from stackcheck.model.redact import redact, secrets_of, shown, without_userinfo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://user:pw@host/simple", "https://***@host/simple"),
        ("https://ghp_token@host/simple", "https://***@host/simple"),
        ("https://a:b%40c@host and http://d:e@other", "https://***@host and http://***@other"),
        ("https://host/x?token=abc&v=1", "https://host/x?token=***&v=1"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: ***"),
        ("authorization=Bearer abc.def", "authorization=***"),
        ("https://host/torch-2.5.0+cu124.html", "https://host/torch-2.5.0+cu124.html"),
        ("spconv-cu124==2.3.8 @ file:///x", "spconv-cu124==2.3.8 @ file:///x"),
    ],
)
def test_credentials_are_replaced_and_nothing_else(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_named_secrets_are_replaced_longest_first() -> None:
    assert redact("x hunter2-long y hunter2 z", ["hunter2", "hunter2-long"]) == "x *** y *** z"


def test_a_url_without_its_user_part_still_works() -> None:
    assert without_userinfo("https://u:p@host/simple/") == "https://host/simple/"
    assert without_userinfo("/a/folder@2") == "/a/folder@2"


def test_text_of_the_outside_is_printable_and_bounded() -> None:
    assert shown("a\x1b[31mb\tc\nd") == "a\\x1b[31mb\\tc\nd"
    assert shown("x" * 50, limit=10) == "x" * 10 + " ... (50 characters in all)"


def test_secrets_of_an_environment_are_found_by_name_and_inside_urls() -> None:
    environ = {
        "UV_INDEX_MAIN_PASSWORD": "pass-one",
        "PIP_INDEX_URL": "https://bob:pass%2Dtwo@h/simple",
        "UV_INDEX": "https://t0ken@h/a https://c:pass-three@h/b",
        "HTTPS_PROXY": "http://p:pass-four@proxy:3128",
        "GITHUB_TOKEN": "pass-five",
        "PATH": "/usr/bin",
    }
    wanted = {"pass-one", "pass-two", "pass%2Dtwo", "t0ken", "pass-three", "pass-four", "pass-five"}
    assert secrets_of(environ) == wanted
