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

# A running supervisor was to be asked, and there is none, or it does not answer.
UNAVAILABLE = 69

# A command that may run only under a hold has not got it; later it may.
TRY_AGAIN = 75

# The caller may not do what it asked for: a missing token, or another user's socket.
NOT_ALLOWED = 77

# A running supervisor has understood what it was asked for, and said no.
REFUSED = 1
