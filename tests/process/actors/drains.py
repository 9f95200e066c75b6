"""Says ready; at SIGTERM finishes its work for half a second, then exits with the status given. Says if it is told twice."""

import signal
import sys

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
print("ready")
signal.sigwait(STOP)
print("draining")
if signal.sigtimedwait(STOP, 0.5):
    print("told again")
print("drained")
sys.exit(int(sys.argv[1]))
