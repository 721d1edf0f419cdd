"""Write the recipe of a targeted build: a Nix expression, from one template and the definition."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from stackcheck.model.errors import UsageError

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables

_TEMPLATE = Path(__file__).parent / "recipe.nix.j2"
_SYSTEMS = {"linux/amd64": "x86_64-linux", "linux/arm64": "aarch64-linux"}


def render_recipe(stack: Stack, tables: Tables) -> str:
    """Return the recipe of one variant.

    Raises UsageError when the stack states no recipe, or not what a recipe needs.
    """
    recipe, isa = stack.recipe, tables.isas.isa(stack.variant.isa if stack.variant else None)
    version, system = stack.version("torch"), _SYSTEMS.get(stack.platform or "")
    lacking = [
        what
        for what, there in (
            ("a [stack.recipe] table", recipe),
            ("an instruction set that stackcheck knows (variant.isa)", isa),
            ("an exact version of torch", version),
            ("a Linux platform", system),
            ("one entry of arch_list, or accelerator = 'cpu'", _one_target(stack)),
        )
        if not there
    ]
    if lacking or recipe is None or isa is None:
        raise UsageError(f"{stack.title}: a recipe needs {', '.join(lacking)}; state it in the definition")
    sm = stack.arch_list[0] if stack.arch_list else ""
    target = f"for SM {sm} alone" if sm else "without a GPU"
    return (
        _environment()
        .get_template(_TEMPLATE.name)
        .render(
            stack=stack,
            recipe=recipe,
            flags=isa.flags,
            version=str(version),
            sm=sm,
            what=f"torch {version} {target}, on CPUs with {isa.name}",
            system=system,
            source=Path(stack.file).name or "the definition",
        )
    )


def _one_target(stack: Stack) -> bool:
    return len(stack.arch_list) == (0 if stack.accelerator == "cpu" else 1)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE.parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Nix, not HTML: `nix_string` quotes
    )
    environment.filters["nix"] = nix_string
    return environment


def nix_string(text: str) -> str:
    r"""Quote a text as a Nix string, in which nothing is interpolated.

    >>> nix_string('a "b" ${c}')
    '"a \\"b\\" \\${c}"'
    """
    for sign in ("\\", '"', "${"):
        text = text.replace(sign, f"\\{sign}")
    return '"' + text.replace("\n", "\\n") + '"'
