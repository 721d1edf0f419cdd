"""Make the expectation of an image: what its entrypoint will hold a container against. Pure.

Everything that judging needs at the start of a container is taken along as data: from the stack, its lock,
the tables, and what the probes saw in the image. See `stackcheck_probes.start.expectation` for the reader.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcheck.environment import definition_facts, environment_of
from stackcheck.environment.accelerator import wanted_accelerator
from stackcheck.guard import asked_gpus
from stackcheck.intake.stack import Package
from stackcheck.knowledge.gpus import products
from stackcheck.model.errors import ProbeError
from stackcheck.model.facts import Missing
from stackcheck.model.verdict import Outcome
from stackcheck.rules.gpucode.bytes import packages_of
from stackcheck.rules.loading.bytes import own_folders
from stackcheck.rules.registry import RULES, judge_one
from stackcheck.rules.variables.stated import applies
from stackcheck_probes.credentials import is_secret_name
from stackcheck_probes.judging.devices import product_key
from stackcheck_probes.judging.packagecover import short_path
from stackcheck_probes.start.expectation import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck_probes.facts.python import Distribution, Distributions, Interpreter, ReachableTorch

NOTHING: Mapping[str, str] = MappingProxyType({})
PROBES = ("interpreter", "distributions", "libraries", "loading", "stamps", "cumm_files")
"""What has to be seen in an image before it can be expected."""
LOADING = ("LOAD301", "LOAD302", "LOAD303", "LOAD304", "LOAD307")
JUDGED_BY_NAME = frozenset(
    ("CUDA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "HSA_OVERRIDE_GFX_VERSION", "LD_LIBRARY_PATH")
)
"""Variables that the entrypoint judges by what the machine has, and not by their value alone."""


def expectation(  # noqa: PLR0913 - what an image is expected to be comes from as many sides
    stack: Stack,
    tables: Tables,
    locked: Mapping[str, str],
    seen: Mapping[str, Any],
    *,
    made: str,
    image_env: Mapping[str, str] = NOTHING,
    cpu: str = "",
) -> dict[str, Any]:
    """Return the expectation of an image.

    locked: the versions of the lock, by canonical name; empty without one. seen: the facts of `PROBES`.
    made: when, ISO 8601. image_env: the variables of the image. cpu: "allow" or "refuse" a start without a
    GPU; by default only a CPU stack allows it. Raise `ProbeError` when a probe gave no facts.
    """
    _require_facts(seen)
    torch = next((row for row in seen["interpreter"]["torches"] if row["wins"]), None)
    accelerator = _computes_on(stack, torch, image_env)
    whole = _with_what_is_installed(stack, seen["distributions"], accelerator)
    sites = _sites(seen["interpreter"], torch, seen["distributions"])
    codes, libraries = _libraries(seen, sites[0])
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack.id,
        "made": made,
        "python": seen["interpreter"]["executable"],
        "accelerator": accelerator,
        "cpu": cpu or ("allow" if accelerator == "cpu" else "refuse"),
        "site": sites,
        "user_site": _user_site(seen["interpreter"]),
        "packages": list(_packages(locked, seen["distributions"], sites)),
        "torch": _torch(stack, torch),
        "own": sorted(own_folders(whole)),
        "libraries": libraries,
        "codes": codes,
        "notes": list(asked_gpus.torch_notes(stack, torch, seen, image_env)),
        "faults": list(_faults(whole, tables, seen)),
        "sonames": seen["loading"]["sonames"],
        "outside": {
            name: path for name, path in seen["loading"]["outside"].items() if not name.startswith("libcuda.")
        },
        "optional": [[row.file, list(row.needs)] for row in tables.optional.rows],
        "library_path": image_env.get("LD_LIBRARY_PATH", ""),
        "cuda": _cuda(stack, torch, tables, image_env) if accelerator == "cuda" else None,
        "devices": _devices(tables),
        "gpus": [
            {"name": gpu.name, "capability": str(gpu.capability) if gpu.capability else None, "gfx": gpu.gfx}
            for gpu in stack.gpus
        ],
        "env": {
            name: value
            for name, value in stack.env.items()
            if "$" not in value and not is_secret_name(name) and name not in JUDGED_BY_NAME
        },
        "variables": list(_variables(whole, tables)),
        "headers": seen["cumm_files"]["headers"] is not None,
        "overrides": tables.rocm.known_to_run(Version(stack.rocm) if stack.rocm else None),
    }


def render(document: Mapping[str, Any]) -> bytes:
    """Return the expectation as it lies in the image."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode("ascii") + b"\n"


def _require_facts(seen: Mapping[str, Any]) -> None:
    for name in PROBES:
        facts = seen.get(name, Missing(f"the probe {name} was not run"))
        if isinstance(facts, Missing):
            raise ProbeError(f"the image cannot be baked: {facts.reason}")


def _computes_on(stack: Stack, torch: ReachableTorch | None, env: Mapping[str, str]) -> str:
    """Return what the stack says; where it does not, what the torch that is there, or the image, is for."""
    if wanted := wanted_accelerator(stack):
        return wanted
    if torch is None:
        return asked_gpus.asked(env)[0] or "cpu"
    return "cuda" if torch.get("cuda") else "rocm" if torch.get("hip") else "cpu"


def _with_what_is_installed(stack: Stack, seen: Distributions, accelerator: str) -> Stack:
    """Return the stack with every installed distribution, so that knowledge about any of them applies."""
    installed = {}
    for row in seen["distributions"]:
        try:
            installed[row["name"]] = Package(version=str(Version(row["version"])))
        except InvalidVersion:
            continue
    return stack.model_copy(update={"accelerator": accelerator, "packages": installed | dict(stack.packages)})


def _sites(interpreter: Interpreter, torch: ReachableTorch | None, seen: Distributions) -> list[str]:
    """Return the folders of packages, the one that holds torch first."""
    holding = {row["location"] for row in seen["distributions"]}
    folders = [
        row["path"] for row in interpreter["path"] if "site-packages" in row["origin"] and row["exists"]
    ]
    used = [folder for folder in folders if folder in holding] or folders
    first = torch["path"].rpartition("/")[0] if torch else ""
    if not used and not first:
        raise ProbeError("the image cannot be baked: its Python has no folder of packages")
    return list(dict.fromkeys([*([first] if first else []), *used]))


def _user_site(interpreter: Interpreter) -> str:
    """Return the user's folder of packages below its base, "" where this Python does not look there."""
    user = interpreter["user_site"]
    if not user["enabled"] or "/lib/" not in (user["path"] or ""):
        return ""
    return f"lib/{user['path'].rpartition('/lib/')[2]}"


def _packages(
    locked: Mapping[str, str], seen: Distributions, sites: list[str]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, version, metadata and folder of what must be installed: as locked, else as it was seen."""
    installed: dict[str, Distribution] = {}
    for row in seen["distributions"]:
        if row["location"] in sites:
            installed.setdefault(row["name"], row)
    wanted = {str(canonicalize_name(name)): version for name, version in locked.items()}
    wanted = wanted or {name: row["version"] for name, row in installed.items()}
    for name, version in sorted(wanted.items()):
        found = installed.get(name)
        if found and _same(found["version"], version):
            yield name, version, found["metadata"], found["location"]
        else:  # the image differs from its lock: the entrypoint will say so
            yield name, version, f"{name.replace('-', '_')}-{version}.dist-info", sites[0]


def _same(found: str, locked: str) -> bool:
    """Tell whether a version is the locked one; a lock may leave out the local version of a wheel."""
    try:
        return Version(found) == Version(locked) or Version(found).public == locked
    except InvalidVersion:
        return found == locked


def _torch(stack: Stack, torch: ReachableTorch | None) -> dict[str, Any] | None:
    """Return what version.py has to say, as it was seen; a claim of CUDA is kept where there is none."""
    if torch is None:
        return None
    cuda = torch.get("cuda") or (stack.cuda if wanted_accelerator(stack) == "cuda" else None)
    return {"path": torch["path"], "__version__": torch["version"], "cuda": cuda, "hip": torch.get("hip")}


def _libraries(seen: Mapping[str, Any], site: str) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return distinct codes; and path, size, checksum, code of each library, most code first."""
    stamps = seen["stamps"]["stamps"]
    read = [row for row in seen["libraries"]["libraries"] if "error" not in row]
    by_short = {short_path(row["path"]): row for row in read}
    ordered = [by_short[path] for rows in packages_of(seen["libraries"]).values() for path, _ in rows]
    codes: dict[str, int] = {}
    index = {}
    for row in ordered:
        kept = {key: row[key] for key in ("groups", "unread", "targets", "bundles") if key in row}
        index[row["path"]] = codes.setdefault(json.dumps(kept, sort_keys=True), len(codes))
    paths = [*(path for path in index if path in stamps), *(path for path in stamps if path not in index)]
    rows = [[path.removeprefix(f"{site}/"), *stamps[path], index.get(path, -1)] for path in paths]
    return [json.loads(text) for text in codes], rows


def _faults(stack: Stack, tables: Tables, seen: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield what does not load in the image already, as the rules of the host say it."""
    facts = {**definition_facts(stack, tables), **seen}
    for code in LOADING:
        for verdict in judge_one(RULES[code], facts):
            if verdict.outcome is Outcome.FAIL:
                yield ["libraries", "FAIL", verdict.message, verdict.expected, verdict.found, verdict.hint]


def _cuda(
    stack: Stack, torch: ReachableTorch | None, tables: Tables, env: Mapping[str, str]
) -> dict[str, str | None] | None:
    """Return the CUDA version that runs, who says so, its least driver, and the one it came with."""
    built = torch["cuda"] if torch else None
    text = built or stack.cuda or asked_gpus.cuda_of_image(env)
    if not text:
        return None
    version = Version(text)
    floor, toolkit = tables.cuda.floor(version), tables.cuda.toolkit(version)
    return {
        "version": text,
        "by": f"torch {torch['version']}" if built and torch else "the stack" if stack.cuda else "the image",
        "floor": str(floor[0]) if floor else None,
        "own": str(toolkit.driver_linux) if toolkit and toolkit.driver_linux else None,
    }


def _devices(tables: Tables) -> dict[str, Any]:
    """Return what is known of GPUs: their least driver, the last branch that drives them, names."""
    named = {product_key(gpu.name): str(gpu.capability) for gpu in products() if gpu.capability}
    return {
        "least": {
            str(row.capability): str(row.driver)
            for row in tables.cuda.device_drivers
            if row.driver is not None and not row.product
        },
        "last_branch": {
            str(capability): row.last_branch
            for row in tables.cuda.generations
            if row.last_branch is not None
            for capability in row.capabilities
        },
        "products": named,
    }


def _variables(stack: Stack, tables: Tables) -> Iterator[dict[str, str]]:
    env = environment_of(stack, tables)
    for name, rows in tables.environment.variables.items():
        for row in rows:
            if name not in JUDGED_BY_NAME and applies(row, env):
                outcome = "warn" if row.unverified else row.outcome
                yield {
                    "name": name,
                    "outcome": outcome,
                    "when": row.when,
                    "unless": row.unless,
                    "effect": row.effect,
                    "fix": row.fix,
                }
