"""Sends the runs of periodic tasks into a queue, so that of many tasks one sends each."""
