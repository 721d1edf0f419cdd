"""Immutable values without `dataclasses` or `typing`: importing those costs 14 and 10 ms at start."""

from __future__ import annotations


class Frozen:
    """A value: its `fields` are set once by `_set`; it is equal, hashed and printed by them."""

    __slots__ = ()

    fields: tuple[str, ...] = ()

    def _set(self, *values: object) -> None:
        for name, value in zip(self.fields, values):
            object.__setattr__(self, name, value)

    def _values(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.fields])  # a generator takes half as long again

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set to {value!r}: the value is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: the value is frozen")

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        """Take the fields of a value that was pickled: what stands in slots comes as the second of a pair."""
        for name, value in state[1].items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Frozen) and type(other) is type(self):
            return self._values() == other._values()
        return NotImplemented

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._values()))

    def __repr__(self) -> str:
        pairs = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.fields)
        return f"{type(self).__name__}({pairs})"
