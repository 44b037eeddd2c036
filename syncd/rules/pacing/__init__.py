"""One account's rate limit: when the next call may be sent."""
