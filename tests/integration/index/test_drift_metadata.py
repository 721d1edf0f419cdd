"""METADATA of a wheel that changed: the index's own copy, or pieces of the wheel; never the whole wheel."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stackcheck.drift.metadata import note_on
from stackcheck.model.index_pages import File, Page
from stackcheck.resolve.index import Fetcher
from tests.integration.index.server import IndexServer, Upload, make_sdist, make_wheel, status

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n"
WHEEL = make_wheel("alpha", "1.0", "beta>=2", "not a requirement !", 'docs; extra == "doc"')


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher({"HOME": str(tmp_path)}, None, timeout_s=2.0)


def listed(server: IndexServer, fetcher: Fetcher, upload: Upload) -> File:
    server.add("main", upload)
    page = fetcher.page(server.links("main"))
    assert isinstance(page, Page)
    return page.files[-1]


def test_it_is_read_out_of_the_wheel_by_pieces(server: IndexServer, fetcher: Fetcher) -> None:
    file = listed(server, fetcher, WHEEL)
    assert note_on(file, fetcher) == "now requires beta>=2"
    assert all("Range" in headers for headers in server.asked(f"/main/files/{WHEEL.filename}"))


@pytest.mark.parametrize("json_pages", [True, False])
def test_the_copy_of_the_index_is_taken_where_it_offers_one(
    server: IndexServer, fetcher: Fetcher, json_pages: bool
) -> None:
    server.json_pages = json_pages
    file = listed(server, fetcher, replace(WHEEL, metadata=f"{HEAD}Requires-Dist: gamma\n".encode()))
    assert note_on(file, fetcher) == "now requires gamma"
    assert server.asked(f"/main/files/{WHEEL.filename}") == []


def test_a_copy_that_is_not_what_the_page_says_is_not_believed(server: IndexServer, fetcher: Fetcher) -> None:
    file = listed(server, fetcher, replace(WHEEL, metadata=HEAD.encode()))
    other = replace(file, metadata="00" * 32)
    assert note_on(other, fetcher) == (
        f"its METADATA was not read: {file.url}.metadata is not what its page states (sha256)"
    )


def test_why_it_could_not_be_read_is_said(server: IndexServer, fetcher: Fetcher) -> None:
    source = listed(server, fetcher, make_sdist("alpha", "1.0"))
    assert note_on(source, fetcher) == (
        "its METADATA was not read: a source archive has no METADATA that is binding"
    )
    broken = listed(server, fetcher, replace(WHEEL, content=b"no zip" * 50))
    assert (
        note_on(broken, fetcher)
        == f"its METADATA was not read: {broken.url}: this wheel cannot be read: File is not a zip file"
    )
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("alpha/__init__.py", "")
    server.indexes["main"].clear()
    bare = listed(server, fetcher, replace(WHEEL, content=empty.getvalue()))
    assert note_on(bare, fetcher) == f"its METADATA was not read: {bare.url} holds no METADATA"
    server.faults["/main/files/"] = status(503)
    assert note_on(bare, fetcher) == f"its METADATA was not read: {bare.url}: HTTP status 503"
    offered = replace(bare, metadata="00" * 32)
    assert note_on(offered, fetcher) == f"its METADATA was not read: {bare.url}.metadata: HTTP status 503"
