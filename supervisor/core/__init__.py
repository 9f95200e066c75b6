"""The core: everything the supervisor decides, and nothing it does.

The rules
  1. Pure. No clock, no randomness, no I/O, no threads, no environment. Time is an argument.
  2. It is told facts (events.py, past tense) and gives orders (effects.py, imperative). Nothing else goes in or out.
  3. The same facts at the same instants give the same orders. A journal from production is a test case.
  4. Seven things have a life; each is a machine in a module or a folder of its own, with the same four names: its Phase,
     its state (a frozen value), EDGES (every legal move with its reason) and step(state, fact, now) -> (state, orders).

The map

                     facts                                               orders
    signals, people ------> lifecycle ----- Quiet, Stop, Kill, Forward, Exit ------> processes
                             ^  ^  |
              in flight      |  |  | the way out has begun
            .----------------'  |  '-----------.-------------.
            |        be quiet   |              v             v
    hooks ----> holds --------- | ------> protection       worker <---- processes
            |     ^    demand   |          |  |   ^          |
      Grant, Refuse '----- confirmed ------'  |   |          '--------- Spawn
                                '-------------'   '---- answers of the agent
                                                  '---- Protect, Unprotect, LookAtProtection

    holds.py        who says that work is in flight, until when, and who died holding
    protection/     the ECS lease: acquire, renew, release, give up
    worker.py       one supervised process: started, restarted, stopped, gone
    lifecycle/      the task as a whole: running, quiet, draining, stopping, killing, exited
    attachments.py  the hooks in the worker's processes, and which have shut their gates; the way out waits for these
    probing.py      one probe: when a worker that is only seen from outside counts as busy; it is a holder like any other
    delivery/       for `sqsd` alone, around the rest: what becomes of each message; at work, it is a hold like any other
    ticks.py        for `sqsd` alone: which runs of periodic tasks are due

    machines.py     the states of all of them side by side, and what can be seen of them
    engine.py       moves them: routes facts, passes on what they tell each other (inner.py), knows when to wake
    foresight.py    what a signal would mean for the workers, worked out before it comes
    plan.py         the way out on the clock; sequence.py is its text form
    announcing.py   what hooks are told of how things stand
    snapshot.py     how things stand, for people; tally.py counts what has happened, for metrics

    values          instants.py names.py events.py effects.py edges.py backoff.py exitcode.py policy.py; changes.py alters them
    light           sequence.py problem.py status.py frozen.py run before the worker does, and so avoid dataclasses

Where to begin: read the rules at the head of lifecycle/__init__.py, then a playbook in tests/unit/core/test_lifecycle.py.
"""
