"""The sections of the file, and the default of every key."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from syncd.config import values
from syncd.config.errors import dotted, quoted
from syncd.config.reader import Table, choices
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
    Tier,
    WatchConfig,
)
from syncd.config.secrets import SecretSource, exposure, secret_source
from syncd.config.values import duration, size
from syncd.model import AccountId, AccountName, Copying, Deletions, FolderName, HoldAbove


def read_graph(table: Table) -> GraphConfig:
    graph = GraphConfig(
        version=table.optional("version", values.version, "v25.0"),
        base_url=table.optional("base_url", values.base_url, "https://graph.facebook.com"),
        token=read_source(table, "token"),
        app_secret=read_source(table, "app_secret"),
        timeout=table.optional("timeout", duration("1s", "10m"), 60.0),
    )
    table.close()
    return graph


def read_source(table: Table, name: str) -> SecretSource | None:
    source = table.optional(name, secret_source, None)
    if exposed := exposure(source):
        table.findings.warn((*table.key, name), *exposed)
    return source


def read_ledger(table: Table, environ: Mapping[str, str]) -> LedgerConfig | None:
    parse = values.path("/var/lib/syncd/ledger.db")
    # systemd lists several directories with colons between them; the first is the unit's own.
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        path: str | None = table.optional("path", parse, f"{state}/ledger.db")
    else:
        path = table.required(
            "path", parse, 'write path = "/var/lib/syncd/ledger.db" under [ledger]'
        )
    table.close()
    return LedgerConfig(Path(path)) if path else None


def read_watch(table: Table) -> WatchConfig:
    watch = WatchConfig(
        settle=table.optional("settle", duration("0s", "1h"), 2.0),
        rescan=table.optional("rescan", duration("1s", "7d"), 15 * 60.0),
    )
    table.close()
    return watch


def read_pack(table: Table) -> BatchConfig:
    pack = BatchConfig(
        # 50 is what a batch of the Graph API may hold; this edge documents no figure.
        images=table.optional("images", values.whole_number(1, 50), 25),
        bytes=table.optional("bytes", size("64KiB", "128MiB"), 24 * 2**20),
    )
    table.close()
    return pack


def read_deletions(table: Table) -> DeletionsConfig:
    grace = table.optional("grace", duration("0s", "90d"), 24 * 3600.0)
    inner = table.table("hold_above")
    hold_above = HoldAbove(
        images=inner.optional("images", values.whole_number(0, 1_000_000), 20),
        share=inner.optional("share", values.share_or_all, 0.1),
    )
    inner.close()
    table.close()
    return DeletionsConfig(grace, hold_above)


def read_audit(table: Table) -> AuditConfig:
    audit = AuditConfig(
        every=table.optional("every", duration("1s", "90d"), 24 * 3600.0),
        restore=table.optional("restore", values.truth, True),
    )
    table.close()
    return audit


def read_log(table: Table) -> LogConfig:
    log = LogConfig(
        level=table.optional("level", values.one_of(LogLevel), LogLevel.INFO),
        format=table.optional("format", values.one_of(LogFormat), LogFormat.AUTO),
        stats_every=table.optional("stats_every", duration("1s", "1d"), 60.0),
    )
    table.close()
    return log


ACCOUNT_EXAMPLE = '[accounts.main]\nid = "act_1234567890"'


def read_accounts(table: Table, graph: Table) -> dict[AccountName, AccountConfig]:
    """Return the accounts that could be read; what is wrong with the others is noted."""
    accounts: dict[AccountName, AccountConfig] = {}
    owners: dict[AccountId, Table] = {}
    without_token = []
    for name, inner in table.tables():
        account_id = inner.required("id", values.account_id, 'write id = "act_1234567890"')
        workers = inner.optional("workers", values.whole_number(1, 64), 4)
        token = read_source(inner, "token")
        app_secret = read_source(inner, "app_secret")
        tier = inner.optional("tier", values.one_of(Tier), None)
        budget = _read_budget(inner.table("budget"))
        reserve = inner.optional("reserve", values.share, 0.1)
        inner.close()
        if not (inner.has("token") or graph.has("token")):
            without_token.append(quoted(name))
        if account_id is None:
            continue
        if account_id in owners:
            other = owners[account_id].key
            inner.refuse(
                "id",
                f"is the id of {dotted(other)} too ({account_id})",
                f"write another id, or leave [{dotted(inner.key)}] out"
                f" and name {quoted(other[-1])} in its folders",
            )
        owners.setdefault(account_id, inner)
        account = AccountConfig(
            AccountName(name), account_id, workers, token, app_secret, tier, budget, reserve
        )
        accounts[account.name] = account
    if not table.names():
        table.findings.refuse(table.key, "there is no account", f"write\n{ACCOUNT_EXAMPLE}")
    if without_token:
        graph.refuse(
            "token",
            f"is missing, and of the accounts {', '.join(without_token)} has none of its own",
            'write token = { credential = "syncd.token" } under [graph] for all accounts,'
            " or under [accounts.NAME] for one",
        )
    return accounts


def _read_budget(table: Table) -> Budget:
    budget = Budget(
        points=table.optional("points", values.whole_number(3, 1_000_000), None),  # a write is 3
        window=table.optional("window", duration("100ms", "1d"), None),
        calls=table.optional("calls", values.whole_number(1, 10_000_000), None),
        calls_window=table.optional("calls_window", duration("100ms", "7d"), None),
    )
    table.close()
    return budget


PLACE = "/srv/creatives/spring"
FOLDER_EXAMPLE = f'[folders.spring]\npath = "{PLACE}"\naccount = "main"'
IMAGES = ("*.jpg", "*.jpeg", "*.png", "*.gif", "*.bmp", "*.tif", "*.tiff")


def read_folders(
    table: Table, accounts: Collection[str]
) -> tuple[dict[FolderName, FolderConfig], dict[FolderName, str]]:
    """Return the folders that could be read, and every path that could, as it was written.

    Accounts are all the names that the file declares.
    """
    folders: dict[FolderName, FolderConfig] = {}
    paths: dict[FolderName, str] = {}
    for name, inner in table.tables():
        path = inner.required("path", values.path(PLACE), f"write path = {quoted(PLACE)}")
        folder = _read_folder(FolderName(name), path, inner, accounts)
        if path is not None:
            paths[FolderName(name)] = path
        if folder is not None:
            folders[folder.name] = folder
    if not table.names():
        table.findings.refuse(table.key, "there is no folder", f"write\n{FOLDER_EXAMPLE}")
    return folders, paths


def _read_folder(
    name: FolderName, path: str | None, table: Table, accounts: Collection[str]
) -> FolderConfig | None:
    account = table.required("account", values.text, _account_advice(accounts))
    mirrors: tuple[str, ...] = table.optional("mirrors", values.texts, ())
    copying = table.optional("copy", values.one_of(Copying), Copying.AUTO)
    include: tuple[str, ...] = table.optional("include", values.patterns, IMAGES)
    exclude: tuple[str, ...] = table.optional("exclude", values.patterns, ())
    deletions = table.optional("deletions", values.one_of(Deletions), Deletions.KEEP)
    if not include:
        table.refuse("include", "is empty, and takes no file", "leave it out to take all images")
    _check_route(table, account, mirrors, accounts)
    table.close()
    if path is None or account is None:
        return None
    return FolderConfig(
        name=name,
        path=os.fsencode(path),
        account=AccountName(account),
        mirrors=tuple(map(AccountName, mirrors)),
        copy=copying,
        include=include,
        exclude=exclude,
        deletions=deletions,
    )


def _check_route(
    table: Table, account: str | None, mirrors: tuple[str, ...], accounts: Collection[str]
) -> None:
    for key, names in (("account", (account,)), ("mirrors", mirrors)):
        for name in dict.fromkeys(names):
            # Without any account, that is the mistake; it has been said.
            if name is not None and accounts and name not in accounts:
                table.refuse(key, f"there is no account {quoted(name)}", choices(accounts, name))
    for name in dict.fromkeys(mirrors):
        if name == account:
            table.refuse(
                "mirrors",
                f"names {quoted(name)}, which is the folder's account already",
                f"leave {quoted(name)} out of the mirrors",
            )
        elif mirrors.count(name) > 1:
            table.refuse(
                "mirrors", f"names {quoted(name)} more than once", "write each account once"
            )


def _account_advice(accounts: Collection[str]) -> str:
    return f"write account = {quoted(next(iter(accounts), 'main'))}"
