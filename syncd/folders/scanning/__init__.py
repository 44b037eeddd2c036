"""Scans: the present contents of a folder, compared with the ledger."""
