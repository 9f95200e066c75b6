"""An Amazon ECS that fits in one process: a world, an agent endpoint, and real processes as containers.

It exists so that people can see what their worker does when ECS scales in, deploys, reclaims or fails,
before ECS does it. Nothing here imports the rest of the package: what the emulator answers must not follow
what the supervisor expects.
"""
