"""The table of supported releases is read from where the hooks have it."""

from __future__ import annotations

from tests.compat.ranges import NPM, Range, ranges


def test_each_hook_names_its_range() -> None:
    """The Python frameworks with a hook of their own are all there, and their ranges are not empty."""
    known = {each.name: each for each in ranges()}
    assert {"arq", "celery", "dramatiq", "huey", "rq", "taskiq", "bullmq"} <= known.keys()
    for each in known.values():
        assert _numbers(each.oldest) < _numbers(each.untested)


def test_every_framework_has_a_test_file() -> None:
    """A range that nothing is tested in would be a promise without a ground."""
    assert [each.name for each in ranges() if not each.tests()] == []


def test_oldest_and_newest_are_asked_for_as_their_package_manager_wants_it() -> None:
    """One exact release, and the last one below the first that is not tested."""
    pypi = Range("rq", "1.16", "3.1", beside=(), beside_oldest=("redis<6",))
    assert pypi.requirements(newest=False) == ("rq==1.16", "redis<6")
    assert pypi.requirements(newest=True) == ("rq>=1.16,<3.1",)
    npm = Range("bullmq", "5.0.0", "7.0.0", NPM, beside=())
    assert npm.requirements(newest=False) == ("bullmq@5.0.0",)
    assert npm.requirements(newest=True) == ("bullmq@>=5.0.0 <7.0.0",)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
