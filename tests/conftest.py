"""How long hypothesis may look for a counterexample; no deadline for one example, because machines pause."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("working", deadline=None, max_examples=100)
# For the whole suite at once: --hypothesis-profile=thorough.
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("working")
