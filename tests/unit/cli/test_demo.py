"""What the demos refuse before they start anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.cli.demo import main, read


def test_a_picture_that_cannot_be_written_is_told_first(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not after a minute of demo."""
    path = tmp_path / "missing" / "demo.svg"
    assert main(["--svg", str(path)]) == 64
    told = capfd.readouterr()
    assert told.out == ""
    assert f"{path} cannot be written (No such file or directory), so" in told.err
    assert "--svg none" in told.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--seed many", "--seed is `many`, so nothing was done; give a number from 0 to 4294967295"),
        ("--bare-worker finish", "give one of exits, finishes (did you mean finishes?)"),
        ("--jsn", "--jsn is no option, so nothing was done; leave it out (did you mean --json?)"),
        ("sqds", "`sqds` is no demo, so nothing was done; give `sqsd` or nothing (did you mean sqsd?)"),
        (
            "--json sqsd",
            "`sqsd` has none of these flags, so nothing was done; write `ecs-supervisor demo sqsd`",
        ),
        ("sqsd --json", "--json is no option, so nothing was done; leave it out"),
        ("sqsd now", "`now` is not expected, so nothing was done; leave it out"),
    ],
)
def test_a_slip_of_the_finger_is_explained(line: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    """With the status of wrong usage, in one sentence, and where to read on."""
    assert main(line.split()) == 64
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith("ecs-supervisor: ")
    assert said in told.err
    assert told.err.endswith("see `ecs-supervisor demo --help`\n")


@pytest.mark.parametrize("line", ["--help", "-h", "sqsd --help", "--json --help sqsd"])
def test_help_tells_of_both_demos(line: str, capfd: pytest.CaptureFixture[str]) -> None:
    """On standard output, with success; `demo sqsd` would not be found otherwise."""
    assert main(line.split()) == 0
    told = capfd.readouterr().out
    for words in (
        "--json",
        "--svg FILE",
        "--seed NUMBER",
        "--bare-worker exits|finishes",
        "demo sqsd\n",
        "Exit status",
    ):
        assert words in told


def test_what_is_not_given_has_its_default() -> None:
    """A picture beside the user, and jobs that are the same each time."""
    options = read([])
    assert (options.picture, options.seed) == (Path("ecs-supervisor-demo.svg"), 1)
    assert not any((options.as_json, options.finishes_at_stop, options.help_wanted))


def test_what_is_given_counts() -> None:
    """All flags have an effect, and seed 0 is one like any other."""
    options = read(["--json", "--svg", "none", "--seed=0", "--bare-worker", "finishes"])
    assert (options.picture, options.seed) == (None, 0)
    assert options.as_json
    assert options.finishes_at_stop
