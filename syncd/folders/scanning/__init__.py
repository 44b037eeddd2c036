"""A scan: what a folder holds now, compared with the ledger."""
