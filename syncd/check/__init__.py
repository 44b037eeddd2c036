"""`syncd check`: tests whether everything that syncd needs is in place, as the service sees it.

`run` has the order of the checks. `unit`, `unit_sandbox`, `user` and `perspective` are about the
service; `folders`, `ledger` and `tokens` have the checks, and `fixes` and `access` the advice.
"""
