"""Supervise the workers of an ECS task: protect them while they work, stop them without losing jobs."""

__version__ = "0.1.0"
