"""Keeps a module of the standard library out until somebody uses it, although others import it.

`dataclasses` imports `inspect`, which brings the compiler's half of the library, to write docstrings for classes that have
none. Ours have; so a megabyte of memory need not be spent in every task for it. Whoever does use it gets the real one.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
else:
    # Not to load one module more for a name.
    ModuleType = type(sys)


def postpone(name: str) -> None:
    """Let imports of this module find something that becomes the module when it is used."""
    if name not in sys.modules:
        sys.modules[name] = _Later(name)


class _Later(ModuleType):
    def __getattr__(self, attribute: str) -> object:
        """Become the real one; only called for what is not there yet."""
        if attribute.startswith("__"):
            # The import system asks for these of everything it finds.
            raise AttributeError(attribute)
        from importlib import import_module

        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        real = import_module(name)
        self.__dict__.update(vars(real))
        return getattr(real, attribute)
