"""The names by which the core knows things; each is a type of its own, so that they cannot be mixed up."""

from __future__ import annotations

from typing import NewType

WorkerName = NewType("WorkerName", str)
HolderId = NewType("HolderId", str)
# Unique in the whole task: whoever makes one puts the holder's name into it.
HoldId = NewType("HoldId", str)
# Counts the requests to the protector, from 1; an answer that carries an old number is stale.
Attempt = NewType("Attempt", int)
# Without the prefix: "TERM", "RTMIN+3".
SignalName = NewType("SignalName", str)
