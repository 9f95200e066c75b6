"""Stands where `supervisor.emulator.sqs.server` was, until all of its users have followed."""

from supervisor.emulator.sqs.server import Call as Call
from supervisor.emulator.sqs.server import SqsServer as SqsServer
