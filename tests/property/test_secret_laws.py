"""What redaction promises of any password: neither it nor a piece of it is shown, wherever it stands."""

from __future__ import annotations

import string
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from stackcheck.model.redact import redact, secrets_of, shown_value, without_secrets
from stackcheck_probes.credentials import is_secret_name

PRINTABLE = "".join(each for each in string.printable if each.isprintable())
PASSWORD = st.text(PRINTABLE, min_size=1, max_size=12).map(lambda text: f"S3CR3TqX{text}Zw9PWend")
URL_VARIABLE = st.sampled_from(["UV_INDEX", "PIP_INDEX_URL", "UV_FIND_LINKS", "HTTPS_PROXY", "MY_URL"])
SECRET_NAME = st.sampled_from(
    [
        "GITHUB_PAT",
        "HF_AUTH",
        "NPM_TOKEN",
        "DB_PASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "apiKey",
        "registry-auth",
    ]
)


@given(password=PASSWORD, name=URL_VARIABLE)
def test_no_password_of_a_url_is_shown_with_its_variable(password: str, name: str) -> None:
    for word in (password, quote(password, safe="")):
        said = shown_value(name, f"http://us3r:{word}@host.example:8080/simple")
        assert "S3CR3TqX" not in said
        assert "Zw9PWend" not in said
        assert said.endswith("@host.example:8080/simple")


@given(password=PASSWORD, name=URL_VARIABLE, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_password_of_a_url_is_shown_however_a_tool_cuts_the_url(
    password: str, name: str, before: str, after: str
) -> None:
    value = f"http://us3r:{password}@host.example/simple"
    secrets = secrets_of({name: value})
    for cut in (value, password, *value.split(), *value.split("/"), *value.split("@"), repr(value)):
        said = redact(f"{before}{cut}{after}", secrets)
        assert "S3CR3TqX" not in said
        assert "Zw9PWend" not in said


@given(password=PASSWORD, name=SECRET_NAME)
def test_a_variable_that_is_named_like_a_secret_is_not_shown_or_handed_on(password: str, name: str) -> None:
    assert shown_value(name, password) == "***"
    assert without_secrets({name: password, "PATH": "/bin"}) == {"PATH": "/bin"}


@given(
    password=st.text(string.ascii_letters + string.digits, min_size=8, max_size=20),
    key=st.sampled_from(
        ["token", "auth", "pw", "pwd", "passwd", "jwt", "access_token", "X-Amz-Signature", "sig", "api_key"]
    ),
    sign=st.sampled_from("?&#;"),
)
def test_no_token_of_a_query_fragment_or_parameter_is_shown(password: str, key: str, sign: str) -> None:
    assert password not in redact(f"see https://host.example/simple/x{sign}{key}={password} now")


def test_names_that_only_look_like_a_secret_s_are_shown() -> None:
    for name in (
        "PWD",
        "OLDPWD",
        "PATH",
        "UV_KEYRING_PROVIDER",
        "MONKEY",
        "AUTHOR",
        "PASSENGER",
        "COMPATIBLE",
    ):
        assert not is_secret_name(name), name
    assert redact("https://host/x-1.0-py3-none-any.whl#sha256=abc&egg=x") == (
        "https://host/x-1.0-py3-none-any.whl#sha256=abc&egg=x"
    )
