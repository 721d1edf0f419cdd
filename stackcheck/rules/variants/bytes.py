"""The libraries of a targeted build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackcheck.model.evidence import Evidence
from stackcheck.rules.registry import Finding, failed, passed, rule, skipped
from stackcheck.rules.variants.promise import is_variant, promise_of
from stackcheck_probes.binaries.capability import Sass
from stackcheck_probes.binaries.gpucode import from_json

if TYPE_CHECKING:
    from stackcheck.intake.stack import Stack
    from stackcheck.knowledge import Tables
    from stackcheck_probes.binaries.capability import Code
    from stackcheck_probes.facts.binaries import Libraries

_LIBRARY = "libtorch_cuda"


@rule("VARIANT302", when=is_variant)
def libraries_hold_the_named_sm(stack: Stack, tables: Tables, libraries: Libraries) -> Finding | None:
    """The GPU code in torch's own library is for the SM of the name, or there is none when it says cpu.

    The arch flags say what was asked for, the fatbins what is there. Single files of torch add code of a few
    fixed targets to whatever list they are built with; that is not held against the name.

    Source: the fatbins of libtorch_cuda.so; `extra_sass` of the builds in `stackcheck tables`.
    Example: a library with sm_80 alone in a build named sm90.
    Fix: build it again, in a clean folder.
    """
    promise = promise_of(stack, tables)
    rows = [row for row in libraries["libraries"] if row["path"].rpartition("/")[2].startswith(_LIBRARY)]
    read = [row for row in rows if "error" not in row]
    if promise.sm is None and not promise.cpu:
        return None
    if promise.sm is None:
        if not rows:
            return passed(f"{stack.id} has no {_LIBRARY}.so, as a CPU build.")
        return failed(
            f"{stack.id}: the name says cpu, and {rows[0]['path']} is there.",
            expected="no library for GPUs",
            found=rows[0]["path"],
            hint="build it with USE_CUDA=0, in a clean folder",
        )
    found = {code for row in read for code in from_json(row).codes}
    if not found:
        return skipped(f"no GPU code of {_LIBRARY}.so was read, so {stack.id} was not held against it")
    return _library_holds(stack, Sass(promise.sm, promise.suffix), found, tables, read[0]["path"])


def _library_holds(stack: Stack, named: Sass, found: set[Code], tables: Tables, path: str) -> Finding:
    extra = {code for build in tables.torch.builds for code in build.extra_sass}
    sass = {code for code in found if isinstance(code, Sass)}
    own = {code for code in sass if code.capability == named.capability}
    listed = " ".join(sorted(map(str, sass)))
    if own and sass - own <= extra:
        return passed(f"{stack.id}: {path} holds {listed}, as its name says.", found=listed)
    what = "has no code for it" if not own else "has code for more"
    return failed(
        f"{stack.id}: the name says {named} alone, and {path} {what}: {listed}.",
        Evidence(path, "fatbins of the file"),
        expected=str(named),
        found=listed,
        hint="build it again for that SM alone, in a clean folder",
    )
