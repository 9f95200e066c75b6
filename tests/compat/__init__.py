"""Every attachment against the oldest and the newest release of its framework: `python -m tests.compat`."""
