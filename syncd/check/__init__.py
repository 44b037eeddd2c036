"""`syncd check`: tests whether everything that syncd needs is in place, as the service sees it.

A process opens everything and writes down `facts`: this one (`inside`), one of another user
(`user`), or the service's program in the sandbox of its unit (`probe`). `verdict` turns facts into
sentences, `service` finds what the unit restricts, and `fixes` the commands to type. `run` has the
order of the checks.
"""
