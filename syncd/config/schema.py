"""The configuration as the rest of syncd sees it: typed, checked, frozen."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from pathlib import Path

import msgspec

from syncd.config.errors import Problem
from syncd.config.secrets import SecretSource
from syncd.model import AccountId, AccountName, Copying, Deletions, FolderName, HoldAbove


class Tier(Enum):
    """What Meta has granted the app, for the figures that its pages document."""

    DEVELOPMENT = "development"
    STANDARD = "standard"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a record is written; AUTO: the console form on a terminal, the journal's own where stderr
    goes to the journal, logfmt elsewhere.
    """

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"
    JOURNAL = "journal"
    LOGFMT = "logfmt"


class GraphConfig(msgspec.Struct, frozen=True):
    """Where the Graph API is and who calls; timeout in seconds, base_url without a last slash."""

    version: str
    base_url: str
    token: SecretSource | None
    app_secret: SecretSource | None
    timeout: float


class LedgerConfig(msgspec.Struct, frozen=True):
    path: Path


class Budget(msgspec.Struct, frozen=True):
    """What an account may spend, windows in seconds; None is the tier's figure."""

    points: int | None = None
    window: float | None = None
    calls: int | None = None
    calls_window: float | None = None


class AccountConfig(msgspec.Struct, frozen=True):
    """An ad account; its token and app secret are None when those of [graph] serve.

    A tier of None is to be learnt; reserve is the share of the budget that is left to people.
    """

    name: AccountName
    id: AccountId
    workers: int
    token: SecretSource | None
    app_secret: SecretSource | None
    tier: Tier | None = None
    budget: Budget = Budget()
    reserve: float = 0.1


class FolderConfig(msgspec.Struct, frozen=True):
    """A watched folder; its path is absolute, and bytes as the system has it."""

    name: FolderName
    path: bytes
    account: AccountName
    mirrors: tuple[AccountName, ...]
    copy: Copying
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    deletions: Deletions


class WatchConfig(msgspec.Struct, frozen=True):
    """In seconds: how long a file must stand still, and the period of the full scan."""

    settle: float
    rescan: float


class BatchConfig(msgspec.Struct, frozen=True):
    """What one POST may carry at most: so many images, so many bytes."""

    images: int
    bytes: int


class DeletionsConfig(msgspec.Struct, frozen=True):
    """When a folder that propagates deletions does so; grace in seconds.

    Condemned within the grace, more than the larger of hold_above's figures of the folder's
    files wait for a person.
    """

    grace: float
    hold_above: HoldAbove


class AuditConfig(msgspec.Struct, frozen=True):
    """The period in seconds, and whether an image that is gone from an account is sent again."""

    every: float
    restore: bool


class LogConfig(msgspec.Struct, frozen=True):
    """How syncd speaks; stats_every in seconds."""

    level: LogLevel
    format: LogFormat
    stats_every: float


class Config(msgspec.Struct, frozen=True):
    """One file's whole content, and what was odd about it without being wrong."""

    path: Path
    warnings: tuple[Problem, ...]
    graph: GraphConfig
    ledger: LedgerConfig
    accounts: Mapping[AccountName, AccountConfig]
    folders: Mapping[FolderName, FolderConfig]
    watch: WatchConfig
    pack: BatchConfig
    deletions: DeletionsConfig
    audit: AuditConfig
    log: LogConfig

    def account_by_id(self, account_id: AccountId) -> AccountConfig | None:
        """Return the account, or None for one that the ledger knows and this file no more."""
        return next((a for a in self.accounts.values() if a.id == account_id), None)

    def token_of(self, account: AccountConfig) -> SecretSource:
        token = account.token or self.graph.token
        assert token is not None, "load() refuses an account without a token"  # noqa: S101
        return token

    def app_secret_of(self, account: AccountConfig) -> SecretSource | None:
        return account.app_secret or self.graph.app_secret

    def routes(self, folder: FolderConfig) -> tuple[AccountId, ...]:
        """Return the accounts that want this folder's images: its own first, then its mirrors."""
        return tuple(self.accounts[name].id for name in (folder.account, *folder.mirrors))
