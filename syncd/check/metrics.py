"""Facts about [metrics]: whether its address and its file can be used."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec
from pathlib import Path

from syncd.check.facts import MetricsFacts, bounded
from syncd.check.filesystem import permits
from syncd.config import MetricsConfig
from syncd.config.listen import Listen, SocketPath

_TIMEOUT = 3.0  # seconds
_OURS = b"\r\nServer: syncd\r\n"


def metrics_facts(config: MetricsConfig) -> MetricsFacts | None:
    """Examine what [metrics] names; None without it."""
    if config == MetricsConfig():
        return None
    textfile = config.textfile
    return MetricsFacts(
        has_library=find_spec("prometheus_client") is not None,
        address="" if config.listen is None else bounded(_problem_of(config.listen)),
        no_directory=textfile is not None and not textfile.parent.is_dir(),
        closed=textfile is not None and not permits(textfile.parent, os.W_OK | os.X_OK),
    )


def _problem_of(listen: Listen) -> str:
    """Return why an address cannot be used; empty if it can, or if syncd uses it already."""
    if isinstance(listen, SocketPath):
        return _problem_of_path(Path(listen.path), listen)
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        with socket.socket(family) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((listen.host, listen.port))
    except OSError as error:
        return "" if _is_served_by_syncd(listen) else (error.strerror or str(error)).lower()
    return ""


def _problem_of_path(path: Path, listen: Listen) -> str:
    if not path.parent.is_dir():
        return f"there is no {path.parent}"
    if not permits(path.parent, os.W_OK | os.X_OK):
        return f"no permission to write in {path.parent}"
    if os.path.lexists(path) and not path.is_socket():
        return "something that is not a socket is at this path"
    return "" if not _accepts(listen) or _is_served_by_syncd(listen) else "another program uses it"


def _accepts(listen: Listen) -> bool:
    try:
        _connected(listen).close()
    except OSError:
        return False
    return True


def _is_served_by_syncd(listen: Listen) -> bool:
    """Return whether a running syncd responds at an address, as the one that is checked may do."""
    try:
        with _connected(listen) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return _OURS in connection.recv(4096)
    except OSError:
        return False


def _connected(listen: Listen) -> socket.socket:
    if isinstance(listen, SocketPath):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_TIMEOUT)
        try:
            connection.connect(listen.path)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection((listen.host, listen.port), _TIMEOUT)
