"""Read what people have of their hosts: a list, or the pasted output of nvidia-smi or rocm-smi. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackcheck.knowledge.gpus import find_gpu
from stackcheck.matrix.cells import Host
from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_HOSTS = 10_000
_SMI = re.compile(r"NVIDIA-SMI\s+\S+\s+(?:\S+\s+)?Driver Version:\s*(?P<driver>[\d.]+)")
_SMI_ROW = re.compile(r"^\|\s+\d+\s+(?P<name>\S.*?)\s+(?:On|Off|N/A)\s+\|")
_SMI_LIST = re.compile(r"^\s*GPU\s+\d+:\s+(?P<name>.+?)\s+\(UUID:")
_ROCM_ROW = re.compile(r"^GPU\[\d+\]\s*:\s*(?:GFX Version|Card [Ss]eries):\s*(?P<name>\S.*?)\s*$")
_DRIVER = re.compile(r"\d{3}(?:\.\d+){0,2}")


def read_hosts(text: str, source: str) -> tuple[Host, ...]:
    """Return the different hosts of a text, in its order.

    A list has a host a line: GPU, driver and a name, with commas or tabs between them, the last two optional,
    `#` begins a comment. Raises UsageError, naming `source` and the line, for a GPU that nobody knows and for
    a text in which no host stands.
    """
    found = tuple(_smi(text)) or tuple(_rocm(text)) or tuple(_listed(text, source))
    if not found:
        raise UsageError(
            f"{source}: no host stands in it; write a line each, such as 'L4, 550.54, gpu-node-1'."
        )
    if len(found) > MOST_HOSTS:
        raise UsageError(f"{source}: {len(found):,} hosts are more than the {MOST_HOSTS:,} that are read.")
    return tuple(dict.fromkeys(found))


def _smi(text: str) -> Iterator[Host]:
    """Yield the GPUs of nvidia-smi's table, which may cut their names, or of `nvidia-smi -L`."""
    driver = ""
    for line in text.splitlines():
        if match := _SMI.search(line):
            driver = match["driver"]
        if match := _SMI_LIST.match(line) or (_SMI_ROW.match(line) if driver else None):
            name = match["name"].removesuffix("...").strip()
            if is_known(name):
                yield Host(name, driver)


def _rocm(text: str) -> Iterator[Host]:
    """Yield the GPUs of rocm-smi, by target where it says that, else by name."""
    for line in text.splitlines():
        if (match := _ROCM_ROW.match(line)) and is_known(match["name"]):
            yield Host(match["name"])


def _listed(text: str, source: str) -> Iterator[Host]:
    for number, line in enumerate(text.splitlines(), 1):
        words = [word.strip() for word in re.split(r"[,;\t]", line.partition("#")[0])]
        if not any(words) or (number == 1 and words[0].lower() in ("gpu", "gpus", "name")):
            continue
        gpu, driver, name = (*words, "", "")[:3]
        if driver and not _DRIVER.fullmatch(driver):
            driver, name = ("", driver) if not name else (driver, name)
        try:
            find_gpu(gpu)
        except ValueError as error:
            raise UsageError(f"{source}:{number}: {one_line(error, 300)}.") from None
        if driver and not _DRIVER.fullmatch(driver):
            raise UsageError(
                f"{source}:{number}: {one_line(driver, 60)!r} is not a driver, such as 550.54.15."
            )
        yield Host(gpu, driver, one_line(name, 60))


def is_known(name: str) -> bool:
    """Tell whether a name means one GPU."""
    try:
        find_gpu(name)
    except ValueError:
        return False
    return True
