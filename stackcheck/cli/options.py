"""Options that several commands share, and the pipeline's Options made of them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackcheck.model.errors import UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.limits import TIMEOUT_S
from stackcheck.storage.reading import open_file, read_certificates

if TYPE_CHECKING:
    from stackcheck.steps.options import Options
    from stackcheck.targets import BuildOptions

_MOST_SECONDS = 7 * 86400
MIRROR_HELP = "take images of Docker Hub from this registry"


def add_resolving(parser: argparse.ArgumentParser) -> None:
    """Add how versions are resolved."""
    parser.add_argument("--offline", action="store_true", help="use what is cached, ask no index or registry")
    parser.add_argument("--locks", type=Path, metavar="DIR", help="folder of the lock files")


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add how long what others make may hold a run: an index that drips, a package that hangs."""
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT_S,
        metavar="S",
        help="seconds for resolving a stack, and again for all probes of a target; default: %(default)g",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: state seconds, 1 to {_MOST_SECONDS:,}")
    return seconds


def add_engine(parser: argparse._ActionsContainer) -> None:
    """Add which engine does it."""
    named = (
        "docker, podman, venv (runs the stack's code as this user, in a bare environment), wheels (nothing "
        "is run), here or an installed one; default: docker, and nothing is run where it does not answer"
    )
    parser.add_argument("--engine", metavar="NAME", help=named)


def add_image_engine(parser: argparse._ActionsContainer) -> None:
    """Add which engine has an image that is there already."""
    parser.add_argument("--engine", metavar="NAME", help="the engine that has the image; default: docker")


def add_building(parser: argparse.ArgumentParser) -> None:
    """Add how a stack is built."""
    group = parser.add_argument_group("building")
    add = group.add_argument
    add_engine(group)
    add("--base", default="", metavar="IMAGE", help="use this base image instead of the stack's")
    add("--mirror", default="", metavar="PREFIX", help=MIRROR_HELP)
    add("--ca", type=Path, metavar="FILE", help="trust these CA certificates (PEM), in build steps only")
    add("--secret", action="append", default=[], metavar="ID=FILE", help="a file for build steps only")
    add("--build-arg", action="append", default=[], metavar="NAME=VALUE", help="for the user's Dockerfile")
    add("--network", default="", metavar="MODE", help="network mode of the build steps")
    add("--no-cache", action="store_true", help="build everything again")
    add("--logs", type=Path, metavar="DIR", help="keep the whole build logs here")
    add("--build-timeout", type=float, default=3600.0, metavar="S", help="seconds; default: %(default)g")


def add_probing(parser: argparse.ArgumentParser) -> None:
    """Add how probes are run."""
    parser.add_argument(
        "--gpus",
        default="auto",
        metavar="WHICH",
        help="auto, none, or indexes and UUIDs: 0,1 (default: auto)",
    )
    add_timeout(parser)


def require_place(args: argparse.Namespace) -> None:
    """Refuse, before any work, what builds or runs on a system where that cannot be.

    Raises UsageError; an engine that looks at files alone works everywhere.
    """
    from stackcheck.targets.process.linux import require_linux  # noqa: PLC0415 - see add_engine

    said = vars(args).get
    if said("engine") != "wheels":
        require_linux(f"`stackcheck {said('command')}`")


def pipeline_options(args: argparse.Namespace) -> Options:
    """Make the pipeline's options of what the command's parser knows; the rest keeps its default.

    Raises UsageError for an unknown engine, a file that is not there or a pair that is none.
    """
    from stackcheck.steps.options import Options  # noqa: PLC0415 - a command without engines pays nothing
    from stackcheck.targets.registry import known_name  # noqa: PLC0415

    settle_folders()
    get = vars(args).get
    engine = get("engine")
    return Options(
        offline=get("offline", False),
        engine=known_name(engine) if engine else None,
        build=_build_options(args),
        locks=get("locks"),
        keep_going=get("keep_going", False),
        cached=get("cached", False),
        bytes=get("bytes", False),
        timeout_s=get("timeout", TIMEOUT_S),
    )


def settle_folders() -> None:
    """Have folders that can be written for stackcheck and for uv; warn once where nothing will be kept."""
    from stackcheck.storage.writable import settle_cache  # noqa: PLC0415 - who looks at a file writes nothing

    if warning := settle_cache(os.environ):
        sys.stderr.write(f"stackcheck: warning: {one_line(warning)}\n")


def _build_options(args: argparse.Namespace) -> BuildOptions:
    from stackcheck.targets import BuildOptions  # noqa: PLC0415 - a command without engines pays nothing

    get = vars(args).get
    secrets = {name: Path(file) for name, file in _pairs("--secret", get("secret", [])).items()}
    for file in secrets.values():
        open_file(file).close()
    if (bundle := get("ca")) is not None:
        read_certificates(bundle)
    return BuildOptions(
        base=get("base", ""),
        mirror=get("mirror", ""),
        ca_file=get("ca"),
        secrets=secrets,
        build_args=_pairs("--build-arg", get("build_arg", [])),
        no_cache=get("no_cache", False),
        gpus=_gpus(get("gpus", "auto")),
        network=get("network", ""),
        timeout_s=get("build_timeout", 3600.0),
        logs=get("logs"),
    )


def _pairs(option: str, texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise UsageError(f"{option}: give NAME=VALUE, not {text.partition('=')[0]!r}")
        pairs[name] = value
    return pairs


def _gpus(text: str) -> Literal["auto", "none"] | tuple[str, ...]:
    if text == "auto":
        return "auto"
    return "none" if text == "none" else tuple(each.strip() for each in text.split(",") if each.strip())
