"""`syncd web`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Annotated

import typer

from syncd.cli.console import print_line
from syncd.cli.errors import Exit, fail
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath
from syncd.config import Config, Secret, SecretError, WebConfig, read_secret
from syncd.config.errors import InvalidValueError
from syncd.config.listen import TcpAddress, tcp_address
from syncd.logs.setup import configure_logs


def web(
    config: ConfigPath = DEFAULT_CONFIG,
    address: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="ADDRESS:PORT",
            help="The address to serve at. By default, web.listen in the configuration, which is"
            " 127.0.0.1:8780 unless set.",
        ),
    ] = None,
) -> None:
    """Serve pages about the image library: which image is in which account, or why it is not.

    They show accounts, folders, pictures and hashes, can be searched, and save hashes as CSV. It
    only reads the ledger and the files, and works while the daemon runs. It serves until Ctrl-C or
    SIGTERM, and needs a restart after a change of the configuration.

    An address other than this machine's own needs a password: see [web] in the configuration. The
    pages are sent without encryption: put a reverse proxy with TLS before them.
    """
    settings = load_config(config)
    place = settings.web.listen if address is None else _place(address)
    password = _password(settings)
    from syncd.web.access import Access, is_loopback  # noqa: PLC0415  slow to import
    from syncd.web.app import App  # noqa: PLC0415  slow to import
    from syncd.web.server import Server, serve_until_stopped  # noqa: PLC0415  slow to import

    if password is None and not is_loopback(place.host):
        fail(
            f"{place} can be reached by others, and [web] has no password: write"
            ' token = { file = "/etc/syncd/web-password" } under [web], or listen at'
            f" {WebConfig().listen}",
            Exit.CONFIGURATION,
        )
    configure_logs(settings.log.level, settings.log.format, sys.stderr)
    app = App(settings, config, Access(password, time.time, settings.web.hosts))
    server = Server(app, place.host, place.port, settings.web.proxies)
    try:
        asyncio.run(serve_until_stopped(server, _print_address))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        fail(f"cannot listen at {place}: {why}", Exit.UNAVAILABLE)


def _print_address(url: str) -> None:
    print_line(f"the library is at {url}", flush=True)


def _place(address: str) -> TcpAddress:
    try:
        place = tcp_address(
            address.removesuffix(":0") + ":1" if address.endswith(":0") else address
        )
    except InvalidValueError as error:
        fail(f"--listen: {error.message}; {error.fix}", Exit.USAGE)
    return TcpAddress(place.host, 0) if address.endswith(":0") else place


def _password(settings: Config) -> Secret | None:
    source = settings.web.token
    if source is None:
        return None
    try:
        return read_secret(source, settings.environ_for(source, os.environ))
    except SecretError as error:
        fail(f"[web] token: {error}", Exit.CONFIGURATION)
