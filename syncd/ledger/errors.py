"""What can be wrong with a ledger, said to the operator."""

from __future__ import annotations

from collections.abc import Iterator


class LedgerError(Exception):
    """The ledger cannot be used; the message says why, and what to do."""


class LedgerUnfit(LedgerError):
    """The file is corrupt, of another program, or of a newer version of syncd."""


class LedgerFails(LedgerError):
    """The disk does not take or give what it should; what was recorded before is not touched."""


class LedgerOld(LedgerError):
    """An older syncd has written the file; who may work on it brings it up to date."""


class LedgerBusy(LedgerError):
    """Another process works on this ledger."""

    def __init__(self, path: str, holder: int | None) -> None:
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(
            f"{path} is in use by {who}; stop it first, or give this one another ledger"
        )
        self.holder = holder


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Return every error in a group, however deep; one that is no group is its own."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
