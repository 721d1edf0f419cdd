"""Files that somebody else wrote: what is read, and the one sentence for what is not."""

import os
from pathlib import Path

import pytest

from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text


def refusal(path: Path, most: int = 1000) -> str:
    with pytest.raises(UsageError) as caught:
        read_text(path, most)
    return str(caught.value).removeprefix(f"{path}")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"\xef\xbb\xbftorch\n", "torch\n"),
        ("torch\n".encode("utf-16"), "torch\n"),
        ("torch\n".encode("utf-32"), "torch\n"),
        ("\ufefftorch".encode("utf-16-be"), "torch"),
        (b"", ""),
    ],
)
def test_a_text_is_read_as_its_byte_order_mark_says(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "f").write_bytes(data)
    assert read_text(tmp_path / "f") == text


def test_a_byte_that_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"torch\n# caf\xe9\n")
    assert refusal(tmp_path / "f") == ":2: byte 11 (0xe9) is not UTF-8; save the file as UTF-8."


def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert refusal(tmp_path / "pipe") == ": this is a pipe, not a file that can be read."
    assert refusal(tmp_path) == ": this is a folder, not a file that can be read."
    assert refusal(Path("/dev/null")) == ": this is a device, not a file that can be read."
    assert refusal(tmp_path / "gone") == ": it is a link to nothing."
    assert refusal(tmp_path / "nothing") == ": there is no such file."
    assert "it cannot be read" in refusal(tmp_path / "loop")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 40)
    assert (
        refusal(tmp_path / "big", 1 << 20)
        == ": 1,099,511,627,776 bytes are more than the 1 MiB that are read."
    )


def test_a_name_with_a_zero_byte_is_not_the_name_of_a_file() -> None:
    assert "not the name of a file" in refusal(Path("a\0b"))
