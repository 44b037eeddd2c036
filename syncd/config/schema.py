"""The checked configuration: a frozen struct per table, and every default."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self

import msgspec
from msgspec.structs import replace

from syncd.config.errors import Problem
from syncd.config.listen import Listen, Network, TcpAddress
from syncd.config.secrets import SecretSource, Variable
from syncd.config.shard import Shard
from syncd.model import AccountId, AccountName, Copying, Deletions, FolderName, HoldAbove


class Tier(Enum):
    """The access tier that Meta has granted the app, with the limits that Meta documents."""

    DEVELOPMENT = "development"
    STANDARD = "standard"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The form of a log record.

    AUTO is the console form on a terminal, the journal's own form where stderr is connected to the
    journal, and logfmt elsewhere.
    """

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"
    JOURNAL = "journal"
    LOGFMT = "logfmt"


class GraphConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The Graph API: its URL without a trailing slash, the credentials, a timeout in seconds."""

    version: str = "v25.0"
    base_url: str = "https://graph.facebook.com"
    token: SecretSource | None = None
    app_secret: SecretSource | None = None
    timeout: float = 60.0


class LedgerConfig(msgspec.Struct, frozen=True):
    path: Path
    history: float = 180 * 86400.0  # seconds that a row of the history is kept
    shard: Shard | None = None  # None: this ledger has all accounts

    def has(self, account: AccountId) -> bool:
        """Return whether an account belongs to the ledger's shard."""
        return self.shard is None or self.shard.has(account)


class Budget(msgspec.Struct, frozen=True):
    """The limits of an account, windows in seconds; None stands for the tier's limit."""

    points: int | None = None
    window: float | None = None
    calls: int | None = None
    calls_window: float | None = None


class AccountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An ad account.

    `token` and `app_secret` are None where those of [graph] apply, `tier` is None where it is
    learned from a response. `reserve` is the share of the budget that syncd leaves to other users
    of the account.
    """

    name: AccountName
    id: AccountId
    workers: int = 4
    token: SecretSource | None = None
    app_secret: SecretSource | None = None
    tier: Tier | None = None
    budget: Budget = Budget()
    reserve: float = 0.1


class FolderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A watched folder; `path` is absolute and has the bytes of the file system."""

    name: FolderName
    path: bytes
    account: AccountName
    mirrors: tuple[AccountName, ...] = ()
    copy: Copying = Copying.AUTO
    include: tuple[str, ...] = (
        *("*.jpg", "*.jpeg", "*.jpe", "*.jfif", "*.jif"),
        *("*.png", "*.gif", "*.bmp", "*.dib", "*.tif", "*.tiff"),
    )
    exclude: tuple[str, ...] = ()
    deletions: Deletions = Deletions.KEEP


class WatchConfig(msgspec.Struct, frozen=True):
    """Seconds for which a file must not change before it is taken, and between two full scans."""

    settle: float = 2.0
    rescan: float = 15 * 60.0


class BatchConfig(msgspec.Struct, frozen=True):
    """The maximum number of images and of bytes in one POST."""

    images: int = 25
    bytes: int = 24 * 2**20


class DeletionsConfig(msgspec.Struct, frozen=True):
    """The conditions of deletions in folders that propagate them; `grace` is in seconds.

    Deletions wait for the operator when more than the larger figure of `hold_above` was condemned
    within the grace.
    """

    grace: float = 24 * 3600.0
    hold_above: HoldAbove = HoldAbove(images=20, share=0.1)


class AuditConfig(msgspec.Struct, frozen=True):
    """Seconds between two audits, and whether they restore images that an account has lost."""

    every: float = 24 * 3600.0
    restore: bool = True


class LogConfig(msgspec.Struct, frozen=True):
    """The level and the form of the log; `stats_every` is in seconds."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO
    stats_every: float = 60.0


class MetricsConfig(msgspec.Struct, frozen=True):
    """The address that serves metrics and health, and the file for node_exporter."""

    listen: Listen | None = None
    textfile: Path | None = None


class WebConfig(msgspec.Struct, frozen=True):
    """The address of the pages of `syncd web`, their password and the proxies before them."""

    listen: TcpAddress = TcpAddress("127.0.0.1", 8780)
    token: SecretSource | None = None
    hosts: tuple[str, ...] = ()  # in lower case; the names of this machine are always accepted
    proxies: tuple[Network, ...] = ()


class Topic(StrEnum):
    """A kind of news that a receiver can be notified of."""

    ALERT = "alert"
    RECOVERED = "recovered"
    TOKEN_EXPIRING = "token.expiring"  # noqa: S105  an event, not a password
    BACKFILL_DONE = "backfill.done"
    IMAGE_REJECTED = "image.rejected"
    IMAGE_HELD = "image.held"


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of notifications: the source of its URL, or the words of a command.

    `name` is that in messages; `every` is the least number of seconds between two notifications.
    """

    url: SecretSource | None = None
    command: tuple[str, ...] = ()
    on: tuple[Topic, ...] = (Topic.ALERT, Topic.RECOVERED, Topic.TOKEN_EXPIRING)
    every: float = 0.0
    name: str = ""


class PingConfig(msgspec.Struct, frozen=True):
    """The source of the URL that is pinged, or None, and the seconds between two pings."""

    url: SecretSource | None = None
    every: float = 5 * 60.0


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration, and warnings about what is unusual but not wrong."""

    path: Path
    included: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...]
    graph: GraphConfig
    ledger: LedgerConfig
    accounts: Mapping[AccountName, AccountConfig]
    ids: Mapping[AccountName, AccountId]  # of the accounts of all shards
    folders: Mapping[FolderName, FolderConfig]
    watch: WatchConfig
    pack: BatchConfig
    deletions: DeletionsConfig
    audit: AuditConfig
    log: LogConfig
    metrics: MetricsConfig
    web: WebConfig = WebConfig()
    notify: tuple[NotifyConfig, ...] = ()
    ping: PingConfig = PingConfig()

    def account_by_id(self, account_id: AccountId) -> AccountConfig | None:
        """Return the account, or None for one that is in the ledger but no longer configured."""
        return next((a for a in self.accounts.values() if a.id == account_id), None)

    def name_of(self, account_id: AccountId) -> str:
        """Return the name of an account, or for one that is no longer configured its id."""
        known = self.account_by_id(account_id)
        return f"act_{account_id}" if known is None else known.name

    def names(self) -> dict[AccountId, str]:
        """Return the name of each account by its id."""
        return {account.id: str(name) for name, account in self.accounts.items()}

    def of_shard(self) -> Self:
        """Return the configuration of the ledger's shard: its accounts, and what feeds them.

        The accounts of a folder that are in the shard keep their order; the first of them becomes
        the folder's own, so that a mirror of an account in another shard gets the bytes.
        """
        if self.ledger.shard is None:
            return self
        accounts = {n: a for n, a in self.accounts.items() if self.ledger.has(a.id)}
        folders = {}
        for name, folder in self.folders.items():
            fed = tuple(n for n in (folder.account, *folder.mirrors) if n in accounts)
            if fed:
                folders[name] = replace(folder, account=fed[0], mirrors=fed[1:])
        return replace(self, accounts=MappingProxyType(accounts), folders=MappingProxyType(folders))

    def token_of(self, account: AccountConfig) -> SecretSource:
        token = account.token or self.graph.token
        assert token is not None, "load() rejects an account without a token"  # noqa: S101  for mypy
        return token

    def app_secret_of(self, account: AccountConfig) -> SecretSource | None:
        return account.app_secret or self.graph.app_secret

    def environ_for(
        self, source: SecretSource | None, environ: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the environment with which a source is read, or that a receiver's program gets.

        A program gets no variable that has a secret: its children and its log would have it, too.
        """
        if isinstance(source, Variable):
            return environ
        accounts = self.accounts.values()
        sources = [self.graph.token, self.graph.app_secret, self.web.token]
        sources += [one for account in accounts for one in (account.token, account.app_secret)]
        sources += [self.ping.url, *(receiver.url for receiver in self.notify)]
        secret = {one.name for one in sources if isinstance(one, Variable)}
        return {name: value for name, value in environ.items() if name not in secret}

    def routes(self, folder: FolderConfig) -> tuple[AccountId, ...]:
        """Return the accounts that a folder's images go to: its own first, then its mirrors."""
        return tuple(self.accounts[name].id for name in (folder.account, *folder.mirrors))
