"""Whether messages survive everything that goes wrong at once: daemons over apps and queues, a conductor, and a judge."""
