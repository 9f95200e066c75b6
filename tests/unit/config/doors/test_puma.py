"""puma's time limits, which nobody can set from outside."""

from __future__ import annotations

from supervisor.config.doors import Door
from supervisor.config.doors.puma import open_door


def test_what_to_write_into_the_config_file_is_said() -> None:
    """With a number that ends before ours."""
    said = open_door(Door(("puma",), 0, 1, {}, "/hooks", 21.6))
    assert "worker_shutdown_timeout 20" in str(said)
    assert "force_shutdown_after 20" in str(said)
