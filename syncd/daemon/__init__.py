"""The daemon, and the commands that build the same runtime for one task.

`runtime` builds the ledger, the folders and the engine. `run` keeps it in sync until stopped, with
`startup`, `signals`, `reload`, `watchdog` and `stats`; `backfill`, `audit` and `plan` use it once.
"""
