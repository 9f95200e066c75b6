"""A Huey of a version that nobody has seen yet: something that the hook needs is missing until Huey itself asks."""

from tasks import huey

_read_schedule = type(huey).read_schedule


class Strange(type(huey)):
    """Has its own way to read the schedule; not by that name where anybody but the scheduler looks."""

    @property
    def read_schedule(self):
        import sys

        if sys._getframe(1).f_code.co_name != "loop":
            raise AttributeError("read_schedule")
        return _read_schedule.__get__(self)


huey.__class__ = Strange
