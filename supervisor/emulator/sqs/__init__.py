"""A stand-in for Amazon SQS, stricter than the service is on most days; for tests, and for the demo of `sqsd`."""
