"""What the loader will say of a tree: pure, on what the probe `loading` reports.

Host and target judge by these functions. Sources: ld.so(8); symbol versioning of the Linux Standard Base;
_GLIBCXX_USE_CXX11_ABI of libstdc++ (checked 2026-11-20).
"""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, WARN, Judgement
from stackcheck_probes.judging.loadbuilds import builds_of, failing_imports, family_name, listed
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
OF_TORCH = ("_Z", "THP", "aoti_torch", "torch_")
"""How the symbols begin that torch alone can export: C++ names, and its stable C interface."""


def top_folder(path: str, roots: Collection[str] = ()) -> str:
    """Return the top folder of a file under site-packages; a wheel's `x.libs` belongs to its package x."""
    return short_path(path, roots).lstrip("/").split("/")[0].partition(".")[0]


def _refusal(
    libraries: list[str], what: str, own: Collection[str], loading: Loading, *, needed: bool = False
) -> tuple[str, str]:
    """Return the outcome and the sentence of libraries that cannot be loaded: `what` says why, unended."""
    imports = failing_imports(libraries, loading)
    names = [short_path(path, loading["roots"]) for path in libraries]
    text = f"{listed(names)} cannot be loaded: {what}"
    if imports:
        return FAIL, f"import {listed(imports)} {'fails' if len(imports) == 1 else 'fail'}: {text}."
    if needed or any(top_folder(path, loading["roots"]) in own for path in libraries):
        return FAIL, f"{text}."
    return WARN, f"{text} (whether anybody loads it is not known)."


def absences(rows: Collection[MissingNeed], loading: Loading) -> list[list[MissingNeed]]:
    """Return the rows that are one finding: what is simply not there, for the same packages.

    A need that is met elsewhere in the tree, or by another version, is a finding of its own; and what keeps a
    module from being imported is not mixed with what only may matter.
    """
    matters: dict[str, bool] = {}
    by_need: dict[tuple[str, bool], list[MissingNeed]] = {}
    for row in rows:
        path = row["library"]
        if path not in matters:
            matters[path] = bool(failing_imports([path], loading))
        by_need.setdefault((row["needs"], matters[path]), []).append(row)
    found: dict[tuple[str | bool, ...], list[MissingNeed]] = {}
    for (needs, matter), each in sorted(by_need.items()):
        packages = sorted({top_folder(row["library"], loading["roots"]) for row in each})
        apart = each[0]["elsewhere"] or each[0]["other_versions"]
        found.setdefault((matter, needs) if apart else (matter, "", *packages), []).extend(each)
    return list(found.values())


def absent(rows: list[MissingNeed], own: Collection[str], loading: Loading) -> Judgement:
    """Judge what is not there for `rows` of `absences`.

    It fails where an import fails for it, where none of several builds of a library finds what it needs, and
    for a library of a top folder in `own`.
    """
    needs = list(dict.fromkeys(row["needs"] for row in rows))
    others, elsewhere = rows[0]["other_versions"], rows[0]["elsewhere"]
    what = f"{listed(needs)} {'is' if len(needs) == 1 else 'are'} not there"
    hint = "install the package that brings it, or remove the one that needs it"
    if elsewhere:
        place = short_path(elsewhere[0], loading["roots"])
        what += f" for it, although {place} is in this tree: no search path of it leads there"
        hint = f"load {place} first, or put its folder on LD_LIBRARY_PATH"
    elif others:
        what += f"; this tree has {', '.join(others)}: it was made for another version"
        hint = "install the build of the package that was made for the CUDA of this stack"
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    builds = builds_of(libraries[0], loading)
    none = len(builds) > 1 and set(builds) <= set(libraries)
    if none:
        what += (
            f"; none of the {len(builds)} builds of {family_name(libraries[0], loading)} finds what it needs"
        )
    found = ", ".join(others) or (elsewhere[0] if elsewhere else "nothing of that name")
    outcome, message = _refusal(libraries, what, own, loading, needed=none)
    return Judgement(outcome, message, listed(needs), found, hint)


def outdated(rows: Collection[MissingVersion], loading: Loading) -> list[list[MissingVersion]]:
    """Return the rows that are one finding: a symbol version that a package asks of one file."""
    found: dict[tuple[object, ...], list[MissingVersion]] = {}
    for row in rows:
        matters = bool(failing_imports([row["library"]], loading))
        package = top_folder(row["library"], loading["roots"])
        found.setdefault((package, row["in"], row["version"], matters), []).append(row)
    return list(found.values())


def too_old(rows: list[MissingVersion], own: Collection[str], loading: Loading) -> Judgement:
    """Judge a symbol version that the file which serves some libraries lacks: `rows` of `outdated`."""
    row, libraries = rows[0], list(dict.fromkeys(row["library"] for row in rows))
    newest = row["newest"] or "none of that kind"
    needs = "it needs" if len(libraries) == 1 else "they need"
    what = f"{needs} {row['version']}, and {row['in']} has {newest}"
    outcome, message = _refusal(libraries, what, own, loading)
    hint = "use a base image with a newer system, or a build of the package made on an older one"
    return Judgement(outcome, message, row["version"], newest, hint)


def undefined(row: MissingSymbols, seen: Loading, torch: str, package: str, made: str) -> Judgement:
    """Judge symbols that nobody exports.

    torch: its version here. package: "xformers 0.0.28", or "" when not known. made: the torch that the
    package requires, or "".
    """
    symbol, name = row["symbols"][0], row["demangled"][0]
    library = short_path(row["library"], seen["roots"])
    imports = failing_imports([row["library"]], seen)
    start = f"import {listed(imports)} {'fails' if len(imports) == 1 else 'fail'}: " if imports else ""
    if not symbol.startswith(OF_TORCH):
        text = f"{start}{library} cannot be loaded: undefined symbol {symbol}."
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
    builds = len(builds_of(row["library"], seen))
    none = f"; none of its {builds} builds fits this torch" if builds > 1 else ""
    return Judgement(
        FAIL,
        f"{start}{library} cannot be loaded: torch {torch} does not export {name}{more}; "
        f"it was built for {built_for}{none}.",
        f"an extension built for torch {torch}",
        f"{package or called}, built for {built_for}",
        f"install the version of {called} that was made for torch {torch}",
    )


def other_abi(path: str, abi: str, torch_abi: str) -> Judgement:
    """Judge an extension whose C++11 ABI is not torch's."""
    return Judgement(
        FAIL,
        f"{short_path(path)} uses the {abi} C++11 ABI and torch the {torch_abi} one.",
        f"the {torch_abi} C++11 ABI",
        f"the {abi} C++11 ABI",
        "install the wheel of the other ABI, or build the extension against this torch",
    )


def shadowed(row: Shadowed) -> Judgement:
    """Judge a library that LD_LIBRARY_PATH serves in place of the wheel's own."""
    return Judgement(
        WARN,
        f"{short_path(row['library'])} takes {row['needs']} from LD_LIBRARY_PATH, not from its own wheel.",
        row["instead_of"],
        row["used"],
        f"take {row['used'].rpartition('/')[0]} off LD_LIBRARY_PATH",
    )


def unreadable(path: str, error: str) -> Judgement:
    """Judge a file that is no whole ELF file."""
    return Judgement(
        FAIL,
        f"{short_path(path)} cannot be read: {error}.",
        "an ELF file that is whole",
        error,
        "reinstall the package that owns the file",
    )
