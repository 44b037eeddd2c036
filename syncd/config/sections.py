"""The sections of the file, and the default of every key."""

from collections.abc import Mapping
from pathlib import Path

from syncd.config import values
from syncd.config.amount import duration, size
from syncd.config.reader import Table
from syncd.config.schema import (
    AuditConfig,
    BatchConfig,
    DeletionsConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    WatchConfig,
)
from syncd.config.secrets import SecretSource
from syncd.config.source import exposure, secret_source
from syncd.model import HoldAbove


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
