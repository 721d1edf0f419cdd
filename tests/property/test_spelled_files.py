"""One stack, spelled in the files that people write: the verdicts are those of the definition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from stackcheck import knowledge, rules
from stackcheck.environment import definition_facts
from stackcheck.intake.project import take
from stackcheck.intake.stack import Stack
from stackcheck.model.verdict import Level, Outcome
from stackcheck.rules.registry import judge_all

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.property

KNOWN = knowledge.load()
WHL = "https://download.pytorch.org/whl"
ABOUT_FILES = ("STACK", "INDEX", "DOCKER", "IMAGE", "PIN", "WHEEL114")
"""Codes that speak of how something is written, of an address, or of the image that a Dockerfile has."""


class Case(NamedTuple):
    """One stack: releases, the tag of its index, the GPU and the driver, and the codes that fail."""

    torch: str
    vision: str
    numpy: str
    tag: str
    gpu: str
    driver: str = "580.65.06"
    fails: frozenset[str] = frozenset()


CASES = (
    Case("2.5.1", "0.20.1", "1.26.4", "cu124", "L4"),
    Case("2.8.0", "0.23.0", "2.1.0", "cu128", "RTX 5090"),
    Case("2.1.2", "0.16.2", "1.26.4", "cu118", "T4"),
    Case("2.0.1", "0.15.2", "1.24.4", "cu117", "V100"),
    Case("2.6.0", "0.21.0", "2.0.2", "cu126", "H100"),
    Case("2.4.0", "0.19.0", "1.26.4", "cu121", "A100"),
    Case("2.5.1", "0.19.1", "1.26.4", "cu124", "L4", fails=frozenset({"TORCH101"})),
    Case("2.4.1", "0.19.1", "1.26.4", "cu124", "RTX 5090", fails=frozenset({"ARCH101"})),
    Case("2.2.2", "0.17.2", "2.1.0", "cu121", "L4", fails=frozenset({"NUMPY101"})),
    Case("2.9.1", "0.24.1", "2.1.0", "cu130", "V100", fails=frozenset({"ARCH101"})),
    Case("2.5.1", "0.20.1", "1.26.4", "cu124", "L4", driver="470.57.02", fails=frozenset({"DRIVER101"})),
    Case("2.3.1", "0.17.2", "2.1.0", "cu118", "T4", fails=frozenset({"TORCH101"})),
)


def pins(case: Case) -> str:
    return f"torch=={case.torch}\ntorchvision=={case.vision}\nnumpy=={case.numpy}\n"


def local(case: Case) -> str:
    return f"torch=={case.torch}+{case.tag} torchvision=={case.vision}+{case.tag}"


def wheel(name: str, version: str, case: Case) -> str:
    return f"{name} @ {WHL}/{case.tag}/{name}-{version}%2B{case.tag}-cp311-cp311-linux_x86_64.whl"


def lines(text: str) -> str:
    return "".join(f"{each}\n" for each in text.split())


def lists(case: Case) -> dict[str, dict[str, str]]:
    """Return (what is spelled) -> the files, of requirement files."""
    beside, hashed = f"--extra-index-url {WHL}/{case.tag}\n", " \\\n    --hash=sha256:" + "0" * 64 + "\n"
    plain, locals_ = beside + pins(case), lines(f"{local(case)} numpy=={case.numpy}")
    linux = "".join(f"{each}; sys_platform == 'linux'\n" for each in pins(case).split())
    texts = {
        "index beside": plain,
        "hashes": beside + pins(case).replace("\n", hashed),
        "local versions": beside + locals_,
        "find-links": f"-f {WHL}/torch_stable.html\n{locals_}",
        "wheels": "\n".join(wheels(case)),
        "markers": f"{beside}{linux}torch==1.0; sys_platform == 'darwin'\n",
        "blanks and capitals": plain.replace("==", " == ").replace("torch ", "Torch "),
        "constraints": f"{beside}-c held.txt\ntorch\ntorchvision\nnumpy\n",
    }
    found = {what: {"requirements.txt": text} for what, text in texts.items()}
    found["constraints"]["held.txt"] = pins(case)
    found["nested"] = {"requirements.txt": "-r requirements/base.txt\n", "requirements/base.txt": plain}
    return found


def projects(case: Case) -> dict[str, dict[str, str]]:
    """Return the same of a project's own files, and of conda."""
    url, listed = f"{WHL}/{case.tag}", ", ".join(f'"{each}"' for each in pins(case).split())
    source = (
        '[tool.uv.sources]\ntorch = { index = "whl" }\ntorchvision = [{ index = "whl" }]\n'
        f'[[tool.uv.index]]\nname = "whl"\nurl = "{url}"\nexplicit = true\n'
    )
    poetry = (
        "[tool.poetry.dependencies]\npython = '3.11'\n"
        f"torch = {{ version = '{case.torch}', source = 'whl' }}\n"
        f"torchvision = {{ version = '{case.vision}', source = 'whl' }}\nnumpy = '{case.numpy}'\n"
        f"[[tool.poetry.source]]\nname = 'whl'\nurl = '{url}'\npriority = 'explicit'\n"
    )
    named = "[project]\nname = 'p'\n"
    rows = "".join(f"\n    - {each}" for each in (f"--extra-index-url {url}", *pins(case).split()))
    tables = {
        "uv sources": f"{named}dependencies = [{listed}]\n{source}",
        "an extra": f"{named}[project.optional-dependencies]\ngpu = [{listed}]\n{source}",
        "a group": f"{named}[dependency-groups]\ngpu = [{listed}]\n{source}",
        "poetry": poetry,
    }
    return {
        **{what: {"pyproject.toml": text} for what, text in tables.items()},
        "setup.cfg": {"setup.cfg": "[options]\ninstall_requires =\n    " + "\n    ".join(wheels(case))},
        "conda's pip": {"environment.yml": f"dependencies:\n  - python=3.11\n  - pip:{rows}\n"},
    }


def images(case: Case) -> dict[str, dict[str, str]]:
    """Return the same of a Dockerfile."""
    url, numpy, image = (
        f"{WHL}/{case.tag}",
        f"numpy=={case.numpy}",
        "FROM nvidia/cuda:12.4.1-base-ubuntu22.04",
    )
    pair = f"torch=={case.torch} torchvision=={case.vision}"
    run = f"{pair} --index-url {url}"
    python, uv = "python3.11 -m pip install --no-cache-dir", "uv pip install --system"
    texts = {
        "pip": f"{image}\nRUN pip install {run} && pip3 install {numpy}\n",
        "python -m pip": f"{image}\nRUN {python} {run}\nRUN pip install '{numpy}'\n",
        "uv pip": f"{image}\nRUN {uv} {run}\nRUN {uv} {numpy}\n",
        "build arguments": f"ARG TAG={case.tag}\n{image}\nARG TAG\nARG V={case.torch}\n"
        f"ENV VISION={case.vision}\nRUN pip install torch==${{V}} torchvision==$VISION -i {WHL}/$TAG && \\\n"
        f"    pip install {numpy}\n",
        "a heredoc": f"{image}\nRUN <<EOF\nset -e\npip install {run}\npip install {numpy}\nEOF\n",
        "stages": f"{image} AS build\nRUN python3 -m venv /venv && /venv/bin/pip install {run}\n"
        f"RUN /venv/bin/pip install {numpy}\n{image}\nCOPY --from=build /venv /venv\n",
        "stable page": f"{image}\nRUN pip install {local(case)} -f {WHL}/torch_stable.html\n"
        f"RUN pip install {numpy}\n",
        "a file": f"{image}\nWORKDIR /app\nCOPY r.txt /app\nRUN pip install -r r.txt\n",
        "variables of pip": f"{image}\nENV PIP_EXTRA_INDEX_URL={url}\nRUN pip install {pair} {numpy}\n",
    }
    found = {what: {"Dockerfile": text} for what, text in texts.items()}
    found["a file"]["r.txt"] = f"--extra-index-url {url}\n{pins(case)}"
    return found


def scripts(case: Case) -> dict[str, dict[str, str]]:
    """Return the same of what runs elsewhere: jobs of Slurm, Modal apps, notebooks, images in folders."""
    url, numpy = f"{WHL}/{case.tag}", f"numpy=={case.numpy}"
    run = f"pip install torch=={case.torch} torchvision=={case.vision} --index-url {url}"
    job = f"#!/bin/bash\n#SBATCH --gres=gpu:1\nmodule load python/3.11\n{run}\npip install {numpy}\n"
    where = f"#!/bin/bash\n#SBATCH --gpus='{case.gpu}:2'\nml Python/3.11.3 gcc/12\nsrun python train.py\n"
    cells = [f"!{run}\n", f"import torch\n%pip install {numpy}\n"]
    notebook = {"cells": [{"cell_type": "code", "source": [each]} for each in cells]}
    app = (
        "import modal\nimage = modal.Image.debian_slim(python_version='3.11')"
        f".pip_install('torch=={case.torch}', 'torchvision=={case.vision}', index_url='{url}')"
        f".uv_pip_install(['{numpy}'])\n"
        f"@modal.App('a').function(image=image, gpu='{case.gpu}')\ndef train(): ...\n"
    )
    table = (
        f"from setuptools import setup\nneeds = {list(wheels(case))!r}\n"
        "deps = {each.split('=')[0].split(' ')[0]: each for each in needs}\n"
        "setup(install_requires=[deps['torch'], deps['torchvision'], deps['numpy']])\n"
    )
    image = f"FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN {run} && pip install {numpy}\n"
    plain = f"--extra-index-url {url}\n{pins(case)}"
    return {
        "a job that installs": {"train.sbatch": job},
        "a job beside requirements": {"jobs/train.sh": where, "requirements.txt": plain},
        "a notebook": {"train.ipynb": json.dumps(notebook, indent=1)},
        "a Modal app": {"app.py": app},
        "a table in setup.py": {"setup.py": table},
        "an image in a folder": {"docker/gpu/Dockerfile": image},
    }


def wheels(case: Case) -> tuple[str, str, str]:
    return (
        wheel("torch", case.torch, case),
        wheel("torchvision", case.vision, case),
        f"numpy=={case.numpy}",
    )


def verdicts(stack: Stack) -> dict[str, set[Outcome]]:
    found: dict[str, set[Outcome]] = {}
    for verdict in judge_all(rules.before_build(Level.STATED), definition_facts(stack, KNOWN)):
        if not verdict.code.startswith(ABOUT_FILES):
            found.setdefault(verdict.code, set()).add(verdict.outcome)
    return found


def failed(found: dict[str, set[Outcome]]) -> frozenset[str]:
    return frozenset(code for code, outcomes in found.items() if Outcome.FAIL in outcomes)


@pytest.mark.parametrize("case", CASES, ids=lambda each: f"{each.torch}-{each.tag}-{each.gpu}-{each.driver}")
def test_a_stack_in_the_files_of_people_has_the_verdicts_of_its_definition(
    case: Case, tmp_path: Path
) -> None:
    torch, vision = ({"version": each, "index": f"{WHL}/{case.tag}"} for each in (case.torch, case.vision))
    fields = {"python": "3.11", "platform": "linux/amd64", "gpus": [case.gpu], "driver": case.driver}
    packages = {"torch": torch, "torchvision": vision, "numpy": case.numpy}
    definition = verdicts(Stack.model_validate({"id": "s", **fields, "glibc": "2.35", "packages": packages}))
    assert failed(definition) >= case.fails
    assert bool(failed(definition)) == bool(case.fails)
    other = {}
    for what, files in {**lists(case), **projects(case), **images(case), **scripts(case)}.items():
        folder = tmp_path / what.replace(" ", "-")
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (taken,) = take([folder], {**fields, "glibc": "2.35"})
        said = verdicts(taken.stack)
        if said != definition:
            other[what] = {
                code: (said.get(code), definition.get(code))
                for code in said.keys() | definition.keys()
                if said.get(code) != definition.get(code)
            }
    assert other == {}


RANGES = {
    "==2.5.*": "2.5.1",
    "~=2.5.1": "2.5.1",
    ">=2.5.1,<2.6": "2.5.1",
    "===2.5.1": "2.5.1",
    "==2.5.1.0": "2.5.1",
}


@pytest.mark.parametrize("wanted", RANGES)
@pytest.mark.parametrize(
    ("gpu", "driver"), [("L4", "580.65.06"), ("RTX 5090", "580.65.06"), ("L4", "470.57.02")]
)
def test_a_range_says_what_the_pin_says_or_that_it_was_not_checked(
    tmp_path: Path, wanted: str, gpu: str, driver: str
) -> None:
    def said(torch: str) -> dict[str, set[Outcome]]:
        text = f"--extra-index-url {WHL}/cu124\ntorch{torch}\ntorchvision==0.20.1\nnumpy==1.26.4\n"
        (tmp_path / "requirements.txt").write_text(text, encoding="utf-8")
        (taken,) = take(
            [tmp_path], {"python": "3.11", "platform": "linux/amd64", "gpus": [gpu], "driver": driver}
        )
        return verdicts(taken.stack)

    pinned, ranged = said("==2.5.1"), said(wanted)
    assert [code for code in pinned if ranged.get(code, {Outcome.SKIP}) - {Outcome.SKIP} - pinned[code]] == []
    assert [code for code in failed(pinned) if not ranged.get(code)] == []
