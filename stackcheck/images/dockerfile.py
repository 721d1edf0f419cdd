"""Write the Dockerfile of a stack: from the definition and the lock to text, and nothing else.

The text is plain Dockerfile (no `# syntax=` line, which would have to be fetched from a registry). The same
recipe is rendered in two dialects: with BuildKit's mounts for what only the build steps may see, or without.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from stackcheck.model.errors import DefinitionError
from stackcheck.model.redact import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.model.resolution import LockedPackage, Resolution

VENV = "/opt/venv"
FOLDER = "/opt/stackcheck"
"""Where the requirement files stay in the image, so that it tells what it was installed from."""
SECRETS = "/run/secrets"
CA = "stackcheck-ca"
NETRC = "stackcheck-netrc"
ENVFILE = "stackcheck-env"
"""Ids of the secrets that stackcheck itself hands to build steps."""

LABEL_STACK = "stackcheck.stack"
LABEL_FINGERPRINT = "stackcheck.fingerprint"
LABEL_BASE = "org.opencontainers.image.base.name"

_PIP = (
    f"{VENV}/bin/python -m pip --disable-pip-version-check --no-input install --no-cache-dir"
    " --progress-bar off --no-deps"
)
_CA_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_APT_NAME = re.compile(r"[a-z0-9][a-z0-9+.:-]*(=[A-Za-z0-9.+:~-]+)?")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes up the image of a stack; two equal recipes give the same image.

    `files` lie beside the Dockerfile (name -> text); `local` are the `file:` addresses of wheels that have to
    be copied into the folder `wheels` beside it. `sources` tells that something is built from source.
    """

    stack: str
    base: str
    user: str
    build_base: str
    python: str
    apt: tuple[str, ...]
    env: Mapping[str, str]
    build_env: Mapping[str, str]
    files: Mapping[str, str]
    local: tuple[str, ...] = ()
    index_options: tuple[str, ...] = ()

    @property
    def sources(self) -> bool:
        """Tell whether a stage for source builds is needed."""
        return "sources.txt" in self.files


def make_recipe(stack: Stack, resolution: Resolution, base: str, user: str = "") -> Recipe:
    """Gather what the image of a stack is made of: `base` is what to build on, `user` its user.

    Raise `DefinitionError` for what a Dockerfile cannot say: a line end in a value, a name with blanks.
    """
    wheels = [package for package in resolution.packages if package.is_wheel]
    sources = [package for package in resolution.packages if not package.is_wheel]
    files = {
        "requirements.txt": _requirements(wheels),
        "sources.txt": _requirements(sources),
    }
    env = dict(stack.env)
    build_env = dict(env)
    if stack.arch_list:
        build_env.setdefault("TORCH_CUDA_ARCH_LIST", ";".join(stack.arch_list))
    recipe = Recipe(
        stack=stack.id,
        base=base,
        user=user,
        build_base=stack.image.build_base or base,
        python=stack.image.python or "python3",
        apt=stack.image.apt,
        env=env,
        build_env=build_env,
        files={name: text for name, text in files.items() if text or name == "requirements.txt"},
        local=tuple(package.url for package in resolution.packages if _is_local(package.url)),
        index_options=_index_options(stack),
    )
    faults = [f"the lock has no sha256 of {p.filename}" for p in resolution.packages if not p.sha256]
    if faults := [*faults, *_faults(recipe)]:
        raise DefinitionError([f"{stack.title}: {fault}" for fault in faults])
    return recipe


def render(recipe: Recipe, *, secrets: Sequence[str] = (), labels: Mapping[str, str] | None = None) -> str:
    """Return the Dockerfile; each build step gets a BuildKit mount for every id in `secrets`.

    `labels` are set first thing, so that what an interrupted classic build leaves behind carries them.
    """
    early = _labels(labels or {})
    lines = _build_stage(recipe, secrets, early) if recipe.sources else []
    lines += [f"FROM {recipe.base}", *early, *(["USER 0"] if recipe.user else [])]
    lines += [_run(step, secrets) for step in _apt_steps(recipe.apt, secrets)]
    lines += [f"COPY {' '.join(sorted(recipe.files))} {FOLDER}/"]
    if recipe.local:
        lines += [f"COPY wheels {FOLDER}/wheels"]
    if recipe.sources:
        lines += [f"COPY --from=build {FOLDER}/built {FOLDER}/built"]
    lines += [_run(_install(recipe), secrets)]
    lines += [f"ENV {name}={_quoted(value)}" for name, value in _final_env(recipe).items()]
    lines += [f"USER {recipe.user}"] if recipe.user else []
    lines += _labels(_final_labels(recipe))
    return "\n".join(["# Written by stackcheck; a change here is lost.", *lines]) + "\n"


def install_script(recipe: Recipe, secrets: Sequence[str]) -> str:
    """Return all build steps as one shell script, for engines that cannot mount secrets."""
    steps = [*_apt_steps(recipe.apt, secrets), _install(recipe)]
    return "\n".join(["set -e", *_exports(secrets), *(line for step in steps for line in step)]) + "\n"


def commit_changes(recipe: Recipe) -> list[str]:
    """Return the Dockerfile lines that turn a container in which `install_script` ran into the image."""
    env = [f"ENV {name}={_quoted(value)}" for name, value in _final_env(recipe).items()]
    return [*env, *_labels(_final_labels(recipe))]


def _build_stage(recipe: Recipe, secrets: Sequence[str], early: list[str]) -> list[str]:
    """Make wheels of the sources where the compilers are; only the wheels leave the stage."""
    tools = f"{_PIP.replace(' --no-deps', '')} {' '.join(recipe.index_options)} setuptools wheel ninja"
    wheel = _PIP.replace(" install ", " wheel ").replace(" --progress-bar off", "")
    return [
        f"FROM {recipe.build_base} AS build",
        *early,
        *(_run(step, secrets) for step in _apt_steps(recipe.apt, secrets)),
        f"COPY {' '.join(sorted(recipe.files))} {FOLDER}/",
        *([f"COPY wheels {FOLDER}/wheels"] if recipe.local else []),
        *(f"ENV {name}={_quoted(value)}" for name, value in recipe.build_env.items()),
        _run(_install(recipe, built=False), secrets),
        # Extensions of torch compile against the torch that is installed, so without build isolation.
        _run((tools,), secrets),
        _run(
            (f"{wheel} --no-build-isolation --require-hashes -r {FOLDER}/sources.txt -w {FOLDER}/built",),
            secrets,
        ),
        "",
    ]


def _apt_steps(names: Sequence[str], secrets: Sequence[str]) -> list[tuple[str, ...]]:
    if not names:
        return []
    ca = f" -o Acquire::https::CaInfo={SECRETS}/{CA}" if CA in secrets else ""
    install = "env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
    return [(f"apt-get{ca} update -qq", f"{install}{ca} {' '.join(names)}", "rm -rf /var/lib/apt/lists/*")]


def _install(recipe: Recipe, *, built: bool = True) -> tuple[str, ...]:
    """Install exactly the locked files: no index is asked, nothing is added, every hash is checked."""
    locked = f"{_PIP} --no-index --only-binary :all:"
    steps = [
        f"{recipe.python} -m venv {VENV}",
        f"{locked} --require-hashes -r {FOLDER}/requirements.txt",
    ]
    if recipe.sources and built:
        steps.append(f"{locked} {FOLDER}/built/*.whl")
    return tuple(steps)


def _run(step: Sequence[str], secrets: Sequence[str]) -> str:
    mounts = [f"--mount=type=secret,id={name},required=true" for name in secrets]
    commands = " \\\n && ".join([*_exports(secrets), *step])
    return " ".join(["RUN", *(f"{mount} \\\n   " for mount in mounts)]) + " " + commands


def _exports(secrets: Sequence[str]) -> list[str]:
    lines = [f"export {name}={SECRETS}/{CA}" for name in _CA_VARIABLES if CA in secrets]
    lines += [f"export NETRC={SECRETS}/{NETRC}"] if NETRC in secrets else []
    return lines + ([f". {SECRETS}/{ENVFILE}"] if ENVFILE in secrets else [])


def _final_env(recipe: Recipe) -> dict[str, str]:
    return {"VIRTUAL_ENV": VENV, "PATH": f"{VENV}/bin:$PATH", **recipe.env}


def _final_labels(recipe: Recipe) -> dict[str, str]:
    return {LABEL_STACK: recipe.stack, LABEL_BASE: recipe.base}


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [f"LABEL {name}={_quoted(value)}" for name, value in labels.items()]


def _quoted(value: str) -> str:
    """Quote a value as Dockerfiles do; only `$PATH` of our own is expanded."""
    escaped = json.dumps(value, ensure_ascii=False)
    return escaped if value.endswith(":$PATH") else escaped.replace("$", r"\$")


def _requirements(packages: Iterable[LockedPackage]) -> str:
    lines = []
    for package in packages:
        address = (
            f"file://{FOLDER}/wheels/{quote(package.filename)}" if _is_local(package.url) else package.url
        )
        lines.append(f"{package.name} @ {address} --hash=sha256:{package.sha256}\n")
    return "".join(sorted(lines))


def _is_local(url: str) -> bool:
    return urlsplit(url).scheme in {"", "file"}


def _index_options(stack: Stack) -> tuple[str, ...]:
    """Return where the tools of source builds come from; a login comes by netrc, never by URL."""
    options = [("--index-url", stack.index.url)] if stack.index.url else []
    options += [("--extra-index-url", url) for url in stack.index.extra]
    return tuple(f"{option} {shlex.quote(without_userinfo(url))}" for option, url in options)


def _faults(recipe: Recipe) -> list[str]:
    """Name what would break out of its line: a definition may come from somebody else."""
    faults = [
        f"env.{name}: not the name of a variable" for name in recipe.env if not _ENV_NAME.fullmatch(name)
    ]
    faults += [f"env.{name}: has a line end" for name, value in recipe.env.items() if not value.isprintable()]
    faults += [
        f"image.apt: {name!r} is not a package name" for name in recipe.apt if not _APT_NAME.fullmatch(name)
    ]
    for key, reference in (("base", recipe.base), ("build_base", recipe.build_base)):
        if not _REFERENCE.fullmatch(reference):
            faults.append(f"image.{key}: {reference!r} is not an image reference")
    return faults
