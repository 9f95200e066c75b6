"""How often what is random or long is repeated: a little all day long, fully with `--hypothesis-profile=thorough`.

`.ci/run` does both. What is asserted is the same. Who repeats processes or seconds carries the mark `soak`.
"""

from __future__ import annotations

from hypothesis import settings

IS_THOROUGH = settings().max_examples >= settings.get_profile("thorough").max_examples


def enough(working: int, thorough: int) -> int:
    """Return what the profile of this run asks for."""
    return thorough if IS_THOROUGH else working
