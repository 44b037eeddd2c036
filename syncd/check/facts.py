"""Facts: what a process found when it opened everything that the configuration names.

A process of the service's user sends them to root as JSON, so they are typed and bounded. They are
trusted as little as that user: commands, and the paths in these, come from the configuration and
from what root finds itself. A text is only shown.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

import msgspec

from syncd.model import printable
from syncd.rules.errors import ApiError

MAX_TEXT = 500
"""Characters of a text that the API, SQLite or the system worded."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Name = Annotated[str, msgspec.Meta(max_length=255)]
Path = Annotated[bytes, msgspec.Meta(max_length=2 * 4096)]  # in base64; PATH_MAX is 4,096
Number = Annotated[int, msgspec.Meta(ge=0)]


class Step(msgspec.Struct, frozen=True):
    """A directory that the resolution of a path passes through, or its target."""

    path: Path
    device: Number
    inode: Number


class PathFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The resolution of a path, links followed, and the access to its last step.

    `error` is the errno that ended the resolution before the target, or 0. `read_only` when the
    last step is on a read-only mount.
    """

    path: Path
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=1000)]
    error: Number
    readable: bool
    read_only: bool
    directory: bool

    @property
    def last(self) -> Step:
        return self.steps[-1]


LedgerFile = Literal["", "-shm", "-wal"]


class LedgerState(Enum):
    """The outcome of an examination of the ledger's path."""

    SOUND = "sound"
    """It can be used, or created in its directory."""
    NO_DIRECTORY = "no_directory"
    CLOSED = "closed"
    """The directory cannot be entered or written."""
    FILE_CLOSED = "file_closed"
    UNUSABLE = "unusable"
    OUTDATED = "outdated"
    """The next start migrates it."""
    FULL = "full"


class LedgerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the ledger.

    `closed` are the ends of the names of its files that cannot be written; `free` is in bytes.
    """

    state: LedgerState
    there: bool = False
    closed: Annotated[tuple[LedgerFile, ...], msgspec.Meta(max_length=3)] = ()
    free: Number = 0
    problem: Text = ""


class FolderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a folder, and what could not be read in it.

    `failure` is the reason for which the folder itself cannot be read, unless it is denied.
    """

    name: Name
    failure: Text = ""
    files: Number = 0
    directories: Number = 0
    skipped: Annotated[dict[Name, Number], msgspec.Meta(max_length=100)]
    denied: Number = 0
    first_denied: Path = b""
    troubles: Number = 0
    first_trouble: Path = b""
    trouble: Text = ""


class Node(msgspec.Struct, frozen=True, tag="node"):
    """The user of a token, or an account, as the API returned it."""

    id: Text
    name: Text | None
    status: int | None
    business: Text | None = None
    """The name of the business that owns an account."""

    def __str__(self) -> str:
        of = f", of {self.business}" if self.business else ""
        return f"{self.name or self.id}{of}"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The validity of a token, as the API reports it."""

    app: Text | None
    expires_at: Annotated[float, msgspec.Meta(ge=0, lt=253402300800)] | None
    """Unix seconds, before the year 10000; None if it does not expire, or that is not known."""
    missing: Annotated[tuple[Text, ...], msgspec.Meta(max_length=10)]
    """The needed permissions that it does not have."""


class Unsent(msgspec.Struct, frozen=True, tag="unsent"):
    """No call was made, because a token or app secret cannot be read."""

    problem: Text


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The API rejected a call, or no response arrived."""

    status: int | None
    code: int | None
    subcode: int | None
    transient: bool
    message: Text

    @property
    def error(self) -> ApiError:
        return ApiError(
            status=self.status,
            code=self.code,
            subcode=self.subcode,
            transient=self.transient,
            message=self.message,
        )

    @property
    def has_no_response(self) -> bool:
        return self.status is None and self.code is None


CallFacts = Node | Unsent | Failed


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The results for an account; `token` is None when an earlier account has the same token."""

    name: Name
    token: CallFacts | None
    grant: Grant | None = None
    """None as `token` is, and when the API does not report it."""
    account: CallFacts
    images: Number | None = None
    """The images in an account of which the ledger has none; None for another account."""


class RouteFacts(msgspec.Struct, frozen=True):
    """A folder whose own account has another id in the configuration than in the ledger."""

    folder: Name
    before: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,20}$")]
    account: CallFacts
    """The account that the folder had before, with the token of the new one."""


class ReceiverFacts(msgspec.Struct, frozen=True):
    """A receiver of notifications, or the monitor of [ping], and why it cannot be notified."""

    name: Name
    problem: Text = ""


class MetricsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The state of what [metrics] names."""

    has_library: bool  # prometheus-client is installed
    address: Text  # why it cannot be used; empty if it can, or if none is configured
    no_directory: bool  # that of the file does not exist
    closed: bool  # that of the file cannot be entered or written


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about everything that the configuration names."""

    ledger: LedgerFacts
    folders: tuple[FolderFacts, ...]
    accounts: tuple[AccountFacts, ...]
    changed: tuple[RouteFacts, ...] = ()
    other_shard: Text = ""
    """Why no start is possible with the accounts of another shard in the ledger."""
    receivers: tuple[ReceiverFacts, ...] = ()
    metrics: MetricsFacts | None = None
    """None where the configuration has no [metrics]."""


class PagesFacts(msgspec.Struct, frozen=True):
    """The facts about what `syncd web` opens; `password` is why its password cannot be read."""

    ledger: LedgerFacts
    password: Text = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts that one process found.

    `contents` is that of the daemon, `pages` that of `syncd web`. Both are None when the process
    could not load the configuration, and `problem` is the reason.
    """

    paths: tuple[PathFacts, ...]
    contents: Contents | None = None
    pages: PagesFacts | None = None
    problem: Text = ""

    def at(self, path: bytes) -> PathFacts | None:
        return next((found for found in self.paths if found.path == path), None)


def encode(facts: Facts) -> bytes:
    return msgspec.json.encode(facts)


def decode(content: bytes) -> Facts:
    """Return facts from another process.

    Raises msgspec.DecodeError for anything else than facts.
    """
    return _DECODER.decode(content)


def bounded(text: str) -> str:
    """Return a text as `Text` requires it."""
    return printable(text)[:MAX_TEXT]


_DECODER = msgspec.json.Decoder(Facts)
