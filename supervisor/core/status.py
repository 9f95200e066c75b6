"""The exit statuses that are ours to choose; every other status is the worker's own.

They are the numbers of sysexits.h and of POSIX shells, so that people and init systems read them right.
"""

# The command line cannot be understood: an unknown flag, or no COMMAND.
USAGE = 64

# A defect of ours: the worker was stopped in order, the report is on stderr.
SOFTWARE = 70

# The command line is understood, but a value in it, in the environment or in the file is not usable.
CONFIG = 78

# The worker's file was found but could not be executed.
NOT_EXECUTABLE = 126

# The worker's file was not found.
NOT_FOUND = 127
