"""How the deliveries stand, for people: the app, the messages, and each queue on a line of its own."""

from __future__ import annotations

from .wording import clean, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supervisor.core.delivery.view import DeliveriesView, QueueView


def delivery_lines(view: DeliveriesView) -> Iterator[tuple[str, str]]:
    """Yield what each line is about, and the line."""
    yield "app", "can be talked to" if view.app_ready else "cannot be talked to, so no message is taken"
    here = _counted(view.phases) or "none here"
    ended = _counted(view.ended)
    text = f"{here}, of {view.slots} at most; {view.received} received" + (f", {ended}" if ended else "")
    if view.possible_duplicates:
        text += f"; possible duplicates: {view.possible_duplicates}"
    yield "messages", text
    for queue in view.queues:
        yield "queue", f"{clean(queue.name)}: {_queue(queue)}"


def _queue(queue: QueueView) -> str:
    if queue.failed_polls:
        again = "" if queue.retry_in is None else f", asked again {within(queue.retry_in)}"
        return f"does not answer, failed polls: {queue.failed_polls}{again}"
    return f"polls waiting: {queue.polls}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {clean(what)}" for what, count in counts.items())
