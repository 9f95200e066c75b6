"""One thing that is wrong with what the user asked for, told so that it can be put right."""

from __future__ import annotations

from .frozen import Frozen


class Problem(Frozen):
    """`what` is wrong, `why` it matters, and the `fix`: one clause each, without a full stop."""

    what: str
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.what}; {self.why}; {self.fix}"
