"""Ports of this machine."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that no process uses now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as bound:
        bound.bind((host, 0))
        return int(bound.getsockname()[1])
