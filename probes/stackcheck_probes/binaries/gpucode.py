"""What GPU code one binary holds: the value, and its form in JSON."""

from __future__ import annotations

from stackcheck_probes.binaries.capability import Code, parse_code
from stackcheck_probes.binaries.fatbin import ImageKind
from stackcheck_probes.binaries.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stackcheck_probes.facts.binaries import GpuCodeFacts, ImagesOf


class Images(Frozen):
    """Images of one kind: their number, and their bytes in the file."""

    fields = ("kind", "images", "bytes")
    __slots__ = fields

    kind: ImageKind
    images: int
    bytes: int

    def __init__(self, kind: ImageKind, images: int, size: int) -> None:
        self._set(kind, images, size)


class Group(Frozen):
    """Fatbins that hold exactly the same code targets, and kernels: the targets, and how many fatbins."""

    fields = ("codes", "fatbins")
    __slots__ = fields

    codes: frozenset[Code]
    fatbins: int

    def __init__(self, codes: frozenset[Code], fatbins: int) -> None:
        self._set(codes, fatbins)


class GpuCode(Frozen):
    """The GPU code of one binary.

    images: executable CUDA images by kind. relocatable: pieces that still have to be linked. fatbins: the
    executable ones. empty: those of them that hold no kernel. groups: the others by their code targets.
    targets: HIP targets, `(gfx id, bundles, unpacked bytes)`. bundles: HIP bundles; a code object of AMD by
    itself is one. bundle_groups: their number by the targets that they hold. unread: why code may be
    there that was not seen; while this is not empty, absence proves nothing. faults: what did not fit the
    formats. cut: the file is shorter than it says.
    """

    fields = (
        "images",
        "relocatable",
        "fatbins",
        "empty",
        "groups",
        "targets",
        "bundles",
        "bundle_groups",
        "unread",
        "faults",
        "cut",
    )
    __slots__ = fields

    images: tuple[Images, ...]
    relocatable: tuple[Images, ...]
    fatbins: int
    empty: int
    groups: tuple[Group, ...]
    targets: tuple[tuple[str, int, int], ...]
    bundles: int
    bundle_groups: tuple[tuple[frozenset[str], int], ...]
    unread: tuple[str, ...]
    faults: tuple[str, ...]
    cut: bool

    def __init__(  # noqa: PLR0913
        self,
        *,
        images: tuple[Images, ...] = (),
        relocatable: tuple[Images, ...] = (),
        fatbins: int = 0,
        empty: int = 0,
        groups: tuple[Group, ...] = (),
        targets: tuple[tuple[str, int, int], ...] = (),
        bundles: int = 0,
        bundle_groups: tuple[tuple[frozenset[str], int], ...] = (),
        unread: tuple[str, ...] = (),
        faults: tuple[str, ...] = (),
        cut: bool = False,
    ) -> None:
        self._set(
            images, relocatable, fatbins, empty, groups, targets, bundles, bundle_groups, unread, faults, cut
        )

    @property
    def codes(self) -> frozenset[Code]:
        """Every code target that some fatbin with kernels holds."""
        return frozenset().union(*(group.codes for group in self.groups))


def to_json(gpu: GpuCode) -> GpuCodeFacts:
    """Return the value as JSON-able data; what is empty is left out."""
    document: GpuCodeFacts = {
        "images": [_images_json(row) for row in gpu.images],
        "relocatable": [_images_json(row) for row in gpu.relocatable],
        "fatbins": gpu.fatbins,
        "empty": gpu.empty,
        "groups": [
            {"codes": sorted(code.spec for code in g.codes), "fatbins": g.fatbins} for g in gpu.groups
        ],
        "targets": [{"target": name, "bundles": number, "bytes": size} for name, number, size in gpu.targets],
        "bundles": gpu.bundles,
        "bundle_groups": [{"targets": sorted(held), "bundles": n} for held, n in gpu.bundle_groups],
        "unread": list(gpu.unread),
        "faults": list(gpu.faults),
        "cut": gpu.cut,
    }
    return {key: value for key, value in document.items() if value}  # type: ignore[return-value]


def from_json(document: GpuCodeFacts) -> GpuCode:
    """Return the value that `to_json` wrote; raise ValueError, KeyError or TypeError for another shape."""
    return GpuCode(
        images=tuple(_images_of(row) for row in document.get("images", ())),
        relocatable=tuple(_images_of(row) for row in document.get("relocatable", ())),
        fatbins=document.get("fatbins", 0),
        empty=document.get("empty", 0),
        groups=tuple(
            Group(frozenset(map(parse_code, row["codes"])), row["fatbins"])
            for row in document.get("groups", ())
        ),
        targets=tuple((row["target"], row["bundles"], row["bytes"]) for row in document.get("targets", ())),
        bundles=document.get("bundles", 0),
        bundle_groups=tuple(
            (frozenset(row["targets"]), row["bundles"]) for row in document.get("bundle_groups", ())
        ),
        unread=tuple(document.get("unread", ())),
        faults=tuple(document.get("faults", ())),
        cut=document.get("cut", False),
    )


def _images_json(row: Images) -> ImagesOf:
    kind = row.kind
    name = kind.code.spec if kind.code else f"kind {kind.kind:#x}"
    document: ImagesOf = {"code": name, "images": row.images, "bytes": row.bytes}
    if kind.compression:
        document["compression"] = kind.compression
    if kind.debug:
        document["debug"] = True
    return document


def _images_of(row: ImagesOf) -> Images:
    name = row["code"]
    known = not name.startswith("kind ")
    kind = ImageKind(
        parse_code(name) if known else None,
        row.get("compression", ""),
        row.get("debug", False),
        0 if known else int(name[5:], 16),
    )
    return Images(kind, row["images"], row["bytes"])
