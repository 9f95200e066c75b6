"""A queue as SQS keeps one, with a receipt for each receive, leases that end, and FIFO groups that lock."""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.core.delivery.facts import Trouble

NOBODY = ""
TWELVE_HOURS = 43_200.0


@dataclass
class Item:
    """number: the order in which it was sent. visible_at: when it can be received. receipt: of the latest receive."""

    id: str
    number: int
    group: str | None
    visible_at: float = 0.0
    receipt: str = NOBODY
    received_at: float = 0.0
    receives: int = 0
    is_deleted: bool = False


@dataclass
class ModelQueue:
    name: str
    is_fifo: bool
    items: list[Item] = field(default_factory=list)
    _receipts: dict[str, Item] = field(default_factory=dict)

    def send(self, group: str | None) -> Item:
        number = len(self.items) + 1
        item = Item(f"{self.name}-m{number}", number, group if self.is_fifo else None)
        self.items.append(item)
        return item

    def available(self, now: float) -> list[Item]:
        """Return what a receive may bring, in order: of a group in which something is in flight, nothing."""
        left = [item for item in self.items if not item.is_deleted]
        locked = {item.group for item in left if item.visible_at > now} if self.is_fifo else set()
        return [item for item in left if item.visible_at <= now and item.group not in locked]

    def receive(self, most: int, lease: float, now: float) -> list[Item]:
        """Hand out messages, each with a new receipt and invisible for the length of the lease."""
        taken = self.available(now)[:most]
        for item in taken:
            item.receives += 1
            item.receipt = f"{item.id}/{item.receives}"
            item.received_at, item.visible_at = now, now + lease
            self._receipts[item.receipt] = item
        return taken

    def item(self, receipt: str) -> Item:
        return self._receipts[receipt]

    def delete(self, receipt: str, now: float) -> Trouble | None:
        item = self.item(receipt)
        if item.is_deleted:
            return None
        if self.is_fifo and (item.receipt != receipt or item.visible_at <= now):
            return Trouble.LOST
        # A standard queue says yes to an older receipt, and does nothing.
        item.is_deleted = item.receipt == receipt
        return None

    def change(self, receipt: str, seconds: int, now: float) -> Trouble | None:
        item = self.item(receipt)
        if item.is_deleted or item.receipt != receipt or item.visible_at <= now:
            return Trouble.LOST
        if now + seconds > item.received_at + TWELVE_HOURS:
            return Trouble.LIMIT
        item.visible_at = now + seconds
        return None
