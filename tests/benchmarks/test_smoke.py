"""The benchmark works: what it finds is not asserted, because that depends on what else the machine does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.preparation import BARE, ENTRY, PY_MIN
from tests.process.installed import VERSION, Installation

SHARED = {
    "start_ms",
    "life_ms",
    "life_cpu_ms",
    "safe_ms",
    "term_us",
    "usr1_us",
    "exit_us",
    "exit_after_stop_us",
    "rss_mib",
    "pss_mib",
    "uss_mib",
    "wakeups_per_s",
    "idle_cpu_ms_in_20_s",
}
BUSY = {"term_at_2000_jobs_us", "term_at_full_speed_us"}
OURS = {"job_us", "job_alone_us", "events_per_s"} | {
    f"{where}_{metric}"
    for where in ("on_ecs", "protecting")
    for metric in SHARED
    if metric.endswith(("mib", "_s"))
}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Return an environment with the supervisor in it, without the time that a real installation takes."""
    prefix = tmp_path / "environment"
    installed = Installation(prefix)
    python = Path(sys.executable).resolve()
    (prefix / "pyvenv.cfg").write_text(f"home = {python.parent}\n")
    if not (installed.bin / VERSION).exists():
        (installed.bin / VERSION).symlink_to(python)
    return prefix


def measured(tmp_path: Path, *words: str) -> dict[str, dict[str, dict[str, float]]]:
    """Run the benchmark; return its JSON's figures by wrapper and metric."""
    file = tmp_path / "figures.json"
    assert main(["--once", "--json", str(file), *words]) == 0
    read = json.loads(file.read_text())
    assert all(verdict.keys() == {"promise", "met", "figures"} for verdict in read["promises"])
    figures: dict[str, dict[str, dict[str, float]]] = read["wrappers"]
    assert all(each["n"] >= 1 for metrics in figures.values() for each in metrics.values())
    return figures


def test_everything_is_measured_of_an_installed_supervisor(
    environment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every figure is there, and every promise is in the text; without tini it says so."""
    figures = measured(tmp_path, "--environment", str(environment), "--wrappers", ENTRY)
    assert figures.keys() == {ENTRY}
    assert figures[ENTRY].keys() == SHARED | BUSY | OURS
    text = capsys.readouterr().out
    assert "begin and end of a job in a worker: at most 20 us" in text
    assert "tini or ecs-supervisor was not measured" in text


def test_a_machine_without_a_compiler_is_measured_too(environment: Path, tmp_path: Path) -> None:
    """The shell script does what the compiled worker does, and the report says which it was."""
    words = ("--environment", str(environment), "--worker", "sh", "--wrappers", BARE, PY_MIN)
    figures = measured(tmp_path, *words)
    assert figures[BARE].keys() == SHARED
    assert figures[PY_MIN].keys() == SHARED | BUSY
    assert "script" in json.loads((tmp_path / "figures.json").read_text())["machine"]["worker"]
