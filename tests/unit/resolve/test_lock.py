from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import Tag
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.errors import LockError
from stackcheck.model.lock import Origin, fingerprint, is_current
from stackcheck.model.resolution import Resolution
from stackcheck.model.wheel_tags import supported_tags
from stackcheck.resolve.lockfile import (
    Made,
    packages_of,
    parse_lock,
    read_lock,
    renamed,
    render_lock,
    write_lock,
)
from stackcheck.resolve.origins import read_annotations
from stackcheck.storage.stack_files import lock_path

HASH = "a" * 64
UV_TEXT = f"""lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11.99"

[[packages]]
name = "alpha"
version = "1.0"
marker = "python_full_version < '3.13'"
wheels = [
    {{ url = "https://u:pw@h/alpha-1.0-py3-none-any.whl", size = 9, hashes = {{ sha256 = "{HASH}" }} }},
    {{ url = "https://h/alpha-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", hashes = {{ sha256 = "{"b" * 64}" }} }},
]

[[packages]]
name = "mmcv"
version = "2.2.0"
sdist = {{ url = "https://h/mmcv-2.2.0.tar.gz", upload-time = 2024-04-24T14:24:28Z, hashes = {{ sha256 = "{HASH}" }} }}
"""
ORIGINS = {"alpha": Origin("https://h/simple", ("mmcv",)), "mmcv": Origin("/a/folder")}


def stack(**fields: Any) -> Stack:
    base = {"id": "s", "python": "3.11", "packages": {"alpha": "1.0", "mmcv": ">=2"}}
    return Stack.model_validate({**base, **fields})


def lock_text(wanted: Stack | None = None) -> str:
    platform = "x86_64-manylinux_2_28"
    return render_lock(UV_TEXT, ORIGINS, wanted or stack(), Made(platform, "0.13.8"))


def test_a_lock_says_what_was_chosen_and_what_it_was_made_from() -> None:
    lock = parse_lock(lock_text())
    alpha, mmcv = lock.packages
    assert (alpha.name, alpha.version, alpha.requires) == ("alpha", Version("1.0"), ("mmcv",))
    assert alpha.filename == "alpha-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    assert (alpha.index, alpha.sha256) == ("https://h/simple", "b" * 64)
    assert (mmcv.filename, mmcv.is_wheel, mmcv.uploaded[:10]) == ("mmcv-2.2.0.tar.gz", False, "2024-04-24")
    assert (lock.stack, lock.python, lock.platform) == ("s", "3.11", "x86_64-manylinux_2_28")
    assert lock.version("Alpha") == Version("1.0")
    assert lock.version("beta") is None


def test_a_lock_holds_no_credentials_no_folder_as_index_and_no_time() -> None:
    text = lock_text()
    assert "pw@" not in text
    assert "/a/folder" not in text
    assert 'requires-python = "==3.11.*"' in text
    assert text == lock_text()


def test_what_is_taken_is_what_the_lock_will_hold() -> None:
    made = Made("x86_64-manylinux_2_28", "0.13.8")
    assert packages_of(UV_TEXT, ORIGINS, "3.11", made) == parse_lock(lock_text()).packages
    with pytest.raises(LockError, match="uv's lock:1: this is not TOML"):
        packages_of("no lock", ORIGINS, "3.11", made)


def test_the_lock_of_a_stack_that_resolves_alike_differs_in_the_id() -> None:
    other = stack(id="other")
    assert renamed(lock_text(), "s", "other") == lock_text(other)


def test_a_lock_is_current_until_anything_that_resolution_depends_on_changes() -> None:
    wanted = stack()
    lock = parse_lock(lock_text(wanted))
    assert is_current(lock, wanted)
    assert is_current(lock, stack(summary="other words", gpus=["L4"], env={"A": "1"}))
    assert is_current(lock, stack(packages={"mmcv": ">=2", "alpha": "==1.0"}))
    for changed in (
        {"python": "3.12"},
        {"glibc": "2.36"},
        {"platform": "linux/arm64"},
        {"packages": {"alpha": "1.0"}},
        {"packages": {"alpha": "1.1", "mmcv": ">=2"}},
        {"index": {"extra": ["https://h/simple"]}},
    ):
        assert not is_current(lock, stack(**changed)), changed


def test_credentials_do_not_change_the_fingerprint() -> None:
    one, two = ({"url": f"https://{login}h/simple"} for login in ("", "u:pw@"))
    assert fingerprint(stack(index=one)) == fingerprint(stack(index=two))


def test_the_path_of_a_lock_is_a_name_that_pep_751_allows() -> None:
    wanted = stack(id="v1.5-torch2.5", file="/p/matrices/m.toml")
    assert lock_path(wanted) == Path("/p/locks/pylock.v1-5-torch2-5.toml")
    assert lock_path(wanted, Path("/other")) == Path("/other/pylock.v1-5-torch2-5.toml")
    assert lock_path(stack()) == Path("locks/pylock.s.toml")


def resolution(text: str) -> Resolution:
    return Resolution(parse_lock(text).packages, "3.11", "x86_64-manylinux_2_28", "0.13.8", text)


def test_a_lock_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "pylock.s.toml"
    found = resolution(lock_text())
    assert write_lock(found, path).packages == found.packages
    assert read_lock(path).text == found.lock_text
    assert [each.name for each in path.parent.iterdir()] == ["pylock.s.toml"]


def test_a_write_that_fails_leaves_the_old_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pylock.s.toml"
    write_lock(resolution(lock_text()), path)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(LockError) as caught:
        write_lock(resolution(lock_text(stack(python="3.12"))), path)
    assert str(caught.value) == (
        f"{path}: the lock cannot be written (No space left on device); name another folder."
    )
    monkeypatch.undo()
    assert read_lock(path).python == "3.11"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_is_removed_and_a_fresh_one_is_not(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".pylock.s.toml.aaaa.part", tmp_path / ".pylock.s.toml.bbbb.part"
    for left in (old, fresh):
        left.write_bytes(b"half a lock")
    os.utime(old, (0, 0))
    write_lock(resolution(lock_text()), tmp_path / "pylock.s.toml")
    assert sorted(each.name for each in tmp_path.iterdir()) == [fresh.name, "pylock.s.toml"]


def test_a_lock_that_packaging_calls_invalid_is_not_written(tmp_path: Path) -> None:
    broken = lock_text().replace("created-by", "made-by")
    with pytest.raises(LockError) as caught:
        write_lock(resolution(broken), tmp_path / "pylock.s.toml")
    assert "is not a valid PEP 751 lock (Missing required value in 'created-by')" in str(caught.value)
    assert not (tmp_path / "pylock.s.toml").exists()


HEAD = 'lock-version = "1.0"\ncreated-by = "somebody"'
TARGET = '[tool.stackcheck]\npython = "3.11"\nplatform = "x86_64-manylinux_2_28"'
ROW = '[[packages]]\nname = "a"\nversion = "1"'


def wheel(filename: str) -> str:
    return f'[[packages.wheels]]\nurl = "https://h/{filename}"\nhashes = {{ sha256 = "{HASH}" }}'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["this is = = not toml"], "this is not TOML"),
        ([""], "this is not a valid PEP 751 lock (Missing required value in 'lock-version')"),
        (
            [HEAD.replace('"1.0"', '"2.0"'), "packages = []"],
            "this is not a valid PEP 751 lock (pylock version 2.0 is not supported)",
        ),
        (
            [HEAD, "packages = 3"],
            "this is not a valid PEP 751 lock (Unexpected type int (expected Sequence) in 'packages')",
        ),
        (
            [HEAD, "packages = []"],
            "it does not say for which Python and platform it was made ([tool.stackcheck])",
        ),
        (
            [HEAD, ROW, TARGET],
            "Exactly one of vcs, directory, archive must be set if sdist and wheels are not set in 'packages[0]'",
        ),
        (
            [HEAD, ROW, '[packages.sdist]\nurl = "h/a-1.tar.gz"', TARGET],
            "Missing required value in 'packages[0].sdist.hashes'",
        ),
        (
            [HEAD, ROW, '[packages.sdist]\nurl = "h/a-1.tar.gz"\nhashes = { md5 = "1" }', TARGET],
            "packages: a: a-1.tar.gz has no sha256",
        ),
        (
            [HEAD, ROW, '[packages.directory]\npath = "."', TARGET],
            "packages: a is neither a wheel nor an archive with a hash",
        ),
        (
            [HEAD, ROW, wheel("a-1-cp39-cp39-win32.whl"), TARGET],
            "No wheel found matching the provided tags for package 'a'",
        ),
        ([HEAD, ROW.replace('"1"', '"one"'), TARGET], "Invalid version: 'one' in 'packages[0].version'"),
    ],
)
def test_what_is_no_lock_is_said_to_be_what_it_is(lines: list[str], words: str) -> None:
    with pytest.raises(LockError) as caught:
        parse_lock("\n".join(lines), path="locks/pylock.s.toml")
    assert str(caught.value).startswith(("locks/pylock.s.toml: ", "locks/pylock.s.toml:1: "))
    assert words in str(caught.value)


def test_a_lock_without_stated_python_says_for_which_it_was_made() -> None:
    wanted = stack(python=None)
    text = render_lock(UV_TEXT, ORIGINS, wanted, Made("x86_64-manylinux_2_28", "1", "3.11.99"))
    lock = parse_lock(text)
    assert (lock.python, lock.packages[0].filename[:17]) == ("3.11.99", "alpha-1.0-cp311-c")
    assert is_current(lock, wanted)
    assert 'requires-python = "==3.11.*"' in text


def test_what_uv_says_that_is_not_toml_is_an_error_of_the_lock() -> None:
    with pytest.raises(LockError, match="uv's lock is not TOML"):
        render_lock("= =", {}, stack(), Made("x86_64-manylinux_2_28", "1"))


def test_an_archive_by_url_is_locked_as_the_file_that_it_is() -> None:
    archive = f'[packages.archive]\nurl = "https://u:pw@h/a-1%2Bcu124-py3-none-any.whl"\nhashes = {{ sha256 = "{HASH}" }}'
    (found,) = parse_lock(f"{HEAD}\n{ROW}\n{archive}\n{TARGET}").packages
    assert (found.filename, found.is_wheel, found.sha256) == ("a-1+cu124-py3-none-any.whl", True, HASH)
    assert found.url == "https://h/a-1%2Bcu124-py3-none-any.whl"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "locks").glob("*.toml")), ids=lambda path: path.stem
)
def test_a_committed_lock_renders_again_to_the_same_bytes(path: Path) -> None:
    """uv's text is what stands in the lock without index, dependencies and our table."""
    text = path.read_text("utf-8")
    lock = read_lock(path)
    said = re.sub(r"(?m)^(?:index|dependencies) = .*\n", "", text.partition("\n[tool.stackcheck]")[0])
    origins = {each.name: Origin(each.index, each.requires) for each in lock.packages}
    again = render_lock(said, origins, stack(python=lock.python), Made(lock.platform, "0"))
    assert len(lock.packages) > 50
    assert again.partition("[tool.stackcheck]")[0] == text.partition("[tool.stackcheck]")[0]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"there is no such file\. Run `stackcheck lock` again"):
        read_lock(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\x00")
    with pytest.raises(LockError, match=r"is not UTF-8; save the file as UTF-8\. Run"):
        read_lock(tmp_path / "binary.toml")


def test_uvs_comments_become_indexes_and_requirements() -> None:
    text = """alpha==1.0+cu124
    # via this-stack (pyproject.toml)
    # from https://u:pw@h/simple
beta==2.0
    # via
    #   this-stack (pyproject.toml)
    #   alpha
    #   gamma[extra]
    # from https://pypi.org/simple
gamma==3.0
    # via alpha
"""
    assert read_annotations(text) == {
        "alpha": Origin("https://h/simple", ("beta", "gamma")),
        "beta": Origin("https://pypi.org/simple", ()),
        "gamma": Origin("", ("beta",)),
    }
    assert read_annotations("") == {}


@pytest.mark.parametrize(
    ("python", "platform", "tag", "fits"),
    [
        ("3.11", "x86_64-manylinux_2_28", "cp311-cp311-manylinux_2_28_x86_64", True),
        ("3.11", "x86_64-manylinux_2_28", "cp311-cp311-manylinux2014_x86_64", True),
        ("3.11", "x86_64-manylinux_2_28", "cp311-cp311-linux_x86_64", True),
        ("3.11", "x86_64-manylinux_2_28", "cp39-abi3-manylinux1_x86_64", True),
        ("3.11", "x86_64-manylinux_2_28", "py3-none-any", True),
        ("3.11", "x86_64-manylinux_2_28", "cp311-cp311-manylinux_2_31_x86_64", False),
        ("3.11", "x86_64-manylinux_2_28", "cp312-cp312-manylinux_2_28_x86_64", False),
        ("3.11", "aarch64-manylinux_2_28", "cp311-cp311-manylinux_2_28_x86_64", False),
        ("3.11", "x86_64-pc-windows-msvc", "cp311-cp311-win_amd64", True),
        ("3.11", "aarch64-apple-darwin", "cp311-cp311-macosx_11_0_arm64", True),
    ],
)
def test_wheel_tags_of_other_platforms(python: str, platform: str, tag: str, fits: bool) -> None:
    assert (Tag(*tag.split("-")) in supported_tags(python, platform)) is fits


def test_a_newer_glibc_and_the_own_abi_rank_first() -> None:
    tags = supported_tags("3.11", "x86_64-manylinux_2_28")
    ordered = ["cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_17_x86_64", "py3-none-any"]
    ranks = [tags[Tag(*each.split("-"))] for each in ordered]
    assert ranks == sorted(ranks)
    assert supported_tags("", "x86_64-manylinux_2_28") == {}
