"""For every line on its standard input leaves so many orphans behind, none with the status 0; then says `left`."""

import os
import sys

print("ready")
for line in sys.stdin:
    for number in range(int(line)):
        if (between := os.fork()) == 0:
            if os.fork() == 0:
                os._exit(1 + number % 255)
            os._exit(0)
        os.waitpid(between, 0)
    print("left")
