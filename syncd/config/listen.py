"""Addresses: to listen on, an IP address with a port or a unix socket; networks; host names."""

import os
import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

from syncd.config.errors import InvalidValueError, quoted
from syncd.config.values import string, strings

_MAX_SOCKET_PATH = 107  # bytes; unix(7): sun_path has 108, the last one is NUL


class TcpAddress(msgspec.Struct, frozen=True):
    """An IP address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class SocketPath(msgspec.Struct, frozen=True):
    """The absolute path of a unix socket."""

    path: str

    def __str__(self) -> str:
        return self.path


Listen = TcpAddress | SocketPath
Network = IPv4Network | IPv6Network


def listen(value: object) -> Listen:
    """Parse an address to listen on; host names are not accepted: one can have many addresses."""
    given = string(value)
    fix = 'write an IP address and a port, such as "127.0.0.1:9464" or "[::1]:9464", or the'
    fix = f"{fix} absolute path of a unix socket"
    return _socket_path(given, fix) if given.startswith("/") else _tcp_address(given, fix)


def tcp_address(value: object) -> TcpAddress:
    """Parse an address to listen on that is not a unix socket."""
    fix = 'write an IP address and a port, such as "127.0.0.1:8780" or "[::1]:8780"'
    return _tcp_address(string(value), fix)


def _tcp_address(given: str, fix: str) -> TcpAddress:
    found = re.fullmatch(
        r"(?:\[(?P<ipv6>[^]]*)\]|(?P<ipv4>[^:]*)):(?P<port>\d{1,5})", given, re.ASCII
    )
    if found is None or not _is_address(found["ipv6"] or found["ipv4"], in_v6=bool(found["ipv6"])):
        raise InvalidValueError(f"{quoted(given)} is not an address", fix)
    port = int(found["port"])
    if not 1 <= port <= 65535:
        raise InvalidValueError(f"the port {port} is out of range", fix)
    return TcpAddress(found["ipv6"] or found["ipv4"], port)


def _socket_path(given: str, fix: str) -> SocketPath:
    parts = given.split("/")
    if "\0" in given or ".." in parts or parts[-1] in {"", "."}:
        raise InvalidValueError(f"{quoted(given)} is not the path of a socket", fix)
    if len(os.fsencode(given)) > _MAX_SOCKET_PATH:
        raise InvalidValueError(
            f"{quoted(given)} is longer than the {_MAX_SOCKET_PATH} bytes that a unix socket's path"
            " can have",
            fix,
        )
    return SocketPath(given)


def _is_address(host: str, *, in_v6: bool) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address) is in_v6
    except ValueError:
        return False


def networks(value: object) -> tuple[Network, ...]:
    """Parse an array of IP addresses and networks."""
    return tuple(_network(one) for one in strings(value))


def _network(given: str) -> Network:
    try:
        return ip_network(given, strict=False)
    except ValueError:
        fix = 'write IP addresses or networks, such as ["127.0.0.1", "10.0.0.0/8"]'
        raise InvalidValueError(f"{quoted(given)} is not an IP address or network", fix) from None


def host_names(value: object) -> tuple[str, ...]:
    """Parse an array of host names or IP addresses, without ports; in lower case."""
    fix = 'write names without scheme and port, such as ["library.example.com"]'
    names = tuple(one.lower() for one in strings(value))
    for name in names:
        is_name = re.fullmatch(r"[0-9a-z]([0-9a-z_.-]*[0-9a-z])?", name)
        if not is_name and not _is_address(name, in_v6=True):
            raise InvalidValueError(f"{quoted(name)} is not a host name", fix)
    return names
