"""Single operations on the images of an account, for `syncd images`.

Each call waits in a pacer of the process, which first spends the calls that other processes have
recorded in the ledger. Errors are judged by the table of the daemon; what the daemon has to know
is recorded: calls, pauses, and images that an account has come to hold or has lost.
"""
