"""The facts that this process finds itself: as the operator, as another user, or as the service.

`syncd check --inside` is started by `probe` in the sandbox of the unit, and prints them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from syncd.check import facts
from syncd.check.facts import Contents, Facts, PagesFacts, bounded
from syncd.check.filesystem import path_facts
from syncd.check.folders import folder_facts
from syncd.check.ledger import Known, known_accounts, ledger_facts
from syncd.check.metrics import metrics_facts
from syncd.check.receivers import receiver_facts, sources
from syncd.check.tokens import account_facts
from syncd.check.unit import Role
from syncd.config import (
    Config,
    ConfigError,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    load,
    read_secret,
)
from syncd.graph.client import connect
from syncd.ledger.errors import OtherShardError


def find_facts(config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]) -> Facts:
    """Open all that the configuration names, and call the API."""
    return Facts(
        paths=tuple(map(path_facts, named_paths(config))),
        contents=asyncio.run(_contents(config, environ, hide)),
    )


def pages_facts(config: Config, environ: Mapping[str, str]) -> Facts:
    """Open all that `syncd web` needs, but the files in the folders: the daemon reads them, too."""
    ledger, problem = ledger_facts(config.ledger.path), ""
    if (source := config.web.token) is not None:
        try:
            read_secret(source, config.environ_for(source, environ), "password")
        except SecretError as error:
            problem = bounded(str(error))
    return Facts(
        paths=tuple(map(path_facts, named_paths(config, Role.PAGES))),
        pages=PagesFacts(ledger, problem),
    )


def named_paths(config: Config, role: Role = Role.DAEMON) -> list[bytes]:
    """Return the paths of the configuration, of folders and secrets, and where syncd writes."""
    return list(
        dict.fromkeys(
            (
                *(os.fsencode(file.absolute()) for file in (config.path, *config.included)),
                *written_directories(config, role),
                *(folder.path for folder in config.folders.values()),
                *_secret_files(config, role),
            )
        )
    )


def written_directories(config: Config, role: Role) -> list[bytes]:
    """Return the directories in which syncd writes: of the ledger, and of the file of metrics."""
    files = [config.ledger.path]
    if role is Role.DAEMON and config.metrics.textfile is not None:
        files.append(config.metrics.textfile)
    return [os.fsencode(file.parent) for file in files]


def print_facts(
    path: Path, role: Role, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> None:
    """Print the facts as JSON.

    The process that asked for them holds the other end of stdin: this process ends with it.
    """
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        config = load(path, environ)
        is_daemon = role is Role.DAEMON
        found = find_facts(config, environ, hide) if is_daemon else pages_facts(config, environ)
    except ConfigError as error:
        files = dict.fromkeys((path, *(problem.file for problem in error.problems)))
        paths = tuple(path_facts(os.fsencode(file)) for file in files)
        found = Facts(paths=paths, problem=bounded(str(error)))
    sys.stdout.buffer.write(facts.encode(found))


def _other_shard(config: Config, known: Known | None) -> str:
    shard = config.ledger.shard
    if known is None or shard is None or not (others := shard.others(known.holding)):
        return ""
    return bounded(str(OtherShardError(str(config.ledger.path), shard, others)))


async def _contents(
    config: Config, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> Contents:
    ledger = ledger_facts(config.ledger.path)
    known = known_accounts(config.ledger.path, ledger)
    folders = [await asyncio.to_thread(folder_facts, one) for one in config.folders.values()]
    async with connect(config.graph.base_url, config.graph.version, config.graph.timeout) as client:
        accounts, changed = await account_facts(client, config, environ, hide, known)
    return Contents(
        ledger=ledger,
        folders=tuple(folders),
        accounts=accounts,
        changed=changed,
        other_shard=_other_shard(config, known),
        receivers=await asyncio.to_thread(receiver_facts, config, environ),
        metrics=await asyncio.to_thread(metrics_facts, config.metrics),
    )


def _secret_files(config: Config, role: Role) -> Iterator[bytes]:
    for source in _secrets(config, role):
        if isinstance(source, SecretFile):
            yield os.fsencode(source.path)


def _secrets(config: Config, role: Role) -> Iterator[SecretSource | None]:
    if role is Role.PAGES:
        yield config.web.token
        return
    for account in config.accounts.values():
        yield config.token_of(account)
        yield config.app_secret_of(account)
    yield from sources(config).values()


def _end_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
