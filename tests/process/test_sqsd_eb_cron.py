"""`eb-cron` as somebody runs it who leaves Elastic Beanstalk: on the file as its documentation shows it, and on broken ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.process.harness import checkout

QUEUE = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"

FILE = """\
version: 1
cron:
 - name: "backup-job"          # required - unique across all entries in this file
   url: "/backup"              # required - does not need to be unique
   schedule: "0 */12 * * *"    # required - does not need to be unique
 - name: "audit"
   url: "/audit"
   schedule: "0 23 * * *"
"""


def convert(folder: Path, text: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command where it finds the file by its usual name."""
    (folder / "cron.yaml").write_text(text)
    words = [*checkout(), "eb-cron", *argv]
    return subprocess.run(words, capture_output=True, timeout=30, check=False, text=True, cwd=folder)


def test_a_template_is_ready_to_be_deployed(tmp_path: Path) -> None:
    """Its parameters know the queue that was named, and each task is found again by its own words."""
    done = convert(tmp_path, FILE, "--queue-url", QUEUE)
    assert (done.returncode, done.stderr) == (0, "")
    template = json.loads(done.stdout)
    assert template["Parameters"]["QueueUrl"]["Default"] == QUEUE
    assert template["Parameters"]["QueueArn"]["Default"] == "arn:aws:sqs:eu-west-1:111122223333:jobs"
    schedules = [
        each["Properties"] for each in template["Resources"].values() if each["Type"].endswith("Schedule")
    ]
    assert {each["Description"]: each["ScheduleExpression"] for each in schedules} == {
        "backup-job: 0 */12 * * *": "cron(0 0,12 * * ? *)",
        "audit: 0 23 * * *": "cron(0 23 * * ? *)",
    }


@pytest.mark.parametrize(
    ("text", "argv", "said"),
    [
        (FILE.replace('"0 23 * * *"', "*/5 * * * *"), (), ["line 8 of cron.yaml", "between double quotes"]),
        (FILE.replace("audit", "backup-job"), (), ["line 6 of cron.yaml has the name `backup-job`"]),
        (FILE.replace("/audit", "audit").replace("23", "24"), (), ["line 7", "line 8", "2 problems"]),
        (FILE, ("--file", "other.yaml"), ["other.yaml cannot be read", "--file"]),
        (FILE, ("--output", "cli"), ["--queue-url is missing", "--role-arn is missing"]),
    ],
)
def test_what_cannot_be_converted_is_told(
    tmp_path: Path, text: str, argv: tuple[str, ...], said: list[str]
) -> None:
    """On stderr, all of it, with status 78; nothing on stdout could be taken for a template."""
    done = convert(tmp_path, text, *argv)
    assert (done.returncode, done.stdout) == (78, "")
    for part in said:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
