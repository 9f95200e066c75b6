"""The shell around the core: it waits, hands facts to the engine and carries its orders out through the ports."""
