"""The sections of the configuration file: the parser and the limits of every key."""

import os
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from syncd.config import values
from syncd.config.errors import InvalidValueError, dotted, quoted
from syncd.config.listen import host_names, listen, networks, tcp_address
from syncd.config.reader import Table
from syncd.config.schema import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    Budget,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    MetricsConfig,
    Tier,
    WatchConfig,
    WebConfig,
)
from syncd.config.secrets import SecretSource, exposure, secret_source
from syncd.config.shard import SHARD_VARIABLE, Shard
from syncd.config.values import duration, size
from syncd.model import AccountId, AccountName, Copying, Deletions, FolderName, HoldAbove

ACCOUNT_EXAMPLE = '[accounts.main]\nid = "act_1234567890"'
FOLDER_PATH = "/srv/creatives/spring"
FOLDER_EXAMPLE = f'[folders.spring]\npath = "{FOLDER_PATH}"\naccount = "main"'

_TEXTFILE = "/var/lib/prometheus/node-exporter/syncd.prom"
_DEFAULT_HISTORY = LedgerConfig(Path()).history


def read_graph(table: Table) -> GraphConfig:
    default = GraphConfig()
    graph = GraphConfig(
        version=table.optional("version", values.version, default.version),
        base_url=table.optional("base_url", values.base_url, default.base_url),
        token=read_source(table, "token"),
        app_secret=read_source(table, "app_secret"),
        timeout=table.optional("timeout", duration("1s", "10m"), default.timeout),
    )
    table.close()
    return graph


def read_ledger(table: Table, environ: Mapping[str, str]) -> LedgerConfig | None:
    """Return the settings of the ledger.

    By default it is in the first of systemd's state directories. SHARD_VARIABLE replaces its shard.
    """
    parse = values.path("/var/lib/syncd/ledger.db", table.directory_of("path"))
    # systemd separates several directories with colons; the first one is the unit's own.
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        path: str | None = table.optional("path", parse, f"{state}/ledger.db")
    else:
        path = table.required(
            "path", parse, 'write path = "/var/lib/syncd/ledger.db" under [ledger]'
        )
    history = table.optional("history", duration("1d", "3650d"), _DEFAULT_HISTORY)
    shard: Shard | None = table.optional("shard", values.shard, None)
    if given := environ.get(SHARD_VARIABLE):
        try:
            shard = values.shard(given)
        except InvalidValueError as error:
            table.add_problem("shard", f"${SHARD_VARIABLE}: {error.message}", error.fix)
    table.close()
    return LedgerConfig(Path(path), history, shard) if path else None


def read_accounts(table: Table, graph: Table) -> dict[AccountName, AccountConfig]:
    """Return the accounts that have an id; each id and a token for each account are required."""
    accounts: dict[AccountName, AccountConfig] = {}
    owners: dict[AccountId, Table] = {}
    without_token = []
    for name, inner in table.tables():
        account_id = inner.required("id", values.account_id, 'write id = "act_1234567890"')
        account = _read_account(AccountName(name), account_id or AccountId(""), inner)
        inner.close()
        if not (inner.has("token") or graph.has("token")):
            without_token.append(quoted(name))
        if account_id is None:
            continue
        if account_id in owners:
            other = owners[account_id].key
            inner.add_problem(
                "id",
                f"{account_id} is also the id of {dotted(other)}",
                f"write another id, or remove [{dotted(inner.key)}] and name {quoted(other[-1])}"
                " in its folders",
            )
        owners.setdefault(account_id, inner)
        accounts[account.name] = account
    if not table.names():
        table.findings.add_problem(
            table.key, "no account is configured", f"write\n{ACCOUNT_EXAMPLE}"
        )
    if without_token:
        graph.add_problem(
            "token",
            f"is missing, and these accounts have no token either: {', '.join(without_token)}",
            'write token = { credential = "syncd.token" } under [graph] for all accounts,'
            " or under [accounts.NAME] for one",
        )
    return accounts


def _read_account(name: AccountName, account_id: AccountId, table: Table) -> AccountConfig:
    default = AccountConfig(name=name, id=account_id)
    return AccountConfig(
        name=name,
        id=account_id,
        workers=table.optional("workers", values.integer(1, 64), default.workers),
        token=read_source(table, "token"),
        app_secret=read_source(table, "app_secret"),
        tier=table.optional("tier", values.one_of(Tier), default.tier),
        budget=_read_budget(table.table("budget")),
        reserve=table.optional("reserve", values.share, default.reserve),
    )


def read_source(table: Table, name: str) -> SecretSource | None:
    """Return the source of a secret; warn where other users can read it."""
    parse = partial(secret_source, directory=table.directory_of(name))
    source = table.optional(name, parse, None)
    if exposed := exposure(source):
        table.findings.add_warning((*table.key, name), *exposed)
    return source


def _read_budget(table: Table) -> Budget:
    default = Budget()
    budget = Budget(
        # A write costs 3 points.
        points=table.optional("points", values.integer(3, 1_000_000), default.points),
        window=table.optional("window", duration("100ms", "1d"), default.window),
        calls=table.optional("calls", values.integer(1, 10_000_000), default.calls),
        calls_window=table.optional("calls_window", duration("100ms", "7d"), default.calls_window),
    )
    table.close()
    return budget


def read_folders(
    table: Table, accounts: Collection[str]
) -> tuple[dict[FolderName, FolderConfig], dict[FolderName, str]]:
    """Return the valid folders, and the valid paths of all folders.

    `accounts` are all names under [accounts], also those of accounts with mistakes.
    """
    folders: dict[FolderName, FolderConfig] = {}
    paths: dict[FolderName, str] = {}
    for name, inner in table.tables():
        parse = values.path(FOLDER_PATH, inner.directory_of("path"))
        path = inner.required("path", parse, f'write path = "{FOLDER_PATH}"')
        folder = _read_folder(FolderName(name), path, inner, accounts)
        if path is not None:
            paths[FolderName(name)] = path
        if folder is not None:
            folders[folder.name] = folder
    if not table.names():
        table.findings.add_problem(table.key, "no folder is configured", f"write\n{FOLDER_EXAMPLE}")
    return folders, paths


def _read_folder(
    name: FolderName, path: str | None, table: Table, accounts: Collection[str]
) -> FolderConfig | None:
    account = table.required(
        "account", values.string, f"write account = {quoted(next(iter(accounts), 'main'))}"
    )
    default = FolderConfig(
        name=name, path=os.fsencode(path or ""), account=AccountName(account or "")
    )
    mirrors: tuple[str, ...] = table.optional("mirrors", values.strings, default.mirrors)
    folder = FolderConfig(
        name=name,
        path=default.path,
        account=default.account,
        mirrors=tuple(map(AccountName, mirrors)),
        copy=table.optional("copy", values.one_of(Copying), default.copy),
        include=table.optional("include", values.patterns, default.include),
        exclude=table.optional("exclude", values.patterns, default.exclude),
        deletions=table.optional("deletions", values.one_of(Deletions), default.deletions),
    )
    if not folder.include:
        table.add_problem(
            "include", "is empty, which excludes every file", "remove it to include all images"
        )
    _check_route(table, account, mirrors, accounts)
    table.close()
    return None if path is None or account is None else folder


def _check_route(
    table: Table, account: str | None, mirrors: tuple[str, ...], accounts: Collection[str]
) -> None:
    for key, names in (("account", (account,)), ("mirrors", mirrors)):
        for name in dict.fromkeys(names):
            # A file without any account has been reported already.
            if name is not None and accounts and name not in accounts:
                fix = _account_choices(accounts, name)
                table.add_problem(key, f"the account {quoted(name)} is not configured", fix)
    for name in dict.fromkeys(mirrors):
        if name == account:
            table.add_problem(
                "mirrors",
                f"{quoted(name)} is the folder's own account",
                f"remove {quoted(name)} from the mirrors",
            )
        elif mirrors.count(name) > 1:
            table.add_problem(
                "mirrors", f"{quoted(name)} occurs more than once", "write each account once"
            )


def _account_choices(accounts: Collection[str], given: str) -> str:
    """Return a fix that lists the accounts, after the one closest to the given name."""
    near = get_close_matches(given, accounts, n=1, cutoff=0.6)
    listed = ", ".join(map(quoted, accounts))
    if near:
        return f"did you mean {quoted(near[0])}? The accounts are {listed}"
    return f"write one of the accounts: {listed}"


def read_watch(table: Table) -> WatchConfig:
    default = WatchConfig()
    watch = WatchConfig(
        settle=table.optional("settle", duration("0s", "1h"), default.settle),
        rescan=table.optional("rescan", duration("1s", "7d"), default.rescan),
    )
    table.close()
    return watch


def read_pack(table: Table) -> BatchConfig:
    default = BatchConfig()
    pack = BatchConfig(
        # A batch of the Graph API has at most 50 calls; for this edge Meta documents no limit.
        images=table.optional("images", values.integer(1, 50), default.images),
        bytes=table.optional("bytes", size("64KiB", "128MiB"), default.bytes),
    )
    table.close()
    return pack


def read_deletions(table: Table) -> DeletionsConfig:
    default = DeletionsConfig()
    grace = table.optional("grace", duration("0s", "90d"), default.grace)
    inner = table.table("hold_above")
    hold_above = HoldAbove(
        images=inner.optional("images", values.integer(0, 1_000_000), default.hold_above.images),
        share=inner.optional("share", values.share_or_all, default.hold_above.share),
    )
    inner.close()
    table.close()
    return DeletionsConfig(grace, hold_above)


def read_audit(table: Table) -> AuditConfig:
    default = AuditConfig()
    audit = AuditConfig(
        every=table.optional("every", duration("1s", "90d"), default.every),
        restore=table.optional("restore", values.boolean, default.restore),
    )
    table.close()
    return audit


def read_log(table: Table) -> LogConfig:
    default = LogConfig()
    log = LogConfig(
        level=table.optional("level", values.one_of(LogLevel), default.level),
        format=table.optional("format", values.one_of(LogFormat), default.format),
        stats_every=table.optional("stats_every", duration("1s", "1d"), default.stats_every),
    )
    table.close()
    return log


def read_metrics(table: Table, *, is_written: bool) -> MetricsConfig:
    """Return the settings of the metrics; a table that sets nothing is a mistake."""
    default = MetricsConfig()
    textfile = partial(_textfile, directory=table.directory_of("textfile"))
    metrics = MetricsConfig(
        listen=table.optional("listen", listen, default.listen),
        textfile=table.optional("textfile", textfile, default.textfile),
    )
    if is_written and not table.names():
        table.findings.add_problem(
            table.key,
            "sets neither listen nor textfile",
            'write listen = "127.0.0.1:9464", or remove [metrics]',
        )
    table.close()
    return metrics


def read_web(table: Table) -> WebConfig:
    default = WebConfig()
    web = WebConfig(
        listen=table.optional("listen", tcp_address, default.listen),
        token=read_source(table, "token"),
        hosts=table.optional("hosts", host_names, default.hosts),
        proxies=table.optional("proxies", networks, default.proxies),
    )
    table.close()
    return web


def _textfile(value: object, directory: Path) -> Path:
    """Parse the path of a file of metrics; node_exporter ignores those with another ending."""
    path = values.path(_TEXTFILE, directory)(value)
    if not path.endswith(".prom"):
        raise InvalidValueError(
            f'{quoted(path)} does not end in ".prom": node_exporter would ignore it',
            f'write a path, such as "{_TEXTFILE}"',
        )
    return Path(path)
