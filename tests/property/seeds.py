"""How thoroughly stories are told: planted bugs with one seed all day long, with all of them as `.ci/run` does."""

from __future__ import annotations

from hypothesis import settings

_IS_THOROUGH = settings().max_examples >= settings.get_profile("thorough").max_examples

# Each planted bug is noticed with every one of these.
SEEDS = (1, 2, 3) if _IS_THOROUGH else (1,)

# For one story, also on a machine that is busy with something else.
LIMIT_SECONDS = 900 if _IS_THOROUGH else 120
