"""Stands where `supervisor.emulator.sqs.history` was, until all of its users have followed."""

from supervisor.emulator.sqs.history import History as History
from supervisor.emulator.sqs.history import Moment as Moment
from supervisor.emulator.sqs.history import What as What
