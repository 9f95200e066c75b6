# Every task of a service has an address of its own; here they share one machine, so each has a port.

bind "tcp://127.0.0.1:#{ENV.fetch('BASE_PORT').to_i + ENV.fetch('EMULATOR_TASK').to_i}"
threads 4, 4
