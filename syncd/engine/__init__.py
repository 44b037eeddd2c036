"""The loops that upload, copy, delete and audit the images of the accounts."""
