"""What a worker can tell the supervisor and ask of it: `from supervisor.hooks.job import job, gate`.

These modules run inside somebody's worker. They import the standard library and each other; importing them
starts nothing, and without a supervisor they do nothing at all.
"""
