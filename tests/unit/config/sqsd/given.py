"""Short ways to read settings of `sqsd` from flags."""

from __future__ import annotations

from supervisor.config.load import Answer
from supervisor.config.sqsd.load import load
from supervisor.config.sqsd.settings import SqsdSettings

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"


FILES = {
    "cron.yaml": "version: 1\ncron:\n - name: a\n   url: /a\n   schedule: 0 1 * * *\n",
    "bad.yaml": "version: 1\ncron:\n - name: a\n   url: a\n   schedule: 0 24 * * *\n",
}


def read_file(path: str) -> str:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def settings(*argv: str, url: str = URL, **environ: str) -> SqsdSettings:
    outcome = load(["--queue-url", url, *argv], environ, read_file)
    assert isinstance(outcome, SqsdSettings), outcome.text
    return outcome


def refused(*argv: str, url: str = URL, **environ: str) -> Answer:
    outcome = load(["--queue-url", url, *argv], environ, read_file)
    assert isinstance(outcome, Answer)
    return outcome


def what_is_wrong(*argv: str, url: str = URL, **environ: str) -> list[str]:
    return [problem.what for problem in refused(*argv, url=url, **environ).problems]
