"""Images that lie, flood, hang and forge what is seen of them; none where no docker answers.

The stack wants torch 2.5.0 and goodpkg 1.0, which none of the images has.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from tests.hostile.campaign import Attempt, Call
from tests.hostile.environments import FORGED, STACK, TORCH

if TYPE_CHECKING:
    from pathlib import Path

BASE = "stackcheck-test-base:bookworm"
SITE = "/usr/local/lib/python3.11/dist-packages"
_LIE = """
import json
honest = json.dumps
def dumps(said, **how):
    if isinstance(said, dict) and 'agent' in said and 'probes' in said:
        change(said['probes'])
    return honest(said, **how)
json.dumps = dumps
def rows(probes): return probes['distributions']['facts']['distributions']
"""
_ADDS = (
    _LIE
    + f"""
def change(probes):
    for name, version in (('torch', '2.5.0'), ('goodpkg', '1.0')):
        rows(probes).append({{'name': name, 'version': version, 'complete': True, 'requires': [],
            'extras': [], 'location': {SITE!r}, 'metadata': name + '-' + version + '.dist-info',
            'installer': 'pip', 'tags': ['py3-none-any'], 'direct_url': None}})
"""
)
_DOCUMENT = FORGED % ""
_COPY = f"COPY files {SITE}/\n"
_PYTHON = "COPY files/python3 /usr/local/bin/python3\n"


def _lying(code: str, **more: str) -> dict[str, str]:
    """Return the files of a lie that runs in each Python that starts, the agent's among them."""
    return {"lie.pth": "import lie\n", "lie.py": code, **more}


def _metadata(name: str, version: str, more: str = "") -> dict[str, str]:
    return {f"{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n{more}"}


_RENAMES = """
def change(probes):
    for row in rows(probes):
        if row['name'] == 'goodpkg': row['version'] = '1.0'
"""
_HIDES = """
def change(probes):
    rows(probes)[:] = [row for row in rows(probes) if row['name'] != 'badpkg']
"""
_HIDES_CODE = """
def change(probes):
    probes['libraries']['facts']['libraries'] = []
"""
_CLAIMS_CODE = """
def change(probes):
    for row in probes['libraries']['facts']['libraries']:
        row['relocatable'] = [{'code': 'compute_90:8.0', 'images': 1, 'bytes': 47}]
"""
_KERNEL = {"goodpkg/kernel.ptx": ".version 8.0\n.target sm_80\n.address_size 64\n"}
_SKIPS = """
def change(probes):
    for name in probes: probes[name] = {'status': 'skipped', 'reason': 'no'}
"""
IMAGES: dict[str, tuple[str, dict[str, str], str]] = {
    "says that packages are there": (_COPY, _lying(_ADDS), "PROBE303"),
    "says another version": (_COPY, _lying(_LIE + _RENAMES, **_metadata("goodpkg", "0.9")), "PROBE303"),
    "hides a package": (
        _COPY,
        _lying(
            _LIE + _HIDES,
            **_metadata("badpkg", "1.0", "Requires-Dist: torch==9\n"),
            **_metadata("other", "1.0"),
        ),
        "PROBE303",
    ),
    "hides its GPU code": (
        _COPY,
        _lying(_LIE + _HIDES_CODE, **_KERNEL, **_metadata("goodpkg", "1.0")),
        "its GPU code: the image says none, and its files say compute_80:8.0",
    ),
    "claims other GPU code": (
        _COPY,
        _lying(_LIE + _CLAIMS_CODE, **_KERNEL, **_metadata("goodpkg", "1.0")),
        "its GPU code: the image says compute_90:8.0, and its files say compute_80:8.0",
    ),
    "leaves a probe out": (
        _COPY,
        _lying(_LIE + "def change(probes): del probes['recorded_files']\n"),
        "the answer does not hold this probe",
    ),
    "skips what it likes": (_COPY, _lying(_LIE + _SKIPS), "for a reason that is not one of ours"),
    "answers what was not asked": (
        _COPY,
        _lying(_LIE + "def change(probes): probes['stack'] = probes['system']\n"),
        "not asked for",
    ),
    "is called 3.99.0 by its label": ("LABEL stackcheck.base-python=3.99.0\n", {}, ""),
    "wears the labels of a stack": (
        "LABEL stackcheck.stack=victim stackcheck.fingerprint=000000000000\n",
        {},
        "",
    ),
    "has a python that is echo": (_PYTHON, {"python3": f"#!/bin/sh\necho '{_DOCUMENT}'\n"}, ""),
    "has a python that says a document and leaves with 7": (
        _PYTHON,
        {"python3": f"#!/bin/sh\necho '{_DOCUMENT}'; exit 7\n"},
        "",
    ),
    "has a python that floods": (_PYTHON, {"python3": "#!/bin/sh\nyes\n"}, ""),
    "has a python that leaves with 0": (_PYTHON, {"python3": "#!/bin/sh\nexit 0\n"}, ""),
    "has a json.py first on its path": ("COPY files /evil\nENV PYTHONPATH=/evil\n", {"json.py": "1/0\n"}, ""),
    "has its packages behind a link": (
        f"COPY files /data\nRUN rm -rf {SITE} && ln -s /data {SITE}\n",
        {"goodpkg-1.0.dist-info/METADATA": ""},
        "",
    ),
    "has metadata that its user cannot read": (
        f"{_COPY}RUN chmod 700 {SITE}/goodpkg-1.0.dist-info\nUSER 1234\n",
        {"goodpkg-1.0.dist-info/METADATA": "Name: goodpkg\nVersion: 1.0\n"},
        "",
    ),
    "has a folder of ours already": ("RUN ln -s /etc /stackcheck\n", {}, ""),
    "has an entrypoint that says a document": (f"ENTRYPOINT [\"/bin/echo\", '{_DOCUMENT}']\n", {}, ""),
    "preloads a library that is none": ("ENV LD_PRELOAD=/etc/passwd\n", {}, ""),
    **{
        f"has a torch that {name}": (_COPY, {"torch/__init__.py": TORCH[name]}, "")
        for name in (
            "prints a document", "kills the agent", "floods stdout", "forks 40 times", "leaves with 0",
            "writes a document into the agent's pipes", "writes entries into every pipe of its own",
        )
    },
}  # fmt: skip
"""What is added to the base image: lines of its Dockerfile, files, and what has to be said of it."""


def attempts(seed: int) -> list[Attempt]:
    """Return every attempt where docker has the base image; the seed changes nothing."""
    del seed
    docker = shutil.which("docker")
    if (
        not docker
        or subprocess.run([docker, "image", "inspect", BASE], capture_output=True, check=False).returncode
    ):
        return []
    return [Attempt(name, partial(_make, docker, *what)) for name, what in IMAGES.items()]


def _make(docker: str, lines: str, files: dict[str, str], says: str, folder: Path) -> Call:
    context = folder / "context"
    (context / "files").mkdir(parents=True)
    for name, text in files.items():
        path = context / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)
    (context / "Dockerfile").write_text(f"FROM {BASE}\n{lines}", "utf-8")
    tag = f"stackcheck-hostile:{folder.parent.name[-8:].lower().strip('_.-')}"
    subprocess.run([docker, "build", "-q", "-t", tag, str(context)], capture_output=True, check=True)
    (folder / "victim.toml").write_text(STACK.format(python="3.11"), "utf-8")

    def clean_up() -> None:
        subprocess.run([docker, "image", "rm", "-f", tag], capture_output=True, check=False)

    words = ("probe", "--image", tag, "--stack", "victim.toml", "--timeout", "30", "-q")
    return Call(words, says=says, seconds=180.0, clean_up=clean_up)
