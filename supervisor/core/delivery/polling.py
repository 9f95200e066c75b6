"""Which queue is asked next, for how many messages, and how long it may wait.

Where there is room for a poll of each queue, each has one waiting, and nobody waits for anybody. Where there is not, a
queue that has just brought nothing is left alone for a moment, and the others get their turns by weight or by rank.
"""

from __future__ import annotations

from supervisor.core.backoff import Backoff
from supervisor.core.changes import replace
from supervisor.core.effects import Level, note
from supervisor.core.instants import NEVER, Instant, after, earliest

from .facts import PollEnded, PollFailed, Trouble
from .moves import Moved
from .names import PollId, QueueName
from .orders import Poll
from .starting import free_slots, received
from .values import Deliveries, InFlight, Queue, unwelcome

# How long an empty queue is believed to be empty while others want the room.
_REST_SECONDS = 1.0

# How long a poll waits that keeps another queue from being asked.
_SCARCE_WAIT_SECONDS = 1

# SQS answers when the wait is over; beyond this on top of it an answer is late.
_LATE_SECONDS = 2.0

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0


def polls_at(state: Deliveries) -> Instant:
    """Return when to ask for messages."""
    if unwelcome(state) is not None or (free := free_slots(state)) == 0:
        return NEVER
    return earliest(*[max(queue.retry_at, state.pause_until) for queue in _unasked(state, free)])


def poll(state: Deliveries, now: Instant) -> Moved:
    """Ask one queue; polls_at has said that it is time."""
    free = free_slots(state)
    ready = [queue for queue in state.queues.values() if queue.retry_at <= now]
    candidates = [queue for queue in _unasked(state, free) if queue.retry_at <= now]
    state, chosen = _choose(state, candidates, now)
    others = [queue for queue in ready if queue.policy.name != chosen and not _count(state, queue)]
    queue = state.queues[chosen]
    most = min(queue.policy.batch, _share(queue, others, free))
    wait = state.policy.wait
    if free - most < len(others):
        wait = 0 if any(not _rests(other, now) for other in others) else _SCARCE_WAIT_SECONDS
    id_ = PollId(state.polled + 1)
    polls = {**state.polls, id_: InFlight(id_, chosen, most, now, after(now, wait + _LATE_SECONDS))}
    state = _put(replace(state, polled=id_, polls=polls), replace(queue, polled_at=now))
    return state, (Poll(id_, chosen, most, wait),)


def ended(state: Deliveries, fact: PollEnded, now: Instant) -> Moved:
    """Take in what a poll has brought."""
    asked = state.polls.get(fact.poll)
    if asked is None:
        return state, ()
    state, queue = _without(state, asked), state.queues[asked.queue]
    news = (note("queue.answers_again", queue=asked.queue, tries=queue.tries),) if queue.tries else ()
    brought = len(fact.messages)
    rests_until = queue.rests_until if brought else after(now, _REST_SECONDS)
    pollers = min(_pollers(queue, asked, brought), state.policy.slots)
    queue = replace(queue, tries=0, retry_at=Instant(0.0), pollers=pollers)
    state = _put(state, replace(queue, is_dry=not brought, rests_until=rests_until))
    # An answer that is late may have waited for us: who was frozen has perhaps lost already what it brings.
    leased_at = now if now <= asked.due_at else asked.asked_at
    state, orders = received(state, asked.queue, fact.messages, now, leased_at)
    return state, (*news, *orders)


def poll_failed(state: Deliveries, fact: PollFailed, now: Instant) -> Moved:
    """Leave the queue alone for a while; the others go on."""
    asked = state.polls.get(fact.poll)
    if asked is None:
        return state, ()
    state, queue = _without(state, asked), state.queues[asked.queue]
    tries = queue.tries + 1
    pause = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, f"{state.policy.identity}/{asked.queue}")
    state = _put(state, replace(queue, tries=tries, retry_at=after(now, pause.delay(tries)), pollers=1))
    if tries > 1:
        return state, ()
    level = Level.ERROR if fact.kind is Trouble.DENIED else Level.WARNING
    told = note("queue.trouble", level, queue=asked.queue, kind=fact.kind.value, detail=fact.detail)
    return state, (told,)


def _choose(state: Deliveries, candidates: list[Queue], now: Instant) -> tuple[Deliveries, QueueName]:
    awake = [queue for queue in candidates if not _rests(queue, now)]
    if not awake:
        return state, min(candidates, key=lambda queue: queue.polled_at).policy.name
    if state.policy.is_strict:
        return state, awake[0].policy.name
    # Each gains its weight, and who has most pays for all: turns come by weight, and evenly mixed.
    gained = [replace(queue, credit=queue.credit + queue.policy.weight) for queue in awake]
    first = max(gained, key=lambda queue: queue.credit)
    total = sum(queue.policy.weight for queue in awake)
    for queue in gained:
        state = _put(state, replace(queue, credit=queue.credit - total) if queue is first else queue)
    return state, first.policy.name


def _share(queue: Queue, others: list[Queue], free: int) -> int:
    """Leave room for the queues that are not being asked, and more of it for one that has messages."""
    if queue.is_dry and any(not other.is_dry for other in others):
        return 1
    weights = queue.policy.weight + sum(other.policy.weight for other in others if not other.is_dry)
    fair = -(-free * queue.policy.weight // weights)
    return max(1, min(fair, free - len(others)))


def _pollers(queue: Queue, asked: InFlight, brought: int) -> int:
    """Let a full batch bring another poll to help, and an empty one end all help: idle, one poll waits for each queue."""
    if brought >= queue.policy.batch:
        return queue.pollers + 1
    return max(1, queue.pollers - (brought < asked.most)) if brought else 1


def _unasked(state: Deliveries, free: int) -> list[Queue]:
    """Return the queues to ask: again beside a poll under way only for a full batch, because each call costs the same."""
    return [
        queue
        for queue in state.queues.values()
        if not (asked := _count(state, queue)) or (asked < queue.pollers and free >= queue.policy.batch)
    ]


def _count(state: Deliveries, queue: Queue) -> int:
    return sum(poll.queue == queue.policy.name for poll in state.polls.values())


def _rests(queue: Queue, now: Instant) -> bool:
    return queue.is_dry and now < queue.rests_until


def _put(state: Deliveries, queue: Queue) -> Deliveries:
    return replace(state, queues={**state.queues, queue.policy.name: queue})


def _without(state: Deliveries, asked: InFlight) -> Deliveries:
    return replace(state, polls={id_: poll for id_, poll in state.polls.items() if id_ != asked.id})
