"""No bytes, however bad, stop the loop or cost somebody else's hold; `python -m tests.fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz import fuzz, targets

SECONDS = 3.0
SEED = 1

# What Python's allocator may keep of the largest request so far, for each connection that there was at the time.
MEMORY_KIB = 8 * 1024


def test_bytes_of_any_kind_do_no_harm(tmp_path: Path) -> None:
    """Against the API's sockets and the hooks' at once: the loop answers, both holds are there, nothing is left behind."""
    with targets(tmp_path) as aims:
        report = fuzz(aims, SECONDS, SEED)
    assert report.answered > 100
    assert report.memory_kib < MEMORY_KIB
    assert report.descriptors <= 0
