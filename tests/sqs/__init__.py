"""A stand-in for SQS that is strict where local emulators are lenient, and the suites that hold both to the same facts."""
