"""Amazon SQS through botocore: what comes back is always a value, whatever the network or the service does."""
