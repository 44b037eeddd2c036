"""The run of all checks, in the order in which an operator would fix what they find."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from syncd.check.fixes import with_fix
from syncd.check.folders import check_folder, check_watch_limit
from syncd.check.ledger import check_ledger
from syncd.check.perspective import Perspective
from syncd.check.result import Check, CheckedPath, bad, ok
from syncd.check.token_access import ReadSecret, secret_reader, secrets_from_systemd
from syncd.check.tokens import check_tokens
from syncd.check.unit_sandbox import bind_mount_above
from syncd.check.user import run_as
from syncd.config import Config, FolderConfig, Secret
from syncd.graph.client import connect
from syncd.model import FolderName

FolderPaths = Mapping[FolderName, bytes]
"""The path at which the user reaches a folder, where that differs from the configured one."""


def check_all(
    config: Config,
    perspective: Perspective,
    environ: Mapping[str, str],
    hide: Callable[[Secret], None],
    inotify: Path,
) -> list[Check]:
    """Run the checks as the user of the perspective.

    Reasons and fixes for what that user cannot access are then found by this process itself.
    """
    unit, root = perspective.unit, os.geteuid() == 0
    from_systemd = {} if unit is None else secrets_from_systemd(config, unit, root=root)
    read = secret_reader(from_systemd, environ, hide)
    with _open_bind_mounts(config, perspective) as paths:
        checks = run_as(
            perspective.user,
            lambda: asyncio.run(_check(config, perspective, paths, read, inotify)),
        )
    return [with_fix(check, config, perspective) for check in checks]


async def _check(
    config: Config,
    perspective: Perspective,
    paths: FolderPaths,
    read: ReadSecret,
    inotify: Path,
) -> Sequence[Check]:
    """Return what the user of this process can see."""
    unit = perspective.unit
    state_directory = None if unit is None else unit.state_directory
    checks = [
        _user(perspective),
        _check_configuration(config),
        check_ledger(config.ledger.path, perspective.user, state_directory),
    ]
    directories = 0
    for name, folder in config.folders.items():
        path = paths.get(name, folder.path)
        check, count = await asyncio.to_thread(check_folder, folder, path)
        checks.append(check)
        directories += count
    checks.append(check_watch_limit(inotify, directories, len(config.folders)))
    async with connect(config.graph.base_url, config.graph.version, config.graph.timeout) as client:
        checks += await check_tokens(client, config, read)
    return checks


def _user(perspective: Perspective) -> Check:
    user, unit = perspective.user, perspective.unit
    if unit is None:
        return ok("user", user.name)
    if user.name == unit.user:
        return ok("user", f"{user.name}, the user of {unit.name}")
    return ok("user", f"{user.name}; {unit.name} runs as {unit.user}")


def _check_configuration(config: Config) -> Check:
    subject, path = "configuration", config.path
    checked = CheckedPath(os.fsencode(path.absolute()), denied=not os.access(path, os.R_OK))
    return (bad if checked.denied else ok)(subject, str(path), path=checked)


@contextmanager
def _open_bind_mounts(config: Config, perspective: Perspective) -> Iterator[FolderPaths]:
    """Open the folders that the unit bind-mounts, and return paths to them.

    The service reaches these without the permissions of the directories above them.
    """
    descriptors: dict[FolderName, int] = {}
    try:
        for name, folder in config.folders.items():
            if _is_bind_mounted(perspective, folder):
                try:
                    descriptors[name] = os.open(folder.path, os.O_PATH | os.O_DIRECTORY)
                except OSError:
                    continue  # the check of the folder reports it
        yield {name: b"/proc/self/fd/%d" % number for name, number in descriptors.items()}
    finally:
        for number in descriptors.values():
            os.close(number)


def _is_bind_mounted(perspective: Perspective, folder: FolderConfig) -> bool:
    if perspective.unit is None:
        return False
    real = os.fsdecode(os.path.realpath(folder.path))
    return bind_mount_above(perspective.unit.sandbox, real) is not None
