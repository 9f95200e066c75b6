"""Stands where `supervisor.emulator.sqs.faults` was, until all of its users have followed."""

from supervisor.emulator.sqs.faults import REFUSALS as REFUSALS
from supervisor.emulator.sqs.faults import Fault as Fault
from supervisor.emulator.sqs.faults import Faults as Faults
