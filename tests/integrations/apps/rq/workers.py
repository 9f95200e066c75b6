"""A user's own worker class, named on the command line: it must still be the one that works."""

from recorder import record
from rq import Worker
from rq.worker import SimpleWorker


class Own(Worker):
    """Overrides what the hook cares about."""

    def execute_job(self, job, queue):
        record("own", job.id)
        return super().execute_job(job, queue)


class Strange(SimpleWorker):
    """Of a version that nobody has seen yet: something that the hook needs is not there."""

    @property
    def _shutdown(self):
        raise AttributeError("_shutdown")
