"""What the demo refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.cli.demo import main


def test_a_picture_that_cannot_be_written_is_told_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not after a minute of demo."""
    path = tmp_path / "missing" / "demo.svg"
    assert main(["--svg", str(path)]) == 64
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{path} cannot be written (No such file or directory), so" in told.err
    assert "--svg none" in told.err


@pytest.mark.parametrize("words", [["--seed", "many"], ["--bare-worker", "sings"], ["--jsn"], ["extra"]])
def test_wrong_usage_has_the_status_it_has_everywhere(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """64, with a sentence and where to read on."""
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 64
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("ecs-supervisor: ")
    assert told.err.endswith("see `ecs-supervisor demo --help`\n")


def test_help_tells_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, with success."""
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    for option in ("--json", "--svg", "--seed", "--bare-worker"):
        assert option in told
