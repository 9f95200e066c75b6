"""A cron.yaml, read strictly."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.eb_cron.file import read_cron

GOOD = """\
version: 1
cron:
 - name: "backup-job"   # every twelve hours
   url: "/backup"
   schedule: "0 */12 * * *"

 - name: 'it''s audit'
   url: /audit#x
   schedule: 0 23 * * MON
"""

TASK = " - name: a\n   url: /a\n   schedule: 0 1 * * *\n"


def told(text: str) -> list[tuple[str, str, str]]:
    tasks, problems = read_cron(text, "cron.yaml")
    assert problems == ()
    return [(task.name, task.url, task.written) for task in tasks]


def wrong(text: str) -> list[str]:
    _, problems = read_cron(text, "cron.yaml")
    return [problem.what.replace(" of cron.yaml", "") for problem in problems]


def test_tasks_come_in_their_order() -> None:
    """Quoted in either way or not at all; comments are no part of a text."""
    assert told(GOOD) == [
        ("backup-job", "/backup", "0 */12 * * *"),
        ("it's audit", "/audit#x", "0 23 * * MON"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"---\n# ours\nversion: 1\ncron:\n{TASK}",
        f"\ufeffversion: 1 # the only one\r\ncron: # them\r\n{TASK}".replace("\n", "\r\n").replace(
            "\r\r", "\r"
        ),
        f"cron:\n{TASK}version: 1\n",
        "version: 1\ncron:\n- schedule: 0 1 * * *\n  name: a\n\n  url: /a",
        'version: 1\ncron:\n  -   name: "a"\n      url:    /a  # x\n      schedule: "0 1 * * *"#x\n'.replace(
            '"#x', '" #x'
        ),
    ],
)
def test_the_same_can_be_written_in_many_ways(text: str) -> None:
    """As YAML allows."""
    assert told(text) == [("a", "/a", "0 1 * * *")]


@pytest.mark.parametrize("text", [GOOD, f"version: 1\ncron:\n{TASK}{TASK.replace('name: a', 'name: b')}"])
def test_yaml_reads_it_alike(text: str) -> None:
    """Whoever edits the file has tools that take it for YAML."""
    expected = [(task["name"], task["url"], task["schedule"]) for task in yaml.safe_load(text)["cron"]]
    assert told(text) == expected


@given(st.text(alphabet="ab/ *#:'\"\\-{}[]&!|>%@`,?~\t0", max_size=12))
def test_a_text_is_read_as_yaml_reads_it_or_refused(value: str) -> None:
    """Never as something else; what this reader does not know it does not guess."""
    tasks, problems = read_cron(
        f"version: 1\ncron:\n - schedule: 0 1 * * *\n   url: /a\n   name: {value}\n", "x"
    )
    if not problems:
        document = yaml.load(f"name: {value}\n", Loader=yaml.BaseLoader)  # noqa: S506 - all it makes is texts
        assert tasks[0].name == document["name"]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["line 1 does not say `version: 1`", "line 1 does not begin a list with `cron:`"]),
        ("version: 1\ncron:\n", ["line 1 begins a file without tasks"]),
        ("version: 1\ncron: []\n", ["line 2 does not begin a list with `cron:`"]),
        (f"version: 2\ncron:\n{TASK}", ["line 1 does not say `version: 1`"]),
        (f'version: "1"\ncron:\n{TASK}', ["line 1 does not say `version: 1`"]),
        (f"version: 1\nversion: 1\ncron:\n{TASK}", ["line 2 has the key `version` again"]),
        (f"version: 1\nother: x\ncron:\n{TASK}", ["line 2 has the key `other`"]),
        (f"version: 1\n{TASK}", ["line 1 does not begin a list with `cron:`", *(f"line {n} belongs to no list" for n in (2, 3, 4))]),
        (f"version: 1\ncron:\n\t- name: a\n{TASK}", ["line 3 has a tab"]),
        (f"version: 1\ncron:\n{TASK}---\n", ["line 6 is `---`"]),
        (f"version: 1\ncron:\n{TASK}   schedule:0\n", ["line 6 is `schedule:0`"]),
        (f"version: 1\ncron:\n{TASK}  more: x\n", ["line 6 is indented otherwise than the lines before it"]),
        (f"version: 1\ncron:\n{TASK} - name: b\n    url: /b\n    schedule: 0 1 * * *\n".replace(" - name: b", "  - name: b"), ["line 6 is indented otherwise than the tasks before it"]),
        (f"version: 1\ncron:\n   name: a\n{TASK}", ["line 3 is indented otherwise than the lines before it"]),
        (f"version: 1\ncron:\n{TASK}   more: x\n", ["line 6 has the key `more`"]),
        (f"version: 1\ncron:\n{TASK}   url: /b\n", ["line 6 has the key `url` again"]),
        ("version: 1\ncron:\n - name: a\n", ["line 3 begins a task without url and schedule"]),
        (f"version: 1\ncron:\n{TASK}{TASK}", ["line 6 has the name `a`, as line 3 has"]),
        (f"version: 1\ncron:\n{TASK.replace('/a', 'a')}", ["line 4 has the URL `a`: it does not begin with `/`"]),
        (f"version: 1\ncron:\n{TASK.replace('name: a', 'name: é')}", ["line 3 has the name 'é'"]),
        (f"version: 1\ncron:\n{TASK.replace('0 1', '0 24')}", ["line 5 has `24` for the hour"]),
        ("version: 1\ncron:\n - name: é\n   schedule: 0 24 * * *\n", ["line 3 begins a task without url", "line 3 has the name 'é'", "line 4 has `24` for the hour"]),
        (f"version: 1\ncron:\n{TASK.replace('/a', 'a').replace('0 1', '*/2')}", ["line 5 has `*/2 * * *`, which is no plain text", "line 4 has the URL `a`: it does not begin with `/`"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, problems: list[str]) -> None:
    """All of it at once, and nothing that only follows."""
    assert wrong(text) == problems


@pytest.mark.parametrize(
    "value",
    [
        "*/10 * * * *",
        "",
        "~",
        "null",
        "# nothing",
        "&x 0 1 * * *",
        "{a: b}",
        "[a]",
        "|",
        "a: b",
        "a:",
        '"a',
        '"a" b',
        '"a"# no comment',
        '"a\\tb"',
        "'a",
        "'a' b",
    ],
)
def test_what_yaml_takes_for_something_else_is_refused(value: str) -> None:
    """With the advice to quote it."""
    problem = read_cron(f"version: 1\ncron:\n{TASK.replace('0 1 * * *', value)}", "cron.yaml")[1][0]
    assert problem.what == f"line 5 of cron.yaml has `{value}`, which is no plain text"
    assert "double quotes" in problem.fix


@pytest.mark.parametrize(
    ("value", "text"), [('"a\\"b\\\\c\\/d"', 'a"b\\c/d'), ("'a' # x", "a"), ("a # x", "a")]
)
def test_quotes_and_escapes(value: str, text: str) -> None:
    """Those that have a meaning in a name."""
    assert told(f"version: 1\ncron:\n{TASK.replace('name: a', f'name: {value}')}")[0][0] == text
