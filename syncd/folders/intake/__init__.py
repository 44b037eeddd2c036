"""The intake: files settle, are read and digested, and are recorded in the ledger."""
