"""Which devices the variables leave that hide some: pure. One reading for NVIDIA's and for AMD's.

CUDA's: a word is an index as strtoul reads it, or the beginning of a UUID (GPU-..., MIG-...), the first word
says which; a word that names no device, or one of the other form, ends the list; a device named twice hides
all. Sources: CUDA C++ Programming Guide, CUDA Environment Variables; torch/cuda/__init__.py,
`_parse_visible_devices` and `_transform_uuid_to_ordinals` (read 2026-11-30). AMD's: ROCm's guide to GPU
isolation (read 2026-11-30), which says nothing of a device named twice.
"""

from __future__ import annotations

from stackcheck_probes.judging.judgement import FAIL, PASS, SKIP, Judgement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Names = Sequence[str]

UUIDS = ("GPU-", "MIG-")


class Chosen:
    """What a value leaves of some devices: their positions, and why that is less than was asked.

    fault: "" for nothing; on_purpose: an empty value or a negative number, as one hides devices by will.
    """

    __slots__ = ("fault", "on_purpose", "positions")

    def __init__(self, positions: list[int], fault: str = "", *, on_purpose: bool = False) -> None:
        self.positions = positions
        self.fault = fault
        self.on_purpose = on_purpose


def choose(value: str, devices: Sequence[Names], *, twice_hides_all: bool) -> Chosen:
    """Read a value; devices: the names of each by index: its UUID, those of its MIG devices."""
    words = [part.strip() for part in value.split(",")]
    form = next((prefix for prefix in UUIDS if words[0].startswith(prefix)), "")
    found: list[int] = []
    named: set[object] = set()
    for word in words:
        place, name, why = _uuid(word, form, devices) if form else _index(word, devices)
        if place is None:
            purpose = not why
            if found and purpose:
                return Chosen(found)
            return Chosen(found, "" if purpose else f"names {word}, {why}", on_purpose=purpose)
        if name in named and twice_hides_all:
            return Chosen([], f"names {word} twice")
        named.add(name)
        if place not in found:
            found.append(place)
    return Chosen(found)


def _index(word: str, devices: Sequence[Names]) -> tuple[int | None, object, str]:
    """Return the position, what tells it from others, and why there is none ("": ended on purpose)."""
    digits = word[1:] if word[:1] in ("+", "-") else word
    count = next((at for at, char in enumerate(digits) if not char.isdecimal()), len(digits))
    if not word or (word.startswith("-") and count):
        return None, None, ""
    if not count:
        return None, None, "which is not an index" if devices else "which is not here"
    number = int(digits[:count][:9])
    if number >= len(devices):
        there = "is 1 device" if len(devices) == 1 else f"are {len(devices)} devices"
        return None, None, f"and there {there}"
    return number, number, ""


def _uuid(word: str, form: str, devices: Sequence[Names]) -> tuple[int | None, object, str]:
    if not word.startswith(form):
        return None, None, f"which is not a UUID like the first ({form}...)"
    start = word
    if word.startswith("MIG-GPU-"):  # the old form: MIG-GPU-UUID/INSTANCE/COMPUTE
        start = word[4:].partition("/")[0]
    fits = [
        (at, name) for at, names in enumerate(devices) for name in names if name and name.startswith(start)
    ]
    if len({name for _, name in fits}) > 1:
        return None, None, "which fits more than one device"
    if not fits:
        return None, None, "which is not here"
    at, name = fits[0]
    return at, word if word.startswith("MIG-GPU-") else name, ""


def judgement(name: str, value: str, count: int, chosen: Chosen) -> Judgement:
    """Judge a value by what it leaves of `count` devices."""
    left = len(chosen.positions)
    expected = f"indices from 0 to {count - 1}, or UUIDs that are here"
    hint = "correct it or unset it"
    said = f"{name}={value!r}"
    if not left:
        why = f": it {chosen.fault}" if chosen.fault else ""
        return Judgement(FAIL, f"{said} hides every device{why}.", expected, repr(value), hint)
    if chosen.fault:
        text = f"{said} {chosen.fault}: reading ends there, which leaves {left} of {count} devices."
        return Judgement(FAIL, text, expected, repr(value), hint)
    return Judgement(PASS, f"{said} names devices that exist.", found=value)


def allowed(judged: Judgement) -> Judgement:
    """Return a note in place of a failure, where the CPU is allowed and every device is hidden."""
    return Judgement(SKIP, f"{judged.message[:-1]}; nothing about GPUs was checked, the CPU is allowed.")
