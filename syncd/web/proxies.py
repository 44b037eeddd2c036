"""Requests that reverse proxies pass on: the address of their client, and whether it uses TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from syncd.config.listen import Network


def client_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return the address of the client of a request.

    `peer` is the other end of the connection, `forwarded` the header X-Forwarded-For, to which each
    proxy adds the address that it received the request from. The addresses before the one that the
    first trusted proxy has added can be forged.
    """
    client = peer
    for address in reversed([one.strip() for one in forwarded.split(",")]):
        if not is_proxy(client, proxies) or not _is_address(address):
            break
        client = address
    return client


def is_proxy(address: str, proxies: Sequence[Network]) -> bool:
    """Return whether an address is that of a proxy whose headers are trusted."""
    if not _is_address(address):
        return False
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in proxies)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
