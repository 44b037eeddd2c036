"""Events of images: uploads, copies and deletions."""

from __future__ import annotations

from syncd.logs.catalogue.event import DETAILS, Event

IMAGES = (
    Event(
        "deletion.unconfirmed",
        ("info",),
        ("account", "file", "hash"),
        "the account still lists an image after a DELETE; the deletion is repeated at"
        " growing intervals",
    ),
    Event(
        "deletion.withdrawn",
        ("info",),
        ("file", "folder"),
        "a file needs a condemned image again: the image is kept",
    ),
    Event(
        "deletions.held",
        ("error",),
        ("files", "folder", "images", "remedy"),
        "more images would be deleted at once than `deletions.hold_above` allows: none is deleted"
        " until you decide",
        "run `syncd deletions`, then approve or dismiss them, as the field `remedy` says",
        ended_by=("deletions.settled",),
    ),
    Event(
        "deletions.settled",
        ("notice",),
        ("duration", "folder", "why"),
        "no deletion of the folder needs a decision any longer: they were approved or dismissed,"
        " or none is left, as `why` says",
    ),
    Event(
        "image.copied",
        ("info",),
        ("account", "file", "hash", "sha256", "source"),
        "the account holds the image, under this hash: it was copied from `source` without an"
        " upload",
    ),
    Event(
        "image.deleted",
        ("info",),
        ("account", "file", "hash"),
        "an image was deleted from the account after its last file was deleted; the account has"
        " confirmed it",
    ),
    Event(
        "image.given_up",
        ("warning",),
        ("account", "file", "sha256", "tries", "why"),
        "the backfill stopped retrying an image; the next backfill tries it again",
    ),
    Event(
        "image.held",
        ("info",),
        ("account", "file", "hash", "sha256"),
        "the account holds the image, under this hash",
    ),
    Event(
        "image.inactive",
        ("warning",),
        ("account", "hash", "status"),
        "an audit found that the status of a held image is not ACTIVE",
    ),
    Event(
        "image.kept",
        ("info",),
        ("account", "file", "hash", "why"),
        "a condemned image stays in the account, for now or permanently, as `why` says",
    ),
    Event(
        "image.lost",
        ("warning",),
        ("account", "file", "hash", "sent_again"),
        "an audit found that the account no longer has a held image; `sent_again` is true if it is"
        " now missing and will be sent (`audit.restore`)",
    ),
    Event(
        "image.rejected",
        ("warning",),
        ("account", *DETAILS, "file", "sha256", "why"),
        "the account rejected the image; it is not sent again unless its content changes",
        "fix the file, or run `syncd retry --rejected` to send it once more",
    ),
    Event(
        "image.renamed",
        ("info",),
        ("account", "hash", "name", "previous_name"),
        "an audit found that an image has a different name in the account",
    ),
    Event(
        "image.retrying",
        ("info",),
        ("account", *DETAILS, "file", "sha256", "tries", "why"),
        "sending an image failed; it is retried after a delay. `file` is null if its last file has"
        " just gone, or was not looked up. Not logged while calls for different"
        " images fail: `account.failing` reports that",
    ),
    Event(
        "images.marked",
        ("notice",),
        ("folder", "images"),
        "`images` more images are no longer needed by any file; they leave the accounts after the"
        " grace period",
    ),
    Event(
        "mirror.removed",
        ("notice",),
        ("account", "folder", "note"),
        "the folder's images are no longer sent to this account; those it has stay there",
    ),
    Event(
        "upload.done",
        ("debug",),
        ("account", "bytes", "images", "seconds", "usage_percent"),
        "the API responded to a POST",
    ),
    Event(
        "upload.split",
        ("info",),
        ("account", "images", "why"),
        "a POST with several images was rejected; it is split in halves until the bad image is"
        " alone",
    ),
)
