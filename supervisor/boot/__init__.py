"""Composition roots: the only place that knows both the shell and the outside. Wiring, and nothing decided here."""
