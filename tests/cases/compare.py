"""Ask `uv pip compile` and `env-doctor dockerfile` about the same cases, as far as they can be asked at all.

    python -m tests.cases.compare [CASES.toml] [--env-doctor PATH] --json FILE

uv gets the pins of a case on PyPI, without local versions, wheels only, for the stated Python and platform;
other indexes are not asked, and what PyPI does not hold is left out. env-doctor reads no definition: it gets
a Dockerfile that installs the pins.
A tool calls a case bad when it exits with an error. Needs the package index, so no test runs this; the result
that is committed beside it is one run.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import knowledge
from tests.cases.convert import to_stack
from tests.cases.scoreboard import HERE, judge, read_cases

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack

PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_31",
    "linux/arm64": "aarch64-manylinux_2_31",
    "windows/amd64": "windows",
    "macos/arm64": "aarch64-apple-darwin",
}


def requirements(stack: Stack) -> list[str]:
    """Return the pins that PyPI can be asked for: no conda packages, no source builds, no local versions."""
    lines = []
    for name, package in stack.packages.items():
        if package.origin in {"source", "conda"}:
            continue
        version = package.exact
        lines.append(f"{name}=={version.public}" if version else f"{name}{package.specifier}")
    return lines


def python_of(stack: Stack) -> str:
    """Return the stated Python, else the last one up to 3.11 that the stack's torch has wheels for."""
    if stack.python:
        return ".".join(stack.python.split(".")[:2])
    version = stack.version("torch")
    release = knowledge.load().torch.release(version) if version else None
    pythons = release.python.get(stack.platform or "linux/amd64", ()) if release else ()
    known = [each for each in pythons if not each.endswith("t") and int(each.split(".")[1]) <= 11]
    return known[-1] if known else "3.10"


_NOT_THERE = re.compile(
    r"Because (?:all versions of )?(?P<bare>[\w-]+?)(?:[=<>!~][^ ]*)? ha(?:s|ve) no usable wheels"
    r"|there (?:is|are) no versions? of (?P<version>[\w-]+)"
    r"|Because (?P<name>[\w-]+) was not found"
)


def ask_uv(stack: Stack) -> dict[str, Any]:
    """Resolve the pins with uv: "bad" for no solution, None when there is nothing to ask.

    What PyPI has no wheel of, or not that version (builds of other indexes, sources, nightlies), says nothing
    about the stack: it is left out and uv is asked again.
    """
    pins = requirements(stack)
    left_out: list[str] = []
    while pins:
        done = _compile(pins, stack)
        missing = _NOT_THERE.search(" ".join(done.stderr.split())) if done.returncode else None
        name = next((text for text in missing.groups() if text), "") if missing else ""
        rest = [pin for pin in pins if re.split(r"[=<>!~]", pin)[0] != name]
        if not name or rest == pins:
            why = done.stderr.strip()[:300]
            return {"says": "bad" if done.returncode else "good", "why": why, "left_out": left_out}
        pins, left_out = rest, [*left_out, name]
    return {"says": None, "why": "no wheel of it is on PyPI", "left_out": left_out}


def _compile(pins: list[str], stack: Stack) -> subprocess.CompletedProcess[str]:
    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    command = [
        uv, "pip", "compile", "-", "--quiet", "--only-binary", ":all:", "--no-annotate", "--no-header",
        "--python-version", python_of(stack), "--python-platform", PLATFORMS[stack.platform or "linux/amd64"],
        "--default-index", "https://pypi.org/simple",
    ]  # fmt: skip
    return subprocess.run(
        command, input="\n".join(pins), capture_output=True, text=True, timeout=300, check=False
    )


def ask_env_doctor(stack: Stack, program: str) -> dict[str, Any]:
    """Let env-doctor read a Dockerfile that installs the pins; it judges what it knows of Dockerfiles."""
    pins = " ".join(f"'{name}=={p.exact}'" for name, p in stack.packages.items() if p.exact)
    if not pins:
        return {"says": None, "why": "no pin to write into a Dockerfile"}
    image = stack.image.ready or stack.image.base or f"python:{python_of(stack)}-slim"
    links = "".join(f" --extra-index-url {url}" for url in stack.index.extra)
    text = f"FROM {image}\nRUN pip install {pins}{links}\n"
    text += "".join(f'ENV {name}="{value}"\n' for name, value in stack.env.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Dockerfile"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [program, "dockerfile", str(path)], capture_output=True, text=True, timeout=120, check=False
        )
    return {
        "says": "bad" if done.returncode else "good",
        "why": _shortened(done.stdout + done.stderr, folder),
    }


def _shortened(text: str, folder: str) -> str:
    lines = text.replace(f"{folder}/", "").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and not set(line) <= set("=-"))[-400:]


def counts(cases: list[dict[str, Any]], answers: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Count what one tool found and where it cried wolf."""
    asked = [case for case in cases if answers[case["id"]]["says"] is not None]
    bad = [case for case in asked if case["verdict"] == "bad"]
    good = [case for case in asked if case["verdict"] == "good"]
    return {
        "asked": len(asked),
        "bad": len(bad),
        "found": sum(answers[case["id"]]["says"] == "bad" for case in bad),
        "good": len(good),
        "alarms": sum(answers[case["id"]]["says"] == "bad" for case in good),
    }


def main(arguments: list[str] | None = None) -> int:
    """Ask every tool about every case and write the answers."""
    parser = argparse.ArgumentParser(description="Ask other tools about the same cases.")
    parser.add_argument("cases", nargs="?", type=Path, default=HERE / "cases.toml")
    parser.add_argument("--env-doctor", default="", help="the env-doctor program, when it is installed")
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args(arguments)
    cases = read_cases(options.cases)
    stacks = {case["id"]: to_stack(case) for case in cases}
    judged = {case["id"]: judge(case) for case in cases}
    answers = {
        "stackcheck": {
            key: {"says": "bad" if each.fails else "good", "why": "; ".join(each.fails)}
            for key, each in judged.items()
        },
        "uv pip compile": {key: ask_uv(stack) for key, stack in stacks.items()},
    }
    if options.env_doctor:
        answers["env-doctor dockerfile"] = {
            key: ask_env_doctor(stack, options.env_doctor) for key, stack in stacks.items()
        }
    document = {
        "tools": {name: counts(cases, said) for name, said in answers.items()},
        "cases": {key: {name: said[key] for name, said in answers.items()} for key in stacks},
    }
    options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(document["tools"], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
