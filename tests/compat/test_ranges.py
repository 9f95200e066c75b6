"""The table of supported releases is read from where the hooks have it, and README says the same."""

from __future__ import annotations

import pytest

from supervisor.config.profiles import PROFILES
from tests.compat.ranges import NPM, Absent, Range, numbers, ranges


def test_each_hook_names_its_range() -> None:
    """The Python frameworks with a hook of their own are all there, and their ranges are not empty."""
    known = {each.name: each for each in ranges()}
    assert {"arq", "celery", "dramatiq", "huey", "rq", "taskiq", "bullmq"} <= known.keys()
    for each in known.values():
        assert numbers(each.oldest) < numbers(each.untested)


def test_every_framework_has_test_files() -> None:
    """A range that nothing is tested in would be a promise without a ground."""
    for each in ranges():
        assert each.tests()
        assert all(file.exists() for file in each.tests())


@pytest.mark.parametrize("framework", ranges(), ids=lambda each: each.name)
def test_readme_says_what_is_tested(framework: Range) -> None:
    """The table of profiles names the oldest release and one of the newest line, and none outside of the range."""
    first, *_, last = PROFILES[framework.name].tested.split(", ")
    assert numbers(first)[:2] == numbers(framework.oldest)[:2]
    assert numbers(framework.oldest) < numbers(last) < numbers(framework.untested)


def test_oldest_and_newest_are_asked_for_as_their_package_manager_wants_it() -> None:
    """One exact release, and the last one below the first that is not tested."""
    pypi = Range("rq", "1.16", "3.1", beside=(), beside_oldest=("redis<6",))
    assert pypi.requirements(newest=False) == ("rq==1.16", "redis<6")
    assert pypi.requirements(newest=True) == ("rq>=1.16,<3.1",)
    npm = Range("bullmq", "5.0.0", "7.0.0", NPM, beside=())
    assert npm.requirements(newest=False) == ("bullmq@5.0.0",)
    assert npm.requirements(newest=True) == ("bullmq@>=5.0.0 <7.0.0",)


def test_what_a_release_does_not_have_is_not_tested_there() -> None:
    """From the release that brought it, it is."""
    absent = Absent("rq-spawn", "2.2", "SpawnWorker", "")
    framework = Range("rq", "1.16", "3.1", absent=(absent,))
    assert framework.lacks("1.16.2") == (absent,)
    assert framework.lacks("2.10.0") == ()
    assert framework.chosen((absent,), everything=True) == "(test_rq or test_rq_gate or [rq) and not rq-spawn"
    assert framework.chosen((), everything=False).startswith(
        "(test_rq or test_rq_gate or [rq) and (attach or "
    )
