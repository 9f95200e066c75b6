"""The supervisor around real frameworks with real brokers: a test file a framework, and `python -m tests.integrations`."""
