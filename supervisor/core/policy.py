"""Everything the core is configured with, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from .attachments import AttachmentPolicy
from .holds import HoldPolicy
from .lifecycle import LifecyclePolicy
from .names import WorkerName
from .protection import ProtectionPolicy
from .worker import RestartPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """protection: None where there is nothing to ask for it (not on ECS, or switched off)."""

    workers: tuple[WorkerName, ...]
    lifecycle: LifecyclePolicy
    holds: HoldPolicy
    restart: RestartPolicy
    protection: ProtectionPolicy | None
    # Why there is no protection, for people; unused where there is.
    unprotected_because: str = "not on ECS"
    attachments: AttachmentPolicy = AttachmentPolicy()

    def __post_init__(self) -> None:
        if not self.workers or len(set(self.workers)) != len(self.workers):
            raise ValueError("there must be at least one worker, and each needs a name of its own")
