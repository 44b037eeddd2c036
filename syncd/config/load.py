"""Loading: from a TOML file to the checked configuration, or to all of its mistakes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from syncd.config import values
from syncd.config.checks import check_outside, check_overlaps, resolve_links
from syncd.config.errors import ConfigError, Key, Problem
from syncd.config.include import read_whole
from syncd.config.listen import SocketPath
from syncd.config.reader import Findings, Table
from syncd.config.receivers import read_ping, read_receivers
from syncd.config.schema import Config, LedgerConfig, MetricsConfig
from syncd.config.sections import (
    read_accounts,
    read_audit,
    read_deletions,
    read_folders,
    read_graph,
    read_ledger,
    read_log,
    read_metrics,
    read_pack,
    read_watch,
    read_web,
)
from syncd.config.toml_text import read_text


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read and check a configuration file; no secret is read, and folders need not exist.

    Raises ConfigError with every mistake in the file.
    """
    return loads(read_text(path), path, environ)


def loads(text: str, path: Path, environ: Mapping[str, str]) -> Config:
    """Check the text of a configuration file; `path` is the file that its problems name.

    Raises ConfigError with every mistake in the text.
    """
    whole = read_whole(path, text)
    findings = Findings(path, whole.places)
    findings.problems += whole.problems
    root = Table((), whole.content, findings)

    graph_table, accounts_table = root.table("graph"), root.table("accounts")
    graph = read_graph(graph_table)
    ledger = read_ledger(root.table("ledger"), environ)
    accounts = read_accounts(accounts_table, graph_table)
    folders, paths = read_folders(root.table("folders"), accounts_table.names())
    watch = read_watch(root.table("watch"))
    pack = read_pack(root.table("pack"))
    deletions = read_deletions(root.table("deletions"))
    audit = read_audit(root.table("audit"))
    log = read_log(root.table("log"))
    metrics = read_metrics(root.table("metrics"), is_written=root.has("metrics"))
    web = read_web(root.table("web"))
    notify = read_receivers(root.array("notify"))
    ping = read_ping(root.table("ping"))
    no_files: tuple[str, ...] = ()
    root.optional("include", values.strings, no_files)  # `whole` has them
    root.close()
    files = dict(_written_files(ledger, metrics))
    resolved = resolve_links([*paths.values(), *files.values()])
    check_overlaps(paths, resolved, findings)
    for key, file in files.items():
        check_outside(key, file, paths, resolved, findings)

    if findings.problems or ledger is None:
        raise ConfigError(sorted(findings.problems, key=_place))
    return Config(
        path=path,
        included=whole.included,
        warnings=tuple(sorted(findings.warnings, key=_place)),
        graph=graph,
        ledger=ledger,
        accounts=MappingProxyType(accounts),
        ids=MappingProxyType({name: account.id for name, account in accounts.items()}),
        folders=MappingProxyType(folders),
        watch=watch,
        pack=pack,
        deletions=deletions,
        audit=audit,
        log=log,
        metrics=metrics,
        web=web,
        notify=notify,
        ping=ping,
    ).of_shard()


def _written_files(
    ledger: LedgerConfig | None, metrics: MetricsConfig
) -> Iterator[tuple[Key, str]]:
    """Yield the keys of the files that syncd writes, and their paths."""
    if ledger is not None:
        yield ("ledger", "path"), str(ledger.path)
    if isinstance(metrics.listen, SocketPath):
        yield ("metrics", "listen"), metrics.listen.path
    if metrics.textfile is not None:
        yield ("metrics", "textfile"), str(metrics.textfile)


def _place(problem: Problem) -> tuple[str, int]:
    return str(problem.file), problem.line or 0
