"""The errors of a ledger; their messages are written for the operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.config.shard import Shard, shard_of
from syncd.model import AccountId


class LedgerError(Exception):
    """The ledger cannot be used; the message has the reason and the remedy."""


class LedgerUnusableError(LedgerError):
    """The file is damaged, belongs to another program, or has the layout of another version."""


class LedgerOutdatedError(LedgerUnusableError):
    """The ledger has the layout of an earlier version, and can be migrated."""

    def __init__(self, path: str, version: int, needed: int, *, is_in_use: bool) -> None:
        super().__init__(
            f"{path} has the layout of an earlier syncd (ledger version {version}, this one needs"
            f" {needed}); "
            + (
                "the process that uses it was started before the upgrade: restart the daemon, whose"
                " start migrates the ledger"
                if is_in_use
                else "start the daemon, or run `syncd ledger migrate`: both make a backup, and"
                " migrate the ledger"
            )
        )


class LedgerDiskError(LedgerError):
    """The disk failed to read or write; what was recorded before is intact."""


class LedgerBusyError(LedgerError):
    """Another process works on this ledger."""

    def __init__(self, path: str, holder: int | None) -> None:
        who = f"process {holder}" if holder is not None else "another process"
        super().__init__(f"{path} is in use by {who}; stop it first, or configure another ledger")
        self.holder = holder


class OtherShardError(LedgerError):
    """The ledger has images of accounts that belong to other shards: a wrong configuration."""

    MOST = 20  # accounts that the message names

    def __init__(self, path: str, shard: Shard, accounts: Sequence[AccountId]) -> None:
        named = ", ".join(
            f"act_{one} ({shard_of(one, shard.of)}/{shard.of})" for one in accounts[: self.MOST]
        )
        more = f" and {len(accounts) - self.MOST} more" if len(accounts) > self.MOST else ""
        super().__init__(
            f"{path} has images in accounts that do not belong to shard {shard}: {named}{more};"
            " move each by `syncd ledger move ACCOUNT --to LEDGER` to the ledger of its machine, or"
            " set ledger.shard back to what it was"
        )


class LedgerReplacedError(LedgerError):
    """Another file, or none, is at the path of a ledger that is in use."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} was moved, replaced or removed while syncd used it; put that file back, or"
            " start syncd again: it then works with the file that is at this path"
        )


def flatten(error: BaseException) -> Iterator[BaseException]:
    """Yield every error of an exception group, at any depth; else the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from flatten(inner)
    else:
        yield error
