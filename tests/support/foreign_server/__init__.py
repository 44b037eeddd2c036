"""A second Graph API, of habits nobody expects, written from the reference pages alone.

It shares nothing with syncd and nothing with its sandbox: bare sockets, hand-made HTTP, a multipart
parser that follows RFC 7578 and RFC 2046 to the letter. What a client does wrong on the wire is a
complaint; what an answer looks like is a habit.
"""

from support.foreign_server.behaviours import (
    Break,
    Habits,
    Key,
    Reply,
    bad_entry,
    error,
    full,
    throttle,
    usage,
)
from support.foreign_server.server import Call, Stranger, sha256
from support.foreign_server.uploads import Post

__all__ = [
    "Break",
    "Call",
    "Habits",
    "Key",
    "Post",
    "Reply",
    "Stranger",
    "bad_entry",
    "error",
    "full",
    "sha256",
    "throttle",
    "usage",
]
