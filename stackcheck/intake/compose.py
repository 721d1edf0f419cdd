"""Read compose files: each service that is built here or asks for a GPU is a stack of its own.

Format: https://github.com/compose-spec/compose-spec/blob/main/spec.md.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from stackcheck.intake import dockerfiles
from stackcheck.intake.documents import rows, table, text_at
from stackcheck.intake.stated import Found, Open, Place, Stated, found_of
from stackcheck.intake.yamls import documents, place
from stackcheck.model.errors import UsageError
from stackcheck.storage.reading import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KIND = "compose file"
_VARIABLE = re.compile(
    r"\$(?:(?P<kept>\$)|\{(?P<braced>\w+)(?P<how>:?[-?+][^{}$]*)?\}|(?P<plain>[A-Za-z_]\w*))"
)
_PLATFORMS = ("linux/amd64", "linux/arm64")


def read(text: str, folder: Path, shown: str) -> Found:
    """Read a compose file and the Dockerfiles that its services build.

    Raises UsageError for what is not a compose file.
    """
    document = next(iter(documents(text, shown)), None)
    services = table(document, "services")
    if not services:
        raise UsageError(f"{shown}: this is not a compose file: it has no services.")
    found = [
        each
        for name, service in services.items()
        if isinstance(service, dict)
        and (each := _service(name, service, folder, Place(shown, services.lines[name]))) is not None  # type: ignore[attr-defined]
    ]
    asking = [each for each in found if _asks(each)]
    # Beside a service that asks for a GPU, one that is built without torch is a page or a queue.
    kept = [each for each in found if each in asking or not asking or "torch" in each.packages]
    return Found(KIND, shown, containers=tuple(kept))


def _asks(found: Found) -> bool:
    return any(each.key == "accelerator" for each in found.stated)


def _service(name: str, service: Any, folder: Path, where: Place) -> Found | None:
    """Return what a service states; None for one that is neither built here nor asks for a GPU."""
    more: list[Stated | Open] = [*gpus(service, where.file), *_environment(service, where.file)]
    platform = text_at(service, "platform")
    if platform in _PLATFORMS:
        more.append(Stated("platform", platform, place(service, "platform", where.file)))
    if "extends" in service:
        more.append(
            Open(f"what the service {name} extends was not read.", place(service, "extends", where.file))
        )
    if "build" in service:
        return built(name, _build(service, where.file), folder, where, more)
    asks = any(isinstance(each, Stated) and each.key == "accelerator" for each in more)
    if not asks or not text_at(service, "image"):
        return None
    image, at = interpolated(service["image"]), place(service, "image", where.file)
    first = (
        Open(f"the image {image} of {name} holds a variable that is not known here.", at)
        if "$" in image
        else Stated("image.ready", image, at)
    )
    return found_of(KIND, where.file, [first, *unseen(image, at), *more], name)


def unseen(image: str, where: Place) -> Iterator[Open]:
    """Say that an image is known by its name alone, unless that says which torch is in it."""
    if not dockerfiles.brings_torch(image):
        name = image[:120]
        yield Open(
            f"what the image {name} holds was not looked at: its name does not say. "
            f"`stackcheck inspect {name}` reads it where it is.",
            where,
            "unseen",
        )


def _build(service: Any, shown: str) -> dict[str, Any]:
    build = service["build"]
    row: dict[str, Any] = {"context": build} if isinstance(build, str) else dict(table(build))
    args = row.get("args")
    pairs = args.items() if isinstance(args, dict) else (_pair(each) for each in rows(args))
    row["args"] = {
        name: interpolated(str(value)) for name, value in pairs if "$" not in interpolated(str(value))
    }
    row["place"] = place(service, "build", shown)
    return row


def built(
    name: str, build: Mapping[str, Any], folder: Path, where: Place, more: list[Stated | Open]
) -> Found | None:
    """Return what a Dockerfile states as a service builds it, and `more` beside it.

    `build` has context, dockerfile, args and target in the words of compose, and its place.
    """
    near = interpolated(str(build.get("context") or "."))
    if "://" in near or near.startswith("git@") or "$" in near:
        text = f"the context {near} of {name} is not a folder here, so it was not read."
        return found_of(KIND, where.file, [Open(text, build["place"]), *more], name)
    file = interpolated(str(build.get("dockerfile") or "Dockerfile"))
    base = posixpath.dirname(where.file)
    context_shown, shown = posixpath.normpath(posixpath.join(base, near)), ""
    shown = posixpath.normpath(posixpath.join(context_shown, file))
    how = dockerfiles.Build(
        build.get("args") or {}, interpolated(str(build.get("target") or "")), folder / near, context_shown
    )
    try:
        inline = build.get("dockerfile_inline")
        text = inline if isinstance(inline, str) else read_text(folder / near / file)
        found = dockerfiles.read(text, folder / near, where.file if isinstance(inline, str) else shown, how)
    except UsageError as error:
        said = Open(f"{name}: {error}", build["place"])
        return found_of(KIND, where.file, [said, *more], name)
    stated = [*found.stated, *(each for each in more if isinstance(each, Stated))]
    if how.target:
        stated.append(Stated("image.target", how.target, build["place"]))
    place_of_context = posixpath.relpath(context_shown, posixpath.dirname(shown) or ".")
    if place_of_context != ".":
        stated.append(Stated("image.context", place_of_context, build["place"]))
    left = [*found.open, *(each for each in more if isinstance(each, Open))]
    return Found(found.kind, found.file, tuple(stated), tuple(left), name=name, reads=found.reads)


def gpus(service: Any, shown: str) -> Iterator[Stated]:
    """Yield which vendor's GPUs a service asks for, in any of the ways that compose has."""
    reserved = table(service, "deploy", "resources", "reservations")
    asked = [each for each in rows(reserved, "devices") if isinstance(each, dict)]
    asked = [
        each
        for each in asked
        if "gpu" in rows(each, "capabilities") or each.get("driver") in {"nvidia", "amd"}
    ]
    if asked:
        vendor = "rocm" if text_at(asked[0], "driver") == "amd" else "cuda"
        yield Stated("accelerator", vendor, place(reserved, "devices", shown))
    elif "gpus" in service:
        yield Stated("accelerator", "cuda", place(service, "gpus", shown))
    elif text_at(service, "runtime") == "nvidia":
        yield Stated("accelerator", "cuda", place(service, "runtime", shown))
    elif any(str(each).startswith("/dev/kfd") for each in rows(service, "devices")):
        yield Stated("accelerator", "rocm", place(service, "devices", shown))


def _environment(service: Any, shown: str) -> Iterator[Stated]:
    values = service.get("environment")
    if isinstance(values, dict):
        listed = [(name, value, place(values, name, shown)) for name, value in values.items()]
    else:
        found = rows(values)
        listed = [(*_pair(each), place(found, number, shown)) for number, each in enumerate(found)]
    for name, value, where in listed:
        text = interpolated(str(value))
        if dockerfiles.is_worth(name) and text and "$" not in text:
            yield Stated(f"env.{name}", text, where)


def _pair(text: Any) -> tuple[str, str]:
    name, _, value = str(text).partition("=")
    return name, value


def interpolated(text: str) -> str:
    """Replace variables that have a default; the others stay, for their values are in the user's shell.

    >>> interpolated("pytorch/pytorch:${TAG:-2.5.1}-$KIND")
    'pytorch/pytorch:2.5.1-$KIND'
    """

    def value(match: re.Match[str]) -> str:
        how = match["how"] or ""
        return "$" if match["kept"] else how.lstrip(":-") if how.lstrip(":")[:1] == "-" else match[0]

    return _VARIABLE.sub(value, text)
