"""What a user's own Dockerfile is built from: where it lies, its context, and what counts for a rebuild."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stackcheck.dockerfiles.dockersteps import bases, steps
from stackcheck.dockerfiles.layercache import keep, to_label
from stackcheck.dockerfiles.tiers import Tier
from stackcheck.engines import fingerprint
from stackcheck.engines.buildkit import proxy_arguments
from stackcheck.engines.manifest import read_manifest
from stackcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackcheck.definition import Stack
    from stackcheck.dockerfiles.dockersteps import Step
    from stackcheck.engines.contract import BuildOptions

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
    dockerfile = root / (stack.image.dockerfile or "Dockerfile")
    folder = root / stack.image.context if stack.image.context else dockerfile.parent
    for path in (dockerfile, folder):
        if not path.exists():
            raise UsageError(f"{stack.title}: image: there is no {path}")
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
    text = dockerfile.read_text("utf-8", errors="replace")
    return OwnBuild(
        stack, dockerfile, folder, text, context, arguments, Tier(stack.id, own | files, settings)
    )


def built_on(own: OwnBuild, images: Mapping[str, str]) -> str:
    """Return what the lowest tier is built on, as text: nothing where a manifest alone decides."""
    if own.stack.image.manifest:
        return ""
    return " ".join(sorted({images.get(base, f"not here: {base}") for base in own.bases}))
