"""Every task of a service has an address of its own; here they share one machine, so each has a port."""

import os

bind = f"127.0.0.1:{int(os.environ['BASE_PORT']) + int(os.environ['EMULATOR_TASK'])}"
workers = 2
