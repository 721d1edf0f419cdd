"""Which Python an image runs, by the text of its command, its variables and its scripts."""

from __future__ import annotations

import pytest

from stackcheck.intake.interpreter import Candidate, Command, candidates

VENV = "/opt/venv/bin/python"
FILES = {
    "/usr/local/bin/serve": b"#!/opt/venv/bin/python3.11\nimport app\n",
    "/usr/bin/tool": b"#!/usr/bin/env python3\nimport app\n",
    "/usr/bin/split": b"#!/usr/bin/env -S python3.12 -u\n",
    "/entry.sh": b'#!/bin/sh\nset -e\nexec "$@"\n',
    "/activate.sh": b"#!/bin/bash\nsource /opt/venv/bin/activate\nexec python app.py\n",
    "/conda.sh": b"#!/bin/bash\neval x\nconda activate work\npython app.py\n",
    "/named.sh": b'#!/bin/bash\nif [ -n "$X" ]; then echo x; fi\n/srv/env/bin/python -m app\n',
    "/usr/local/bin/vllm": b"#!/opt/venv/bin/python\n",
    "/opt/conda/bin/conda": b"#!/opt/conda/bin/python\n",
    "/bin/server": b"\x7fELF",
}


def first(*words: str, folder: str = "/", **env: str) -> Candidate:
    path = env.pop("PATH", "/usr/local/bin:/usr/bin:/bin")
    return candidates(Command(words, {"PATH": path, **env}, folder), FILES.get)[0]


@pytest.mark.parametrize(
    ("words", "python"),
    [
        ((VENV, "app.py"), VENV),
        (("python", "app.py"), "python"),
        (("python3.12", "-m", "app"), "python3.12"),
        (("/usr/bin/env", "INNER=yes", "python3", "app.py"), "python3"),
        (("/usr/bin/env", "-S", "python3.11 -u", "app.py"), "python3.11"),
        (("tini", "--", VENV, "app.py"), VENV),
        (("tini", "-s", "--", VENV), VENV),
        (("dumb-init", VENV, "app.py"), VENV),
        (("gosu", "app", VENV, "app.py"), VENV),
        (("timeout", "60", VENV), VENV),
        (("serve", "--port", "80"), "/opt/venv/bin/python3.11"),
        (("/usr/local/bin/vllm", "serve"), VENV),
        (("tool",), "python3"),
        (("split",), "python3.12"),
        (("sh", "-c", "cd /srv && exec /opt/venv/bin/python app.py"), VENV),
        (("bash", "-lc", ". /opt/venv/bin/activate && python app.py"), VENV),
        (("/entry.sh", VENV, "app.py"), VENV),
        (("/entry.sh", "serve"), "/opt/venv/bin/python3.11"),
        (("/activate.sh",), VENV),
        (("/conda.sh",), "/opt/conda/envs/work/bin/python"),
        (("/named.sh",), "/srv/env/bin/python"),
        (("conda", "run", "-n", "work", "python", "app.py"), "/opt/conda/envs/work/bin/python"),
        (("conda", "run", "--prefix", "/env", "python"), "/env/bin/python"),
    ],
)
def test_the_command_says_which(words: tuple[str, ...], python: str) -> None:
    path = "/opt/conda/bin:/usr/local/bin:/usr/bin:/bin"
    found = first(*words, PATH=path)
    assert (found.python, found.certain) == (python, True)


def test_uv_runs_the_environment_of_its_project() -> None:
    assert first("uv", "run", "app.py", folder="/app").python == "/app/.venv/bin/python"
    there = first("uv", "run", "app.py", folder="/app", UV_PROJECT_ENVIRONMENT="/opt/env")
    assert there.python == "/opt/env/bin/python"


@pytest.mark.parametrize(
    "words", [(), ("bash",), ("/bin/server",), ("nothing-here",), ("/entry.sh",), ("sh", "-c")]
)
def test_what_no_text_says_is_taken_from_the_variables_and_then_from_path(words: tuple[str, ...]) -> None:
    assert first(*words, VIRTUAL_ENV="/opt/venv") == Candidate(VENV, "VIRTUAL_ENV")
    assert first(*words, CONDA_PREFIX="/opt/conda") == Candidate("/opt/conda/bin/python", "CONDA_PREFIX")
    assert first(*words) == Candidate("python3", "PATH")


def test_a_script_that_calls_itself_ends() -> None:
    loop = {"/loop": b'#!/bin/sh\nexec /loop "$@"\n'}
    assert candidates(Command(("/loop",), {}), loop.get)[0] == Candidate("python3", "PATH")


@pytest.mark.parametrize(
    "content", [b"#!", b"#!'", b"#!/bin/sh\nif [", b"\xff\xfe", b"#!/bin/sh\n" + b"(" * 5000]
)
def test_a_file_that_is_no_script_says_nothing(content: bytes) -> None:
    assert candidates(Command(("/x",), {}), {"/x": content}.get)[0] == Candidate("python3", "PATH")
