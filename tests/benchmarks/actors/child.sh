#!/bin/sh
# What child.c does, for a machine without a compiler. A shell knows no such clock: the `-` says that the time is
# when the line was read.
if [ "$1" = exits ]; then
    echo "start - $$"
    exit 0
fi
trap 'echo "TERM - $$"' TERM
trap 'echo "USR1 - $$"' USR1
trap 'echo "exit - $$"; exit 0' USR2
echo "start - $$"
# Standard input is a pipe that nobody writes to; a signal ends the wait, and the trap runs.
while :; do read -r _ || :; done
