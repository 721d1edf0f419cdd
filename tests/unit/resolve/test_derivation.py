"""What uv 0.13.8 really said, recorded in tests/data/uv by resolving these pins, and what is read out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcheck.resolve.derivation import find_conflict, premises, read_failure

SAID = Path(__file__).parents[2] / "data" / "uv"


def said(name: str) -> str:
    return (SAID / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "message", "first", "second"),
    [
        ("conflict-cumm", "spconv-cu124==2.3.8 needs cumm-cu124>=0.7.11,<0.8.0, but the stack needs cumm-cu124==0.8.2", "spconv-cu124==2.3.8: cumm-cu124>=0.7.11,<0.8.0", "the stack: cumm-cu124==0.8.2"),
        ("conflict-torchvision", "torchvision==0.19.0 needs torch==2.4.0, but the stack needs torch==2.5.0", "torchvision==0.19.0: torch==2.4.0", "the stack: torch==2.5.0"),
        ("conflict-two-torches", "torchaudio==2.4.0 needs torch==2.4.0, but torchvision==0.20.0 needs torch==2.5.0", "torchaudio==2.4.0: torch==2.4.0", "torchvision==0.20.0: torch==2.5.0"),
        ("conflict-marker", "torch==2.5.0 needs triton==3.1.0, but the stack needs triton==3.0.0", "torch==2.5.0: triton==3.1.0", "the stack: triton==3.0.0"),
        ("conflict-cublas", "torch==2.5.0 needs nvidia-cublas-cu12==12.4.5.8, but the stack needs nvidia-cublas-cu12==12.9.3.13", "torch==2.5.0: nvidia-cublas-cu12==12.4.5.8", "the stack: nvidia-cublas-cu12==12.9.3.13"),
        ("conflict-cudnn-range", "torch==2.5.0 needs nvidia-cudnn-cu12==9.1.0.70, but the stack needs nvidia-cudnn-cu12>=9.5", "torch==2.5.0: nvidia-cudnn-cu12==9.1.0.70", "the stack: nvidia-cudnn-cu12>=9.5"),
        ("conflict-same-package", "the stack needs numpy==1.26.4, but the stack needs numpy==2.0.0", "the stack: numpy==1.26.4", "the stack: numpy==2.0.0"),
        ("conflict-ranges", "opencv-python==4.10.0.84 needs numpy>=1.21.2, but the stack needs numpy<1.20", "opencv-python==4.10.0.84: numpy>=1.21.2", "the stack: numpy<1.20"),
        ("conflict-deep", "matplotlib==3.9.2 needs numpy>=1.23, but the stack needs numpy<1.20", "matplotlib==3.9.2: numpy>=1.23", "the stack: numpy<1.20"),
    ],
)  # fmt: skip
def test_a_conflict_names_its_two_requirements(name: str, message: str, first: str, second: str) -> None:
    found = read_failure(said(name))
    assert (found.kind, found.message, found.requirements) == ("conflict", message, (first, second))
    assert found.derivation.startswith("Because ")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("no-version-local", "not-found", "the stack needs torch==2.5.0+cu124, which is on none of the indexes and pages that were read"),
        ("no-version", "not-found", "the stack needs spconv-cu124==2.3.99, which is on none of the indexes and pages that were read"),
        ("no-version-range", "not-found", "the stack needs pydantic>=3, which is on none of the indexes and pages that were read"),
        ("no-project", "not-found", "the stack needs no-such-thing-xyz-abc==1.0, which is on none of the indexes and pages that were read"),
        ("no-wheel", "no-wheel", "the stack needs mmcv==2.2.0, which has no wheel that may be used, and no source build is allowed"),
        ("no-wheel-requires-python", "no-wheel", "the stack needs numpy==2.4.0, which has no wheel that may be used, and no source build is allowed"),
        ("no-python-wheel", "no-python-wheel", "the stack needs torch==2.5.0, which has no wheel for this Python"),
        ("no-platform-wheel", "no-platform-wheel", "the stack needs cumm-cu124==0.7.11, which has no wheel for this platform"),
        ("no-platform-wheel-all", "no-platform-wheel", "the stack needs spconv-cu124, which has no wheel for this platform"),
        ("dns", "unreachable", "https://download.pytorch.org/whl/cu124/torch/: its host name could not be resolved (DNS)"),
        ("dns-page", "unreachable", "https://data.pyg.org/whl/torch-2.5.0+cu124.html: its host name could not be resolved (DNS)"),
        ("refused", "unreachable", "http://127.0.0.1:1/simple/x/: the connection was refused"),
        ("bad-uv", "resolver", "uv could not resolve the stack: unexpected argument '--no-such-flag' found"),
    ],
)  # fmt: skip
def test_every_other_failure_is_told_apart(name: str, kind: str, message: str) -> None:
    found = read_failure(said(name))
    assert (found.kind, found.message) == (kind, message)


@pytest.mark.parametrize("name", ["offline", "offline-no-metadata", "offline-not-downloaded"])
def test_what_the_cache_does_not_have_is_offline(name: str) -> None:
    found = read_failure(said(name), offline=True)
    assert (found.kind, found.hint) == ("offline", "run once without --offline")
    assert found.message.endswith("is not in uv's cache, and the network was not to be used")


def test_a_conflict_between_cached_packages_is_a_conflict_also_offline() -> None:
    assert read_failure(said("conflict-cumm"), offline=True).kind == "conflict"


def test_a_version_missing_from_an_old_cache_proves_nothing() -> None:
    assert read_failure(said("no-version"), offline=True).kind == "offline"


def test_a_long_derivation_with_lists_is_read_and_bounded() -> None:
    found = read_failure(said("yanked"))
    assert found.kind == "no-python-wheel"
    assert len(found.derivation) < 6200


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "denied"), (403, "denied"), (407, "denied"), (404, "bad-index"), (502, "bad-index")]
)  # fmt: skip
def test_a_status_is_named_with_its_address(status: int, kind: str) -> None:
    side = "client" if status < 500 else "server"
    text = (
        "error: Failed to read `--find-links` URL: http://user:****@127.0.0.1:8765/x/\n"
        "  cause: Failed to fetch: http://127.0.0.1:8765/x/\n"
        f"  cause: HTTP status {side} error ({status} Words) for url (http://127.0.0.1:8765/x/)\n"
    )
    found = read_failure(text)
    assert (found.kind, found.status, found.where) == (kind, status, "http://127.0.0.1:8765/x/")
    assert found.message == f"http://127.0.0.1:8765/x/ answered with HTTP status {status}"


def test_silence_is_a_fault_of_the_resolver() -> None:
    assert read_failure("").message == "uv could not resolve the stack: no message at all"


def test_credentials_and_control_characters_of_uv_do_not_get_through() -> None:
    text = "error: strange \x1b[31m https://bob:pa55word@h/simple?token=abc123 and t0ken-value\x07"
    found = read_failure(text, secrets=["t0ken-value"])
    assert "pa55word" not in repr(found)
    assert "abc123" not in repr(found)
    assert "t0ken-value" not in repr(found)
    assert "\x1b" not in found.message + found.derivation


def test_conclusions_are_not_taken_for_premises() -> None:
    found = premises(read_failure(said("conflict-marker")).derivation)
    assert found == (
        ("torch==2.5.0", "triton==3.1.0"),
        ("this-stack", "torch==2.5.0"),
        ("this-stack", "triton==3.0.0"),
    )


def test_premises_that_agree_make_no_conflict() -> None:
    assert find_conflict([("a==1", "c>=1"), ("b==1", "c>=1"), ("b==1", "d>=1")]) is None


def test_a_marker_is_no_part_of_a_name() -> None:
    """A resolution of vllm 0.8.2 named `xgrammar{platform_machine`: the marker was cut at its space."""
    text = (
        "error: No solution found when resolving dependencies:\n"
        "  cause: Because there is no version of xgrammar{platform_machine == 'x86_64'}==0.1.16 and vllm==0.8.2 "
        "depends on xgrammar{platform_machine == 'x86_64'}==0.1.16, we can conclude that vllm==0.8.2 cannot be "
        "used. And because this-stack depends on vllm==0.8.2, we can conclude that your requirements are "
        "unsatisfiable."
    )
    found = read_failure(text)
    assert found.message == (
        "vllm==0.8.2 needs xgrammar==0.1.16, which is on none of the indexes and pages that were read"
    )
    assert found.requirements == ("xgrammar==0.1.16",)


def test_the_frame_of_an_older_uv_is_read_as_the_lines_of_a_newer_one() -> None:
    framed = (
        "  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:\n"
        "  \u2570\u2500\u25b6 Because the requested Python version (>=3.11) does not satisfy\n"
        "      Python>=3.12 and newer==1.0 depends on Python>=3.12, we can conclude\n"
        "      that newer==1.0 cannot be used.\n"
        "      And because this-stack depends on newer==1.0, we can conclude that your\n"
        "      requirements are unsatisfiable.\n\n"
        "      hint: The `--python-version` value (>=3.11) includes Python versions\n"
        "      that are not supported by your dependencies.\n"
    )
    found = read_failure(framed)
    assert (found.kind, found.requirements) == ("no-python-wheel", ("newer==1.0",))
    assert found.derivation.splitlines() == [
        "Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and newer==1.0 depends on Python>=3.12, we can conclude that newer==1.0 cannot be used.",
        "And because this-stack depends on newer==1.0, we can conclude that your requirements are unsatisfiable.",
        "hint: The `--python-version` value (>=3.11) includes Python versions that are not supported by your dependencies.",
    ]


def test_two_packages_of_which_all_versions_exclude_each_other_are_both_named() -> None:
    text = (
        "error: No solution found when resolving dependencies\n  cause: Because all versions of audio depend on "
        "torch==2.5.0 and all versions of vision depend on torch==2.4.0, we can conclude that all versions of audio "
        "and all versions of vision are incompatible.\n         And because this-stack depends on vision==0.19.0 and "
        "audio==2.5, we can conclude that your requirements are unsatisfiable."
    )
    assert read_failure(text).requirements == ("audio==2.5: torch==2.5.0", "vision==0.19.0: torch==2.4.0")


def test_versions_for_newer_pythons_do_not_hide_that_the_platform_is_missing() -> None:
    text = (
        "error: No solution found when resolving dependencies\n  cause: Because cumm==0.8.2 has no wheels with a "
        "matching Python ABI tag (e.g., `cp310`) and cumm==0.7.11 has no wheels with a matching platform tag (e.g., "
        "`manylinux_2_28_aarch64`), we can conclude that all versions of cumm cannot be used.\n         And because "
        "this-stack depends on cumm, we can conclude that your requirements are unsatisfiable."
    )
    assert read_failure(text).kind == "no-platform-wheel"
