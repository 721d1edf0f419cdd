"""Have the image of a stack: found by its fingerprint, or built in the best way that the engine has."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import docker
import requests

from stackcheck.images.dockerfile import CA, LABEL_FINGERPRINT, LABEL_STACK, make_recipe, render
from stackcheck.images.tiers import from_fault
from stackcheck.model.errors import BuildFailedError, EngineError, UsageError
from stackcheck.targets.build_secrets import Logins, gather_secrets, logins, texts_to_hide
from stackcheck.targets.containers import build_tool, classic, commit, fingerprint
from stackcheck.targets.containers.build_request import BuildRequest
from stackcheck.targets.containers.built_images import note_built, was_built
from stackcheck.targets.containers.connection import engine_errors
from stackcheck.targets.containers.images import have_image, mirrored, names_registry, python_of
from stackcheck.targets.containers.own_dockerfile import built_on, own_build
from stackcheck.targets.containers.tier_images import give_tag, image_tag, labels_of, local_id
from stackcheck.targets.lock_folders import to_download
from stackcheck.targets.process.build_lock import once_at_a_time
from stackcheck.targets.process.build_log import BuildLog
from stackcheck.targets.process.process_identity import LABEL, NOBODY, this_process
from stackcheck.targets.process.temp_dirs import temp_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docker.models.images import Image

    from stackcheck.images.dockerfile import Recipe
    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import Resolution
    from stackcheck.targets.engine import BuildOptions, Progress

LABEL_BASE_PYTHON = "stackcheck.base-python"
LABEL_BASE_ID = "stackcheck.base-id"


@dataclass(frozen=True)
class Built:
    """An image that is there: found (`new` is False) or built just now, with its log.

    `generated`: its Dockerfile is ours, so that its labels say what was built.
    """

    image: Image
    new: bool
    log_file: str = ""
    generated: bool = False


@dataclass(frozen=True)
class Builder:
    """What builds: the engine's client, and the command that builds, where there is one."""

    client: docker.DockerClient
    tool: build_tool.BuildTool | None
    options: BuildOptions
    progress: Progress

    def from_lock(self, stack: Stack, resolution: Resolution, base: str) -> Built:
        """Build the generated image of a stack; raise `BuildFailedError` when the stack does not build."""
        image, name = self._have(base, stack)
        user = (image.attrs.get("Config") or {}).get("User") or ""
        recipe, ids = make_recipe(stack, resolution, name, user), [str(image.id)]
        if recipe.sources and stack.image.build_base:
            compilers, name = self._have(stack.image.build_base, stack)
            recipe = replace(recipe, build_base=name)
            ids.append(str(compilers.id))
        digest = fingerprint.of_recipe(recipe, ids, stack.platform)

        def build() -> str:
            python = fitting_python(self.client, recipe, stack)
            self.progress(to_download(f"building {stack.id}", resolution.packages))
            request = self._request(stack, digest, {LABEL_BASE_ID: ids[0], LABEL_BASE_PYTHON: python})
            return self._build_recipe(recipe, request, logins(stack, resolution, self.options.environ))

        return replace(self._once(stack, digest, build), generated=True)

    def chain(self, stacks: Sequence[Stack]) -> tuple[Built, ...]:
        """Build a chain of images, lowest first, each on the one before; what is there already is used.

        Raise `BuildFailedError` at the first tier that does not build; it names those that are missing then.
        """
        made: list[Built] = []
        for number, stack in enumerate(stacks):
            try:
                made.append(self._tier(stack, str(made[-1].image.id) if made else ""))
            except BuildFailedError as error:
                later = ", ".join(each.id for each in stacks[number + 1 :])
                text = f"{error} The tiers above it are missing: {later}." if later else str(error)
                raise BuildFailedError(text, log_tail=error.log_tail, log_file=error.log_file) from None
        return tuple(made)

    def _tier(self, stack: Stack, below: str) -> Built:
        if stack.image.ready:
            return Built(self._have(stack.image.ready, stack)[0], new=False)
        built = self.from_dockerfile(stack, below)
        if stack.image.tag:
            tag = self._own_name(stack.image.tag)
            give_tag(self.client, built.image, tag, stack.id, self.options.cache)
        return built

    def _own_name(self, tag: str) -> str:
        return tag if names_registry(tag) or not self.tool else f"{self.tool.prefix}{tag}"

    def from_dockerfile(self, stack: Stack, below: str = "") -> Built:
        """Build the user's own Dockerfile; its paths start at the folder of the definition.

        `below` is the id of the image of the tier below, which the Dockerfile names in its FROM.
        """
        own = own_build(stack, self.options)
        if below and (fault := from_fault(stack, own.bases)):
            raise UsageError(f"{stack.title}: {fault}")
        images = {base: found for base in own.bases if (found := local_id(self.client, base))}
        below = below or built_on(own, images)
        digest = own.tier.fingerprint(below)
        request = replace(
            self._request(stack, digest, own.labels(below, images, classic=self.tool is None)),
            folder=own.folder,
            dockerfile=own.dockerfile,
            target=stack.image.target or "",
            build_args=own.arguments,
        )

        def build() -> str:
            with temp_folder(self.options.cache) as scratch:
                secrets = gather_secrets(self.options, {}, scratch, self.progress)
                stated = {*self.options.secrets, *([CA] if self.options.ca_file else [])}
                mounted = {name: path for name, path in secrets.items() if self.tool or name in stated}
                return self._run(None, replace(request, secrets=mounted))

        return self._once(stack, digest, build)

    def _have(self, reference: str, stack: Stack) -> tuple[Image, str]:
        """Return an image and a name that a build finds without asking a registry."""
        image = have_image(
            self.client, reference, self.progress, mirror=self.options.mirror, platform=stack.platform
        )
        names = [reference, mirrored(reference, self.options.mirror)]
        return image, next((name for name in names if name in image.tags), [*image.tags, reference][0])

    def _once(self, stack: Stack, digest: str, build: Callable[[], str]) -> Built:
        cache = self.options.cache
        with once_at_a_time(cache, digest, self.progress):
            found = self._find(stack, digest)
            known = found is not None and was_built(cache, str(found.id), stack.id, digest)
            if found and known and not self.options.no_cache:
                self.progress(f"nothing to build: {found.tags[0]} has the fingerprint {digest[:12]}")
                return Built(found, new=False)
            if found and not known:
                name = image_tag(stack.id, digest)
                self.progress(f"{name} is there, and was not built by this user: building")
            log_file = build()
            built = self._find(stack, digest)
            if built is None:
                raise EngineError(
                    f"building {stack.id}: the engine says that it is done, but has no such image"
                )
            note_built(cache, str(built.id), stack.id, digest)
            if found and known and found.id != built.id:
                self._let_go(found)
        return Built(built, new=True, log_file=log_file)

    def _let_go(self, image: Image) -> None:
        """Remove the image whose name a new one has taken, unless it has another name or is in use."""
        with suppress(docker.errors.DockerException, requests.RequestException):
            if not self.client.images.get(str(image.id)).tags:
                self.client.images.remove(str(image.id))

    def _find(self, stack: Stack, digest: str) -> Image | None:
        """Return the image under the name that is built for this digest, where it says so itself."""
        name = self._own_name(image_tag(stack.id, digest))
        with engine_errors("looking for a built image"):
            try:
                found = self.client.images.get(name)
            except docker.errors.ImageNotFound:
                return None
        labels = labels_of(found)
        stated = labels.get(LABEL_FINGERPRINT), labels.get(LABEL_STACK)
        return found if stated == (digest, stack.id) else None

    def _request(self, stack: Stack, digest: str, labels: dict[str, str]) -> BuildRequest:
        return BuildRequest(
            what=f"building {stack.id}",
            folder=Path(),
            dockerfile=Path(),
            tag=image_tag(stack.id, digest),
            labels={LABEL_STACK: stack.id, LABEL_FINGERPRINT: digest, **labels},
            build_args=build_tool.proxy_arguments(self.options.environ),
            platform=stack.platform,
            network=self.options.network,
            no_cache=self.options.no_cache,
            timeout_s=self.options.timeout_s,
            environ=self.options.environ,
        )

    def _build_recipe(self, recipe: Recipe, request: BuildRequest, known: Logins) -> str:
        with temp_folder(self.options.cache) as scratch:
            secrets = gather_secrets(self.options, known, scratch, self.progress)
            early = {} if self.tool else {LABEL: str(this_process())}
            text = render(recipe, secrets=tuple(secrets) if self.tool else (), labels=early)
            folder = write_context(scratch / "context", recipe, text)
            request = replace(
                request,
                folder=folder,
                dockerfile=folder / "Dockerfile",
                secrets=secrets,
                labels={**request.labels, **dict.fromkeys(early, NOBODY)},
            )
            return self._run(recipe, request)

    def _run(self, recipe: Recipe | None, request: BuildRequest) -> str:
        """Build by the command; without one, in a container when there are secrets, else classically."""
        path = self.options.log_folder / f"{request.tag.rpartition('/')[2].replace(':', '-')}.log"
        with BuildLog(path, self.progress, texts_to_hide(request.secrets, request.environ)) as log:
            if self.tool:
                self.progress(f"{request.what} with {self.tool.name}")
                build_tool.build(self.tool, request, log)
            elif recipe and request.secrets:
                self.progress(f"{request.what} in a container: no docker CLI here has BuildKit")
                commit.build(self.client, recipe, request, log)
            else:
                self.progress(f"{request.what} with the classic builder: no docker CLI here has BuildKit")
                classic.build(self.client, request, log)
        return str(path)


def fitting_python(client: docker.DockerClient, recipe: Recipe, stack: Stack) -> str:
    """Return the version of the base's Python; a lock is made for one Python, so another cannot build."""
    found = python_of(client, recipe.base, (recipe.python,))
    if not found:
        raise BuildFailedError(
            f"building {stack.id}: the base {recipe.base} has no {recipe.python} that starts. "
            "Take a base with Python, add it to image.apt, or name the interpreter in image.python."
        )
    if stack.python and found.split(".")[:2] != stack.python.split(".")[:2]:
        raise BuildFailedError(
            f"building {stack.id}: the base {recipe.base} has Python {found}, the stack is for "
            f"{stack.python}. Take a base with Python {stack.python}, or change the stack's python."
        )
    return found


def write_context(folder: Path, recipe: Recipe, dockerfile: str) -> Path:
    """Write the Dockerfile and what it copies into a new folder."""
    folder.mkdir()
    for name, text in {**recipe.files, "Dockerfile": dockerfile}.items():
        (folder / name).write_text(text, "utf-8")
    if recipe.local:
        (folder / "wheels").mkdir()
    for url in recipe.local:
        path = Path(unquote(urlsplit(url).path))
        try:
            shutil.copyfile(path, folder / "wheels" / path.name)
        except OSError as error:
            raise EngineError(f"cannot read the locked file {path}: {error.strerror}") from None
    return folder
