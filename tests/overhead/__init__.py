"""What the hooks cost the workers of each framework: `python -m tests.overhead`."""
