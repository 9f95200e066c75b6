"""Says ready, then ignores every signal that can be ignored."""

import signal

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
print("ready")
while True:
    signal.pause()
