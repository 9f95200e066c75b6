"""Turns what the core knows into text; pure, so every line can be tested as a value."""
