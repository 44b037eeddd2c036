"""Health, metrics for Prometheus, notifications and pings: syncd as other programs see it.

The daemon provides the figures as values, and notifications read the ledger: this package knows
neither the daemon's loops nor its engine.
"""
