"""The loops that upload, copy, delete and audit the images of the accounts.

Each account has a `lane`: its `queue`, `pacer`, `gate`, `health` and `attempts`. Its `worker` takes
images from the queue, decides, and sends them by `uploads` or `copies`. When a call fails, `health`
decides what follows for the account. The image returns to the queue by `Lane.retry_later`, through
`delayed`. While nothing waits for upload, `deletions` removes what the `reconcile` pass has
reviewed; `unanswered` finds images whose upload had no response, and `confirmations` shows what a
DELETE has done.
"""
