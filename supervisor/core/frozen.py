"""Immutable values for the modules that run before the worker is spawned.

Importing dataclasses costs more than everything else before the spawn together, and each dataclass about a millisecond
more. This is the part of them that those modules need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        return lambda frozen: frozen


class _SlotsFromAnnotations(type):
    """Makes the annotated names of a class its slots, in that order."""

    __match_args__: tuple[str, ...]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _SlotsFromAnnotations:
        fields = tuple(namespace.get("__annotations__", ()))
        return super().__new__(cls, name, bases, namespace | {"__slots__": fields, "__match_args__": fields})


@dataclass_transform(frozen_default=True)
class Frozen(metaclass=_SlotsFromAnnotations):
    """Fields are the annotated names of the subclass; all of them must be given, by position or by name."""

    def __init__(self, *values: object, **named: object) -> None:
        names = type(self).__match_args__
        fields = dict(zip(names, values, strict=False)) | named
        if len(values) + len(named) != len(names) or fields.keys() != set(names):
            raise TypeError(f"{type(self).__name__} takes exactly {', '.join(names)}")
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Raise ValueError when the fields do not go together."""

    def replaced(self, **news: object) -> Self:
        """Return the same with other values for these fields."""
        return type(self)(**(self._fields() | news))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be removed")

    def __eq__(self, other: object) -> bool:
        return self._fields() == other._fields() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *self._fields().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._fields().items())})"

    def _fields(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in type(self).__match_args__}
