"""The disk: folders are watched and scanned, and their files read and digested.

`monitor` combines these for one folder: `watching` reports where something has happened, `scanning`
compares that place with the ledger, and `intake` reads what is new. `safety` decides what a scan
proves about files that it did not find.
"""
