"""Lets a child go on with this process's work: the child keeps the connection open, so that what is held here is held until it has
ended, too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import _whereabouts

if TYPE_CHECKING:
    from ._client import Client


@contextlib.contextmanager
def lending_through_exec(here: Client) -> Iterator[None]:
    """To a child that becomes another program. Where that is a Python that we attach to, it lends nothing itself.

    To a mere fork a client lends by its `lends`, at once: that is done for each job.
    """
    link = here.link
    # Some ways of starting a program fork before.
    here.lends = True
    if link is not None:
        os.environ[_whereabouts.LENT_VARIABLE] = str(link.hand_on(True))
    try:
        yield
    finally:
        here.lends = False
        if link is not None:
            link.hand_on(False)
            os.environ.pop(_whereabouts.LENT_VARIABLE, None)
