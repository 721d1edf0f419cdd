"""What the loader will say of a tree: pure, on what the probe `loading` reports.

Host and target judge by these functions. Sources: ld.so(8); symbol versioning of the Linux Standard Base;
_GLIBCXX_USE_CXX11_ABI of libstdc++ (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, WARN, Judgement
from stackcheck_probes.judging.packagecover import short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from stackcheck_probes.facts.binaries import (
        Loading,
        MissingNeed,
        MissingSymbols,
        MissingVersion,
        Shadowed,
    )

OF_THE_STACK = (
    "torch",
    "torchvision",
    "torchaudio",
    "nvidia",
    "spconv",
    "cumm",
    "mmcv",
    "triton",
    "xformers",
)
"""Top folders of the packages that a GPU stack is made of: what they cannot load breaks it."""
OF_TORCH = ("_Z", "aoti_torch", "torch_")
"""How the symbols begin that torch alone can export: C++ names, and its stable C interface."""
SHOWN = 3
_NOT_KNOWN = " (whether anybody loads it is not known)"


def top_folder(path: str, roots: Collection[str] = ()) -> str:
    """Return the top folder of a file under site-packages; a wheel's `x.libs` belongs to its package x."""
    return short_path(path, roots).lstrip("/").split("/")[0].partition(".")[0]


def absent(needs: str, rows: list[MissingNeed], own: Collection[str], roots: Collection[str]) -> Judgement:
    """Judge a library that is not there for `rows`; it fails those whose top folder in a root is in `own`."""
    names = [short_path(row["library"], roots) for row in rows]
    who = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    others, elsewhere = rows[0]["other_versions"], rows[0]["elsewhere"]
    message = f"{who} cannot be loaded: {needs} is not there"
    hint = "install the package that brings it, or remove the one that needs it"
    if elsewhere:
        place = short_path(elsewhere[0], roots)
        message += f" for it, although {place} is in this tree: no search path of it leads there"
        hint = f"load {place} first, or put its folder on LD_LIBRARY_PATH"
    elif others:
        message += f"; this tree has {', '.join(others)}: it was made for another version"
        hint = "install the build of the package that was made for the CUDA of this stack"
    found = ", ".join(others) or (elsewhere[0] if elsewhere else "nothing of that name")
    if any(top_folder(row["library"], roots) in own for row in rows):
        return Judgement(FAIL, message, needs, found, hint)
    return Judgement(WARN, message + _NOT_KNOWN, needs, found, hint)


def too_old(row: MissingVersion, own: Collection[str], roots: Collection[str]) -> Judgement:
    """Judge a symbol version that the file which serves a library does not have."""
    newest = row["newest"] or "none of that kind"
    name = short_path(row["library"], roots)
    message = f"{name} cannot be loaded: it needs {row['version']}, and "
    message += f"{row['in']} has {newest}"
    hint = "use a base image with a newer system, or a build of the package made on an older one"
    if top_folder(row["library"], roots) in own:
        return Judgement(FAIL, message, row["version"], newest, hint)
    return Judgement(WARN, message + _NOT_KNOWN, row["version"], newest, hint)


def undefined(row: MissingSymbols, seen: Loading, torch: str, package: str, made: str) -> Judgement:
    """Judge symbols that nobody exports.

    torch: its version here. package: "xformers 0.0.28", or "" when not known. made: the torch that the
    package requires, or "".
    """
    symbol, name = row["symbols"][0], row["demangled"][0]
    library = short_path(row["library"], seen["roots"])
    if not symbol.startswith(OF_TORCH):
        text = f"{library} cannot be loaded: undefined symbol {symbol}"
        found = f"{row['count']} symbols that no library on its path has"
        hint = (
            "an older copy shadows the one it was made for: look at LD_LIBRARY_PATH and at duplicate packages"
        )
        return Judgement(FAIL, text, symbol, found, hint)
    abi = seen["abi"].get(row["library"], "")
    built_for = f"torch {made}" if made else "another torch"
    here = seen["torch"]["abi"] if seen["torch"] else ""
    if abi and here not in ("", abi):
        built_for += f" with the {abi} C++11 ABI (torch here has the {here} one)"
    more = f" and {row['count'] - 1} more" if row["count"] > 1 else ""
    called = package.split(" ", maxsplit=1)[0] or "the package"
    return Judgement(
        FAIL,
        f"{library} cannot be loaded: torch {torch} does not export {name}{more}; "
        f"it was built for {built_for}",
        f"an extension built for torch {torch}",
        f"{package or called}, built for {built_for}",
        f"install the version of {called} that was made for torch {torch}",
    )


def other_abi(path: str, abi: str, torch_abi: str) -> Judgement:
    """Judge an extension whose C++11 ABI is not torch's."""
    return Judgement(
        FAIL,
        f"{short_path(path)} uses the {abi} C++11 ABI and torch the {torch_abi} one",
        f"the {torch_abi} C++11 ABI",
        f"the {abi} C++11 ABI",
        "install the wheel of the other ABI, or build the extension against this torch",
    )


def shadowed(row: Shadowed) -> Judgement:
    """Judge a library that LD_LIBRARY_PATH serves in place of the wheel's own."""
    return Judgement(
        WARN,
        f"{short_path(row['library'])} takes {row['needs']} from LD_LIBRARY_PATH, and not from its own wheel",
        row["instead_of"],
        row["used"],
        f"take {row['used'].rpartition('/')[0]} off LD_LIBRARY_PATH",
    )


def unreadable(path: str, error: str) -> Judgement:
    """Judge a file that is no whole ELF file."""
    return Judgement(
        FAIL,
        f"{short_path(path)} cannot be read: {error}",
        "an ELF file that is whole",
        error,
        "reinstall the package that owns the file",
    )
