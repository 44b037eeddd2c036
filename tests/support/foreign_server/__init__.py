"""A second Graph API with unusual behaviour, written from the reference pages alone.

It shares nothing with syncd or its sandbox: bare sockets, hand-made HTTP, and a multipart parser
that follows RFC 7578 and RFC 2046 exactly. A client's mistake on the wire is recorded as a
complaint; the form of responses is a `Behaviour`.
"""

from support.foreign_server.behaviours import (
    Behaviour,
    Break,
    Key,
    Reply,
    bad_entry,
    error,
    full,
    throttle,
    usage,
)
from support.foreign_server.server import Call, ForeignServer, sha256
from support.foreign_server.uploads import Post

__all__ = [
    "Behaviour",
    "Break",
    "Call",
    "ForeignServer",
    "Key",
    "Post",
    "Reply",
    "bad_entry",
    "error",
    "full",
    "sha256",
    "throttle",
    "usage",
]
