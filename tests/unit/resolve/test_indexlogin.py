"""Credentials go to the place that they are stated for: scheme, host, port and path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stackcheck.intake.stack import Stack
from stackcheck.model.index_urls import login_name
from stackcheck.resolve.indexlogin import lies_in, login_for
from stackcheck.resolve.question import question_of
from stackcheck.resolve.uvinput import uv_input

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "https://pypi.corp.com/team-a/simple"
STATED = {
    "HOME": "/nonexistent",
    "UV_INDEX_HTTPS_PYPI_CORP_COM__TEAM___A__SIMPLE_USERNAME": "bob",
    "UV_INDEX_HTTPS_PYPI_CORP_COM__TEAM___A__SIMPLE_PASSWORD": "S3CR3T",
}
NAMED = {
    "HOME": "/nonexistent",
    "UV_INDEX": f"corp={PLACE}",
    "UV_INDEX_CORP_USERNAME": "bob",
    "UV_INDEX_CORP_PASSWORD": "S3CR3T",
}
WITHIN = {"HOME": "/nonexistent", "PIP_INDEX_URL": PLACE.replace("//", "//bob:S3CR3T@")}
OTHERS = [
    "http://pypi.corp.com/team-a/simple/torch/",
    "https://pypi-corp.com/team-a/simple/torch/",
    "https://pypi.corp.com.attacker.com/team-a/simple/torch/",
    "https://pypi.corp.com-anything.attacker.com/team-a/simple/torch/",
    "https://pypi.corp.com:8443/team-a/simple/torch/",
    "https://pypi.corp.com/team-a/simpler/torch/",
    "https://pypi.corp.com/team/a/simple/torch/",
    "https://pypi.corp.com.team-a/simple/torch/",
    "https://pypi/corp.com/team-a/simple/torch/",
    "https://corp/simple/",
    "https://corp-anything.attacker.com/simple/",
]


@pytest.mark.parametrize("environ", [STATED, NAMED, WITHIN], ids=["by place", "by name", "in a URL"])
def test_they_go_to_the_place_that_is_stated_and_to_no_other(environ: dict[str, str]) -> None:
    assert login_for(f"{PLACE}/torch/", environ) == "bob:S3CR3T"
    assert login_for(PLACE, environ) == "bob:S3CR3T"
    assert [url for url in OTHERS if login_for(url, environ)] == []


@pytest.mark.parametrize("environ", [STATED, NAMED], ids=["by place", "by name"])
@pytest.mark.parametrize("url", OTHERS)
def test_uv_is_told_none_for_another_place_of_a_definition(url: str, environ: dict[str, str]) -> None:
    wanted = Stack.model_validate(
        {"id": "s", "python": "3.11", "packages": {"six": "1.0"}, "index": {"extra": [url]}}
    )
    asked = uv_input(question_of(wanted), environ)
    stem = "UV_INDEX_" + question_of(wanted).places[0].name.upper().replace("-", "_")
    assert f"{stem}_PASSWORD" not in asked.env
    assert f"{stem}_USERNAME" not in asked.env


def test_netrc_is_not_read_for_what_goes_over_the_net_unencrypted(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine pypi.corp.com login bob password S3CR3T\nmachine localhost login a password b\n")
    environ = {"NETRC": str(path)}
    assert login_for("https://pypi.corp.com/simple/six/", environ) == "bob:S3CR3T"
    assert login_for("http://pypi.corp.com/simple/six/", environ) == ""
    assert login_for("http://localhost:8080/simple/six/", environ) == "a:b"
    stated = {**environ, "UV_INDEX_URL": "http://pypi.corp.com/simple"}
    assert login_for("http://pypi.corp.com/simple/six/", stated) == "bob:S3CR3T"
    wanted = Stack.model_validate(
        {"id": "s", "python": "3.11", "packages": {"six": "1.0"}, "index": {"url": "http://pypi.corp.com/x"}}
    )
    assert uv_input(question_of(wanted), environ).env["NETRC"] == "/dev/null"


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?", fullmatch=True)
URL = st.builds(
    lambda scheme, host, port, path: (
        f"{scheme}://{'.'.join(host)}{port}{''.join(f'/{each}' for each in path)}"
    ),
    st.sampled_from(["http", "https"]),
    st.lists(LABEL, min_size=1, max_size=3),
    st.sampled_from(["", ":80", ":8443"]),
    st.lists(st.from_regex(r"[a-z0-9.~_-]{1,4}", fullmatch=True), max_size=3),
)


@given(one=URL, other=URL)
def test_two_places_never_share_the_name_of_a_login(one: str, other: str) -> None:
    assume(one != other)
    assert login_name(one) != login_name(other)


@given(place=URL, url=URL)
def test_what_lies_in_a_place_has_its_origin_and_begins_with_its_path(place: str, url: str) -> None:
    assert lies_in(f"{place}/torch/", place)
    if lies_in(url, place):
        assert url.split("/")[:3] == place.split("/")[:3] or ":80" in url + place
