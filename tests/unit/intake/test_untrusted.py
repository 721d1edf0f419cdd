"""`check --untrusted`: what a stranger's tree claims counts, and what it decides does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.configuration import configuration, files_of_configuration, without_configuration
from stackcheck.intake.stack import Stack
from stackcheck.intake.untrusted import PYPI, Terms, keep_out
from stackcheck.model.errors import UsageError
from stackcheck.resolve.indexlogin import lies_in

if TYPE_CHECKING:
    from pathlib import Path

TERMS = Terms((PYPI, "https://download.pytorch.org/whl/cu124"), lies_in)


def stack(**fields: Any) -> Stack:
    return Stack.model_validate({"id": "s", "python": "3.11", "packages": {"six": "1.16.0"}, **fields})


def test_ignore_and_expect_are_left_out_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stackcheck.toml").write_text('[ignore]\nTORCH101 = "never mind it"\n')
    (tmp_path / "pyproject.toml").write_text('[tool.stackcheck]\nrequire = "gpu"\n')
    monkeypatch.chdir(tmp_path)
    (found,) = TERMS.judge(
        [stack(ignore={"DIST301": "because I say so"}, expect="fail", expect_codes=["LOCK201"])]
    )
    assert (found.ignore, found.expect, found.expect_codes) == ({}, "pass", ())
    assert found.terms == (
        "untrusted: nothing was built or run, and no index was asked but https://pypi.org/simple, "
        "https://download.pytorch.org/whl/cu124; what the checked tree says of engines, tables and plug-ins "
        "counts for nothing",
        "left out as untrusted: its ignore, its expect, stackcheck.toml, [tool.stackcheck] of pyproject.toml",
    )
    assert files_of_configuration()
    with without_configuration():
        assert configuration()[0].require is None
        assert configuration()[0].ignore == {}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"index": {"url": "https://evil.example/simple"}}, "index.url"),
        ({"index": {"extra": ["https://pypi.org.evil.example/simple"]}}, "index.extra"),
        ({"index": {"extra": ["http://pypi.org/simple"]}}, "index.extra"),
        ({"index": {"find_links": ["https://download.pytorch.org/whl/cu1240"]}}, "index.find_links"),
        ({"packages": {"a": {"version": "1", "index": "http://169.254.169.254/"}}}, "packages.a.index"),
        ({"packages": {"a": {"version": "1", "find_links": "ftp://x/"}}}, "packages.a.find_links"),
        ({"packages": {"a": {"url": "https://e.example/a-1-py3-none-any.whl"}}}, "packages.a.url"),
    ],
)
def test_no_server_is_asked_that_the_definition_chooses(fields: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as caught:
        TERMS.judge([stack(**fields)])
    assert f"s: {key}: " in str(caught.value)
    assert str(caught.value).endswith("With --untrusted, name the indexes that may be asked: --index URL.")


def test_a_stated_index_and_what_lies_below_it_are_asked() -> None:
    index = {"url": f"{PYPI}/", "extra": ["https://download.pytorch.org/whl/cu124/torch"]}
    assert TERMS.judge([stack(index=index)])[0].terms


def test_code_and_tables_of_the_tree_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "src").mkdir()
    monkeypatch.chdir(tree)
    monkeypatch.setattr(sys, "path", ["", str(tree), str(tree / "src"), str(tmp_path), *sys.path])
    keep_out([tree], {"HOME": str(tmp_path)})
    assert sys.path[0] == str(tmp_path)
    with pytest.raises(
        UsageError, match=r"STACKCHECK_KNOWLEDGE: .*tables lies in .*tree, which is checked as"
    ):
        keep_out([tree], {"STACKCHECK_KNOWLEDGE": str(tree / "tables")})
