"""The local HTTP API: for workers in any language, in any container of the task, and for operators.

`listen` and `door` are light and belong to the start; all else is loaded by the first connection, on a thread of its own.

    listen     opens the sockets
    door       waits for the first connection, hears announcements and answers
    means      what it needs of the rest of the supervisor
    server     waitress with our limits; channel is one connection of it, and parser reads what it says
    brief      serves what begins and ends jobs, at once and many together
    app        finds the handler of a request: holds, streams, state, steering
    exchange   a request and its answer; guard: who may ask at all; bodies: what is asked; problem: a refusal
    standing   how things stand, in every answer
    waiters    who waits for an answer or for news
"""
