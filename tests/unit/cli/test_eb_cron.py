"""Where `eb-cron` writes, and what it says where it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.cli.eb_cron import main

CRON = "version: 1\ncron:\n - name: a\n   url: /a\n   schedule: 0 1 * * *\n"


@pytest.fixture
def cron(tmp_path: Path) -> str:
    path = tmp_path / "cron.yaml"
    path.write_text(CRON)
    return str(path)


def test_the_schedules_go_to_standard_output(cron: str, capfd: pytest.CaptureFixture[str]) -> None:
    """All of them, with success."""
    assert main(["--file", cron]) == 0
    told = capfd.readouterr()
    assert "AWS::Scheduler::Schedule" in told.out
    assert told.err == ""


def test_what_is_wrong_goes_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In words, and so that nothing of it is taken for a template."""
    path = tmp_path / "missing.yaml"
    assert main(["--file", str(path)]) == 78
    told = capfd.readouterr()
    assert told.out == ""
    assert (
        f"{path} cannot be read (No such file or directory); there is nothing to convert; name a" in told.err
    )


def test_output_that_cannot_be_written_is_a_failure(cron: str) -> None:
    """A full disk, or a closed descriptor, leaves no half a template behind a success, and no traceback."""
    kept = os.dup(1)
    try:
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), 1)
        assert main(["--file", cron]) == 1
        os.close(1)
        assert main(["--file", cron]) == 1
    finally:
        os.dup2(kept, 1)
        os.close(kept)
