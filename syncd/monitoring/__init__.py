"""What other programs learn about syncd: health, metrics for Prometheus, notifications and pings.

The daemon provides the figures as values, and notifications read the ledger: this package knows
neither the daemon's loops nor its engine.
"""
