"""Read batch scripts of Slurm: which GPUs a job asks for, which CUDA module it loads, what it installs.

Options: https://slurm.schedmd.com/sbatch.html; modules: https://lmod.readthedocs.io/en/latest/010_user.html
(both read 2026-11-30).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from stackcheck.intake.compose import unseen
from stackcheck.intake.installs import install_of, venv_of
from stackcheck.intake.shell import commands
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of, gpu_named
from stackcheck.intake.steps import Here, Left, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KIND = "script for sbatch"
WHERE = "options of sbatch"
"""A job that installs nothing: it says where what the project's other files install is to run."""
_DIRECTIVE = re.compile(r"^#SBATCH\s+(.*)$")
_GPUS = ("--gres", "--gpus", "--gpus-per-node", "--gpus-per-task", "--gpus-per-socket", "-G")
_IMAGE = re.compile(r"--container-image[= ]\s*['\"]?([^\s'\"]+)|docker://([^\s'\"]+)")
_CUDA = re.compile(r"(?i)(?:^|[/_-])cuda(?:toolkit|core)?[-_/@]?v?(?P<version>\d{1,2}\.\d+)?(?![a-z])")
_OTHER_VENDOR = re.compile(r"(?i)^(?:.*/)?rocm(?:$|[-/@])")
_TORCH = re.compile(r"(?i)^(?:.*/)?(?:py)?torch(?:-gpu|-cuda)?(?:$|[-/@])")
_PYTHON = re.compile(r"(?i)^(?:.*/)?python[/@-](?P<version>3\.\d+)")
_CONDA = re.compile(r"(?i)conda|mamba|forge")
_LOADS = {"module": ("load", "add", "switch", "swap"), "ml": ("load", "add", ""), "spack": ("load",)}


SCRIPT = "install script"
"""A script whose name says that it installs the project: read as a job is, for nobody's cluster."""


def is_script(text: str) -> bool:
    """Tell whether a script has options for sbatch."""
    return any(_DIRECTIVE.match(line) for line in text.split("\n")[:200])


def read(text: str, folder: Path, shown: str) -> Found:
    """Read a job; one that installs torch or names its image is a stack of its own, others say where it runs.

    Raises UsageError when a file of the project that it installs from cannot be read.
    """
    raw = text.split("\n")
    said: list[Stated | Open] = [*_asked(raw, shown), *_images(raw, shown)]
    here, left = Here(raw, shown, 1, folder, copied=(("/", "."),)), Left()
    loaded: list[tuple[str, Place]] = []
    in_conda, activated, made = False, False, False
    for command in commands(text):
        words = list(command.words)
        modules = _modules(words)
        in_conda = in_conda or bool(_CONDA.search(words[0])) or words[:2] == ["source", "activate"]
        activated = activated or (words[0] in {"source", "."} and words[-1].endswith("/activate"))
        made = made or bool(venv_of(words))
        if not (modules or install_of(words)):
            continue
        if command.certain:
            loaded += [(name, here.place(name)) for name in modules]
            run_script(shlex.join(words), {}, here, left)
        else:
            what = f"{' '.join(words)[:80]!r} stands behind a condition that the file does not answer"
            said.append(Open(f"{what}, so it was not read.", here.place(words[-1])))
    in_conda = in_conda or any(_CONDA.search(name) for name, _ in loaded)
    for name, place in loaded:
        # An environment that lies there was made with some Python, in another shell.
        said += _of_module(name, place, in_conda=in_conda or (activated and not made))
    said += left.said()
    found = replace(found_of(KIND, shown, _once(said), shown.rpartition("/")[2]), reads=tuple(left.reads))
    own = {"packages.torch", "image.ready"} & {each.key for each in found.stated}
    return Found(KIND, shown, containers=(found,)) if own else replace(found, kind=WHERE)


def read_install(text: str, folder: Path, shown: str) -> Found:
    """Read a script that installs a project; a stack where torch is among what it installs.

    Raises UsageError as `read` does.
    """
    found = read(text, folder, shown)
    if is_script(text):
        return found
    own = tuple(replace(each, kind=SCRIPT) for each in found.containers if "torch" in each.packages)
    # Where it would install torch behind a condition, that is all there is to say.
    names = {name for command in commands(text) for name in _installed(command.words)}
    return Found(
        SCRIPT, shown, open=found.open if not own and names & {"torch", "pytorch"} else (), containers=own
    )


def _installed(words: Sequence[str]) -> set[str]:
    install = install_of(words)
    return {re.split(r"[=<>~!\[ ]", each, maxsplit=1)[0] for each in install.names} if install else set()


def _asked(raw: Sequence[str], shown: str) -> Iterator[Stated | Open]:
    """Yield the GPUs that the options of a job ask for, by type; a number alone says nothing of which."""
    for number, line in enumerate(raw, start=1):
        match = _DIRECTIVE.match(line)
        for option, value in _options(match[1]) if match else ():
            place = Place(shown, number)
            if option in {"-C", "--constraint"}:  # features, of which some clusters name one a GPU
                named = (gpu_named(each, place) for each in re.split(r"[|&*,()\[\]]", value) if each)
                yield from (each for each in named if isinstance(each, Stated))
            elif option in _GPUS:
                kinds = (_type_of(option, each) for each in value.split(","))
                yield from (one for kind in kinds if kind for one in _gpu(kind, place))


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a line: `--gres=gpu:a100:4`, `--gres gpu:a100:4`, `-G 2`, `-Ga100:2`."""
    words = text.split(" #", 1)[0].split()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, has, value = word.partition("=")
        if word.startswith("-G") and len(word) > len("-G"):
            yield "-G", word.removeprefix("-G")
        elif word.startswith("-"):
            yield option, (value if has else following).strip("'\"")


def _type_of(option: str, text: str) -> str:
    """Return the type of GPU in `gpu:a100:4`, or after `--gpus` in `a100:4`; "" for a number alone.

    >>> [_type_of("--gres", "gpu:a100:4"), _type_of("--gres", "gpu:8"), _type_of("-G", "v100:2")]
    ['a100', '', 'v100']
    """
    parts = text.partition("(")[0].split(":")
    if option == "--gres":
        parts = parts[1:] if parts[0] == "gpu" else []
    return parts[0] if parts and not parts[0].isdigit() and "$" not in parts[0] else ""


def _gpu(kind: str, place: Place) -> Iterator[Stated | Open]:
    """Yield a GPU by the word that a cluster has for it, such as `a100-80gb` and `nvidia_h100_80gb_hbm3`."""
    words = re.split(r"[-_ .]", kind.removeprefix("nvidia_"))
    tries = [kind, *(" ".join(words[:count]) for count in range(len(words), 0, -1))]
    found = [gpu_named(each, place) for each in tries]
    known = next((each for each in found if isinstance(each, Stated)), None)
    if known is None:
        yield Open(
            f"{kind[:60]!r} is the cluster's own word for a GPU, so it was not taken: say which with --gpu.",
            place,
        )
        return
    yield known


def _images(raw: Sequence[str], shown: str) -> Iterator[Stated | Open]:
    """Yield the image in which a job runs, as pyxis and Apptainer are told it."""
    for number, line in enumerate(raw, start=1):
        match = None if line.lstrip().startswith("#") and not _DIRECTIVE.match(line) else _IMAGE.search(line)
        if match and "$" not in match[0]:
            image = (match[1] or match[2]).replace("#", "/", 1).removeprefix("docker://")
            if not image.endswith((".sqsh", ".sif")) and image[0] not in "/.~":
                yield Stated("image.ready", image, Place(shown, number))
                yield from unseen(image, Place(shown, number))
            return


def _modules(words: Sequence[str]) -> list[str]:
    """Return the modules that a command loads."""
    verbs = _LOADS.get(words[0])
    rest = [word for word in words[1:] if not word.startswith("-")]
    if verbs is None or not rest:
        return []
    if rest[0] in verbs:
        return rest[1:]
    known = {
        "purge",
        "unload",
        "list",
        "avail",
        "spider",
        "use",
        "show",
        "rm",
        "del",
        "reset",
        "save",
        "restore",
    }
    return rest if "" in verbs and rest[0] not in known else []


def _of_module(name: str, place: Place, *, in_conda: bool) -> Iterator[Stated | Open]:
    """Yield what the name of a module says: modules are the cluster's, and nothing of them is looked at."""
    python = _PYTHON.match(name)
    if _TORCH.match(name):
        yield Open(f"torch comes with the module {name}, which the cluster built, so it was not read.", place)
    elif _OTHER_VENDOR.match(name):
        yield Stated("accelerator", "rocm", place)
    elif python and not in_conda:
        yield Stated("python", python["version"], place)
    elif match := _CUDA.search(name):
        if match["version"]:
            yield Stated("toolkit", match["version"], place)
        else:
            yield Open(f"the module {name} does not say which CUDA toolkit it is, so it was not read.", place)


def _once(said: Sequence[Stated | Open]) -> list[Stated | Open]:
    """Leave out what was stated already, on another line."""
    kept: dict[str, Stated | Open] = {}
    for each in said:
        kept.setdefault(repr((each.key, each.value) if isinstance(each, Stated) else each.text), each)
    return list(kept.values())
