"""The sample apps: what a team would write, with no word of a supervisor in it, but for one line a start and an end."""
