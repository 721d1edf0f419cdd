"""Which builds of torch can load a wheel: what it wants and needs, held against what each one exports.

Pure. "Can be loaded" is what this answers, and no more: a layout may change under the same name. The loader
binds a whole extension module when Python opens it (RTLD_NOW, as `sys.getdlopenflags` and `ctypes` ask), so a
single symbol that nobody exports refuses it. Source: ld.so(8), dlopen(3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from stackcheck.wheels import layouts, pythons
from stackcheck_probes.probes.loading import C_INTERFACES, DRIVER, OTHERS_JUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackcheck.wheels.exports import Build, Exports
    from stackcheck.wheels.facts import LibraryFacts, WheelFacts

Answer: TypeAlias = Literal["yes", "no", "unknown", "apart"]
"""`apart`: there is no Python for which both have a wheel, so that the question does not come up."""
Kind: TypeAlias = Literal["symbols", "library", "cuda", "layout", "python", "unread"]
PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
SHOWN = 3
_OF_TORCH = re.compile(r"lib(?:c10|torch|shm|caffe2)\w*\.so")
_SYSTEM = re.compile(
    r"lib(?:c|m|dl|rt|util|pthread|gcc_s|stdc\+\+|gomp|z|resolv|nsl|crypt|atomic|mvec)\.so.*|ld-linux.*\.so.*"
)
"""Libraries of the system, most of them allowed to every manylinux wheel (PEP 513, 571, 599, 600)."""
_MODULE = re.compile(r"\.cpython-(\d+t?)[^/]*\.so$")
_REPAIRED = re.compile(r"[-.][0-9a-f]{8}(?=\.so)")
"""What auditwheel adds to the name of a library that it copies into a wheel."""
_STABLE = tuple(each.decode() for each in C_INTERFACES)
_OTHERS = tuple(each.decode() for each in OTHERS_JUDGED)


class Reason(NamedTuple):
    """Why a build cannot load a library, or why that is not known.

    symbols: the first three that are missing, mangled; missing: how many are.
    """

    kind: Kind
    library: str
    text: str
    symbols: tuple[str, ...] = ()
    missing: int = 0


class Fit(NamedTuple):
    """The answer for one build of torch, with its reasons; those of a "yes" are what is to be known of it."""

    build: Build
    answer: Answer
    reasons: tuple[Reason, ...] = ()


class Subject(NamedTuple):
    """What is judged: a wheel, or one library alone (without `tags`)."""

    name: str
    libraries: tuple[LibraryFacts, ...]
    requires: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    requires_python: str = ""

    @property
    def platform(self) -> str:
        """Return "linux/amd64" or "linux/arm64", whichever most of its libraries are for; "" for neither."""
        found = [
            PLATFORMS[each.machine] for each in self.libraries if each.dynamic and each.machine in PLATFORMS
        ]
        return max(sorted(set(found)), key=found.count, default="")

    @property
    def loadable(self) -> list[LibraryFacts]:
        """Return what the loader can load on its platform, and what it would need to be read for."""
        machines = {machine for machine, name in PLATFORMS.items() if name == self.platform}
        return [each for each in self.libraries if each.dynamic and each.machine in machines]

    def serves(self, abi: str) -> bool:
        """Tell whether it is for a CPython, named by an ABI tag such as "cp311" or "cp313t"."""
        if self.tags:
            return pythons.serves(self.tags, abi, self.requires_python)
        own = {match[1] for each in self.libraries if (match := _MODULE.search(each.path))}
        return not own or abi.removeprefix("cp").removesuffix("m") in own


def wheel_subject(facts: WheelFacts) -> Subject:
    """Return what is judged of a wheel."""
    return Subject(
        facts.filename,
        facts.libraries,
        facts.requires,
        facts.tags,
        facts.left_out,
        facts.requires_python or "",
    )


class Judged(NamedTuple):
    """The answer for each build of a subject's platform, and what the subject asks whatever the torch.

    linked: its libraries that link torch. outside: sonames that neither it, nor torch, nor NVIDIA, nor the
    system brings. cuda: the major versions of CUDA that its needs name. stable: it asks torch for nothing but
    its stable C interface.
    """

    subject: Subject
    fits: tuple[Fit, ...]
    linked: tuple[str, ...]
    outside: tuple[str, ...]
    cuda: tuple[int, ...]
    stable: bool

    def newest(self, kind: str) -> str:
        """Return the newest symbol version of a kind ("GLIBC", "GLIBCXX") that is wanted, "" for none."""
        found = {
            version.removeprefix(f"{kind}_")
            for each in self.subject.loadable
            for _, version, weak in each.versions_needed
            if re.fullmatch(rf"{kind}_\d+(\.\d+)*", version) and not weak
        }
        return max(found, key=lambda text: [int(part) for part in text.split(".")], default="")


def judge(subject: Subject, exports: Exports) -> Judged:
    """Say for each build of torch whether it can load the subject."""
    return _Judging(subject, exports).judged()


class _Judging:
    """One subject held against every build for its platform."""

    def __init__(self, subject: Subject, exports: Exports) -> None:
        self.subject, self.exports = subject, exports
        platform = subject.platform
        self.builds = [each for each in exports.builds if each.platform == platform]
        self.all = sum(1 << each.bit for each in self.builds)
        self.loadable = subject.loadable
        self.own = {name: each for each in self.loadable for name in (_base(each.path), each.soname) if name}
        self.linked = [each for each in self.loadable if _links(each)]
        self.needed = {name for each in self.closure(self.linked or self.loadable) for name in each.needed}
        self.majors = tuple(sorted(self.cuda(self.needed)))
        self.brought = _brought(subject.requires, exports)
        self.known: dict[str, int] = {}
        self.masks: dict[str, int] = {}
        self.grouped: dict[tuple[str, ...], list[list[LibraryFacts]]] = {}

    def judged(self) -> Judged:
        """Return what was found."""
        return Judged(
            self.subject,
            tuple(map(self.fit, self.builds)) if self.linked else (),
            tuple(each.path for each in self.linked),
            tuple(sorted(filter(self.is_outside, self.needed))),
            self.majors,
            all(name.startswith(_STABLE) for each in self.linked for name in each.undefined),
        )

    def cuda(self, needed: Iterable[str]) -> set[int]:
        """Return the major versions of CUDA that needed libraries are of, those that it holds itself, too."""
        majors = [self.exports.sonames.get(_REPAIRED.sub("", name), ()) for name in needed]
        return {major for each in majors if len(each) == 1 for major in each}

    def closure(self, libraries: Sequence[LibraryFacts]) -> list[LibraryFacts]:
        """Return libraries with those of the subject that they need, in turn."""
        found = {each.path: each for each in libraries}
        queue = list(libraries)
        while queue:
            for name in queue.pop().needed:
                server = self.own.get(name)
                if server is not None and server.path not in found:
                    found[server.path] = server
                    queue.append(server)
        return list(found.values())

    def is_outside(self, name: str) -> bool:
        """Tell whether nobody is known to bring a library: not the subject, torch, NVIDIA or the system."""
        if name in self.own or name in self.brought or name in self.exports.sonames or name in DRIVER:
            return False
        return not _OF_TORCH.match(name) and not _SYSTEM.fullmatch(name)

    def fit(self, build: Build) -> Fit:
        """Return the answer of one build: each group of libraries must have one that can be loaded."""
        served = [abi for abi in build.pythons if self.subject.serves(abi)]
        if not served:
            text = "no Python has a wheel of it and of this torch"
            return Fit(build, "apart", (Reason("python", "", text),))
        reasons: list[Reason] = []
        for group in self.groups(tuple(served)):
            found = [self.refusals(each, build) for each in group]
            if all(found):
                reasons += min(reversed(found), key=_weight)
        if not reasons:
            return Fit(build, "yes", self.cautions(build))
        sure = any(each.kind != "unread" for each in reasons)
        return Fit(build, "no" if sure else "unknown", tuple(reasons))

    def cautions(self, build: Build) -> tuple[Reason, ...]:
        """Return what stands beside a "yes": a wheel that brings libraries of another CUDA than torch's."""
        if build.cuda_major is None or not self.majors or build.cuda_major in self.majors:
            return ()
        its = " and ".join(map(str, self.majors))
        text = f"brings libraries of CUDA {its} of its own; this torch is for CUDA {build.cuda_major}"
        return (Reason("cuda", "", text),)

    def groups(self, served: tuple[str, ...]) -> list[list[LibraryFacts]]:
        """Return the libraries that link torch, those of which one is enough together.

        Modules for a Python that is not among `served` are left out; builds that serve the same share them.
        """
        if served not in self.grouped:
            self.grouped[served] = self.groups_for(served)
        return self.grouped[served]

    def groups_for(self, served: Sequence[str]) -> list[list[LibraryFacts]]:
        """Make what `groups` returns."""
        own = {abi.removeprefix("cp").removesuffix("m") for abi in served}
        modules = {match[1] for each in self.linked if (match := _MODULE.search(each.path))}
        own |= modules if len(modules) == 1 else set()  # one wheel is read for all Pythons of a release
        found: dict[str, list[LibraryFacts]] = {}
        for each in self.linked:
            module = _MODULE.search(each.path)
            if module is None or module[1] in own:
                start = module.start() if module else len(each.path)
                folder, _, name = each.path[:start].rpartition("/")
                found.setdefault(f"{folder}/{re.sub('[0-9]', '', name)}{each.path[start:]}", []).append(each)
        return [part for group in found.values() for part in self.alternatives(group)]

    def alternatives(self, group: list[LibraryFacts]) -> list[list[LibraryFacts]]:
        """Return libraries whose names differ in a number alone as one group, or each as its own group.

        Builds for several torches, or for several releases of FFmpeg, lie side by side and their package
        picks one: no torch loads them all, or they need other libraries from elsewhere. Builds for several
        GPUs (`_90a`, `_100a`) are all wanted.
        """
        together = self.all
        for each in group:
            for part in self.closure([each]):
                together &= self.mask(part)
        elsewhere = {frozenset(filter(self.is_outside, each.needed)) for each in group}
        return [group] if not together or len(elsewhere) > 1 else [[each] for each in group]

    def refusals(self, library: LibraryFacts, build: Build) -> list[Reason]:
        """Return why the loader refuses a library: its own reasons, or those of one that it needs."""
        return next(
            (found for each in self.closure([library]) if (found := self.own_refusals(each, build))), []
        )

    def own_refusals(self, library: LibraryFacts, build: Build) -> list[Reason]:
        """Return why the loader refuses a library whose needs can all be loaded."""
        if library.error:
            return [Reason("unread", library.path, f"cannot be read: {library.error}")]
        reasons = [found for name in library.needed if (found := self.absence(library, name, build))]
        if not self.mask(library) >> build.bit & 1:
            reasons.append(self.missing(library, build))
        if not reasons and (text := layouts.refusal(library, build.torch)):
            reasons.append(Reason("layout", library.path, text))
        return reasons

    def missing(self, library: LibraryFacts, build: Build) -> Reason:
        """Return which symbols of a library are not there beside a build."""
        names = [name for name in library.undefined if not self.given(name) >> build.bit & 1]
        shown = tuple(names[:SHOWN])
        if not any(map(self.given, names)) and (outside := self.outside(library)):
            text = f"wants symbols that no known torch exports; {outside} was not read"  # it may have them
            return Reason("unread", library.path, text, shown, len(names))
        text = "wants symbols that this torch does not export"
        if library.abi and build.abi and library.abi != build.abi:
            abis = f"has the {library.abi} C++ ABI of std::string, this torch the {build.abi} one"
            text = f"{abis}; it {text}"
        return Reason("symbols", library.path, text, shown, len(names))

    def outside(self, library: LibraryFacts) -> str:
        """Return the first soname that a library, or one that it needs, has from elsewhere, "" for none."""
        needed = (name for each in self.closure([library]) for name in each.needed)
        return next(filter(self.is_outside, needed), "")

    def mask(self, library: LibraryFacts) -> int:
        """Return the builds that export all that a library wants of torch."""
        if library.path not in self.masks:
            mask = self.all
            for name in library.undefined:
                mask &= self.given(name)
            self.masks[library.path] = mask
        return self.masks[library.path]

    def given(self, name: str) -> int:
        """Return the builds beside which a symbol is there: they export it, or the subject itself does."""
        mask = self.known.get(name)
        if mask is None:
            mask = (
                self.all
                if name.startswith(_OTHERS)
                else self.exports.mask(name.encode("utf-8", "surrogateescape"))
            )
            if mask & self.all != self.all and any(each.gives(name) for each in self.loadable):
                mask = self.all
            self.known[name] = mask
        return mask

    def absence(self, library: LibraryFacts, name: str, build: Build) -> Reason | None:
        """Return why a needed library is not there beside a build, None where it is or nothing says it."""
        here = build.libraries | build.brought
        if name in self.own or name in here or name in self.brought:
            return None
        if _OF_TORCH.match(name):
            what = "this torch" if build.cuda else "this torch, a CPU build"
            return Reason("library", library.path, f"needs {name}, which is not in {what}")
        majors = self.exports.sonames.get(name)
        if majors is None:
            return None
        if build.cuda_major not in majors:
            needs = f"needs {name} of CUDA {' or '.join(map(str, majors))}"
            has = f"is for CUDA {build.cuda_major}" if build.cuda else "is a CPU build"
            return Reason("cuda", library.path, f"{needs}, and this torch {has}")
        other = sorted(each for each in here if _stem(each) == _stem(name))
        return (
            Reason("cuda", library.path, f"needs {name}, and this torch brings {other[0]}") if other else None
        )


def _weight(reasons: Iterable[Reason]) -> int:
    return sum(each.missing or 1 for each in reasons)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(soname: str) -> str:
    return soname.partition(".so")[0]


def _links(library: LibraryFacts) -> bool:
    """Tell whether a library links torch: it names one of its libraries, or wants its symbols."""
    wants = any(not name.startswith(_OTHERS) for name in library.undefined)
    return wants or any(map(_OF_TORCH.match, library.needed))


def _brought(requires: Iterable[str], exports: Exports) -> frozenset[str]:
    """Return the sonames that the NVIDIA wheels hold which METADATA requires, extras left out."""
    names = {
        re.split(r"[^\w.-]", text.strip(), maxsplit=1)[0].lower() for text in requires if "extra" not in text
    }
    held: Mapping[str, frozenset[str]] = exports.packages
    return frozenset().union(*(held[key] for key in held if key.partition(" ")[0] in names))
