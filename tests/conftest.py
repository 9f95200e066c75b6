"""How long hypothesis may look for a counterexample, and what all tests rely on in the process that runs them."""

from __future__ import annotations

import signal

from hypothesis import settings

# Who runs the tests in the background of a script has them ignore these, and every process that they start inherits that.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

# No deadline for one example, because machines pause.
settings.register_profile("working", deadline=None, max_examples=100)
# For the whole suite at once: --hypothesis-profile=thorough.
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("working")
