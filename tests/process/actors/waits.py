"""Says ready, then waits. Says which stop signal came and exits with the status given, 0 by default."""

import os
import signal
import sys

WANTED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
print("ready", os.getpid())
print(signal.Signals(signal.sigwait(WANTED)).name)
sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
