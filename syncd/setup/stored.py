"""The files in /etc/credstore from which systemd takes the credentials of a configuration."""

from __future__ import annotations

from pathlib import Path

import msgspec

from syncd.config import Config, Credential, SecretFile, SecretSource


def with_stored_credentials(config: Config, token: Path) -> Config:
    """Return the configuration with a file in place of each credential.

    `token` is the file of the credential syncd.token. The file of any other is named like it.
    """

    def stored(source: SecretSource | None) -> SecretSource | None:
        match source:
            case Credential("syncd.token"):
                return SecretFile(str(token))
            case Credential(name):
                return SecretFile(str(token.with_name(name)))
            case _:
                return source

    graph = msgspec.structs.replace(
        config.graph, token=stored(config.graph.token), app_secret=stored(config.graph.app_secret)
    )
    accounts = {
        name: msgspec.structs.replace(
            one, token=stored(one.token), app_secret=stored(one.app_secret)
        )
        for name, one in config.accounts.items()
    }
    return msgspec.structs.replace(
        config,
        graph=graph,
        accounts=accounts,
        notify=tuple(msgspec.structs.replace(one, url=stored(one.url)) for one in config.notify),
        ping=msgspec.structs.replace(config.ping, url=stored(config.ping.url)),
    )
