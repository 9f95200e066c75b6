"""What people and task definitions start: one module a command, imported only when it is the one."""
