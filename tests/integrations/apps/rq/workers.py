"""A user's own worker class, named on the command line: it must still be the one that works."""

import os
import signal

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


class Interrupted(SimpleWorker):
    """Its stop comes after the first job, in the middle of a talk with Redis, which answers later."""

    has_worked = False

    def execute_job(self, job, queue):
        super().execute_job(job, queue)
        self.has_worked = True

    def heartbeat(self, *args, **kwargs):
        super().heartbeat(*args, **kwargs)
        if self.has_worked:
            pool = self.connection.connection_pool
            connection = pool.get_connection("BLPOP")
            try:
                connection.send_command("BLPOP", "nothing", 1)
                os.kill(os.getpid(), signal.SIGTERM)
                connection.read_response()
            finally:
                pool.release(connection)
