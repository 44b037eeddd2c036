"""What other programs learn about syncd: its health, and metrics for Prometheus.

The daemon provides the figures as values: this package knows neither its loops nor its engine.
"""
