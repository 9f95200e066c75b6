"""Deliveries: what becomes of each SQS message, from its receipt until it is deleted, given back, or left to its lease.

Rules
  1. This machine decides; it never talks to SQS or to the app. The body of a message is not here either.
  2. A message is deleted after a success and never otherwise, but for one beyond a retention period that somebody has set.
  3. Nothing is asked for beyond the free slots; polls that are not answered count as full. A poll is never taken back.
  4. What has not begun is handed back, visible at once, when nothing may begin any more. It waits for our own polls to
     end, because they would receive it again, and every receive counts.
  5. A message whose job may still run is never made visible at once.
  6. A delivery begins only as a hold that was granted: so it is in flight for the lifecycle, and protected by policy.
  7. While a message is wanted here its lease is extended. A lease that is lost is named, once, as a possible duplicate: the
     job goes on, and its message is deleted with one last try.
  8. A message that is received again while it is here brings its newer receipt and nothing else: it does not run twice.
  9. In a FIFO group the next begins when the one before is deleted. Where one ends otherwise, those behind it go back.
 10. An app that cannot be talked to gets no messages; it is looked at until it can be.
 11. At the deadline what still runs is named, and left to its lease; a shorter one where it is known when the app is gone.

How it moves: EDGES below; each delivery moves for itself.

Mind: `step` looks at every open delivery after each fact; there are as many as slots. Whatever acts at an instant is found
by a function that returns this instant (`beats_at` and its like), and `wake_at` asks the same functions: so what is due is
done, and nothing is woken for in vain. Sources: Amazon SQS Developer Guide, "visibility timeout" and "long polling"; the
worker environments of the AWS Elastic Beanstalk Developer Guide.
"""

from .machine import step, wake_at
from .policy import DeliveryPolicy, QueuePolicy
from .values import EDGES, FAREWELL_SECONDS, Deliveries, Delivery, Phase, begin

__all__ = [
    "EDGES",
    "FAREWELL_SECONDS",
    "Deliveries",
    "Delivery",
    "DeliveryPolicy",
    "Phase",
    "QueuePolicy",
    "begin",
    "step",
    "wake_at",
]
