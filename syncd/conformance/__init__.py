"""Checks of an API against what syncd relies on, and reports on what its pages leave open.

Each check is a generator that yields requests and receives replies, and does no IO: `talk` puts
them together, and `exchange` sends their requests. The sandbox has a switch for what is unknown; a
finding names the setting that behaves like the API.
"""
