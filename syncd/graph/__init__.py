"""The Marketing API: its shapes and the client.

`client` sends calls over the HTTP `session`. `shapes` and `listing` turn responses, errors and
headers into values, without IO; `rules.errors` has the meaning of the errors.
"""
