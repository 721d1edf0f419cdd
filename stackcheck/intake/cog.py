"""Read cog.yaml, by which Cog builds an image and Replicate runs it.

Format: https://github.com/replicate/cog/blob/main/docs/yaml.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.requirements import included, read_lines
from stackcheck.intake.stated import Found, Open, Stated, found_of
from stackcheck.intake.steps import Here, Left, run_script
from stackcheck.intake.yamls import documents, place
from stackcheck.knowledge import torch as torch_table
from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = "cog.yaml"


def read(text: str, folder: Path, shown: str) -> Found:
    """Read a cog.yaml and the requirement file that it names. Raises UsageError for what is none."""
    document = next(iter(documents(text, shown)), None)
    build = table(document, "build")
    if not build:
        raise UsageError(f"{shown}: this is not a cog.yaml: it has no build.")
    gpu = text_at(build, "gpu") == "true"
    said: list[Stated | Open] = []
    if python := text_at(build, "python_version"):
        said.append(Stated("python", ".".join(python.split(".")[:2]), place(build, "python_version", shown)))
    said.append(Stated("accelerator", "cuda" if gpu else "cpu", place(build, "gpu", shown)))
    cuda = ".".join(text_at(build, "cuda").split(".")[:2]) if gpu else ""
    if cuda:  # the version of the image that Cog builds on, with its toolkit
        said.append(Stated("toolkit", cuda, place(build, "cuda", shown)))
    for each in (*_packages(build, folder, shown), *_commands(build, folder, shown)):
        said += _of_cuda(each, cuda, gpu=gpu) if isinstance(each, Stated) else [each]
    return Found(KIND, shown, containers=(found_of(KIND, shown, said, "cog"),))


def _packages(build: Any, folder: Path, shown: str) -> Iterator[Stated | Open]:
    listed = rows(build, "python_packages")
    texts = [each for each in listed if isinstance(each, str)]
    lines = [place(listed, number, shown).line for number in range(len(listed))]
    yield from read_lines("\n".join(texts), shown, lines, folder)
    if name := text_at(build, "python_requirements"):
        where = place(build, "python_requirements", shown)
        if (folder / name).is_file():
            yield from included(Stated("-r", name, where), folder, shown)
        else:
            yield Open(f"{name} is not there, so it was not read.", where)


def _commands(build: Any, folder: Path, shown: str) -> Iterator[Stated | Open]:
    listed, left = rows(build, "run"), Left()
    for number, each in enumerate(listed):
        script = each if isinstance(each, str) else text_at(each, "command")
        line = place(listed, number, shown).line
        run_script(script, {}, Here((), shown, line, folder, copied=(("/", "."),)), left)
    yield from left.said()


def _of_cuda(each: Stated, cuda: str, *, gpu: bool) -> Iterator[Stated | Open]:
    """Yield a package as Cog installs it: it takes torch from the index of the stated CUDA version.

    Source: torchGPUPackage in pkg/config/compatibility.go of github.com/replicate/cog, at 001f947 (checked
    2026-11-30): of the builds of a release the newest for a CUDA that is not above the stated one.
    """
    name = each.key.removeprefix("packages.")
    version = each.value.get("version", "") if each.key.startswith("packages.") else ""
    plain = name in {"torch", "torchvision", "torchaudio"} and version[:1].isdigit() and "+" not in version
    if not plain or "index" in each.value or (gpu and not cuda):
        yield each
        return
    kind = f"cu{cuda.replace('.', '')}" if gpu else "cpu"
    known = name != "torch" or not gpu or torch_table.load().builds_of(version, cuda)
    if not known:
        text = f"which build of {name} {version} Cog takes for CUDA {cuda} was not found out."
        yield Open(text, each.place)
    row = {**each.value, **({"index": f"https://download.pytorch.org/whl/{kind}"} if known else {})}
    yield Stated(each.key, row, each.place)
