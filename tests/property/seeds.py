"""How thoroughly stories are told: planted bugs with one seed all day long, with all of them as `.ci/run` does."""

from __future__ import annotations

from tests.thoroughness import IS_THOROUGH

# Each planted bug is noticed with every one of these.
SEEDS = (1, 2, 3) if IS_THOROUGH else (1,)

# For one story, also on a machine that is busy with something else.
LIMIT_SECONDS = 900 if IS_THOROUGH else 120
