"""As much of a shell with job control as a test needs: one command in the foreground of the terminal that is given.

First argument: the terminal. Second: `stdin`, or `no-stdin` for a command whose standard input is not the terminal. The
rest is the command. Reports `stopped` and `exited STATUS FOREGROUND` on its own standard output, where FOREGROUND is `job` or
`other`: whose group has the terminal at that moment. A line on its standard input wakes the command in the foreground.
"""

import os
import signal
import sys

terminal_path, with_stdin, *command = sys.argv[1:]

os.setsid()
# The first terminal that a session's leader opens becomes the session's.
terminal = os.open(terminal_path, os.O_RDWR)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)

job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    for descriptor in (0, 1, 2) if with_stdin == "stdin" else (1, 2):
        os.dup2(terminal, descriptor)
    if with_stdin != "stdin":
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.execvp(command[0], command)

while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    print("stopped")
    os.tcsetpgrp(terminal, os.getpgrp())
    sys.stdin.readline()
    os.tcsetpgrp(terminal, job)
    os.killpg(job, signal.SIGCONT)
foreground = "job" if os.tcgetpgrp(terminal) == job else "other"
print("exited", os.waitstatus_to_exitcode(status), foreground)
