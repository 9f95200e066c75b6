"""The outside: everything that touches the kernel, the network or the clock, one module for each thing touched."""
