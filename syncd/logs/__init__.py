"""The log: the event catalogue, records, and the sinks that they are written to."""
