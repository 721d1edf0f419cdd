"""What a user's own Dockerfile is built from: where it lies, its context, and what counts for a rebuild."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.images.dockersteps import bases, steps
from stackcheck.images.layercache import keep, to_label
from stackcheck.images.tiers import Tier
from stackcheck.intake.named import dockerfile_path, dockerfile_text
from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import is_folder, read_text
from stackcheck.targets.containers import fingerprint
from stackcheck.targets.containers.build_tool import proxy_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.images.dockersteps import Step
    from stackcheck.intake.stack import Stack
    from stackcheck.targets.engine import BuildOptions

LABEL_FILES = "stackcheck.files"
LABEL_STEPS = "stackcheck.steps"
LABEL_BELOW = "stackcheck.built-on"
_LONGEST_LABEL = 60_000
"""Labels travel as arguments of a command, which Linux limits to 128 KiB each."""


@dataclass(frozen=True)
class OwnBuild:
    """One build from the user's Dockerfile; `context` holds the digests of its files by path."""

    stack: Stack
    dockerfile: Path
    folder: Path
    text: str
    context: Mapping[str, str]
    arguments: Mapping[str, str]
    tier: Tier

    @property
    def bases(self) -> tuple[str, ...]:
        """Return the images that the Dockerfile builds on."""
        return bases(self.text, self.arguments)

    def steps(self, images: Mapping[str, str], *, classic: bool) -> tuple[Step, ...]:
        """Return the steps; `images` are the ids of the bases that are known."""
        return steps(self.text, self.context, self.arguments, images, classic=classic)

    def labels(self, below: str, images: Mapping[str, str], *, classic: bool) -> dict[str, str]:
        """Return what the image tells of how it was built, so that the next build can be compared."""
        files = json.dumps({path: digest[-16:] for path, digest in self.tier.files.items()}, sort_keys=True)
        kept = to_label(keep(self.steps(images, classic=classic)))
        found = {LABEL_BELOW: below, LABEL_FILES: files, LABEL_STEPS: kept}
        return {name: text for name, text in found.items() if text and len(text) < _LONGEST_LABEL}


def own_build(stack: Stack, options: BuildOptions) -> OwnBuild:
    """Read what a stack's own Dockerfile is built from; raise `UsageError` for a path that is not there.

    With a manifest its files decide, and the Dockerfile; without, every file of the context.
    """
    root = (options.root or Path(stack.file).parent).absolute()
    dockerfile = dockerfile_path(stack, root)
    folder = root / stack.image.context if stack.image.context else dockerfile.parent
    text = dockerfile_text(stack, root)
    if not is_folder(folder):
        raise UsageError(f"{stack.title}: image: there is no folder {folder}.")
    arguments = proxy_arguments(options.environ) | dict(options.build_args)
    context = fingerprint.context_digests(folder, dockerfile)
    listed = stack.image.manifest
    files = read_manifest(root / listed, root) if listed else dict(context)
    settings = {f"--build-arg {name}": value for name, value in options.build_args.items()}
    settings |= {"--target": stack.image.target or "", "--platform": stack.platform or ""}
    # A context holds its own Dockerfile already; one that lies elsewhere counts too.
    inside = (
        not listed and dockerfile.is_relative_to(folder) and str(dockerfile.relative_to(folder)) in context
    )
    own = {} if inside else {stack.image.dockerfile or "Dockerfile": fingerprint.file_digest(dockerfile)}
    return OwnBuild(
        stack, dockerfile, folder, text, context, arguments, Tier(stack.id, own | files, settings)
    )


def built_on(own: OwnBuild, images: Mapping[str, str]) -> str:
    """Return what the lowest tier is built on, as text: nothing where a manifest alone decides."""
    if own.stack.image.manifest:
        return ""
    return " ".join(sorted({images.get(base, f"not here: {base}") for base in own.bases}))


def read_manifest(path: Path, root: Path) -> dict[str, str]:
    """Return the digest of every file that a manifest names, by path below `root`.

    A manifest is a text file that lists what decides whether an image is built again: one path or pattern a
    line, relative to the folder of the definition (`Stack/base/Dockerfile`, `src/**/*.py`, a folder for all
    in it); blank lines and lines that begin with # count for nothing.

    Raise `UsageError` for a manifest that cannot be read or a line that names nothing or leads out of `root`.
    """
    lines = read_text(path).splitlines()
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise UsageError(
                f"{path}:{number}: {pattern!r} leads out of {root}, the folder of the definition"
            )
        named = {str(file.relative_to(root)): fingerprint.file_digest(file) for file in _named(root, pattern)}
        if not named:
            raise UsageError(f"{path}:{number}: {pattern!r} names no file below {root}")
        found |= named
    if not found:
        raise UsageError(f"{path}: the manifest names no file")
    return found


def _named(root: Path, pattern: str) -> Iterator[Path]:
    for place in sorted(root.glob(pattern.rstrip("/"))):
        if place.is_dir() and not place.is_symlink():
            yield from sorted(each for each in place.rglob("*") if not each.is_dir() or each.is_symlink())
        else:
            yield place
