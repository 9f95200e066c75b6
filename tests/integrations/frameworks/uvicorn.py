"""uvicorn, alone and with workers. Its port can only be given in its words, so a script of the image puts it there.

That script is not recognised as uvicorn, so the profile is named, as somebody with such an entry point would do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.integrations.configuration import Configuration, Setting

from .web import Web


class Uvicorn(Web):
    __slots__ = ()

    def command(self, setting: Setting) -> Sequence[str]:
        return ("./serve", setting.program("uvicorn"), *self.words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {**Web.environ(self, setting), "ECS_SUPERVISOR_PROFILE": "uvicorn"}


UVICORN = Uvicorn("uvicorn", "uvicorn", ("app:application",), slots=20)
UVICORN_WORKERS = Uvicorn("uvicorn-workers", "uvicorn", ("app:application", "--workers", "2"), slots=20)

CONFIGURATIONS: tuple[Configuration, ...] = (UVICORN, UVICORN_WORKERS)
