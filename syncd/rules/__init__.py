"""Decisions: no await, no clock, no file, no logger; time and randomness are passed in.

- `decide`: whether an image is sent to an account
- `copy`, `batch`: how it is sent: as a copy, or in one POST with which others
- `errors`, `backoff`: what an error of the API means, and how long to wait after it
- `evidence`, `deletion`: whether a file was deleted, and whether its image is deleted
- `unanswered`: which image of an account was sent by a call that had no response
- `audit`, `forecast`: the pace of an audit, and how long a backlog takes
- `pacing`: when the next call to an account may be sent
"""
